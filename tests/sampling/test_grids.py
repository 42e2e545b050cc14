"""The points of a grid, each with a whole `sample` block a seed."""

import pytest
from pydantic import ValidationError

from distalign.sampling.grids import SensitivityParams, grid_points
from tests.support.sample_block import SAMPLE


def test_a_point_changes_one_parameter_and_the_seed() -> None:
    params = SensitivityParams(n=20, seeds=[1, 2], grids={"temperature": [0.5], "top_k": [1, 5]})
    points = grid_points(params, SAMPLE)
    assert list(points) == [("temperature", 0.5), ("top_k", 1), ("top_k", 5)]
    cold, other = points["temperature", 0.5]
    assert cold == SAMPLE.model_copy(update={"temperature": 0.5, "n": 20, "seed": 1})
    assert other.seed == 2
    assert points["top_k", 5][0].top_k == 5
    assert points["top_k", 5][0].temperature == 1.0


def test_a_value_out_of_range_is_refused() -> None:
    params = SensitivityParams(n=20, seeds=[1], grids={"top_p": [1.5]})
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        grid_points(params, SAMPLE)
