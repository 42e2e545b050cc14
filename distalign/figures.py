"""The report's figures. Colours are Okabe and Ito's, which colour-blind readers can tell apart.

matplotlib is imported inside the functions: it takes a second that `--help` need not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from distalign.cells import Cell, Matrix, display, section_title
from distalign.comparisons import first_category
from distalign.tables import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, BLACK = "#0072B2", "#D55E00", "#000000"
PANELS_A_ROW = 3
LONGEST_NAME = 42


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
    height = 1.1 + 0.32 * len(matrix.methods)
    figure, axes = panels(
        len(matrix.datasets), lambda rows, columns: (4.2 * columns + 1.5, rows * height + 1.1)
    )
    place = np.arange(len(matrix.methods))[::-1]
    by_place = {(cell.method, cell.dataset): cell.metrics for cell in cells}
    for ax, dataset in zip(axes, matrix.datasets, strict=False):
        measured = [by_place[method, dataset] for method in matrix.methods]
        mae, low, high, floor = (
            np.array([metrics.get(key) for metrics in measured], dtype=float)
            for key in ("mae", "mae_t_low", "mae_t_high", "floor")
        )
        label = "floor: a perfect sampler at as many rounds"
        ax.plot(floor, place, "|", color=VERMILION, ms=16, mew=2.5, label=label)
        bars = np.nan_to_num(np.array([mae - low, high - mae]))
        _dots(ax, mae, place, bars, "MAE, 95 % t interval over contexts")
        for y, metrics in zip(place, measured, strict=True):
            if not metrics["n_valid"]:
                reason = "no valid response" if metrics["n_rounds"] else "does not apply"
                _remark(ax, y, reason)
        ax.set_title(display(dataset))
        ax.set_yticks(place, [display(method) for method in matrix.methods], parse_math=False)
        ax.set(ylim=(-0.6, len(place) - 0.4))
    axes[0].set(xlim=(0, None))  # shared, so not before every panel is drawn
    title = f"Distance from the target: {section_title(cells[0])}"
    finish(figure, axes, title, "MAE (difference of shares, 0 to 1)", path)


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


def panels(n: int, size: Callable[[int, int], tuple[float, float]]) -> tuple[Figure, list[Axes]]:
    """A figure of at least n panels; `size` is its width and height of its rows and columns."""
    rows, columns = -(-n // PANELS_A_ROW), min(n, PANELS_A_ROW)
    figure = new_figure(size(rows, columns))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
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
