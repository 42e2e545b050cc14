"""What the server loads of a policy, and which policies it refuses."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from distalign.models.policy import LoraParams, Policy, merged, new_adapter, save_policy
from distalign.models.steering import Steering, resolve
from distalign.records.files import read_attribute
from distalign.records.schemas import InputError
from distalign.serving.served import check_servable, room_for, served_parts
from tests.support.paths import ROOT
from tests.support.tiny_models import make_source

LORA = LoraParams(r=2, alpha=4, target_modules=["q_proj", "v_proj"], layers=1)
STEERING = Steering(form="digits", tokens=["0", "1"], ids=[32, 33])


def policy_of(steering: Steering | None, decoding: str = "two_step") -> Policy:
    return Policy(
        method="tried",
        base_sha256="abc",
        adapter=True,
        steering=steering,
        decoding=decoding,
        trained=None,
    )


def test_policies_that_cannot_answer_alone_are_refused() -> None:
    check_servable(policy_of(STEERING), Path("a"))
    check_servable(policy_of(STEERING, "plain"), Path("a"))
    with pytest.raises(InputError, match="a: method 'tried' has no steering tokens"):
        check_servable(policy_of(None, "plain"), Path("a"))
    with pytest.raises(InputError, match="a: method 'tried' draws .* from the target"):
        check_servable(policy_of(STEERING, "external"), Path("a"))


@pytest.mark.parametrize(("rank", "room"), [(1, 1), (2, 8), (8, 8), (65, 128), (512, 512)])
def test_room_is_the_next_that_there_is(rank: int, room: int, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": rank}))
    assert room_for(tmp_path) == room


def test_a_rank_above_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"r": 513}')
    with pytest.raises(InputError, match="r is 513; vLLM serves adapters up to 512"):
        room_for(tmp_path)


@pytest.mark.parametrize("name", ["qwen2", "llama3"])
def test_rows_of_added_tokens_move_from_the_adapter_to_the_base_model(
    name: str, tmp_path: Path
) -> None:
    """Tied and untied: the parts together are the merged policy, and the base is kept."""
    from peft import PeftModel

    base, folder = make_source(name, tmp_path / "base"), tmp_path / "policy"
    tokenizer = AutoTokenizer.from_pretrained(base)
    steering = resolve(tokenizer, read_attribute(ROOT / "data/attributes/gender.yaml"), "added")
    model = new_adapter(base, tokenizer, LORA, steering, "float32")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    policy = policy_of(steering)
    save_policy(policy, model, tokenizer, folder)
    ids = torch.tensor([[5, steering.ids[1], 7, 9]])
    with (
        served_parts(policy, folder, base, "float32") as (whole, adapter),
        merged(policy, folder, base, "float32") as expected,
        torch.no_grad(),
    ):
        assert all(".lora_" in key for key in load_file(adapter / "adapter_model.safetensors"))
        parts = AutoModelForCausalLM.from_pretrained(whole, dtype=torch.float32)
        alone = parts(ids[:, [0, 2, 3]]).logits[..., : steering.ids[0]]
        got = PeftModel.from_pretrained(parts, adapter)(ids).logits
        wanted = AutoModelForCausalLM.from_pretrained(expected, dtype=torch.float32)(ids).logits
        torch.testing.assert_close(got, wanted, atol=1e-4, rtol=1e-4)
        own = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        wanted = own(ids[:, [0, 2, 3]]).logits[..., : steering.ids[0]]
        torch.testing.assert_close(alone, wanted)
