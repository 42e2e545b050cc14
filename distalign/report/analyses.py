"""The report's tables of policies that are sampled or asked in another way than in training."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from distalign.report.cells import (
    Cell,
    Measured,
    average,
    display,
    display_dataset,
    mean_over_seeds,
    measured,
)
from distalign.report.tables import Entry, Table, interval, mae_marks, number
from distalign.statistics.score import Metrics

COLUMNS = {
    "mae": "MAE",
    "floor": "Floor",
    "ratio": "Ratio",
    "validity": "Valid",
    "fidelity": "Fidelity",
    "internal_mae": "Internal MAE",
}


def decoding_table(cells: Mapping[tuple[str, str], Measured], coordinated: set[str]) -> Table:
    """Each variant of the stage `decoding` under its own name, means over seeds.

    Args:
        cells: (dataset, method) -> of each seed, a mapping of variants to metrics.
        coordinated: variants whose rounds are drawn together. The floor is that of
            independent rounds, and is left out for them.
    """
    rows = []
    for (dataset, method), group in cells.items():
        for variant in group.seeds[0]:
            mean = mean_over_seeds([seed[variant] for seed in group.seeds])
            if variant in coordinated:
                mean |= {"floor": None, "ratio": None}
            names = display_dataset(dataset), display(method), variant
            rows.append([*map(Entry, names), *_row(mean, group.link)])
    columns = ["Data set", "Method", "Variant", *COLUMNS.values()]
    return Table("Other ways of sampling", columns, rows)


def transfer_table(cells: Mapping[tuple[str, str, str], Measured]) -> Table:
    """More of table 7: (method, trained, tested) -> metrics; means over seeds."""
    rows = [
        [*map(Entry, map(display, place)), *_row(mean_over_seeds(group.seeds), group.link)]
        for place, group in cells.items()
    ]
    columns = ["Method", "Trained on", "Asked about", *COLUMNS.values()]
    return Table("Contexts that training has not seen, all measures", columns, rows)


FORMS = {"ours": "digits"} | {f"ours_{form}": form for form in ("nouns", "pronouns", "added")}
"""Methods that differ in their steering tokens alone -> the form of these."""
STORY_COLUMNS = {
    "corrected_floor": "Corrected floor",
    "bound_low": "Least",
    "bound_high": "Greatest",
    "perplexity": "Perplexity",
    "distinct_1": "Distinct-1",
    "distinct_2": "Distinct-2",
    "words": "Words",
}


def stories_table(cells: Mapping[tuple[str, str], Measured]) -> Table:
    """(dataset, method) -> the stage `stories`' metrics a seed; means over seeds.

    Perplexity is the base model's.
    """
    rows = []
    for place, group in cells.items():
        mean = mean_over_seeds(group.seeds)
        row = [*map(Entry, map(display, place))]
        row.append(Entry(number(mean.get("corrected_mae")), link=group.link))
        row.append(Entry(interval(mean, "corrected") or "–"))
        rows.append([*row, *(Entry(number(mean.get(key))) for key in STORY_COLUMNS)])
    columns = ["Data set", "Method", "Corrected MAE", "Interval", *STORY_COLUMNS.values()]
    return Table("Stories: corrected for the judge, and the language", columns, rows)


def surface_groups(cells: Sequence[Cell]) -> dict[tuple[str, str], Measured]:
    """What table 6 compares: (dataset, form) -> metrics, of data sets with more than one form.

    Args:
        cells: of one model, training and setting.
    """
    groups = {(d, FORMS[m]): group for (d, m), group in measured(cells).items() if m in FORMS}
    times = Counter(dataset for dataset, _ in groups)
    return {place: group for place, group in groups.items() if times[place[0]] > 1}


def capability_means(
    cells: Mapping[tuple[str, str], Measured],
) -> dict[tuple[str, str], dict[tuple[str, str], tuple[float, float | None]]]:
    """Each metric of each task with its standard error, of the harness; means over seeds.

    Args:
        cells: (dataset, method) -> tasks with metrics, of each seed.

    Returns:
        (task, metric) -> (dataset, method) -> value, and its standard error if it has one.
    """
    shown = dict.fromkeys(
        (task, key)
        for group in cells.values()
        for task, metrics in group.seeds[0].items()
        for key in metrics
        if "_stderr" not in key
    )
    means = {
        policy: {
            task: mean_over_seeds([seed[task] for seed in group.seeds]) for task in group.seeds[0]
        }
        for policy, group in cells.items()
    }
    return {
        (task, key): {
            policy: (tasks[task][key], tasks[task].get(_error_of(key)))
            for policy, tasks in means.items()
        }
        for task, key in shown
    }


def capabilities_table(cells: Mapping[tuple[str, str], Measured]) -> Table:
    """Table 5 on the tasks that were run: (dataset, method) -> tasks with metrics, over seeds.

    A metric's standard error stands beside it.
    """
    means = capability_means(cells)
    rows = []
    for place, group in cells.items():
        row = [*map(Entry, map(display, place))]
        for value, error in (by_policy[place] for by_policy in means.values()):
            text = number(value) + (f" ± {number(error)}" if error is not None else "")
            row.append(Entry(text, link=group.link))
        rows.append(row)
    columns = ["Trained on", "Method", *(f"{task}: {key}" for task, key in means)]
    title = "Table 5: general capabilities, and perplexity of ordinary text (± standard error)"
    return Table(title, columns, rows)


def _error_of(key: str) -> str:
    """The harness's name for a metric's standard error: metric_stderr,filter."""
    metric, comma, name = key.partition(",")
    return f"{metric}_stderr{comma}{name}"


def _row(mean: Metrics, link: str) -> list[Entry]:
    """COLUMNS; the first number leads to where they were read."""
    first, *others = (Entry(number(average([mean.get(key)]))) for key in COLUMNS)
    return [replace(first, link=link, marks=mae_marks(mean)), *others]
