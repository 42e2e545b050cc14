"""Grids of temperature, top-p and top-k (figures 4 and 6-10)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from distalign.sampling.rounds import SampleParams

Parameter = Literal["temperature", "top_p", "top_k"]
Point = tuple[Parameter, float]


class SensitivityParams(BaseModel):
    """The `sensitivity` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    n: int = Field(ge=1)
    """Rounds a context of each point and seed."""
    seeds: list[int] = Field(min_length=1)
    """Of the rounds; the policy is the same."""
    grids: dict[Parameter, list[float]]
    """The values of one parameter, the others as in the block `sample`."""


def grid_points(params: SensitivityParams, sample: SampleParams) -> dict[Point, list[SampleParams]]:
    """Each point of the grids with a `sample` block a seed.

    Raises:
        ValidationError: a value is out of the parameter's range (pydantic's).
    """
    points = {}
    for parameter, values in params.grids.items():
        for value in values:
            changes = {parameter: int(value) if parameter == "top_k" else value, "n": params.n}
            points[parameter, value] = [
                SampleParams.model_validate(sample.model_dump() | changes | {"seed": seed})
                for seed in params.seeds
            ]
    return points
