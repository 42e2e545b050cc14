"""Figures by context of one data set and seed: shares and the paper's figures 3, 5 and 11."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from distalign.report.canvas import (
    BLACK,
    LONGEST_NAME,
    SERIES,
    dots,
    finish,
    new_figure,
    panels,
    picture,
    plain,
    remark,
    shorten,
)
from distalign.report.cells import Cell, Matrix, display, display_dataset, rounds_of, section_title
from distalign.report.comparisons import bounds, context_errors, first_category
from distalign.report.tables import number
from distalign.statistics.binding import figure_points, fit_cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CONTEXTS = 60
MOST_CATEGORIES = 8
LEGEND_WIDTH = 28


def spread_contexts(cells: Sequence[Cell], most: int = MOST_CONTEXTS) -> list[Cell]:
    """The cells with at most so many contexts, the same of each cell.

    They are taken evenly by rank of their error, a mean over the cells: from the nearest to the
    target to the farthest, so that a figure shows neither the best nor the worst alone.
    """
    errors = pd.concat([context_errors(cell) for cell in cells], axis=1).mean(axis=1)
    if len(errors) <= most:
        return [*cells]
    order = errors.fillna(np.inf).sort_values(kind="stable").index
    kept = order[np.linspace(0, len(order) - 1, most).round().astype(int)]
    return [
        replace(cell, contexts=cell.contexts[cell.contexts["context"].isin(kept)]) for cell in cells
    ]


def figure_title(cells: Sequence[Cell], shown: Sequence[Cell], matrix: Matrix) -> str:
    """Data set, model and setting, N, which of several seeds, and which contexts of many."""
    first = cells[0]
    title = f"{display_dataset(first.dataset)}: {section_title(first)}"
    title += f", seed {first.seed}" if len(matrix.seeds) > 1 else ""
    title += f", {rounds_of(first.metrics)}"
    n, kept = (cell.contexts["context"].nunique() for cell in (first, shown[0]))
    return title if kept == n else f"{title};\n{kept} of {n:,} contexts, evenly by rank of error"


def draw_contexts(cells: Sequence[Cell], title: str) -> bytes:
    """Calibration: target and observed share of the first category in every context.

    A panel a method.

    Args:
        cells: the methods of one model, training, setting, data set and seed that apply.

    Returns:
        A PNG file.
    """
    tables = [first_category(cell.contexts) for cell in cells]
    height = 1.1 + 0.2 * len(tables[0])
    figure, axes = panels(len(cells), lambda rows, columns: (12, rows * height + 1.2))
    names = [shorten(name, LONGEST_NAME) for name in tables[0]["context"]]
    place = np.arange(len(names))
    for ax, cell, table in zip(axes, cells, tables, strict=False):
        ax.plot(table["target"], place, color=BLACK, lw=1.2, label="target", zorder=1)
        ax.plot(table["target"], place, "|", color=BLACK, ms=9, mew=1.6, zorder=1)
        observed = table["observed"].to_numpy()
        bars = np.array([observed - table["low"], table["high"] - observed]).clip(min=0)
        dots(ax, observed, place, bars, "observed, Wilson 95 % interval")
        mae, validity = (cell.metrics.get(key) for key in ("mae", "validity"))
        ax.set_title(f"{display(cell.method)}: MAE {number(mae)}, valid {100 * validity:.0f} %")
        ax.set_yticks(place, names, parse_math=False, fontsize=8)
        ax.set(xlim=(-0.03, 1.03), ylim=(len(names) - 0.3, -0.7))
        for y in place[table["n_valid"] == 0]:
            remark(ax, y, "no valid response")
    category = tables[0]["category"].iloc[0]
    figure.supylabel("context, by rising target", fontsize=10)
    return finish(figure, axes, title, f"share of {category} in valid responses (0 to 1)")


def draw_representation(cells: Sequence[Cell], title: str) -> bytes:
    """Figures 3 and 11: percentage of each category by context and method, a panel a category.

    Of two categories the second alone is shown, as in the paper: the first is its complement. Of
    more than MOST_CATEGORIES those of the greatest target. Contexts are in the order of their
    first category's target.

    Args:
        cells: the methods of one model, training, setting, data set and seed that apply.

    Returns:
        A PNG file.
    """
    means = cells[0].contexts.groupby("category", sort=False)["target"].mean()
    largest = means.sort_values(ascending=False, kind="stable").index[:MOST_CATEGORIES]
    shown = [*means.index[1:]] if len(means) == 2 else [c for c in means.index if c in largest]
    names = first_category(cells[0].contexts)["context"].tolist()
    size = (2.6 + 0.44 * len(names), 3.7 + len(shown) * (0.55 + 0.28 * (len(cells) + 1)))
    figure = new_figure(size)
    axes = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for ax, category in zip(axes, shown, strict=True):
        image = _heat_map(ax, cells, category, names)
        ax.set_title(f"{category}: share of valid responses, %", parse_math=False, fontsize=10)
    labels = [shorten(name, LONGEST_NAME) for name in names]
    axes[-1].set_xticks(range(len(names)), labels, rotation=90, parse_math=False, fontsize=8)
    figure.colorbar(image, ax=axes, label="share, %", fraction=0.02, aspect=30)
    figure.suptitle(title, parse_math=False, fontsize=12)
    note = "* the Wilson 95 % interval of the share leaves out the target.  –: no valid response"
    if len(means) > MOST_CATEGORIES:
        note += f".  {len(shown)} of {len(means)} categories, those of the greatest target"
    figure.supxlabel(note, fontsize=9)
    return picture(figure)


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


def draw_binding(cells: Sequence[Cell], title: str) -> bytes:
    """Figure 5: share of a category in the responses against its steering token's probability.

    A panel a method, a point each of `statistics.binding.figure_points`, with the fitted line.

    Args:
        cells: the methods of one model, training, setting, data set and seed that draw
            steering tokens.

    Returns:
        A PNG file.
    """
    figure, axes = panels(len(cells), lambda rows, columns: (4 * columns + 1.5, 5.0 * rows + 2.0))
    least, greatest = 1.0, 0.0
    for ax, cell in zip(axes, cells, strict=False):
        ax.plot([0, 1], [0, 1], "--", color=BLACK, lw=1, label="identity")
        points = figure_points(cell.contexts)
        least = min(least, points["low"].min(), points["probability"].min())
        greatest = max(greatest, points["high"].max(), points["probability"].max())
        _points(ax, points)
        named, fit = display(cell.method), fit_cell(cell.contexts)
        if fit:
            ends = np.array([points["probability"].min(), points["probability"].max()])
            ax.plot(ends, fit.intercept + fit.slope * ends, color=BLACK, lw=1.8, label="fit")
            named += f"\nslope {number(fit.slope)} {bounds(*fit.slope_interval)}"
            named += f"\nr {number(fit.correlation)} {bounds(*fit.correlation_interval)}"
        ax.set_title(named, fontsize=10, parse_math=False)
    limits = (least - 0.03, greatest + 0.03)
    for ax in axes:
        ax.set(xlim=limits, ylim=limits, aspect="equal")
    figure.supylabel("observed share (0 to 1), Wilson 95 % interval", fontsize=10)
    return finish(
        figure, axes, f"Steering token and response\n{title}", "mean P(steering token), 0 to 1"
    )


def _points(ax: Axes, points: pd.DataFrame) -> None:
    """Each category in its colour and marker, with the intervals of the observed shares."""
    for i, (category, rows) in enumerate(points.groupby("category", sort=False)):
        color, marker = SERIES[i % len(SERIES)]
        y = rows["observed"]
        bars = np.array([y - rows["low"], rows["high"] - y]).clip(min=0)
        style: dict[str, Any] = {"fmt": marker, "ms": 4, "color": color, "lw": 0.6, "alpha": 0.8}
        ax.errorbar(
            rows["probability"], y, yerr=bars, label=plain(shorten(category, LEGEND_WIDTH)), **style
        )
    ax.grid(color="#dddddd", lw=0.6)
    ax.tick_params(labelbottom=True)
    ax.set_axisbelow(True)
