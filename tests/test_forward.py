"""The shared forward pass against the model's plain one, in float32 on a tiny model."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from distalign.forward import first_logits, score_completions, score_mismatched, shared_prefix

HEADER = [5, 6, 7]
PROMPTS = [[*HEADER, 11, 12], [*HEADER, 13], [*HEADER, 14, 15, 16]]
COMPLETIONS = [[1, 20, 2], [0, 21, 22, 23, 2], [1, 2]]


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        attn_implementation="eager",
    )
    return LlamaForCausalLM(config)


def batch(completions: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """input_ids, attention_mask and completion_mask of PROMPTS with the given completions."""
    rows = [p + c for p, c in zip(PROMPTS, completions, strict=True)]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [2] * (longest - len(row)) for row in rows])
    attention = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    completion = attention.clone()
    for row, prompt in zip(completion, PROMPTS, strict=True):
        row[: len(prompt)] = 0
    return ids, attention, completion


def plain_logp(model: LlamaForCausalLM, prompt: list[int], completion: list[int]) -> torch.Tensor:
    logps = model(torch.tensor([prompt + completion])).logits[0].log_softmax(-1)
    places = range(len(prompt) - 1, len(prompt) + len(completion) - 1)
    return sum(logps[place, token] for place, token in zip(places, completion, strict=True))


def test_shared_prefix_stops_before_the_last_prompt_token() -> None:
    ids, attention, completion = batch(COMPLETIONS)
    assert shared_prefix(ids, attention - completion) == 3
    same = torch.tensor([[5, 6, 7], [5, 6, 7]])
    assert shared_prefix(same, torch.ones_like(same)) == 2


def test_completions_score_as_in_a_plain_forward_pass(model: LlamaForCausalLM) -> None:
    scored = score_completions(model, *batch(COMPLETIONS))
    for i, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        torch.testing.assert_close(scored.logps[i], plain_logp(model, prompt, completion))
        logits = model(torch.tensor([prompt])).logits[0, -1]
        torch.testing.assert_close(scored.first_logits[i], logits)
    assert scored.n_tokens == sum(map(len, COMPLETIONS))


def test_gradients_are_those_of_a_plain_forward_pass(model: LlamaForCausalLM) -> None:
    weight = model.model.layers[0].self_attn.k_proj.weight
    score_completions(model, *batch(COMPLETIONS)).logps.sum().backward()
    shared, weight.grad = weight.grad.clone(), None
    sum(plain_logp(model, p, c) for p, c in zip(PROMPTS, COMPLETIONS, strict=True)).backward()
    torch.testing.assert_close(shared, weight.grad)
    weight.grad = None


def test_mismatched_completions_reuse_the_prompts(model: LlamaForCausalLM) -> None:
    scored = score_completions(model, *batch(COMPLETIONS))
    others = [COMPLETIONS[-1], *COMPLETIONS[:-1]]
    longest = max(map(len, others))
    ids = torch.tensor([row + [2] * (longest - len(row)) for row in others])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in others])
    logps = score_mismatched(model, scored, ids, mask)
    assert not logps.requires_grad
    for i, (prompt, completion) in enumerate(zip(PROMPTS, others, strict=True)):
        torch.testing.assert_close(logps[i], plain_logp(model, prompt, completion))


def test_first_logits_of_prompts_of_unequal_length(model: LlamaForCausalLM) -> None:
    longest = max(map(len, PROMPTS))
    ids = torch.tensor([row + [2] * (longest - len(row)) for row in PROMPTS])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in PROMPTS])
    found = first_logits(model, ids, mask)
    for i, prompt in enumerate(PROMPTS):
        torch.testing.assert_close(found[i], model(torch.tensor([prompt])).logits[0, -1])
