"""Draws of the steering token: marginals, totals, and decoding parameters, on small numbers."""

import numpy as np
import pytest
from scipy import stats

from distalign.engines.engine import Decoding
from distalign.sampling.drawing import decoded, draw_coordinated, draw_independent

FIVE = np.random.default_rng(0).dirichlet([1, 2, 0.5, 3, 0.2], size=100)


def decoding(temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0) -> Decoding:
    return Decoding(temperature, top_p, top_k, max_tokens=1)


def test_a_uniform_falls_into_its_category() -> None:
    p = np.array([0.2, 0.5, 0.3])
    drawn = [draw_independent(p, u) for u in (0.0, 0.19, 0.2, 0.69, 0.7, 0.999999)]
    assert drawn == [0, 0, 1, 1, 2, 2]
    assert draw_independent(np.array([0.0, 1.0, 0.0]), 0.0) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [0.5, 0.2, 0.3]),
        ({"temperature": 0.5}, [25 / 38, 4 / 38, 9 / 38]),
        ({"temperature": 0}, [1, 0, 0]),
        ({"top_k": 2}, [5 / 8, 0, 3 / 8]),
        ({"top_p": 0.75}, [5 / 8, 0, 3 / 8]),
        ({"top_p": 0.45}, [1, 0, 0]),
        # Temperature first: 25/38 + 9/38 is more than 0.85, 0.5 + 0.3 would not be.
        ({"temperature": 0.5, "top_p": 0.85}, [25 / 34, 0, 9 / 34]),
    ],
)
def test_decoding_parameters(changes: dict, expected: list[float]) -> None:
    rows = decoded(np.array([[0.5, 0.2, 0.3], [0.3, 0.5, 0.2]]), decoding(**changes))
    assert rows[0] == pytest.approx(expected)
    assert rows[1] == pytest.approx([expected[2], expected[0], expected[1]])


def test_coordinated_halves_of_two_rounds_are_one_each() -> None:
    p = np.array([[0.5, 0.5], [0.5, 0.5]])
    drawn = [draw_coordinated(p, np.random.default_rng(seed)).tolist() for seed in range(40)]
    assert {tuple(pair) for pair in drawn} == {(0, 1), (1, 0)}


def test_certain_rounds_are_kept() -> None:
    p = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.5, 0.5]])
    drawn = draw_coordinated(p, np.random.default_rng(3))
    assert drawn[0] == 0
    assert sorted(drawn[1:]) == [1, 2]


@pytest.mark.parametrize("p", [FIVE, FIVE[:, :2] / FIVE[:, :2].sum(-1, keepdims=True)])
def test_coordinated_totals_are_the_expectation_rounded(p: np.ndarray) -> None:
    for seed in range(20):
        drawn = draw_coordinated(p, np.random.default_rng(seed))
        assert np.abs(np.bincount(drawn, minlength=p.shape[1]) - p.sum(0)).max() < 1


def test_coordinated_marginals_are_exact() -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5], [0.4, 0.4, 0.2]])
    rng = np.random.default_rng(1)
    drawn = np.array([draw_coordinated(p, rng) for _ in range(2000)])
    for row, shares in zip(drawn.T, p, strict=True):
        assert stats.chisquare(np.bincount(row, minlength=3), 2000 * shares).pvalue > 0.001


def test_coordinated_draw_is_seeded() -> None:
    first, again, other = (draw_coordinated(FIVE, np.random.default_rng(s)) for s in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
