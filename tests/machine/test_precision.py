"""One precision for everything that computes: which, who follows it, and what it leaves alone."""

import re
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from pydantic import ValidationError
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from distalign.engines.vllm_settings import server_command, vllm_arguments
from distalign.machine.precision import (
    BYTES,
    PrecisionParams,
    cpu_multiplies_bfloat16,
    native_bfloat16,
)
from distalign.machine.provenance import here
from distalign.models.forward import score_completions, score_mismatched
from distalign.models.packing import ATTENTION
from distalign.models.policy import (
    LoraParams,
    Policy,
    load_base,
    merged,
    new_adapter,
    read_policy,
    save_policy,
)
from distalign.models.steering import resolve
from distalign.records.files import read_attribute
from distalign.training.objective import calibration_loss, dpo_loss, kto_loss
from tests.support.machine import AUTO
from tests.support.paths import ROOT

NAMES = re.compile(
    r"torch\.(bfloat16|float16|half)\b|\.(bfloat16|half)\(|dtype\s*=\s*[\"'](b?float|half)"
)


def test_auto_is_bfloat16_only_where_it_is_native() -> None:
    assert AUTO.resolve(native=True) == "bfloat16"
    assert AUTO.resolve(native=False) == "float32"
    for native in (True, False):
        assert PrecisionParams("float32").resolve(native) == "float32"
        assert PrecisionParams("bfloat16").resolve(native) == "bfloat16"


@pytest.mark.parametrize("wrong", ["float16", "bf16", "", None, 32])
def test_other_precisions_are_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        PrecisionParams(wrong)


@pytest.mark.parametrize(
    ("level", "avx512_bf16", "amx_bf16", "native"),
    [
        ("AVX512", True, False, True),  # AMD since Zen 4, Intel's Cooper Lake
        ("AVX512", True, True, True),  # Sapphire Rapids
        ("AVX512", False, False, False),  # Skylake, Ice Lake
        ("AVX2", False, False, False),
        ("AVX2", True, True, False),  # torch is held to AVX2 by its environment
        ("DEFAULT", False, False, False),
    ],
)
def test_a_cpu_multiplies_bfloat16_by_what_torch_says_of_it(
    level: str, avx512_bf16: bool, amx_bf16: bool, native: bool
) -> None:
    features = {"avx512_bf16": avx512_bf16, "amx_bf16": amx_bf16}
    assert cpu_multiplies_bfloat16(level, features) is native


def test_this_processor_is_one_of_both_kinds() -> None:
    assert here(AUTO.resolve(native_bfloat16())).precision in BYTES


def test_nothing_else_names_a_type_of_numbers() -> None:
    """Beside float32, in which some sums and products are made whatever the precision."""
    folders = ("distalign", "stages", "tools", "benchmarks")
    files = [path for folder in folders for path in ROOT.glob(f"{folder}/**/*.py")]
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if path.name != "precision.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if NAMES.search(line)
    ]
    assert len(files) > 90
    assert named == []


@pytest.mark.parametrize("native", [True, False])
def test_a_cpu_gets_its_precision_everywhere(
    base_model: Path, tmp_path: Path, native: bool
) -> None:
    """Body, merged policy, both engines' arguments and what is recorded; adapters stay float32."""
    precision = AUTO.resolve(native)
    wanted = torch.bfloat16 if native else torch.float32
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    steering = resolve(tokenizer, attribute, "digits")
    assert {weight.dtype for weight in load_base(base_model, precision).parameters()} == {wanted}
    lora = LoraParams(r=2, alpha=4, target_modules=["q_proj"], layers=1)
    model = new_adapter(base_model, tokenizer, lora, steering, precision)
    kinds = {weight.requires_grad: weight.dtype for weight in model.parameters()}
    assert kinds == {True: torch.float32, False: wanted}
    policy = Policy(
        method="ours",
        base_sha256="",
        adapter=True,
        steering=steering,
        decoding="two_step",
        trained=here(precision),
    )
    save_policy(policy, model, tokenizer, tmp_path)
    assert read_policy(tmp_path).trained.precision == precision
    with merged(policy, tmp_path, base_model, precision) as whole:
        weights = load_base(whole, precision).parameters()
        assert {weight.dtype for weight in weights} == {wanted}
        assert vllm_arguments(whole, precision)["dtype"] == precision
        command = server_command(whole, precision, {})
    assert command[command.index("--dtype") + 1] == precision


def losses(model: torch.nn.Module) -> torch.Tensor:
    """Every loss of training, and its gradient's norm, on the same eight rows."""
    prompts = [[1, 2, 3, 4, 5, 6 + i % 3] for i in range(8)]
    completions = [[50 + i % 2, 20 + i, 30 + i, 2] for i in range(8)]
    ids = torch.tensor([50, 51])
    scored = score_completions(model, prompts, completions, ids)
    mismatched = score_mismatched(model, scored, [completions[(i + 1) % 8] for i in range(8)])
    target = torch.tensor([[0.7, 0.3]] * 8)
    desirable = torch.tensor([True, False] * 4)
    log_ratios = scored.logps - scored.logps.detach().mean()
    found = [
        -scored.logps.sum() / scored.lengths.sum(),
        calibration_loss(scored.first_logits, ids, target, "vocabulary"),
        calibration_loss(scored.first_logits, ids, target, "steering"),
        kto_loss(log_ratios, desirable, mismatched.mean() * 0, 0.1, 1.0, 1.0),
        dpo_loss(log_ratios, desirable, 0.1),
    ]
    sum(found).backward()
    norm = torch.stack([w.grad.norm() for w in model.parameters() if w.requires_grad]).norm()
    return torch.stack([*found, norm]).detach()


def test_both_precisions_have_the_same_losses() -> None:
    results = []
    for dtype in (torch.bfloat16, torch.float32):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            attn_implementation=ATTENTION,
        )
        base = LlamaForCausalLM(config).to(torch.bfloat16).to(dtype)  # the same weights
        lora = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
        model = get_peft_model(base, lora)
        for weight in model.parameters():
            weight.data = weight.data.float() if weight.requires_grad else weight.data
        results.append(losses(model))
    half, single = results
    torch.testing.assert_close(half[:-1], single[:-1], rtol=0.01, atol=1e-3)
    torch.testing.assert_close(half[-1], single[-1], rtol=0.05, atol=0)
    assert not torch.equal(half, single)
