"""Steering tokens' probabilities by context, and the line through their shares."""

import math

import numpy as np
import pytest
from scipy import stats

from distalign.statistics.binding import (
    figure_points,
    fit_cell,
    fit_line,
    internal_errors,
    internal_interval,
    steering_table,
)
from tests.support.report_cells import NAMES, SPEC, cell, judged, steered


def test_probabilities_and_errors_are_means_over_a_contexts_rounds():
    # Errors against one half: 0.2 and 0.1 around it cancel in the probability, not in the error.
    rows = [row for row in judged(1, 1) if row.context == NAMES[0]] * 2
    rows = [
        row.model_copy(update={"probabilities": p})
        for row, p in zip(rows, ([0.7, 0.3], [0.4, 0.6]), strict=True)
    ]
    table = steering_table(rows, SPEC)
    assert table["probability"].tolist()[:2] == pytest.approx([0.55, 0.45])
    assert table["internal_error"].tolist()[:2] == pytest.approx([0.15, 0.15])
    assert table.iloc[2:].isna().all(axis=None)
    assert steering_table(judged(3), SPEC).isna().all(axis=None)


def test_internal_interval_is_students_t_over_contexts():
    measured = cell("ours", steered(judged(5), 0.6, 0.5, 0.8, 0.5))
    errors = internal_errors(measured.contexts)
    assert errors.to_dict() == pytest.approx(dict(zip(NAMES, (0.1, 0, 0.3, 0), strict=True)))
    assert errors.mean() == pytest.approx(measured.metrics["internal_mae"])
    # Mean 0.1, standard error 0.0707, t of three degrees of freedom 3.182; no bound below 0.
    interval = internal_interval(measured.contexts)
    assert interval == pytest.approx({"internal_low": 0, "internal_high": 0.325}, abs=1e-3)
    none = internal_interval(cell("ift", judged(5)).contexts)
    assert none == {"internal_low": None, "internal_high": None}


def test_of_two_categories_one_is_a_point():
    rows = steered(judged(4), 0.3, 0.5, 0.4, 0.6)
    contexts = cell("ours", rows[:30]).contexts
    assert figure_points(contexts)["category"].tolist() == ["Male"] * 3
    assert figure_points(cell("ift", judged(4)).contexts).empty
    # A share of 0.4 everywhere does not vary, and has no line.
    assert fit_cell(contexts) is None
    contexts.loc[contexts["category"] == "Male", "observed"] = [0.35, 0.45, 0.4, float("nan")]
    assert fit_cell(contexts).slope == pytest.approx(0.5)


def test_line_is_scipys_and_its_interval_leaves_out_contexts():
    x = np.array([[0.1, 0.9], [0.4, 0.6], [0.7, 0.3], [0.8, 0.2]])
    y = np.array([[0.2, 0.8], [0.3, 0.7], [0.7, 0.3], [0.9, 0.1]])
    fit = fit_line(x, y)
    line = stats.linregress(x.ravel(), y.ravel())
    assert (fit.slope, fit.correlation) == pytest.approx((line.slope, line.rvalue))
    assert fit.intercept == pytest.approx(line.intercept)
    # Two categories mirror each other: their line passes through (0.5, 0.5), and its slope is
    # sum(u v) / sum(u u) of u = x - 0.5, v = y - 0.5 in the first. Here 0.30 / 0.30.
    assert fit.slope == pytest.approx(1.0)
    left_out = np.array([0.18 / 0.14, 0.28 / 0.29, 0.26 / 0.26, 0.18 / 0.21])
    error = math.sqrt(3 / 4 * ((left_out - left_out.mean()) ** 2).sum())
    half = 3.182446 * error
    assert fit.slope_interval == pytest.approx((1 - half, 1 + half), rel=1e-5)
    low, high = fit.correlation_interval
    assert -1 < low < fit.correlation < high < 1


def test_line_needs_points_that_vary():
    same = [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]
    other = [[0.4, 0.6], [0.5, 0.5], [0.7, 0.3]]
    assert fit_line(same, other) is None
    assert fit_line(other, same) is None
    assert fit_line(np.empty((0, 2)), np.empty((0, 2))) is None
    assert fit_line(other, other).slope == pytest.approx(1)
    assert np.isnan(fit_line(other[:2], other[:2]).slope_interval).all()
    # Without its last context this one has no line.
    assert np.isnan(fit_line([*same[:2], other[2]], other).slope_interval).all()


def test_intervals_cover():
    # Probabilities of 14 contexts and five categories, 100 rounds each: the true slope is 1.
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        p = rng.dirichlet(np.ones(5), 14)
        low, high = fit_line(p, rng.multinomial(100, p) / 100).slope_interval
        covered += low <= 1 <= high
    assert 0.9 <= covered / 200 <= 0.99
