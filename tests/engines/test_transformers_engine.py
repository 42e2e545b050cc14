"""The tree of prompts by hand, and its answers against the model's own, one prompt at a time."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from distalign.engines.engine import Decoding, FirstToken
from distalign.engines.opening import open_engine
from distalign.engines.prefix_tree import branches, prefix_tree
from distalign.engines.transformers_engine import TransformersEngine
from distalign.machine.precision import has_gpu
from tests.support.tiny_models import make_source

PROMPTS = [[1, 2, 3], [1, 2, 4, 5], [1, 2], [6], [1, 2, 3]]
GREEDY = Decoding(temperature=0.0, top_p=1.0, top_k=0, max_tokens=6)
FREE = Decoding(temperature=1.0, top_p=1.0, top_k=0, max_tokens=6)


def test_each_beginning_is_in_the_tree_once() -> None:
    tokens, paths = prefix_tree(PROMPTS)
    assert tokens == [1, 2, 3, 4, 5, 6]
    assert paths == [[0, 1, 2], [0, 1, 3, 4], [0, 1], [5], [0, 1, 2]]


def test_the_tree_is_cut_where_it_forks() -> None:
    _, paths = prefix_tree(PROMPTS)
    assert branches(paths) == [([], [0, 1]), ([0, 1], [2]), ([0, 1], [3, 4]), ([], [5])]


@pytest.fixture(scope="module", params=["qwen2", "llama3"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(request.param, tmp_path_factory.mktemp("tiny") / request.param)


@pytest.mark.skipif(has_gpu(), reason="vLLM is the engine of a GPU")
def test_auto_is_transformers_on_a_cpu(folder: Path) -> None:
    assert isinstance(open_engine("auto", folder, "float32"), TransformersEngine)


def ragged(n: int) -> list[list[int]]:
    """Prompts of 3 to 20 tokens, of which many begin alike."""
    rng = np.random.default_rng(0)
    stems = rng.integers(5, 200, size=(4, 12)).tolist()
    return [
        stems[i % 4][: int(rng.integers(2, 12))] + rng.integers(5, 200, rng.integers(1, 9)).tolist()
        for i in range(n)
    ]


def plain(model: torch.nn.Module, ids: list[int], n_items: int) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0, -1, :n_items].log_softmax(-1)


def test_answers_are_the_models_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several batches, some of whose prompts end within others."""
    monkeypatch.setattr("distalign.engines.transformers_engine.BATCH_SIZE", 10)
    engine, prompts = TransformersEngine(folder, "float32"), ragged(32)
    prompts += [prompts[0], prompts[1][:3]]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ends = model.generation_config.eos_token_id
    n_items, watched = len(AutoTokenizer.from_pretrained(folder)), [7, 3]
    seen = []

    def choose(number: int, logps: np.ndarray) -> int:
        seen.append(number)
        return number % 2

    free = engine.generate(prompts, GREEDY, 0)
    forced = engine.generate(prompts, GREEDY, 0, FirstToken(watched, choose))
    assert sorted(seen) == list(range(len(prompts)))
    for number, ids in enumerate(prompts):
        expected = plain(model, ids, n_items)[watched].numpy()
        assert forced[number].logps == pytest.approx(expected, abs=1e-4)
        assert forced[number].token_ids[0] == watched[number % 2]
        for answer in (free[number], forced[number]):
            assert len(answer.token_ids) <= GREEDY.max_tokens
            at = list(ids)
            for place, token in enumerate(answer.token_ids):
                if answer is free[number] or place:
                    assert token == int(plain(model, at, n_items).argmax())
                at.append(token)
            if len(answer.token_ids) < GREEDY.max_tokens:
                assert int(plain(model, at, n_items).argmax()) in ends


def test_draws_follow_the_models_probabilities(folder: Path) -> None:
    engine, prompt = TransformersEngine(folder, "float32"), ragged(1)[0]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    p = plain(model, prompt, len(AutoTokenizer.from_pretrained(folder))).exp().double().numpy()
    n, likely = 2000, int(p.argmax())
    one = Decoding(temperature=1.0, top_p=1.0, top_k=0, max_tokens=1)
    drawn = [answer.token_ids for answer in engine.generate([prompt] * n, one, 0)]
    share = sum(ids == [likely] for ids in drawn) / n
    assert share == pytest.approx(p[likely], abs=4 * (p[likely] * (1 - p[likely]) / n) ** 0.5)
    assert drawn == [answer.token_ids for answer in engine.generate([prompt] * n, one, 0)]
    assert drawn != [answer.token_ids for answer in engine.generate([prompt] * n, one, 1)]
