"""Both engines draw the same shares, of decodings that look at a first token again and again."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from transformers import AutoTokenizer

from distalign.engines.engine import Engine
from distalign.engines.opening import open_engine
from distalign.judging.words import read_category
from distalign.models.policy import Policy, merged, read_policy
from distalign.records.files import read_attribute
from distalign.records.schemas import Context, DatasetSpec, Prompt, Round
from distalign.sampling.rounds import make_shards, sample_shard
from tests.support.machine import PRECISION
from tests.support.paths import ROOT
from tests.support.sample_block import SAMPLE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
ENGINES = ("transformers", "vllm")
WARMUP = ROOT / "models/warmup/smollm2-135m/attribute/uk_real/0"
JOBS = {"Welders": [0.9, 0.1], "Bakers": [0.5, 0.5], "Florists": [0.15, 0.85]}
PARAMS = SAMPLE.model_copy(update={"n": 100, "shard": 150, "max_tokens": {"attribute": 24}})
Rounds = Callable[[Policy, str], list[Round]]


@pytest.fixture(scope="module")
def spec() -> DatasetSpec:
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    contexts = [Context(name=name, target=target) for name, target in JOBS.items()]
    return DatasetSpec(name="jobs", target="real", attribute=attribute, contexts=contexts)


def rounds_of(
    engine: Engine, folder: Path, policy: Policy, spec: DatasetSpec, seed: int
) -> list[Round]:
    prompts = [
        Prompt(
            setting="attribute",
            context=name,
            split="test",
            prompt=f"{opening} the gender of one of the {name}?",
            source="grammar",
        )
        for name in JOBS
        for opening in [f"Question {i}: what is" for i in range(100)]
    ]
    params = PARAMS.model_copy(update={"seed": seed})
    tokenizer = AutoTokenizer.from_pretrained(folder)
    shards = make_shards(spec, prompts, params, "engines", 0)
    return [row for s in shards for row in sample_shard(engine, tokenizer, policy, spec, s)]


def check_shares(spec: DatasetSpec, read: dict[str, list[Round]]) -> None:
    """The engines' counts of categories, over the contexts, are of one distribution."""
    counts = {
        name: Counter(read_category(row.text, spec.attribute, row.context) for row in rows)
        for name, rows in read.items()
    }
    print(counts)
    kinds = sorted({kind for found in counts.values() for kind in found}, key=str)
    assert len(kinds) > 1
    table = np.array([[counts[name][kind] for kind in kinds] for name in ENGINES])
    p = stats.chi2_contingency(table).pvalue
    print(f"chi-squared p {p:.3f}")
    assert p > 0.001


@pytest.mark.parametrize("method", ["constrained", "constrained_explicit"])
def test_constrained_answers_have_the_same_shares(
    base_model: Path, spec: DatasetSpec, method: str
) -> None:
    policy = Policy(
        method=method,
        base_sha256="",
        adapter=False,
        steering=None,
        decoding="constrained",
        trained=None,
    )
    same, other = {}, {}
    for name in ENGINES:
        engine = open_engine(name, base_model, PRECISION)
        same[name] = rounds_of(engine, base_model, policy, spec, 0)
        # Other draws in one of the engines: what agrees is then no echo of the uniform numbers.
        other[name] = rounds_of(engine, base_model, policy, spec, ENGINES.index(name))
    check_shares(spec, other)
    for row in same["vllm"]:
        assert row.text in {"male", "Male", "female", "Female"}
    pairs = list(zip(same["vllm"], same["transformers"], strict=True))
    n_same = sum(a.text == b.text for a, b in pairs)
    print(f"{method}: {n_same} of {len(pairs)} the same from the same draws")
    assert n_same >= 0.95 * len(pairs)


@pytest.mark.skipif(not WARMUP.exists(), reason="no warm-up; run `make repro`")
def test_an_external_draw_is_followed_alike(spec: DatasetSpec) -> None:
    base = ROOT / "models/base/smollm2-135m"
    policy = read_policy(WARMUP).model_copy(
        update={"method": "external_warmup", "decoding": "external"}
    )
    found = {}
    with merged(policy, WARMUP, base, PRECISION) as whole:
        for name in ENGINES:
            engine = open_engine(name, whole, PRECISION)
            found[name] = rounds_of(engine, whole, policy, spec, 0)
    for rows in found.values():
        for context in spec.contexts:
            own = [row for row in rows if row.context == context.name]
            n_first = sum(row.drawn == spec.categories[0] for row in own)
            assert stats.binomtest(n_first, len(own), context.target[0]).pvalue > 0.001
            assert all(row.probabilities == context.target for row in own)
    check_shares(spec, found)
    pairs = list(zip(found["vllm"], found["transformers"], strict=True))
    assert all(a.drawn == b.drawn for a, b in pairs)
    masses = np.array([[a.mass, b.mass] for a, b in pairs])
    assert masses[:, 0] == pytest.approx(masses[:, 1], abs=0.05)
