"""The pass over a token tree against the model's plain one, in float32 on a tiny model."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from distalign.models.forward import first_logits, score_completions, score_mismatched
from distalign.models.packing import ATTENTION
from distalign.records.schemas import InputError

HEADER = [5, 6, 7]
PROMPTS = [[*HEADER, 11, 12], [*HEADER, 13], [*HEADER, 11, 12], [*HEADER, 14, 15, 16]]
COMPLETIONS = [[1, 20, 2], [0, 21, 22, 23, 2], [0, 24, 2], [2]]
STEERING = torch.tensor([0, 1])


def tiny_model(attention: str, dtype: torch.dtype = torch.float32) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config).to(dtype)


@pytest.fixture
def model() -> LlamaForCausalLM:
    return tiny_model(ATTENTION)


@pytest.fixture
def plain() -> LlamaForCausalLM:
    return tiny_model("eager")


def plain_logp(model: LlamaForCausalLM, prompt: list[int], completion: list[int]) -> torch.Tensor:
    logps = model(torch.tensor([prompt + completion])).logits[0].float().log_softmax(-1)
    places = range(len(prompt) - 1, len(prompt) + len(completion) - 1)
    return sum(logps[place, token] for place, token in zip(places, completion, strict=True))


def test_completions_score_as_in_a_plain_forward_pass(model, plain) -> None:
    scored = score_completions(model, PROMPTS, COMPLETIONS)
    for i, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        torch.testing.assert_close(scored.logps[i], plain_logp(plain, prompt, completion))
        logits = plain(torch.tensor([prompt])).logits[0, -1]
        torch.testing.assert_close(scored.first_logits[i], logits)
    assert scored.lengths.tolist() == list(map(len, COMPLETIONS))
    torch.testing.assert_close(
        scored.first_logps,
        scored.first_logits.log_softmax(-1)[range(len(COMPLETIONS)), [c[0] for c in COMPLETIONS]],
    )


def test_prompts_that_share_nothing(model, plain) -> None:
    prompts, completions = [[4, 5], [6]], [[1], [2, 3]]
    scored = score_completions(model, prompts, completions)
    for i, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        torch.testing.assert_close(scored.logps[i], plain_logp(plain, prompt, completion))


def test_gradients_are_those_of_a_plain_forward_pass(model, plain) -> None:
    score_completions(model, PROMPTS, COMPLETIONS).logps.sum().backward()
    sum(plain_logp(plain, p, c) for p, c in zip(PROMPTS, COMPLETIONS, strict=True)).backward()
    for (name, weight), expected in zip(model.named_parameters(), plain.parameters(), strict=True):
        # Terms of up to 12 in another order: 1.1e-5 off at one place of the embedding, on a Zen 4.
        torch.testing.assert_close(weight.grad, expected.grad, msg=name, rtol=1.3e-6, atol=2e-5)


def test_mismatched_completions_reuse_the_prompts(model, plain) -> None:
    scored = score_completions(model, PROMPTS, COMPLETIONS)
    others = [COMPLETIONS[-1], *COMPLETIONS[:-1]]
    logps = score_mismatched(model, scored, others)
    assert not logps.requires_grad
    some = [[] if row == 1 else other for row, other in enumerate(others)]
    expected = torch.where(torch.arange(len(others)) == 1, 0.0, logps)
    torch.testing.assert_close(score_mismatched(model, scored, some), expected)
    for i, (prompt, completion) in enumerate(zip(PROMPTS, others, strict=True)):
        torch.testing.assert_close(logps[i], plain_logp(plain, prompt, completion).detach())


def test_first_logits_of_prompts_of_unequal_length(model, plain) -> None:
    found = first_logits(model, PROMPTS, STEERING)
    for i, prompt in enumerate(PROMPTS):
        torch.testing.assert_close(found[i], plain(torch.tensor([prompt])).logits[0, -1])


def test_prompts_that_are_only_asked_change_nothing_else(model, plain) -> None:
    asked = [PROMPTS[0], [*PROMPTS[1], 3]]
    alone = score_completions(model, PROMPTS, COMPLETIONS)
    beside = score_completions(model, PROMPTS, COMPLETIONS, asked=asked)
    torch.testing.assert_close(beside.logps, alone.logps)
    assert len(alone.asked_logits) == 0
    for found, prompt in zip(beside.asked_logits, asked, strict=True):
        torch.testing.assert_close(found, plain(torch.tensor([prompt])).logits[0, -1])


def test_bfloat16_with_adapters_in_float32_stays_within_its_rounding() -> None:
    """Losses and gradients against peft's own pass, which runs adapters in float32."""
    lora = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)

    def run(attention: str, score) -> tuple[torch.Tensor, torch.Tensor]:
        model = get_peft_model(tiny_model(attention, torch.bfloat16), lora)
        for weight in model.parameters():  # peft raises its own to float32 only on loading
            weight.data = weight.data.float() if weight.requires_grad else weight.data
        loss = -score(model.get_base_model()).mean()
        loss.backward()
        return loss.detach(), torch.cat(
            [w.grad.flatten() for w in model.parameters() if w.requires_grad]
        )

    tree_loss, tree = run(ATTENTION, lambda m: score_completions(m, PROMPTS, COMPLETIONS).logps)
    rows = list(zip(PROMPTS, COMPLETIONS, strict=True))
    loss, grad = run("eager", lambda m: torch.stack([plain_logp(m, p, c) for p, c in rows]))
    torch.testing.assert_close(tree_loss, loss, rtol=2e-2, atol=0)
    assert torch.nn.functional.cosine_similarity(tree, grad, dim=0) > 0.99


def test_steering_logits_are_not_rounded_to_bfloat16() -> None:
    model = tiny_model(ATTENTION, torch.bfloat16)
    logits = first_logits(model, PROMPTS, STEERING)
    rounded = logits.bfloat16().float() == logits
    assert rounded[:, 2:].all()
    assert not rounded[:, :2].all()


def test_a_text_longer_than_the_attentions_window_is_refused(model) -> None:
    model.config.sliding_window = 9
    score_completions(model, PROMPTS, COMPLETIONS)
    model.config.sliding_window = 8
    with pytest.raises(InputError, match="has 9 tokens, the model's attention looks back over 8"):
        score_completions(model, PROMPTS, COMPLETIONS)
