"""The paper's figures 3, 5 and 11 of our cells.

Colours are Okabe and Ito's and matplotlib's cividis, which colour-blind readers can tell apart;
categories also differ by their markers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from distalign.report.cells import Cell, Matrix, display
from distalign.report.comparisons import bounds, first_category
from distalign.report.figures import (
    BLACK,
    LONGEST_NAME,
    dataset_title,
    finish,
    new_figure,
    panels,
    save,
    shorten,
)
from distalign.report.tables import number
from distalign.statistics.binding import figure_points, fit_cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SERIES = (("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "^"), ("#D55E00", "D"), ("#CC79A7", "v"))
"""Colour and marker of each category, anew after the last."""
LEGEND_WIDTH = 28


def draw_representation(cells: Sequence[Cell], matrix: Matrix, path: Path) -> None:
    """Figures 3 and 11: percentage of each category by context and method, a panel a category.

    Of two categories the second alone is shown, as in the paper: the first is its complement.
    Contexts are in the order of their first category's target.

    Args:
        cells: the methods of one model, training, setting, data set and seed that apply.
        path: PNG file to write.
    """
    categories = cells[0].contexts["category"].unique().tolist()
    shown = categories[1:] if len(categories) == 2 else categories
    names = first_category(cells[0].contexts)["context"].tolist()
    size = (2.6 + 0.44 * len(names), 3.5 + len(shown) * (0.55 + 0.28 * (len(cells) + 1)))
    figure = new_figure(size)
    axes = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for ax, category in zip(axes, shown, strict=True):
        image = _heat_map(ax, cells, category, names)
        ax.set_title(f"{category}: share of valid responses, %", parse_math=False, fontsize=10)
    labels = [shorten(name, LONGEST_NAME) for name in names]
    axes[-1].set_xticks(range(len(names)), labels, rotation=90, parse_math=False, fontsize=8)
    figure.colorbar(image, ax=axes, label="share, %", fraction=0.02, aspect=30)
    figure.suptitle(dataset_title(cells[0], matrix), parse_math=False, fontsize=12)
    note = "* the Wilson 95 % interval of the share leaves out the target.  –: no valid response"
    figure.supxlabel(note, fontsize=9)
    save(figure, path)


def _heat_map(ax: Axes, cells: Sequence[Cell], category: str, names: Sequence[str]) -> object:
    """Rows are the target and the methods, columns the contexts; returns the coloured image."""
    tables = [cell.contexts[cell.contexts["category"] == category] for cell in cells]
    tables = [table.set_index("context").loc[[*names]] for table in tables]
    shares = np.array([tables[0]["target"], *(table["observed"] for table in tables)]) * 100
    image = ax.imshow(shares, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    for y, table in enumerate(tables, start=1):
        outside = (table["target"] < table["low"]) | (table["high"] < table["target"])
        for x, out in enumerate(outside):
            _percentage(ax, x, y, shares[y, x], "*" if out else "")
    for x, share in enumerate(shares[0]):
        _percentage(ax, x, 0, share, "")
    ax.axhline(0.5, color="white", lw=3)
    labels = ["Target", *(display(cell.method) for cell in cells)]
    ax.set_yticks(range(len(labels)), labels, parse_math=False, fontsize=9)
    ax.tick_params(length=0)
    return image


def _percentage(ax: Axes, x: int, y: int, share: float, mark: str) -> None:
    text = "–" if np.isnan(share) else f"{share:.0f}{mark}"
    color = "white" if share < 45 else "black"
    ax.text(x, y, text, ha="center", va="center", color=color, fontsize=8)


def draw_binding(cells: Sequence[Cell], matrix: Matrix, path: Path) -> None:
    """Figure 5: share of a category in the responses against its steering token's probability.

    A panel a method, a point each of `statistics.binding.figure_points`, with the fitted line.

    Args:
        cells: the methods of one model, training, setting, data set and seed that draw
            steering tokens.
        path: PNG file to write.
    """
    figure, axes = panels(len(cells), lambda rows, columns: (4 * columns + 1.5, 4.3 * rows + 1.4))
    least, greatest = 1.0, 0.0
    for ax, cell in zip(axes, cells, strict=False):
        ax.plot([0, 1], [0, 1], "--", color=BLACK, lw=1, label="identity")
        points = figure_points(cell.contexts)
        least = min(least, points["low"].min(), points["probability"].min())
        greatest = max(greatest, points["high"].max(), points["probability"].max())
        _points(ax, points)
        title, fit = display(cell.method), fit_cell(cell.contexts)
        if fit:
            ends = np.array([points["probability"].min(), points["probability"].max()])
            ax.plot(ends, fit.intercept + fit.slope * ends, color=BLACK, lw=1.8, label="fit")
            title += f"\nslope {number(fit.slope)} {bounds(*fit.slope_interval)}"
            title += f"\nr {number(fit.correlation)} {bounds(*fit.correlation_interval)}"
        ax.set_title(title, fontsize=10, parse_math=False)
    limits = (least - 0.03, greatest + 0.03)
    for ax in axes:
        ax.set(xlim=limits, ylim=limits, aspect="equal")
    figure.supylabel("observed share (0 to 1), Wilson 95 % interval", fontsize=10)
    title = f"Steering token and response\n{dataset_title(cells[0], matrix)}"
    finish(figure, axes, title, "mean P(steering token), 0 to 1", path)


def _points(ax: Axes, points: pd.DataFrame) -> None:
    """Each category in its colour and marker, with the intervals of the observed shares."""
    for i, (category, rows) in enumerate(points.groupby("category", sort=False)):
        color, marker = SERIES[i % len(SERIES)]
        y = rows["observed"]
        bars = np.array([y - rows["low"], rows["high"] - y]).clip(min=0)
        style = {"fmt": marker, "ms": 4, "color": color, "lw": 0.6, "alpha": 0.8}
        ax.errorbar(
            rows["probability"], y, yerr=bars, label=shorten(category, LEGEND_WIDTH), **style
        )
    ax.grid(color="#dddddd", lw=0.6)
    ax.tick_params(labelbottom=True)
    ax.set_axisbelow(True)
