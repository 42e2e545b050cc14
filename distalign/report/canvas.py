"""What all figures share: panels, marks, the legend, and a picture of few bytes.

Colours are Okabe and Ito's, which colour-blind readers can tell apart. matplotlib is imported
inside the functions: it takes a second that `--help` need not wait.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, BLACK = "#0072B2", "#D55E00", "#000000"
SERIES = ((BLUE, "o"), ("#E69F00", "s"), ("#009E73", "^"), (VERMILION, "D"), ("#CC79A7", "v"))
"""Colour and marker of each series, anew after the last."""
PANELS_A_ROW = 3
LONGEST_NAME = 42
DOTS_PER_INCH = 100
LONGEST_SIDE = 4_000
"""Pixels."""
COLOURS = 64
"""Of a picture: lines, text and a colour bar need no more, and its file is a fifth as large."""


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


def dots(
    ax: Axes, x: np.ndarray, y: np.ndarray, bars: np.ndarray, label: str, color: str = BLUE
) -> None:
    """Points with horizontal intervals; `bars` is (2, n), the distances to both ends."""
    ax.errorbar(x, y, xerr=bars, fmt="o", ms=4, color=color, lw=1, capsize=2, label=label)
    ax.grid(axis="x", color="#dddddd", lw=0.6)
    ax.tick_params(labelbottom=True)
    ax.set_axisbelow(True)


def remark(ax: Axes, y: float, text: str) -> None:
    """Why there is no point at the height y."""
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    ax.text(0.01, y, text, va="center", fontsize=8, color="#555555", bbox=box)


def finish(figure: Figure, axes: Sequence[Axes], title: str, xlabel: str) -> bytes:
    """Label the lowest panel of each column, hide spare panels, and draw the picture."""
    used = [ax for ax in axes if ax.get_title()]
    for ax in axes[len(used) :]:
        ax.set_visible(False)
    for ax in used[-PANELS_A_ROW:]:
        ax.set_xlabel(xlabel, parse_math=False)
    figure.suptitle(title, parse_math=False, fontsize=13)
    named: dict[str, Any] = {}
    for ax in used:  # a panel may lack what another has
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    labels: dict[str, Any] = {"ncols": 2, "fontsize": 9, "frameon": False}
    figure.legend(list(named.values()), list(named), loc="outside lower center", **labels)
    return picture(figure)


def picture(figure: Figure) -> bytes:
    """A PNG of few colours, the same bytes each time; no side is above LONGEST_SIDE."""
    from PIL import Image

    dpi = min(DOTS_PER_INCH, LONGEST_SIDE / max(figure.get_size_inches()))
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi, metadata={"Software": None})
    image = Image.open(drawn).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


def plain(name: str) -> str:
    """A label that is no mathematics, whatever signs of currency are in it."""
    return name.replace("$", r"\$")


def shorten(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
