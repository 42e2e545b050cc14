"""The report's figures. Colours are Okabe and Ito's, which colour-blind readers can tell apart.

matplotlib is imported inside the functions: it takes a second that `--help` need not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from distalign.report.cells import Cell, Matrix, display, section_title
from distalign.report.comparisons import first_category
from distalign.report.tables import number
from distalign.statistics.score import Metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, BLACK = "#0072B2", "#D55E00", "#000000"
PANELS_A_ROW = 3
LONGEST_NAME = 42
MAE_BAR = "MAE, 95 % t interval over contexts"
MAE_AXIS = "MAE (difference of shares, 0 to 1)"
FLOOR = "floor: a perfect sampler at as many rounds"


def draw_contexts(cells: Sequence[Cell], matrix: Matrix, path: Path) -> None:
    """Target and observed share of the first category in every context, a panel a method.

    Args:
        cells: the methods of one model, training, setting, data set and seed that apply.
        path: PNG file to write.
    """
    tables = [first_category(cell.contexts) for cell in cells]
    height = 1.1 + 0.2 * len(tables[0])
    figure, axes = panels(len(cells), lambda rows, columns: (12, rows * height + 1))
    names = [shorten(name, LONGEST_NAME) for name in tables[0]["context"]]
    place = np.arange(len(names))
    for ax, cell, table in zip(axes, cells, tables, strict=False):
        ax.plot(table["target"], place, color=BLACK, lw=1.2, label="target", zorder=1)
        ax.plot(table["target"], place, "|", color=BLACK, ms=9, mew=1.6, zorder=1)
        observed = table["observed"].to_numpy()
        bars = np.array([observed - table["low"], table["high"] - observed]).clip(min=0)
        _dots(ax, observed, place, bars, "observed, Wilson 95 % interval")
        mae, validity = (cell.metrics.get(key) for key in ("mae", "validity"))
        ax.set_title(f"{display(cell.method)}: MAE {number(mae)}, valid {100 * validity:.0f} %")
        ax.set_yticks(place, names, parse_math=False, fontsize=8)
        ax.set(xlim=(-0.03, 1.03), ylim=(len(names) - 0.3, -0.7))
        for y in place[table["n_valid"] == 0]:
            _remark(ax, y, "no valid response")
    first = cells[0]
    category = tables[0]["category"].iloc[0]
    figure.supylabel("context, by rising target", fontsize=10)
    title = dataset_title(first, matrix)
    finish(figure, axes, title, f"share of {category} in valid responses (0 to 1)", path)


def draw_summary(cells: Sequence[Cell], matrix: Matrix, path: Path) -> None:
    """MAE of every method with its t interval and floor, a panel a data set.

    Args:
        cells: all methods and data sets of one model, training and setting, means over seeds.
        path: PNG file to write.
    """
    by_place = {(cell.method, cell.dataset): cell.metrics for cell in cells}
    groups = {
        display(dataset): {
            display(method): mae_bar(by_place[method, dataset]) for method in matrix.methods
        }
        for dataset in matrix.datasets
    }
    title = f"Distance from the target: {section_title(cells[0])}"
    draw_bars(groups, MAE_BAR, MAE_AXIS, title, path)


@dataclass(frozen=True)
class Bar:
    """A number with its interval; nan or None where there is none."""

    value: float | None
    low: float | None
    high: float | None
    floor: float | None = None
    remark: str = ""
    """Why there is no number."""


Bars = Mapping[str, Mapping[str, Bar]]
"""Panel -> row -> bar; a row that another panel has and this one lacks was not run."""


def mae_bar(metrics: Metrics) -> Bar:
    """MAE, t interval and floor of a cell's metrics."""
    keys = ("mae", "mae_t_low", "mae_t_high", "floor")
    remark = ""
    if not metrics["n_valid"]:
        remark = "no valid response" if metrics["n_rounds"] else "does not apply"
    return Bar(*(metrics.get(key) for key in keys), remark)


def draw_bars(
    groups: Bars,
    label: str,
    xlabel: str,
    title: str,
    path: Path,
    shared: bool = True,
) -> None:
    """A dot with its interval, and its floor, for each bar.

    Args:
        groups: a panel each, every row of any panel in all of them.
        label: what dot and interval are.
        path: PNG file to write.
        shared: all panels have one x-axis, from 0.
    """
    names = list(dict.fromkeys(name for rows in groups.values() for name in rows))
    height = 1.1 + 0.32 * len(names)
    figure, axes = panels(
        len(groups), lambda rows, columns: (4.2 * columns + 1.5, rows * height + 1.1), shared
    )
    place = np.arange(len(names))[::-1]
    for ax, (group, rows) in zip(axes, groups.items(), strict=False):
        bars = [rows.get(name, Bar(None, None, None, remark="not run")) for name in names]
        value, low, high, floor = np.array(
            [(bar.value, bar.low, bar.high, bar.floor) for bar in bars], dtype=float
        ).T
        if np.isfinite(floor).any():
            ax.plot(floor, place, "|", color=VERMILION, ms=16, mew=2.5, label=FLOOR)
        _dots(ax, value, place, np.nan_to_num(np.array([value - low, high - value])), label)
        for y, bar in zip(place, bars, strict=True):
            if bar.remark:
                _remark(ax, y, bar.remark)
        ax.set_title(group, parse_math=False)
        ax.set_yticks(place, names, parse_math=False)
        ax.set(ylim=(-0.6, len(place) - 0.4))
    if shared:
        axes[0].set(xlim=(0, None))  # not before every panel is drawn
    finish(figure, axes, title, xlabel, path)


def dataset_title(cell: Cell, matrix: Matrix) -> str:
    """Which data set, model and setting a figure by context shows, and which of several seeds."""
    title = f"{display(cell.dataset)}: {section_title(cell)}"
    return f"{title}, seed {cell.seed}" if len(matrix.seeds) > 1 else title


def new_figure(size: tuple[float, float]) -> Figure:
    """Of this width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)  # no display is needed, whatever the user's matplotlibrc says
    return figure


def panels(
    n: int, size: Callable[[int, int], tuple[float, float]], shared: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure of at least n panels; `size` is its width and height of its rows and columns."""
    rows, columns = -(-n // PANELS_A_ROW), min(n, PANELS_A_ROW)
    figure = new_figure(size(rows, columns))
    grid = figure.subplots(rows, columns, sharex=shared, sharey=True, squeeze=False)
    return figure, list(grid.flat)


def _dots(ax: Axes, x: np.ndarray, y: np.ndarray, bars: np.ndarray, label: str) -> None:
    ax.errorbar(x, y, xerr=bars, fmt="o", ms=4, color=BLUE, lw=1, capsize=2, label=label)
    ax.grid(axis="x", color="#dddddd", lw=0.6)
    ax.tick_params(labelbottom=True)
    ax.set_axisbelow(True)


def _remark(ax: Axes, y: float, text: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    ax.text(0.01, y, text, va="center", fontsize=8, color="#555555", bbox=box)


def finish(figure: Figure, axes: Sequence[Axes], title: str, xlabel: str, path: Path) -> None:
    """Label the lowest panel of each column, hide spare panels, and save."""
    used = [ax for ax in axes if ax.get_title()]
    for ax in axes[len(used) :]:
        ax.set_visible(False)
    for ax in used[-PANELS_A_ROW:]:
        ax.set_xlabel(xlabel, parse_math=False)
    figure.suptitle(title, parse_math=False, fontsize=13)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write the same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def shorten(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
