"""Figures that are a number with its interval, a row a method: the summary, tables 4 to 7, 12."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distalign.report.analyses import capability_means, surface_groups
from distalign.report.canvas import VERMILION, dots, finish, panels, remark
from distalign.report.cells import (
    Cell,
    Matrix,
    Measured,
    display,
    display_dataset,
    mean_over_seeds,
    rounds_of,
    section_title,
)
from distalign.statistics.score import Metrics

MAE_BAR = "MAE of the drawn rounds, 95 % t interval over contexts"
MAE_AXIS = "MAE (difference of shares, 0 to 1)"
FLOOR = "floor: a perfect sampler at as many rounds"
EXPECTED = "expected MAE of the tokens' probabilities, without luck"


@dataclass(frozen=True)
class Bar:
    """A number with its interval; nan or None where there is none."""

    value: float | None
    low: float | None
    high: float | None
    floor: float | None = None
    remark: str = ""
    """Why there is no number."""
    expected: float | None = None
    """What the number is without the luck of the draw."""


Bars = Mapping[str, Mapping[str, Bar]]
"""Panel -> row -> bar; a row that another panel has and this one lacks was not run."""


def mae_bar(metrics: Metrics) -> Bar:
    """MAE, t interval, floor and expected MAE of a cell's metrics."""
    note = ""
    if not metrics["n_valid"]:
        note = "no valid response" if metrics["n_rounds"] else "does not apply"
    return Bar(
        metrics.get("mae"),
        metrics.get("mae_t_low"),
        metrics.get("mae_t_high"),
        metrics.get("floor"),
        note,
        metrics.get("expected_mae"),
    )


def draw_bars(groups: Bars, label: str, xlabel: str, title: str, shared: bool = True) -> bytes:
    """A dot with its interval, its floor and what it is without luck, for each bar.

    Args:
        groups: a panel each, every row of any panel in all of them.
        label: what dot and interval are.
        shared: all panels have one x-axis, from 0.

    Returns:
        A PNG file.
    """
    names = list(dict.fromkeys(name for rows in groups.values() for name in rows))
    height = 1.1 + 0.32 * len(names)
    figure, axes = panels(
        len(groups), lambda rows, columns: (4.2 * columns + 1.5, rows * height + 1.3), shared
    )
    place = np.arange(len(names))[::-1]
    for ax, (group, rows) in zip(axes, groups.items(), strict=False):
        bars = [rows.get(name, Bar(None, None, None, remark="not run")) for name in names]
        value, low, high, floor, expected = np.array(
            [(bar.value, bar.low, bar.high, bar.floor, bar.expected) for bar in bars], dtype=float
        ).T
        if np.isfinite(floor).any():
            ax.plot(floor, place, "|", color=VERMILION, ms=16, mew=2.5, label=FLOOR)
        if np.isfinite(expected).any():
            diamond: dict[str, Any] = {"ms": 9, "mfc": "none", "mew": 1.3}
            ax.plot(expected, place, "D", color="black", label=EXPECTED, **diamond)
        dots(ax, value, place, np.nan_to_num(np.array([value - low, high - value])), label)
        for y, bar in zip(place, bars, strict=True):
            if bar.remark:
                remark(ax, y, bar.remark)
        ax.set_title(group, parse_math=False)
        ax.set_yticks(place, names, parse_math=False)
        ax.set(ylim=(-0.6, len(place) - 0.4))
    if shared:
        axes[0].set(xlim=(0, None))  # not before every panel is drawn
    return finish(figure, axes, title, xlabel)


def draw_summary(cells: Sequence[Cell], matrix: Matrix) -> bytes:
    """MAE of every method with its t interval and floor, a panel a data set.

    Args:
        cells: all methods and data sets of one model, training and setting, means over seeds.
    """
    groups: dict[str, dict[str, Bar]] = {}
    for dataset in matrix.datasets:
        found = {cell.method: cell.metrics for cell in cells if cell.dataset == dataset}
        rows = {display(method): mae_bar(found[method]) for method in matrix.methods}
        size = next((rounds_of(m) for m in found.values() if m["n_rounds"]), "no rounds")
        groups[f"{display_dataset(dataset)}\n{size}"] = rows
    title = f"Distance from the target: {section_title(cells[0])}{seeds_of(matrix)}"
    return draw_bars(groups, MAE_BAR, MAE_AXIS, title)


def seeds_of(matrix: Matrix) -> str:
    """What a title says of several training seeds; nothing of one."""
    return f", mean of {len(matrix.seeds)} training seeds" if len(matrix.seeds) > 1 else ""


def transfer_bars(transferred: Mapping[tuple[str, str, str], Measured]) -> Bars:
    """Table 7: MAE in contexts that training has not seen, a panel a pair, a row a method.

    Args:
        transferred: (method, trained, tested) -> metrics.
    """
    panels: dict[str, dict[str, Bar]] = {}
    for (method, trained, tested), group in transferred.items():
        size = rounds_of(group.seeds[0])
        panel = panels.setdefault(
            f"{display_dataset(trained)} → {display_dataset(tested)}\n{size}", {}
        )
        panel[display(method)] = mae_bar(mean_over_seeds(group.seeds))
    return panels


def surface_bars(cells: Sequence[Cell]) -> Bars:
    """Table 6: MAE of `ours` by the form of its steering tokens, a panel a data set.

    Args:
        cells: of one model, training and setting.
    """
    panels: dict[str, dict[str, Bar]] = {}
    for (dataset, form), group in surface_groups(cells).items():
        panel = panels.setdefault(f"{display_dataset(dataset)}\n{rounds_of(group.seeds[0])}", {})
        panel[display(form)] = mae_bar(mean_over_seeds(group.seeds))
    return panels


def first_token_bars(internal: Mapping[tuple[str, str], Measured]) -> Bars:
    """Tables 4 and 12: internal MAE ± standard deviation over contexts, a panel a data set.

    Args:
        internal: (dataset, method) -> what was measured at the first token.
    """
    panels: dict[str, dict[str, Bar]] = {}
    for (dataset, method), group in internal.items():
        mean = mean_over_seeds(group.seeds)
        bar = _spread_bar(mean.get("mae"), mean.get("mae_sd"))
        panels.setdefault(display_dataset(dataset), {})[display(method)] = bar
    return panels


def capability_bars(capabilities: Mapping[tuple[str, str], Measured]) -> Bars:
    """Table 5: each task's metric ± its standard error, a panel a metric, a row a policy.

    Args:
        capabilities: (dataset, method) -> tasks with metrics.
    """
    several = len({dataset for dataset, _ in capabilities}) > 1
    return {
        f"{task}: {key}": {
            ", ".join([display(method), *[display_dataset(dataset)] * several]): _spread_bar(*mean)
            for (dataset, method), mean in means.items()
        }
        for (task, key), means in capability_means(capabilities).items()
    }


def _spread_bar(value: float | None, spread: float | None) -> Bar:
    if value is None:
        return Bar(None, None, None, remark="does not apply")
    return Bar(value, value - (spread or 0.0), value + (spread or 0.0))
