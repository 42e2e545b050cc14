"""What is reached against what is forgotten: a point a trained method, a panel a data set."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from distalign.report.canvas import SERIES, VERMILION, finish, panels
from distalign.report.cells import (
    Cell,
    Matrix,
    by_place,
    display,
    display_dataset,
    mean_over_seeds,
    section_title,
)
from distalign.report.kept import mean_kept
from distalign.report.measures import level
from distalign.report.tables import is_credible

FEWEST = 3
"""Points of a panel; two are read faster in the table."""
STEERED = 0.01
"""Share of unrelated requests above which a method's mark is hollow."""
TICKS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
"""In each decade."""
TITLE = "What is reached against what is forgotten"
X_AXIS = "KL(base || policy) on ordinary requests, nats a token"
Y_AXIS = "MAE in floors: expected, or drawn where no token is"


class Point(NamedTuple):
    """A trained method, means over its seeds."""

    kl: float
    """Nats a token, on ordinary requests."""
    floors: float
    leaks: bool
    """More than STEERED of the unrelated requests are answered with a steering token."""


Front = Mapping[str, Mapping[str, Point]]
"""Data set -> method -> point."""


def front(cells: Sequence[Cell], matrix: Matrix) -> Front:
    """The points of each data set that has FEWEST of them, in the order of the matrix.

    A method whose retention was not measured has none, nor one that is not credible.
    """
    points: dict[str, dict[str, Point]] = {dataset: {} for dataset in matrix.datasets}
    for (dataset, method), seeds in by_place(cells).items():
        kept = mean_kept([cell.retention for cell in seeds])
        mean = mean_over_seeds([cell.metrics for cell in seeds])
        kl, floors = kept.get("kl_ordinary"), level(mean)
        if dataset in points and kl is not None and floors is not None and is_credible(mean):
            leaks = (kept["unrelated_over_half"] or 0.0) > STEERED
            points[dataset][method] = Point(kl, floors, leaks)
    return {dataset: found for dataset, found in points.items() if len(found) >= FEWEST}


def mark(number: int) -> tuple[str, str]:
    """Colour and marker of the method of this number; a pair comes again after 25."""
    around, place = divmod(number, len(SERIES))
    return SERIES[place][0], SERIES[(place + around) % len(SERIES)][1]


def draw_front(points: Front, cell: Cell) -> bytes:
    """A PNG of the points; `cell` is any of them, for the title."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    methods = list(dict.fromkeys(method for found in points.values() for method in found))
    figure, axes = panels(len(points), lambda rows, columns: (4.2 * columns + 3.5, 4.2 * rows + 1))
    for ax, (dataset, found) in zip(axes, points.items(), strict=False):
        ax.axhline(1.0, color=VERMILION, lw=1.2, label="floor: a perfect sampler")
        for method, point in found.items():
            color, marker = mark(methods.index(method))
            face = "none" if point.leaks else color
            x, y, label = [point.kl], [point.floors], display(method)
            ax.plot(x, y, label=label, color=color, marker=marker, mfc=face, ls="none", ms=8)
        ax.set(xscale="log", yscale="log")
        ax.margins(0.15)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(LogLocator(subs=TICKS))
            axis.set_major_formatter(FormatStrFormatter("%g"))
            axis.set_minor_formatter(NullFormatter())
        ax.set_title(display_dataset(dataset), parse_math=False)
        ax.grid(color="#dddddd", lw=0.6)
        ax.set_axisbelow(True)
    axes[0].set_ylabel(Y_AXIS)
    return finish(figure, axes, f"{TITLE}: {section_title(cell)}", X_AXIS)
