"""The report's tables of policies that are sampled or asked in another way than in training."""

from collections.abc import Mapping, Sequence

from distalign.cells import average, display, mean_over_seeds
from distalign.score import Metrics
from distalign.tables import Entry, Table, interval, number

COLUMNS = {
    "mae": "MAE",
    "floor": "Floor",
    "ratio": "Ratio",
    "validity": "Valid",
    "fidelity": "Fidelity",
    "internal_mae": "Internal MAE",
}


def decoding_table(
    cells: Mapping[tuple[str, str], Sequence[Mapping[str, Metrics]]], coordinated: set[str]
) -> Table:
    """Each variant of the stage `decoding` under its own name, means over seeds.

    Args:
        cells: (dataset, method) -> one mapping of variants to metrics a seed.
        coordinated: variants whose rounds are drawn together. The floor is that of
            independent rounds, and is left out for them.
    """
    rows = []
    for (dataset, method), seeds in cells.items():
        for variant in seeds[0]:
            mean = mean_over_seeds([seed[variant] for seed in seeds])
            if variant in coordinated:
                mean |= {"floor": None, "ratio": None}
            rows.append([*map(Entry, (display(dataset), display(method), variant)), *_row(mean)])
    return Table(
        "Other ways of sampling", ["Data set", "Method", "Variant", *COLUMNS.values()], rows
    )


def transfer_table(cells: Mapping[tuple[str, str, str], Sequence[Metrics]]) -> Table:
    """The paper's table 7: (method, trained, tested) -> metrics a seed; means over seeds."""
    rows = [
        [*map(Entry, map(display, place)), *_row(mean_over_seeds(seeds))]
        for place, seeds in cells.items()
    ]
    columns = ["Method", "Trained on", "Asked about", *COLUMNS.values()]
    return Table("Contexts that training has not seen", columns, rows)


STORY_COLUMNS = {
    "corrected_floor": "Corrected floor",
    "bound_low": "Least",
    "bound_high": "Greatest",
    "perplexity": "Perplexity",
    "distinct_1": "Distinct-1",
    "distinct_2": "Distinct-2",
    "words": "Words",
}


def stories_table(cells: Mapping[tuple[str, str], Sequence[Metrics]]) -> Table:
    """(dataset, method) -> the stage `stories`' metrics a seed; means over seeds.

    Perplexity is the base model's.
    """
    rows = []
    for place, seeds in cells.items():
        mean = mean_over_seeds(seeds)
        texts = [*map(display, place), number(mean.get("corrected_mae"))]
        texts.append(interval(mean, "corrected") or "–")
        texts += [number(mean.get(key)) for key in STORY_COLUMNS]
        rows.append([*map(Entry, texts)])
    columns = ["Data set", "Method", "Corrected MAE", "Interval", *STORY_COLUMNS.values()]
    return Table("Stories: corrected for the judge, and the language", columns, rows)


def _row(mean: Metrics) -> list[Entry]:
    return [Entry(number(average([mean.get(key)]))) for key in COLUMNS]
