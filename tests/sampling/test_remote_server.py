"""A real server's answers are those of the engine that holds the same model."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from transformers import AutoTokenizer

from distalign.engines.opening import open_engine
from distalign.judging.words import judge_round
from distalign.llm.endpoint import open_remote
from distalign.llm.server import ModelServer
from distalign.models.policy import Policy
from distalign.records.schemas import DatasetSpec, Round
from distalign.sampling.remote import RemoteParams, draw_remote, plan_remote
from distalign.sampling.rounds import make_shards, sample_shard
from tests.support.asked import asked
from tests.support.machine import AUTO, PRECISION
from tests.support.sample_block import SAMPLE

N = 60
TOKENS = 12


def read_counts(rounds: list[Round], spec: DatasetSpec) -> list[int]:
    """Rounds read as each category, and as none."""
    read = [judge_round(row, spec.attribute).category for row in rounds]
    return [read.count(category) for category in (*spec.categories, None)]


@pytest.mark.slow
def test_a_served_model_answers_in_the_same_shares_as_in_an_engine(
    spec: DatasetSpec, base_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wording = "Answer {number}, in one word: is one of the {context} male or female?"
    prompts = asked(spec, wording, range(2, N + 2))
    sample = SAMPLE.model_copy(update={"n": N, "max_tokens": {"attribute": TOKENS}})
    monkeypatch.setenv("OPENAI_API_KEY", "loopback")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ModelServer(base_model, "served", AUTO, tmp_path / "server.log")
    server.start()
    try:
        remote = RemoteParams(
            model="served",
            base_url=server.base_url,
            in_flight=64,
            temperature=1.0,
            seeded=True,
            budget=None,
        )
        with open_remote(remote, tmp_path) as endpoint:
            planned = plan_remote("zero_shot", TOKENS, spec, prompts, sample, remote.model, 0)
            served = draw_remote(endpoint, planned, "zero_shot", spec, "rounds")
    finally:
        server.stop()
    policy = Policy(
        method="zero_shot",
        base_sha256="",
        adapter=False,
        steering=None,
        decoding="plain",
        trained=None,
    )
    engine = open_engine("transformers", base_model, PRECISION)
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    shards = make_shards(spec, prompts, sample, "tiny", 1)
    held = [row for s in shards for row in sample_shard(engine, tokenizer, policy, spec, s)]
    counts = np.array([read_counts(served, spec), read_counts(held, spec)])
    assert counts.sum(1).tolist() == [len(prompts)] * 2

    assert counts[:, :2].sum() > len(prompts) / 4  # enough is read to tell a difference

    assert stats.chi2_contingency(counts + 1).pvalue > 0.001, counts
