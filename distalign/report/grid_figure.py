"""Figures 4 and 6-10: MAE over temperature, top-p and top-k."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from distalign.report.canvas import SERIES, finish, new_figure
from distalign.report.cells import Measured, average, display

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = {"temperature": "temperature", "top_p": "top-p", "top_k": "top-k"}


def draw_sensitivity(methods: Mapping[str, Measured], title: str) -> bytes:
    """A panel a parameter, a line a method: MAE with its standard deviation over seeds of rounds.

    Args:
        methods: method -> of each training seed, the rows of the stage `sensitivity`; means of
            MAE, spread and floor are taken over training seeds.

    Returns:
        A PNG file.
    """
    first = next(rows for group in methods.values() for rows in group.seeds if rows)
    parameters = list(dict.fromkeys(row["parameter"] for row in first))
    figure = new_figure((4.2 * len(parameters) + 1, 4.8))
    axes = figure.subplots(1, len(parameters), sharey=True, squeeze=False)[0]
    for ax, parameter in zip(axes, parameters, strict=False):
        for i, (method, group) in enumerate(methods.items()):
            points = method_points(group, parameter)
            if points:
                _line(ax, points, display(method), *SERIES[i % len(SERIES)])
        values = [row["value"] for row in first if row["parameter"] == parameter]
        ax.set_xticks(range(len(values)), [f"{value:g}" for value in values])
        ax.set_title(NAMES[parameter], fontsize=11)
        ax.grid(axis="y", color="#dddddd", lw=0.6)
    axes[0].set(ylim=(0, None))
    figure.supylabel("MAE (0 to 1), ± standard deviation over seeds", fontsize=10)
    return finish(figure, axes, title, "value")


Point = tuple[float, float, float, float | None]


def method_points(group: Measured, parameter: str) -> list[Point]:
    """(place, mae, sd, floor) of each value of the parameter that has an MAE."""
    columns = zip(
        *([row for row in rows if row["parameter"] == parameter] for rows in group.seeds),
        strict=True,
    )
    found: list[Point] = []
    for place, rows in enumerate(columns):
        mae, sd, floor = (average([row[key] for row in rows]) for key in ("mae", "mae_sd", "floor"))
        if mae is not None:
            found.append((place, mae, sd or 0.0, floor))
    return found


def _line(
    ax: Axes,
    points: list[Point],
    name: str,
    color: str,
    marker: str,
) -> None:
    place, mae, sd, floor = np.array(points).T
    ax.errorbar(
        place, mae, yerr=sd, color=color, marker=marker, ms=5, lw=1.4, capsize=3, label=name
    )
    ax.plot(place, floor, ":", color=color, lw=1.2, label=f"floor of {name}")
