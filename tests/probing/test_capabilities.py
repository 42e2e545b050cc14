"""The harness on the project's own tasks: the real model, a few documents of each."""

import json
import math
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from distalign.probing.capabilities import CapabilitiesParams, check_tasks, evaluate
from distalign.records.schemas import InputError
from tests.support.machine import DTYPE, PRECISION
from tests.support.paths import ROOT

TASKS = ROOT / "data/capabilities"
PARAMS = CapabilitiesParams(
    tasks=["distalign_knowledge", "distalign_text"], chat=False, limit=4, batch_size=4, seed=0
)


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # the tasks name their data from there


def test_perplexity_and_accuracy_are_those_worked_out_by_hand(
    base_model: Path, tmp_path: Path
) -> None:
    found = evaluate(base_model, TASKS, PARAMS, PRECISION, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    model = AutoModelForCausalLM.from_pretrained(base_model, dtype=DTYPE)
    total, words = 0.0, 0
    for line in (TASKS / "ordinary_text.jsonl").read_text(encoding="utf-8").splitlines()[:4]:
        text = json.loads(line)["text"]
        ids = [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
        with torch.no_grad():
            logps = model(torch.tensor([ids])).logits[0, :-1].float().log_softmax(-1)
        total += logps.gather(1, torch.tensor(ids[1:])[:, None]).sum().item()
        words += len(text.split())
    expected = math.exp(-total / words)
    assert found["distalign_text"]["word_perplexity"] == pytest.approx(expected, rel=0.02)
    assert found["distalign_knowledge"]["acc"] in (0, 0.25, 0.5, 0.75, 1)


@pytest.mark.heavy  # imports the harness
def test_an_unknown_task_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="no task .'distalign_knowlege'.*distalign_knowledge"):
        check_tasks(["distalign_knowlege"], TASKS)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("dataset_path: json\ndataset_kwargs: {data_files: {test: none.jsonl}}", "its data cannot"),
        ("dataset_path: json\nprocess_docs: !function lacking.process", "package 'no_such_module'"),
    ],
)
def test_a_task_without_its_data_or_packages_is_refused(
    tmp_path: Path, body: str, told: str
) -> None:
    (tmp_path / "lacking.py").write_text("import no_such_module")
    (tmp_path / "lacking_task.yaml").write_text(f"task: lacking_task\ntest_split: test\n{body}\n")
    with pytest.raises(InputError, match=f"lacking_task: .*{told}"):
        check_tasks(["lacking_task"], tmp_path)


def test_each_question_has_four_different_choices() -> None:
    lines = (TASKS / "knowledge.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert all(len(set(row["choices"])) == 4 and 0 <= row["answer"] < 4 for row in rows)
    assert len({row["question"] for row in rows}) == len(rows) == 60
