"""Pictures are small in bytes and in pixels."""

import io

import numpy as np
import pytest
from PIL import Image

from distalign.report.canvas import COLOURS, LONGEST_SIDE, finish, new_figure, panels, picture


def size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


@pytest.mark.parametrize("inches", [(480, 4), (4, 60)])
def test_no_side_is_above_the_longest(inches):
    assert max(size(picture(new_figure(inches)))) == LONGEST_SIDE


def test_a_picture_has_few_colours_and_the_same_bytes():
    figure = new_figure((4, 3))
    figure.subplots().imshow(np.arange(400).reshape(20, 20), cmap="viridis")
    one, again = picture(figure), picture(figure)
    assert one == again
    assert size(one) == (400, 300)
    assert 8 < len(Image.open(io.BytesIO(one)).convert("RGB").getcolors(100_000)) <= COLOURS


def test_the_legend_has_what_any_panel_shows():
    def draw(second: str) -> bytes:
        figure, axes = panels(2, lambda rows, columns: (6, 3))
        for ax, label in zip(axes, ("a", second), strict=True):
            ax.plot([0, 1], label=label)
            ax.set_title("panel")
        return finish(figure, axes, "title", "x")

    assert draw("a") != draw("b")
