"""A model that two processes hold together draws what one process draws."""

from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from distalign.engines.engine import Decoding, FirstToken
from distalign.engines.opening import open_engine
from distalign.models.chat import chat_ids
from distalign.sampling.drawing import draw_independent
from distalign.sampling.rounds import SampleParams, restricted
from tests.support.machine import PRECISION
from tests.support.sample_block import SAMPLE
from tests.support.tiny_models import WORDS, make_source

GREEDY = Decoding(0.0, 1.0, 0, 8)
N = 24


def test_only_vllm_divides_a_model() -> None:
    block = SAMPLE.model_dump() | {"tensor_parallel": 2}
    assert SampleParams(**block | {"engine": "vllm"}).tensor_parallel == 2
    with pytest.raises(ValueError, match="only `engine: vllm` divides a model"):
        SampleParams(**block)


@pytest.mark.usefixtures("all_cores")
@pytest.mark.parametrize(
    "name",  # tied and padded, and neither
    ["qwen2", pytest.param("llama3", marks=pytest.mark.slow)],
)
def test_two_processes_draw_what_one_does(tmp_path: Path, name: str) -> None:
    folder = make_source(name, tmp_path / name)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = [chat_ids(tokenizer, f"Who is baker {number}?") for number in range(N)]
    # Of the first process's half of the vocabulary, and of the second's.
    watched = [5, WORDS - 1]
    uniforms = [0.0, 1 - 1e-9] * (N // 2)

    def draw(number: int, logps: np.ndarray) -> int:
        return draw_independent(restricted(logps), uniforms[number])

    alone, together = (
        open_engine("vllm", folder, PRECISION, tensor_parallel=processes).generate(
            prompts, GREEDY, 0, FirstToken(watched, draw)
        )
        for processes in (1, 2)
    )
    logps = np.array([answer.logps for answer in alone])
    assert np.ptp(logps, axis=0).min() > 0.5  # of different prompts
    # Sums in another order.
    assert np.array([answer.logps for answer in together]) == pytest.approx(logps, abs=0.2)
    first = [answer.token_ids[0] for answer in alone]
    assert set(first) == set(watched)
    assert [answer.token_ids[0] for answer in together] == first
    same = [a.token_ids == b.token_ids for a, b in zip(alone, together, strict=True)]
    assert np.mean(same) > 0.8
