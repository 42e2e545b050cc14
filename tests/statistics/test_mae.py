import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import rel_entr

from distalign.data.targets import build_spec
from distalign.records.schemas import Attribute
from distalign.statistics.divergence import jensen_shannon, total_variation
from distalign.statistics.judge_error import correct_shares, project_to_simplex
from distalign.statistics.mae import (
    absolute_errors,
    expected_error,
    fit_p_values,
    mean_interval,
    misaligned_contexts,
    paired_test,
    paper_interval,
)
from tests.support.paths import ROOT

CENSUS = ROOT / "data/census"


def test_absolute_errors_by_hand() -> None:
    counts = [[3, 1], [0, 4], [5, 5], [0, 0]]
    target = [[0.5, 0.5], [0.2, 0.8], [0.5, 0.5], [0.5, 0.5]]
    np.testing.assert_allclose(absolute_errors(counts, target), [0.25, 0.2, 0, np.nan])
    three = absolute_errors([[5, 3, 2]], [[0.2, 0.3, 0.5]])
    np.testing.assert_allclose(three, [(0.3 + 0 + 0.3) / 3])


@pytest.mark.parametrize("target", [[0.5, 0.5], [0.37, 0.63], [0.0, 1.0], [0.2, 0.3, 0.5]])
def test_expected_error_is_the_sum_over_the_binomial(target: list[float]) -> None:
    n = 10
    by_category = [
        sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) * abs(k / n - p) for k in range(n + 1))
        for p in target
    ]
    np.testing.assert_allclose(expected_error([target], [n]), [np.mean(by_category)], atol=1e-12)


def test_expected_error_without_rounds_is_nan() -> None:
    np.testing.assert_allclose(expected_error([[0.5, 0.5]] * 2, [0, 1]), [np.nan, 0.5])


@pytest.mark.parametrize(
    ("region", "kind", "floor"),
    [
        ("uk", "real", 0.0312),
        ("uk", "even", 0.0398),
        ("us", "real", 0.0324),
        ("us", "even", 0.0398),
    ],
)
def test_floors_of_the_data_sets(gender: Attribute, region: str, kind: str, floor: float) -> None:
    spec = build_spec("d", gender, CENSUS / f"{region}.csv", kind)
    target = [context.target for context in spec.contexts]
    assert round(expected_error(target, [100] * len(target)).mean(), 4) == floor


def test_paper_interval_is_seeded() -> None:
    counts, target = [[40, 60], [30, 70]], [[0.5, 0.5], [0.2, 0.8]]
    first, again, other = (
        paper_interval(counts, target, 200, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert first[0] < first[1]


def test_paper_interval_holds_95_percent_of_the_resamples() -> None:
    # Against a target of 0 the error is the share itself, X / 100 with X ~ B(100, 0.3).
    interval = paper_interval([[30, 70]], [[0.0, 1.0]], 5000, np.random.default_rng(0))
    expected = stats.binom.ppf([0.025, 0.975], 100, 0.3) / 100
    np.testing.assert_allclose(interval, expected, atol=0.0101)


def test_paper_interval_of_certain_rounds_is_a_point() -> None:
    rng = np.random.default_rng(0)
    interval = paper_interval([[100, 0], [0, 0]], [[0.9, 0.1], [0.5, 0.5]], 50, rng)
    np.testing.assert_allclose(interval, [0.1, 0.1])
    assert np.isnan(paper_interval([[0, 0]], [[0.5, 0.5]], 50, rng)).all()


def test_paper_interval_is_biased_upward_for_a_perfect_sampler() -> None:
    rng = np.random.default_rng(0)
    target = np.full((200, 2), 0.5)
    counts = rng.multinomial(100, target)
    low, high = paper_interval(counts, target, 300, rng)
    assert absolute_errors(counts, target).mean() < 0.045 < low
    assert 0.050 < (low + high) / 2 < 0.063


def test_mean_interval_is_that_of_the_t_test() -> None:
    errors = [0.03, 0.04, 0.02, 0.09, 0.03]
    expected = stats.ttest_1samp(errors, 0).confidence_interval(0.95)
    np.testing.assert_allclose(mean_interval([*errors, np.nan]), expected)
    assert np.isnan(mean_interval([0.1, np.nan])).all()


def test_mean_interval_of_equal_errors_is_a_point() -> None:
    np.testing.assert_allclose(mean_interval([0.25, 0.25, 0.25]), [0.25, 0.25])


def test_mean_interval_covers_what_a_perfect_sampler_expects() -> None:
    rng = np.random.default_rng(0)
    share = np.linspace(0.1, 0.9, 25)
    target = np.stack([share, 1 - share], -1)
    expected = expected_error(target, [100] * 25).mean()
    intervals = [
        mean_interval(absolute_errors(rng.multinomial(100, target), target)) for _ in range(400)
    ]
    covered = np.mean([low <= expected <= high for low, high in intervals])
    assert 0.92 <= covered <= 0.99


def test_fit_p_values_are_uniform_under_the_null() -> None:
    rng = np.random.default_rng(0)
    target = np.full((300, 3), [0.2, 0.3, 0.5])
    p_values = fit_p_values(rng.multinomial(100, target), target, 499, rng)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_fit_p_values_agree_with_the_exact_test() -> None:
    counts, target = [[60, 40], [50, 50], [95, 5], [0, 0]], [[0.5, 0.5]] * 4
    p_values = fit_p_values(counts, target, 20_000, np.random.default_rng(0))
    exact = stats.binomtest(60, 100, 0.5).pvalue
    np.testing.assert_allclose(p_values, [exact, 1, 0, 1], atol=0.006)


@pytest.mark.parametrize(("target", "seen"), [(0.5, 75), (0.9, 99), (0.02, 10), (0.002, 4)])
def test_fit_p_values_beyond_simulation_are_near_the_exact_ones(target: float, seen: int) -> None:
    rng = np.random.default_rng(0)
    goal = [[target, 1 - target]]
    p_value = fit_p_values([[seen, 100 - seen]], goal, 1000, rng)[0]
    # Of outcomes that are as far off by the likelihood ratio, as the test itself orders them.
    outcomes = np.stack([np.arange(101), 100 - np.arange(101)], -1)
    ratio = 2 * rel_entr(outcomes, 100 * np.array(goal)).sum(-1)
    exact = stats.binom.pmf(np.arange(101), 100, target)[ratio >= ratio[seen] - 1e-9].sum()
    assert exact < 0.01
    assert exact / 3 < p_value < exact * 3


def test_few_misaligned_contexts_are_found_among_many() -> None:
    # The smallest p of 1,000 simulations would be 0.001, and 0.05 / 200 is a quarter of that.
    rng = np.random.default_rng(0)
    target = np.tile([[0.5, 0.3, 0.2]], (200, 1))
    truth = target.copy()
    truth[:20] = [0.2, 0.3, 0.5]
    found = [
        misaligned_contexts(fit_p_values(rng.multinomial(100, truth), target, 1000, rng))
        for _ in range(5)
    ]
    assert 19 <= min(found) <= max(found) <= 26
    one = np.vstack([[[20, 30, 50]], np.tile([[50, 30, 20]], (199, 1))])
    assert misaligned_contexts(fit_p_values(one, target, 1000, rng)) == 1


@pytest.mark.filterwarnings("error")
def test_fit_p_value_of_an_impossible_category() -> None:
    rng = np.random.default_rng(0)
    with np.errstate(divide="ignore"):
        p_values = fit_p_values([[1, 99], [0, 100]], [[0.0, 1.0]] * 2, 99, rng)
    np.testing.assert_allclose(p_values, [0, 1])


def test_misaligned_contexts_keep_their_false_discovery_rate() -> None:
    # With every context aligned a discovery is false: some are made in at most 5 % of data sets.
    rng = np.random.default_rng(0)
    n_datasets, contexts = 500, rng.dirichlet([3.0, 3.0, 3.0], size=14)
    target = np.tile(contexts, (n_datasets, 1))
    p_values = fit_p_values(rng.multinomial(100, target), target, 500, rng)
    found = [misaligned_contexts(p) > 0 for p in p_values.reshape(n_datasets, -1)]
    assert np.mean(found) <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / n_datasets)
    # A sampler that always gives the first category is found out in every context.
    sure = fit_p_values(np.tile([100, 0, 0], (14, 1)), contexts, 500, rng)
    assert misaligned_contexts(sure) == 14


def test_misaligned_contexts_by_hand() -> None:
    # Benjamini-Hochberg compares with 0.0125, 0.025, 0.0375 and 0.05.
    assert misaligned_contexts([0.5, 0.03, 0.001, 0.02]) == 3
    assert misaligned_contexts([0.5, 0.04, 0.03, 0.02]) == 0


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        ([1, 2, 3, 4, 5], 2 / 32),
        ([1, 2, 3, -4], 14 / 16),  # 7 of 16 sign flips have a sum of at least 2
        ([0, 0, 0], 1),
    ],
)
def test_paired_test_by_hand(differences: list[float], p_value: float) -> None:
    a = np.array([*differences, np.nan])
    b = np.zeros(len(a))
    rng = np.random.default_rng(0)
    assert paired_test(a, b, rng) == pytest.approx(p_value)
    assert paired_test(b, a, rng) == pytest.approx(p_value)


def test_paired_test_without_two_shared_contexts_is_nan() -> None:
    rng = np.random.default_rng(0)
    assert np.isnan(paired_test([0.1, np.nan], [np.nan, 0.2], rng))


@st.composite
def rounds_and_targets(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Counts (C, K) with a round in every context, and targets (C, K)."""
    n_contexts, n_categories = draw(st.integers(1, 5)), draw(st.integers(2, 5))
    rows = st.lists(st.integers(0, 100), min_size=n_categories, max_size=n_categories).filter(any)
    tables = st.lists(rows, min_size=n_contexts, max_size=n_contexts)
    weights = np.array(draw(tables), float)
    return np.array(draw(tables)), weights / weights.sum(-1, keepdims=True)


@given(rounds_and_targets())
def test_errors_and_distances_keep_their_bounds(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    counts, target = drawn
    n, n_categories = counts.sum(-1), counts.shape[-1]
    errors = absolute_errors(counts, target)
    assert ((errors >= 0) & (errors <= 2 / n_categories + 1e-12)).all()
    np.testing.assert_allclose(absolute_errors(counts, counts / n[:, None]), 0, atol=1e-12)
    np.testing.assert_allclose(absolute_errors(counts[:, ::-1], target[:, ::-1]), errors)
    np.testing.assert_allclose(absolute_errors(7 * counts, target), errors)
    # E|X| is at most the standard deviation.
    floor = expected_error(target, n)
    bound = np.sqrt(target * (1 - target) / n[:, None]).mean(-1)
    assert ((floor >= 0) & (floor <= bound + 1e-9)).all()
    # In bits, the divergence is at most the total variation.
    distance, divergence = total_variation(counts, target), jensen_shannon(counts, target)
    assert ((divergence >= -1e-12) & (divergence <= distance + 1e-9)).all()
    assert (distance <= 1 + 1e-12).all()


@settings(max_examples=25)
@given(drawn=rounds_and_targets(), seed=st.integers(0, 2**32 - 1))
def test_intervals_and_p_values_keep_their_bounds(
    drawn: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    counts, target = drawn
    rng = np.random.default_rng(seed)
    low, high = paper_interval(counts, target, 20, rng)
    assert 0 <= low <= high <= 2 / counts.shape[-1] + 1e-12
    errors = absolute_errors(counts, target)
    if len(errors) > 1:
        low, high = mean_interval(errors)
        assert 0 <= low <= errors.mean() + 1e-12 <= high + 2e-12
    with np.errstate(divide="ignore"):
        p_values = fit_p_values(counts, target, 20, rng)
    assert ((p_values >= 0) & (p_values <= 1)).all()
    assert 0 <= misaligned_contexts(p_values) <= len(p_values)


@given(
    points=st.lists(
        st.lists(st.floats(-10, 10), min_size=3, max_size=3), min_size=1, max_size=5
    ).map(np.array)
)
def test_corrected_shares_are_distributions(points: np.ndarray) -> None:
    projected = project_to_simplex(points)
    assert (projected >= 0).all()
    np.testing.assert_allclose(projected.sum(-1), 1)
    np.testing.assert_allclose(project_to_simplex(projected), projected, atol=1e-9)
    # A judge that never errs has nothing to correct.
    np.testing.assert_allclose(correct_shares(projected, np.eye(3, 4)), projected, atol=1e-9)
