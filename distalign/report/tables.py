"""The report's tables of each cell's measures, by method and data set, and over seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from distalign.report.cells import (
    MEASURES,
    Cell,
    Matrix,
    average,
    by_place,
    display,
    mean_over_seeds,
    measured,
    over_seeds,
    section_title,
)
from distalign.statistics.score import Metrics

PRINTED_IN = {"attribute": "1", "story": "2"}
"""The paper's table of the MAE in each setting."""


@dataclass(frozen=True)
class Entry:
    text: str
    strong: bool = False
    link: str = ""


@dataclass(frozen=True)
class Table:
    title: str
    columns: list[str]
    rows: list[list[Entry]]


def number(value: float | None) -> str:
    """Three digits, as in the paper; a dash where there is no number."""
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def interval(metrics: Metrics, kind: str) -> str:
    low, high = metrics.get(f"{kind}_low"), metrics.get(f"{kind}_high")
    return "" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def training_spread(key: str, kind: str, seeds: Sequence[Metrics]) -> str:
    """How sure the mean of `key` is: one seed's interval, or several seeds' standard deviation.

    Empty where it is not defined.
    """
    if len(seeds) == 1:
        return interval(seeds[0], kind)
    values = [metrics[key] for metrics in seeds if metrics.get(key) is not None]
    return f"± {number(np.std(values, ddof=1))}" if len(values) > 1 else ""


def main_table(cells: Sequence[Cell], matrix: Matrix) -> Table:
    """The paper's table 1 for one model, training and setting: MAE, mean over seeds.

    After it the t interval, or with several seeds their sample standard deviation. The best
    MAE of a data set is strong; methods that print the same three digits share it. The last
    rows are the floor, a range where the methods' numbers of valid rounds make it differ, and
    the MAE of `ours` in floors. The average over several data sets needs an MAE in all of them;
    the average of the ratio is that of the averages.
    """
    groups = measured(cells)
    means = {place: mean_over_seeds(group.seeds) for place, group in groups.items()}
    averaged = len(matrix.datasets) > 1
    columns: dict[str, list[str | None]] = {}
    for dataset in matrix.datasets:
        columns[dataset] = [number(means[dataset, m].get("mae")) for m in matrix.methods]
    if averaged:
        columns["Average"] = [
            number(_over_datasets(means, matrix, m, "mae")) for m in matrix.methods
        ]
    best = {
        name: min((t for t in column if t != "–"), default=None) for name, column in columns.items()
    }
    rows = []
    for i, method in enumerate(matrix.methods):
        row = [Entry(display(method))]
        for name, column in columns.items():
            text, link = column[i], ""
            if name in matrix.datasets:
                group = groups[name, method]
                text, link = _with_spread(text, group.seeds), group.link
            row.append(Entry(text, column[i] == best[name], link if text != "–" else ""))
        rows.append(row)
    floor = [Entry("Floor of a perfect sampler")]
    for dataset in matrix.datasets:
        floors = [means[dataset, m].get("floor") for m in matrix.methods]
        floor.append(Entry(_range(floors)))
    if averaged:
        floor.append(
            Entry(_range(_over_datasets(means, matrix, m, "floor") for m in matrix.methods))
        )
    rows.append(floor)
    if "ours" in matrix.methods:
        ratios = [means[dataset, "ours"].get("ratio") for dataset in matrix.datasets]
        if averaged:
            mae, least = (_over_datasets(means, matrix, "ours", key) for key in ("mae", "floor"))
            ratios.append(mae / least if mae is not None and least else None)
        rows.append([Entry("Ours, in floors"), *(Entry(number(ratio)) for ratio in ratios)])
    title = f"MAE of {section_title(cells[0])}"
    if cells[0].setting in PRINTED_IN:
        title = f"Table {PRINTED_IN[cells[0].setting]}: {title}"
    if len(matrix.seeds) > 1:
        title += f": mean ± standard deviation over {len(matrix.seeds)} seeds"
    return Table(title, ["Method", *map(display, columns)], rows)


def _over_datasets(
    means: dict[tuple[str, str], Metrics], matrix: Matrix, method: str, key: str
) -> float | None:
    values = [means[dataset, method].get(key) for dataset in matrix.datasets]
    return None if None in values else average(values)


def _with_spread(text: str, seeds: Sequence[Metrics]) -> str:
    if any(metrics["n_rounds"] for metrics in seeds) and text == "–":
        return "none valid"
    return f"{text} {training_spread('mae', 'mae_t', seeds)}".rstrip()


def _range(values: Iterable[float | None]) -> str:
    texts = sorted({number(value) for value in values if value is not None})
    return "–".join(dict.fromkeys([texts[0], texts[-1]])) if texts else "–"


def seeds_table(cells: Sequence[Cell]) -> Table:
    """Mean, standard deviation and range over seeds of MEASURES, of the cells that apply."""
    rows = []
    for (dataset, method), group in by_place(cell for cell in cells if cell.applies).items():
        texts = [display(dataset), display(method), str(len(group))]
        for row in over_seeds([cell.metrics for cell in group]).itertuples():
            spread = f"{number(row.mean)} ± {number(row.sd)}"
            texts.append(
                "–" if np.isnan(row.mean) else f"{spread} [{number(row.min)}, {number(row.max)}]"
            )
        rows.append([*map(Entry, texts)])
    columns = ["Data set", "Method", "Seeds", *MEASURES.values()]
    return Table("Over seeds: mean ± standard deviation [least, most]", columns, rows)


def detail_table(cells: Sequence[Cell]) -> Table:
    """Everything measured in each cell, and where its metrics file is."""
    rows = []
    for cell in cells:
        m = cell.metrics
        texts = [display(cell.dataset), display(cell.method), str(cell.seed)]
        texts.append(number(m.get("mae")))
        texts += [number(m.get("mae_sd")), interval(m, "mae_ci") or "–"]
        texts += [number(m.get(key)) for key in ("floor", "excess", "ratio", "validity")]
        texts += [number(m.get(key)) for key in ("internal_mae", "steering_mass", "fidelity")]
        misaligned = m.get("n_misaligned")
        texts.append("–" if misaligned is None else f"{misaligned} of {m['n_contexts']}")
        rows.append([*map(Entry, texts), Entry("JSON", link=cell.metrics_link)])
    columns = ["Data set", "Method", "Seed", "MAE", "SD", "Percentile interval", "Floor", "Excess"]
    columns += ["Ratio", "Valid", "Internal MAE", "Steering mass", "Fidelity", "Misaligned"]
    return Table("All measures", [*columns, "Metrics"], rows)


def distances_table(cells: Sequence[Cell]) -> Table:
    """What infinitely many rounds would leave of the MAE, and other distances with floors."""
    rows = []
    for cell in cells:
        m = cell.metrics
        names = [display(cell.dataset), display(cell.method), str(cell.seed)]
        deviation = Entry(number(m.get("deviation")), link=cell.metrics_link)
        texts = [interval(m, "deviation") or "–"]
        texts += [number(m.get(key)) for key in ("tv", "tv_floor", "js", "js_floor")]
        rows.append([*map(Entry, names), deviation, *map(Entry, texts)])
    columns = ["Data set", "Method", "Seed", "True deviation", "Interval"]
    columns += ["Total variation", "TV floor", "Jensen-Shannon", "JS floor"]
    return Table("True deviation, and other distances", columns, rows)
