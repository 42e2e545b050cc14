"""Each cell draws from a stream of its own; who draws, and how, does not touch it."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from distalign.records.files import read_attribute
from distalign.records.schemas import Context, DatasetSpec, Prompt
from distalign.sampling.rounds import Shard, make_shards
from distalign.sampling.streams import policy_name
from tests.support.paths import ROOT
from tests.support.sample_block import SAMPLE

PARAMS = SAMPLE.model_copy(update={"shard": 200, "n": 100, "prompts": "one"})
POLICY = "models/policy/tiny/attribute/jobs/ours/0"


def cell(
    policy: str = POLICY,
    seed: int = 0,
    dataset: str = "jobs",
    setting: str = "attribute",
    sample_seed: int = 0,
    **changes: object,
) -> list[Shard]:
    """Shards of two contexts each: 1,000 rounds in all."""
    names = [f"context {i}" for i in range(10)]
    spec = DatasetSpec(
        name=dataset,
        target="even",
        attribute=read_attribute(ROOT / "data/attributes/gender.yaml"),
        contexts=[Context(name=name, target=[0.5, 0.5]) for name in names],
    )
    prompts = [
        Prompt(setting=setting, context=name, split="test", prompt="?", source="grammar")
        for name in names
    ]
    params = PARAMS.model_copy(update={"seed": sample_seed} | changes)
    return make_shards(spec, prompts, params, policy_name(Path(policy)), seed)


def uniforms(shards: list[Shard]) -> np.ndarray:
    """The first of each round: what `sample_shard` draws from its shard's generator."""
    drawn = [np.random.default_rng(shard.seeds).random(len(shard.plan)) for shard in shards]
    return np.concatenate(drawn)


OTHERS = {
    "setting": {"setting": "story"},
    "method": {"policy": POLICY.replace("ours", "ift")},
    "training": {"policy": POLICY.replace("attribute", "both")},
    "model": {"policy": POLICY.replace("tiny", "small")},
    "trained on": {"policy": POLICY.replace("jobs", "other")},
    "asked about": {"dataset": "other"},
    "form of the tokens": {"policy": "tiny/attribute/letters"},
    "training seed": {"seed": 1},
    "sample seed": {"sample_seed": 1},
    "temperature": {"temperature": 0.5},
    "coordinated": {"rounds": "coordinated"},
    "plain": {"decoding": "plain"},
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS.keys())
def test_two_cells_draw_independent_streams(changes: dict) -> None:
    one, other = uniforms(cell()), uniforms(cell(**changes))
    assert not set(one) & set(other)
    assert stats.pearsonr(one, other).pvalue > 0.001
    # Their errors against an even target are not one draw told twice: neither equal nor near.
    steered = [(u.reshape(10, 100) < 0.5).sum(-1) for u in (one, other)]
    assert (steered[0] != steered[1]).any()


def test_shards_of_a_cell_draw_independent_streams() -> None:
    rows = uniforms(cell()).reshape(5, 200)
    assert len(set(rows.ravel())) == 1000
    correlations = np.corrcoef(rows)[np.triu_indices(5, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(200)


@pytest.mark.parametrize(
    "changes",
    [
        {"workers": 4},
        {"max_tries": 9},
        {"engine": "vllm", "tensor_parallel": 2},
        {"policy": f"/elsewhere/{POLICY}"},
    ],
)
def test_who_draws_and_where_the_policy_lies_change_nothing(changes: dict) -> None:
    assert cell(**changes)[0].seeds == cell()[0].seeds


def test_a_stream_is_the_same_in_every_process() -> None:
    # Another one would change every figure that was made before.
    assert cell()[3].seeds[:2] == [2905888427, 2159411721]
    assert cell()[3].seeds[-1] == 3
