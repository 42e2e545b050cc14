import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from distalign.records.schemas import InputError
from distalign.statistics.judge_error import (
    correct_shares,
    corrected_mae,
    mae_bounds,
    project_to_simplex,
)
from distalign.statistics.mae import absolute_errors


def readable(confusion) -> np.ndarray:
    """With a column of texts that could not be read: none."""
    return np.pad(np.asarray(confusion), ((0, 0), (0, 1)))


def rates(n_categories: int, accuracy: float) -> np.ndarray:
    matrix = np.full((n_categories, n_categories), (1 - accuracy) / (n_categories - 1))
    np.fill_diagonal(matrix, accuracy)
    return matrix


def test_rogan_gladen() -> None:
    # Sensitivity 0.90, specificity 0.95: (0.475 + 0.95 - 1) / (0.90 + 0.95 - 1) = 0.5.
    np.testing.assert_allclose(
        correct_shares([[0.475, 0.525]], readable([[18, 2], [1, 19]])), [[0.5, 0.5]]
    )


def test_known_shares_come_back() -> None:
    confusion = np.array([[16, 3, 1], [2, 10, 0], [5, 5, 10]])
    shares = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    read = shares @ (confusion / confusion.sum(-1, keepdims=True))
    np.testing.assert_allclose(correct_shares(read, readable(confusion)), shares, atol=1e-12)


def test_categories_that_are_read_less_often_are_counted_more() -> None:
    # Of equal shares, 0.60 and 0.95 are read; so are 0.30 and 0.475 where half is garbage.
    confusion = [[60, 0, 40], [0, 95, 5]]
    read = np.array([[0.6, 0.95]]) / 1.55
    np.testing.assert_allclose(correct_shares(read, confusion), [[0.5, 0.5]])
    # Shares 0.2 and 0.8: valid readings 0.2 * 0.5 + 0.8 * 0.1 = 0.18 and 0.2 * 0.1 + 0.8 * 0.8.
    skewed = np.array([[0.18, 0.66]]) / 0.84
    np.testing.assert_allclose(correct_shares(skewed, [[5, 1, 4], [1, 8, 1]]), [[0.2, 0.8]])


def test_unread_texts_are_no_deviation() -> None:
    rng = np.random.default_rng(0)
    target, judge = np.full((25, 2), 0.5), np.array([[0.6, 0.0, 0.4], [0.0, 0.95, 0.05]])
    found = []
    for _ in range(40):
        counts = rng.multinomial(100, target @ judge)[:, :-1]
        found.append(corrected_mae(counts, target, rng.multinomial(200, judge), 200, rng))
    assert np.mean([absolute_errors(np.array([[60, 95]]), target[:1])]) > 0.11
    assert np.mean([error.mae for error in found]) < 0.06
    assert np.mean([error.mae - error.floor for error in found]) == pytest.approx(0, abs=0.01)
    assert np.mean([error.low <= error.floor <= error.high for error in found]) >= 0.93


def test_shares_that_the_judge_cannot_make_are_moved_to_the_simplex() -> None:
    np.testing.assert_allclose(
        correct_shares([[1.0, 0.0]], readable([[18, 2], [1, 19]])), [[1.0, 0.0]]
    )


def test_judge_without_information_does_not_fail() -> None:
    assert correct_shares([[0.3, 0.7]], readable([[5, 5], [5, 5]])).sum() == pytest.approx(1)


def test_projection_is_the_nearest_distribution() -> None:
    for point in np.random.default_rng(0).normal(0.3, 0.5, (10, 3)):
        best = minimize(
            lambda p, x=point: ((p - x) ** 2).sum(),
            np.full(3, 1 / 3),
            bounds=[(0, 1)] * 3,
            constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
            tol=1e-12,
        )
        np.testing.assert_allclose(project_to_simplex(point), best.x, atol=1e-4)


def test_nearly_perfect_judge_changes_nothing() -> None:
    counts, target = np.array([[60, 40], [10, 90]]), np.full((2, 2), 0.5)
    error = corrected_mae(counts, target, readable(np.eye(2, dtype=int) * 10**6), 400, rng())
    assert error.mae == pytest.approx(0.25)
    assert error.low < 0.25 < error.high
    assert error.floor == pytest.approx(0.0398, abs=0.004)  # of a perfect sampler, n = 100


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_same_seed_same_interval() -> None:
    counts, target = [[60, 40], [30, 60]], np.full((2, 2), 0.5)
    errors = [
        corrected_mae(
            counts, target, readable([[30, 2], [1, 30]]), 200, np.random.default_rng(seed)
        )
        for seed in (0, 0, 1)
    ]
    assert errors[0] == errors[1] != errors[2]
    assert errors[0].mae == errors[2].mae


def test_contexts_without_rounds_are_left_out() -> None:
    target, confusion = np.full((2, 2), 0.5), readable([[30, 2], [1, 30]])
    with_empty = corrected_mae([[60, 40], [0, 0]], target, confusion, 50, rng())
    assert with_empty == corrected_mae([[60, 40]], target[:1], confusion, 50, rng())
    assert all(np.isnan(corrected_mae([[0, 0]], target[:1], confusion, 50, rng())))


def test_category_that_was_never_read_is_named() -> None:
    with pytest.raises(InputError, match="label more texts"):
        corrected_mae([[5, 5]], [[0.5, 0.5]], [[5, 1, 0], [0, 0, 9]], 10, rng())


@pytest.mark.parametrize(
    ("n_categories", "n_contexts", "accuracy", "shift", "bias"),
    [
        (2, 25, 0.96, 0.0, 0.015),
        (2, 14, 0.96, 0.2, 0.01),
        (3, 14, 0.80, 0.0, 0.05),
        (3, 25, 0.80, 0.2, 0.02),
    ],
)
def test_interval_covers_what_a_perfect_judge_finds(
    n_categories: int, n_contexts: int, accuracy: float, shift: float, bias: float
) -> None:
    """150 labelled sets with 40 texts a category, 100 rounds a context."""
    rng = np.random.default_rng(0)
    target = np.full((n_contexts, n_categories), 1 / n_categories)
    signs = rng.choice([-shift, shift], n_contexts)
    truth = target.copy()
    truth[:, 0] += signs
    truth[:, 1] -= signs
    errors = [absolute_errors(rng.multinomial(100, truth), target).mean() for _ in range(2000)]
    wanted, judge = np.mean(errors), rates(n_categories, accuracy)
    found = [
        corrected_mae(
            rng.multinomial(100, truth @ judge),
            target,
            readable(rng.multinomial(40, judge)),
            200,
            rng,
        )
        for _ in range(150)
    ]
    assert np.mean([error.low <= wanted <= error.high for error in found]) >= 0.93
    assert -0.005 <= np.mean([error.mae for error in found]) - wanted <= bias
    if shift == 0:
        assert np.mean([error.mae - error.floor for error in found]) == pytest.approx(0, abs=0.012)


def test_bounds_hold_every_way_to_read_the_invalid() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        counts, n_invalid = rng.integers(0, 6, (1, 3)), rng.integers(0, 5, 1)
        target = rng.dirichlet(np.ones(3))[None]
        errors = [
            absolute_errors(counts + np.bincount(list(choice), minlength=3), target)[0]
            for choice in itertools.product(range(3), repeat=int(n_invalid[0]))
        ]
        if np.isnan(errors).any():
            continue
        low, high = mae_bounds(counts, n_invalid, target)
        n_rounds = int(counts.sum() + n_invalid[0])
        assert high == pytest.approx(max(errors))
        assert low <= min(errors) + 1e-12 <= low + 1 / n_rounds + 2e-12


def test_bounds_by_hand() -> None:
    # 40 + 20 of 100 read, 40 invalid, even target: best 50/50, worst 80/20.
    assert mae_bounds([[40, 20]], [40], [[0.5, 0.5]]) == pytest.approx((0.0, 0.3))
    assert mae_bounds([[70, 20]], [10], [[0.5, 0.5]]) == pytest.approx((0.2, 0.3))
    assert mae_bounds([[70, 30], [0, 0]], [0, 0], np.full((2, 2), 0.5)) == pytest.approx((0.2, 0.2))
    assert np.isnan(mae_bounds([[0, 0]], [0], [[0.5, 0.5]])).all()
