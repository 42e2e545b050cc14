"""The real DAG with the models of the paper's two families, tiny and of random weights."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from safetensors import safe_open
from transformers import AutoTokenizer

from distalign.models.policy import read_policy
from distalign.records.files import read_jsonl
from distalign.records.schemas import Judgement
from tests.support.tiny_models import make_source
from tests.support.tiny_pipeline import commit, make_tiny, run, tiny_scale, write_yaml

MODELS = ["qwen2", "llama3"]
METHODS = ["zero_shot", "ift", "dpo", "ours", "ours_added"]
SCHEDULE = {"rows": 48, "batch_size": 4, "learning_rate": 1e-2, "calibration_prompts": 6}
N_ROUNDS = 3 * 8


def make_project(folder: Path) -> None:
    """The tiny experiment with two models of one's own; LLM answers come from one of them."""
    make_tiny(folder)
    for name in MODELS:
        make_source(name, folder / "sources" / name)
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    sources = {name: {"source": f"sources/{name}", "revision": None} for name in MODELS}
    params["base_model"] = sources
    params["llm"]["serve"] = "llama3"
    params["judge"]["llm"]["serve"] = "qwen2"
    # Random words pass no check: the few requests are for the server's sake, the grammar writes.
    params["paraphrase"]["attribute"] |= {"per_split": 16, "requests_per_wording": 0.5}
    params["synthesize"]["attribute"] |= {"requests_per_response": 0}
    params["pair"]["responses"] = 16
    params["lora"] |= {"r": 4, "alpha": 8}
    params["warmup"] |= SCHEDULE | {"epochs": 16, "warmup_steps": 2}
    for method in METHODS[1:]:
        params["train"][method] |= SCHEDULE | {"epochs": 4, "warmup_steps": 2}
    for method in ("ours", "ours_added"):
        params["train"][method]["batch_size"] = 8
    params["capabilities"] |= {"limit": 2, "tasks": ["distalign_knowledge", "distalign_text"]}
    write_yaml(folder / "params.yaml", params)
    lists = {
        "base_models": MODELS,
        "models": MODELS,
        "methods": METHODS,
        "internal_methods": ["ours"],
    }
    lists |= {"sensitivity_methods": [], "capability_datasets": ["uk_real"]}
    write_yaml(folder / "scale.yaml", tiny_scale() | lists | {"capability_methods": ["ours"]})


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("architectures")
    make_project(folder)
    commit(folder, "code")
    run("dvc", "repro", cwd=folder)
    return folder


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


# Most of the time is starts: of Python, torch and vLLM, for every stage.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
each_model = pytest.mark.parametrize("model", MODELS)


def test_the_server_takes_the_template_and_answers(repo: Path) -> None:
    lines = (repo / ".llm_store/llama3.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 24
    assert any(json.loads(line)["text"] for line in lines)


@each_model
@pytest.mark.parametrize("method", METHODS)
def test_rounds_are_well_formed_and_scored(repo: Path, model: str, method: str) -> None:
    cell = f"{model}/attribute/attribute/uk_real/{method}/0"
    rounds = read_jsonl(repo / f"data/judgements/{cell}.jsonl", Judgement)
    metrics = read(repo / f"metrics/{cell}.json")
    assert len(rounds) == metrics["n_rounds"] == N_ROUNDS
    assert metrics["n_valid"] == sum(row.category is not None for row in rounds)
    special = AutoTokenizer.from_pretrained(repo / "models/base" / model).all_special_tokens
    for row in rounds:
        assert not any(token in row.text for token in special)
        assert (row.probabilities is not None) == (method in ("dpo", "ours", "ours_added"))
        assert (row.drawn is not None) or not method.startswith("ours")
        assert row.mass is None or 0 < row.mass <= 1.0001


@each_model
def test_training_calibrates(repo: Path, model: str) -> None:
    log = pd.read_csv(repo / f"data/training/{model}/attribute/uk_real/ours/0.csv")
    assert log["calibration"].iloc[-1] < log["calibration"].iloc[0]
    cell = f"{model}/attribute/attribute/uk_real/ours/0"
    inside = read(repo / f"metrics/internal/{cell}.json")
    assert inside["mae"] < 0.15
    assert inside["mass"] > 0.8
    assert read(repo / f"metrics/decoding/{cell}.json").keys() == {"plain", "coordinated"}


@each_model
def test_trained_policies_speak_as_they_were_taught(repo: Path, model: str) -> None:
    """Random weights that learnt a few sentences: whole ones, as a turn's end ends them."""
    cell = f"{model}/attribute/attribute/uk_real"
    taught = {row["response"] for row in read_rows(repo / "data/base/uk_real/attribute.jsonl")}
    said = [row["text"] for row in read_rows(repo / f"data/judgements/{cell}/ours/0.jsonl")]
    assert sum(text in taught for text in said) >= N_ROUNDS / 3


def read_rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@each_model
def test_the_adapter_is_of_the_models_shape(repo: Path, model: str) -> None:
    folder = repo / f"models/policy/{model}/attribute/uk_real/ours/0"
    policy, config = read_policy(folder), read(repo / f"models/base/{model}/config.json")
    assert policy.base_sha256 == read(repo / f"models/base/{model}/source.json")["sha256"]
    with safe_open(folder / "adapter_model.safetensors", "pt") as weights:
        queries = [key for key in weights.keys() if "q_proj.lora_A" in key]  # noqa: SIM118
        assert len(queries) == config["num_hidden_layers"]
        assert weights.get_slice(queries[0]).get_shape() == [4, config["hidden_size"]]


@each_model
def test_added_tokens_and_capabilities_are_measured(repo: Path, model: str) -> None:
    added = read(repo / f"metrics/{model}/attribute/attribute/uk_real/ours_added/0.json")
    assert added["n_rounds"] == N_ROUNDS
    # Alike tokens, which rows that padded the vocabulary are without training, have 0.457 here.
    assert added["internal_mae"] < 0.2
    found = read(repo / f"metrics/capabilities/{model}/attribute/uk_real/ours/0.json")
    assert found.keys() == {"distalign_knowledge", "distalign_text"}


def test_nothing_is_left_to_run(repo: Path) -> None:
    assert "Data and pipelines are up to date." in run("dvc", "repro", cwd=repo)
