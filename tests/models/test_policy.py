"""Policies: added tokens, merging, and adapters that do not fit."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from distalign.machine.provenance import here
from distalign.models.policy import (
    LoraParams,
    Policy,
    check_base,
    copy_policy,
    load_adapter,
    merged,
    new_adapter,
    read_policy,
    save_policy,
)
from distalign.models.steering import resolve
from distalign.records.files import read_attribute
from distalign.records.schemas import InputError
from tests.support.machine import DTYPE, PRECISION
from tests.support.paths import ROOT

LORA = LoraParams(r=2, alpha=4, target_modules=["q_proj", "v_proj"], layers=1)


@pytest.fixture(scope="module")
def saved(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy with added steering tokens, its weights moved as training would."""
    folder = tmp_path_factory.mktemp("policy")
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    steering = resolve(tokenizer, attribute, "added")
    model = new_adapter(base_model, tokenizer, LORA, steering, PRECISION)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.02 * torch.randn(weight.shape, generator=generator))
    policy = Policy(
        method="ours",
        base_sha256="abc",
        adapter=True,
        steering=steering,
        decoding="two_step",
        trained=here(PRECISION),
    )
    save_policy(policy, model, tokenizer, folder)
    return folder


def test_the_last_layers_alone_are_adapted(base_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    half = LoraParams(r=2, alpha=4, target_modules="all-linear", layers=0.5)
    model = new_adapter(base_model, tokenizer, half, None, PRECISION)
    trained = [name.split(".") for name, p in model.named_parameters() if p.requires_grad]
    layers = {int(parts[parts.index("layers") + 1]) for parts in trained}
    assert layers == set(range(15, 30))
    attention = {f"{name}_proj" for name in "qkvo"}
    assert {parts[parts.index("layers") + 3] for parts in trained} == attention | {
        *("gate_proj", "up_proj", "down_proj")
    }
    assert len(trained) == 15 * 7 * 2


def test_added_tokens_are_trainable_rows(saved: Path, base_model: Path) -> None:
    policy = read_policy(saved)
    assert policy.steering.ids == [49152, 49153]
    tokenizer = AutoTokenizer.from_pretrained(saved)
    model = load_adapter(base_model, saved, tokenizer, PRECISION, trainable=True)
    trainable = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert any("token_adapter" in name or "trainable_tokens" in name for name in trainable)
    ids = tokenizer.encode("<|male|> He is male.", add_special_tokens=False)
    assert ids[0] == 49152
    assert "<|male|>" in tokenizer.decode(ids, skip_special_tokens=True)


def test_a_copied_policy_is_the_same_adapter_decoded_in_another_way(
    saved: Path, tmp_path: Path
) -> None:
    own = {"method": "external_warmup", "decoding": "external"}
    copy_policy(read_policy(saved).model_copy(update=own), saved, tmp_path / "copy")
    copied = read_policy(tmp_path / "copy")
    assert copied == read_policy(saved).model_copy(update=own)
    name = "adapter_model.safetensors"
    assert (tmp_path / "copy" / name).read_bytes() == (saved / name).read_bytes()
    assert AutoTokenizer.from_pretrained(tmp_path / "copy").encode("<|male|>") == [49152]


def test_merged_weights_are_the_adapted_model(saved: Path, base_model: Path) -> None:
    policy = read_policy(saved)
    tokenizer = AutoTokenizer.from_pretrained(saved)
    ids = torch.tensor([tokenizer.encode("Who is it? <|female|>")])
    adapted = load_adapter(base_model, saved, tokenizer, PRECISION, trainable=False)
    adapted.get_base_model().set_attn_implementation("eager")
    with torch.no_grad():
        expected = adapted(ids).logits[0, -1].float().log_softmax(-1)
        with adapted.disable_adapter():
            bare = adapted(ids).logits[0, -1].float().log_softmax(-1)
    with merged(policy, saved, base_model, PRECISION) as folder:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=DTYPE)
        assert model.config.vocab_size == 49154
        with torch.no_grad():
            found = model(ids).logits[0, -1].float().log_softmax(-1)
    # In bfloat16 merging rounds the sum: small beside what the adapter does.
    assert (found - expected).abs().mean() < (bare - expected).abs().mean() / 2


def test_a_policy_of_another_base_is_refused(saved: Path) -> None:
    with pytest.raises(InputError, match="trained on base weights abc, these are def"):
        check_base(read_policy(saved), "def", saved)


def test_saved_modules_are_in_order(saved: Path) -> None:
    config = json.loads((saved / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["target_modules"] == ["q_proj", "v_proj"]


def test_a_tokenizer_without_the_steering_tokens_is_refused(
    saved: Path, base_model: Path, tmp_path: Path
) -> None:
    shutil.copytree(saved, tmp_path / "policy")
    AutoTokenizer.from_pretrained(base_model).save_pretrained(tmp_path / "policy")
    named = r"the steering token '<\|male\|>' is not item 49152"
    with (
        pytest.raises(InputError, match=named),
        merged(read_policy(saved), tmp_path / "policy", base_model, PRECISION),
    ):
        pass


def test_a_truncated_adapter_is_refused(saved: Path, base_model: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(saved)
    for file in saved.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="not an adapter of"):
        load_adapter(base_model, tmp_path, tokenizer, PRECISION, trainable=False)


def test_an_adapter_that_is_a_pickle_is_refused(base_model: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.bin").write_bytes(b"a pickle")
    with pytest.raises(InputError, match="no safetensors"):
        load_adapter(base_model, tmp_path, None, PRECISION, trainable=False)


def test_a_folder_without_policy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no policy"):
        read_policy(tmp_path)
