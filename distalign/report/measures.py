"""The report's tables of each cell's measures: the first table, all of them, and over seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from distalign.report.cells import (
    MEASURES,
    Cell,
    Matrix,
    average,
    by_place,
    display,
    display_dataset,
    mean_over_seeds,
    measured,
    over_seeds,
    section_title,
)
from distalign.report.kept import KEPT, kept_texts
from distalign.report.tables import (
    BELOW_FLOOR,
    DOUBTFUL,
    Entry,
    Table,
    interval,
    is_credible,
    mae_marks,
    number,
    percent,
    training_spread,
)
from distalign.statistics.score import Metrics

CLOSENESS = ["Expected MAE (floors)", "True deviation", "MAE drawn", "Floor", "Excess", "Ratio"]
SOUNDNESS = ["Valid", "Fidelity"]


def level(metrics: Metrics) -> float | None:
    """How far a cell is from its target in floors; without luck where it draws tokens."""
    expected = metrics.get("expected_ratio")
    return metrics.get("ratio") if expected is None else expected


def first_table(cells: Sequence[Cell], matrix: Matrix) -> Table:
    """Closeness to the target, soundness, and what is kept of the base model; a row a method.

    Numbers are means over seeds. Strong is, in each data set, the least MAE of what
    `is_credible`: the expected one where tokens are drawn, as it has no luck, else the drawn
    one; the same three digits share it. After several data sets come the means over them, of
    methods that have a number in all.
    """
    groups = by_place(cells)
    rows = []
    for dataset in matrix.datasets:
        means = {m: mean_over_seeds(_metrics(groups[dataset, m])) for m in matrix.methods}
        best = least(means.values())
        for method, mean in means.items():
            rows.append(_row(groups[dataset, method], mean, best))
    if len(matrix.datasets) > 1:
        rows += _averages(groups, matrix)
    title = f"Closeness to the target, and what is kept: {section_title(cells[0])}"
    if len(matrix.seeds) > 1:
        title += f", means over {len(matrix.seeds)} training seeds"
    return Table(title, ["Data set", "Method", *CLOSENESS, *SOUNDNESS, *KEPT], rows)


def least(cells: Iterable[Metrics]) -> str:
    """Three digits of the least MAE without luck, of the cells that are credible."""
    found = [number(_without_luck(m)) for m in cells if is_credible(m)]
    return min((text for text in found if text != "–"), default="none")


def _metrics(seeds: Sequence[Cell]) -> list[Metrics]:
    return [cell.metrics for cell in seeds]


def _without_luck(metrics: Metrics) -> float | None:
    expected = metrics.get("expected_mae")
    return metrics.get("mae") if expected is None else expected


def _row(seeds: Sequence[Cell], mean: Metrics, best: str) -> list[Entry]:
    first = seeds[0]
    (group,) = measured(seeds).values()
    strong = is_credible(mean) and number(_without_luck(mean)) == best
    expected = mean.get("expected_mae")
    drawn = Entry(number(mean.get("mae")), strong and expected is None, group.link)
    if mean.get("mae") is None:
        drawn = Entry("none valid" if mean["n_rounds"] else "–")
    spread = training_spread("mae", "mae_t", group.seeds)
    deviation, bounds = true_deviation(group.seeds)
    return [
        Entry(display_dataset(first.dataset)),
        Entry(display(first.method)),
        _expected(expected, mean.get("expected_ratio"), strong and expected is not None),
        Entry(f"{number(deviation)} {bounds}".rstrip()),
        replace(drawn, text=f"{drawn.text} {spread}".rstrip(), marks=mae_marks(mean)),
        *(Entry(number(mean.get(key))) for key in ("floor", "excess")),
        Entry(number(mean.get("ratio")), marks=BELOW_FLOOR * (BELOW_FLOOR in mae_marks(mean))),
        *(_share(mean.get(key)) for key in ("validity", "fidelity")),
        *map(Entry, kept_texts([cell.retention for cell in seeds])),
    ]


def _expected(mae: float | None, floors: float | None, strong: bool = False) -> Entry:
    """The expected MAE, and how many floors of a perfect sampler that is."""
    if mae is None or floors is None:
        return Entry(number(mae), strong)
    return Entry(f"{mae:.3f} ({floors:.2f})", strong, marks=BELOW_FLOOR if floors < 1 else "")


def true_deviation(seeds: Sequence[Metrics]) -> tuple[float | None, str]:
    """What infinitely many rounds would leave, of the tokens or the answers, and how sure it is:
    one seed's interval, several seeds' standard deviation.
    """
    mean = mean_over_seeds(seeds)
    kind = "deviation" if mean.get("token_deviation") is None else "token_deviation"
    return mean.get(kind), training_spread(kind, kind, seeds)


def _share(value: float | None) -> Entry:
    doubtful = value is not None and not is_credible({"validity": value})
    return Entry(percent(value), marks=DOUBTFUL if doubtful else "")


def _averages(groups: dict[tuple[str, str], list[Cell]], matrix: Matrix) -> list[list[Entry]]:
    """Means over all data sets; a ratio is that of the means."""
    rows = []
    for method in matrix.methods:
        seeds = [_metrics(groups[name, method]) for name in matrix.datasets]
        means = list(map(mean_over_seeds, seeds))
        if any(mean.get("mae") is None for mean in means):
            continue
        mae, floor = (average([mean.get(key) for mean in means]) for key in ("mae", "floor"))
        deviation = [true_deviation(own)[0] for own in seeds]
        marks = mae_marks({"mae": mae, "floor": floor})
        below = marks
        if not all(map(is_credible, means)):
            marks += DOUBTFUL
        row = [Entry(f"Mean of {len(means)}"), Entry(display(method))]
        row.append(_mean_expected(means))
        row.append(Entry(number(None if None in deviation else average(deviation))))
        row += [Entry(number(mae), marks=marks), Entry(number(floor)), Entry(number(mae - floor))]
        row.append(Entry(number(mae / floor if floor else None), marks=below))
        rows.append(row + [Entry("–")] * len([*SOUNDNESS, *KEPT]))
    return rows


def _mean_expected(means: Sequence[Metrics]) -> Entry:
    """Of several data sets, as a ratio of means; a dash where one of them has no tokens."""
    if any(mean.get("expected_floor") is None for mean in means):
        return Entry("–")
    mae, floor = (average([mean[f"expected_{key}"] for mean in means]) for key in ("mae", "floor"))
    return _expected(mae, mae / floor if floor else None)


def seeds_table(cells: Sequence[Cell]) -> Table:
    """Mean, standard deviation and range over seeds of MEASURES, of the cells that apply."""
    rows = []
    for (dataset, method), group in by_place(cell for cell in cells if cell.applies).items():
        entries = [*map(Entry, (display_dataset(dataset), display(method), str(len(group))))]
        for row in over_seeds(_metrics(group)).itertuples():
            spread = f"{number(row.mean)} ± {number(row.sd)}"
            text = f"{spread} [{number(row.min)}, {number(row.max)}]"
            below = row.Index == "ratio" and row.mean < 1
            marks = BELOW_FLOOR if below else ""
            entries.append(Entry("–") if np.isnan(row.mean) else Entry(text, marks=marks))
        rows.append(entries)
    columns = ["Data set", "Method", "Seeds", *MEASURES.values()]
    return Table("Over seeds: mean ± standard deviation [least, most]", columns, rows)


def detail_table(cells: Sequence[Cell]) -> Table:
    """Everything measured in each cell, and where its metrics file is."""
    rows = []
    for cell in cells:
        m = cell.metrics
        names = [display(cell.method), str(cell.seed)]
        texts = [number(m.get("mae_sd")), interval(m, "mae_ci") or "–"]
        texts += [interval(m, "expected_mae") or "–"]
        texts += [number(m.get(key)) for key in ("internal_mae", "steering_mass")]
        misaligned = m.get("n_misaligned")
        texts.append("–" if misaligned is None else f"{misaligned} of {m['n_contexts']}")
        mae = Entry(number(m.get("mae")), marks=mae_marks(m))
        links = [Entry("JSON", link=cell.metrics_link), Entry("each", link=cell.rounds_link)]
        rows.append([*map(Entry, names), mae, *map(Entry, texts), *links])
    columns = ["Method", "Seed", "MAE", "SD", "Percentile interval", "Draws within"]
    columns += ["Internal MAE", "Steering mass", "Misaligned", "Metrics", "Rounds"]
    return Table("More measures of each cell", columns, rows)


def distances_table(cells: Sequence[Cell]) -> Table:
    """The answers' deviation as read, and other distances with their floors."""
    keys = {"tv": "Total variation", "js": "Jensen-Shannon", "w1": "Wasserstein-1"}
    shown = [key for key in keys if any(cell.metrics.get(key) is not None for cell in cells)]
    rows = []
    for cell in cells:
        m = cell.metrics
        deviation = Entry(number(m.get("deviation")), link=cell.metrics_link)
        texts = [interval(m, "deviation") or "–"]
        texts += [number(m.get(name)) for key in shown for name in (key, f"{key}_floor")]
        names = [display(cell.method), str(cell.seed)]
        rows.append([*map(Entry, names), deviation, *map(Entry, texts)])
    columns = ["Method", "Seed", "Deviation as read", "Interval"]
    columns += [text for key in shown for text in (keys[key], "its floor")]
    return Table("Deviation of the answers as read, and other distances", columns, rows)
