"""Draws by literal probabilities, and by blocks against the whole vocabulary."""

import numpy as np
import pytest
import torch

from distalign.engines.draws import BLOCK, draw, invert
from distalign.engines.engine import Decoding

GREEDY = Decoding(temperature=0.0, top_p=1.0, top_k=0, max_tokens=1)
FREE = Decoding(temperature=1.0, top_p=1.0, top_k=0, max_tokens=1)
LOGITS = torch.tensor([[0.1, 0.2, 0.0, 0.7]]).log()


@pytest.mark.parametrize(
    ("decoding", "tokens"),
    [
        (FREE, {0, 1, 3}),
        (Decoding(1.0, 1.0, 2, 1), {1, 3}),
        (Decoding(1.0, 0.75, 0, 1), {1, 3}),
        (Decoding(1.0, 0.6, 0, 1), {3}),
        (GREEDY, {3}),
    ],
)
def test_decoding_parameters_leave_the_likeliest_tokens(
    decoding: Decoding, tokens: set[int]
) -> None:
    drawn = draw(LOGITS.expand(400, -1), decoding, np.random.default_rng(0))
    assert set(drawn.tolist()) == tokens


def test_temperature_sharpens_by_the_formula() -> None:
    drawn = draw(LOGITS.expand(20_000, -1), Decoding(0.5, 1.0, 0, 1), np.random.default_rng(0))
    squares = np.array([0.1, 0.2, 0.0, 0.7]) ** 2
    shares = np.bincount(drawn.numpy(), minlength=4) / len(drawn)
    np.testing.assert_allclose(shares, squares / squares.sum(), atol=0.01)


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0)])
def test_a_token_without_probability_is_never_drawn(uniform: float) -> None:
    class Fixed:
        def random(self, shape: tuple[int, int]) -> np.ndarray:
            return np.full(shape, uniform)

    logits = torch.tensor([[-torch.inf, 1.0, 1.0, -torch.inf]])
    assert int(draw(logits, FREE, Fixed())) == (1 if uniform == 0 else 2)


def test_inversion_by_blocks_is_that_over_the_whole_vocabulary() -> None:
    """Of a size that is no multiple of a block, with runs of items of no probability."""
    rng = np.random.default_rng(0)
    weights = rng.exponential(size=(2000, 3 * BLOCK + 7)) ** 3
    weights[:, rng.integers(0, weights.shape[1], 400)] = 0
    weights[:, BLOCK : 2 * BLOCK] = 0
    probabilities = torch.from_numpy(weights / weights.sum(1, keepdims=True)).float()
    uniforms = rng.random((2000, 1))
    drawn = invert(probabilities, torch.from_numpy(uniforms)).numpy()
    sums = probabilities.double().numpy().cumsum(1)
    expected = (sums > uniforms * sums[:, -1:]).argmax(1)
    # The two sum in another order: a number on an item's edge may fall on its other side.
    assert (drawn == expected).mean() > 0.999
    assert (weights[np.arange(2000), drawn] > 0).all()
