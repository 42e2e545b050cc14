"""Files of the hub: which are fetched, and what serves when it is out of reach."""

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from distalign.models.base_model import fetch
from distalign.models.hub import download, wanted
from distalign.records.schemas import InputError
from tests.support.families import FAMILIES, make_family

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The hub is where nobody listens; its cache is a folder of the test's."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "cache"


def test_weights_are_fetched_once_and_pickles_never() -> None:
    names = ["config.json", "model.safetensors", "tokenizer.model", "pytorch_model.bin"]
    names += ["original/model.safetensors", "consolidated.safetensors", "onnx/model.onnx"]
    assert sorted(wanted(names)) == ["config.json", "model.safetensors", "tokenizer.model"]
    with pytest.raises(InputError, match="no safetensors"):
        wanted(["config.json", "pytorch_model.bin", "original/model.safetensors"])


def test_a_hub_out_of_reach_is_one_message(away: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="maker/none@main .*nor in the hub's cache.*out of reach"):
        download("maker/none", "main", tmp_path)


def test_the_hubs_cache_serves_when_the_hub_is_out_of_reach(away: Path, tmp_path: Path) -> None:
    cached = away / "models--maker--tiny"
    make_family(FAMILIES[0], cached / "snapshots" / COMMIT)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(COMMIT)
    # As some chat models have it: transformers reads it and refuses to write it again.
    settings = {"temperature": 0.6, "do_sample": False, "eos_token_id": [2, 1]}
    (cached / "snapshots" / COMMIT / "generation_config.json").write_text(json.dumps(settings))
    shutil.copy(cached / "refs" / "main", cached / "snapshots" / COMMIT / "pytorch_model.bin")
    out = tmp_path / "out"
    assert "of the model's own" in fetch("maker/tiny", "main", out)[-1]
    assert json.loads((out / "source.json").read_text())["revision"] == COMMIT
    kept = json.loads((out / "generation_config.json").read_text())
    assert (kept["eos_token_id"], kept["do_sample"]) == ([2, 1], True)
    assert not (out / "pytorch_model.bin").exists()
