"""The real OpenAI client against a real vLLM server with the embedded model."""

import shutil
from pathlib import Path

import pytest

from distalign.llm.endpoint import EndpointParams, Request, open_endpoint
from distalign.llm.server import ModelServer
from distalign.records.files import read_source
from distalign.records.schemas import InputError
from tests.support.machine import AUTO

PARAMS = EndpointParams(
    serve="smollm2-135m",
    model=None,
    base_url=None,
    in_flight=8,
    temperature=1.0,
    seeded=True,
)


def requests() -> list[Request]:
    question = [{"role": "user", "content": "Name a colour."}]
    return [Request(messages=question, max_tokens=8, seed=seed) for seed in range(12)]


def test_vllm_answers_varied_text_and_the_store_answers_again(
    base_model: Path, tmp_path: Path
) -> None:
    assert len(read_source(base_model)["sha256"]) == 64
    with open_endpoint(PARAMS, base_model, AUTO, tmp_path) as endpoint:
        answers = endpoint.complete(requests(), "asking")
        assert endpoint.n_asked == 12
    assert all(answer.strip() for answer in answers)
    assert len(set(answers)) > 6
    with open_endpoint(PARAMS, base_model, AUTO, tmp_path) as endpoint:
        assert endpoint.complete(requests(), "asking again") == answers
        assert endpoint.n_asked == 0


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"empty: no model .*config.json"):
        ModelServer(tmp_path / "empty", "nothing", AUTO, tmp_path / "server.log").start()


def test_a_server_that_cannot_start_says_why(base_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "without weights"
    folder.mkdir()
    shutil.copy(base_model / "config.json", folder)
    with pytest.raises(InputError, match=r"server.log"):
        ModelServer(folder, "nothing", AUTO, tmp_path / "server.log").start()
