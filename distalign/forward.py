"""One forward pass that computes nothing twice and builds logits only where a loss needs them.

Two savings, both exact: the tokens with which all prompts of a batch begin (the chat
template's header) are run once, and the vocabulary projection is applied to the positions
that predict a completion token and to no others.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import DynamicCache

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Completions:
    """What a forward pass over B rows yields.

    Attributes:
        logps: (B,) log π(y|x), summed over the completion's tokens.
        n_tokens: number of completion tokens in the batch.
        first_logits: (B, V) that predict the first completion token.
        cache: keys and values of every position, (B, L) long.
        prompt_mask: (B, L), 1 at prompt tokens.
    """

    logps: Tensor
    n_tokens: int
    first_logits: Tensor
    cache: DynamicCache
    prompt_mask: Tensor


def shared_prefix(input_ids: Tensor, prompt_mask: Tensor) -> int:
    """Number of leading tokens that all rows share, less than the shortest prompt's."""
    same = (input_ids == input_ids[:1]).all(0) & prompt_mask.bool().all(0)
    length = int(same.long().cumprod(0).sum())
    return min(length, int(prompt_mask.sum(1).min()) - 1)


def run_body(
    model: "PreTrainedModel", input_ids: Tensor, attention_mask: Tensor, prefix: int
) -> tuple[Tensor, DynamicCache]:
    """Hidden states after the first `prefix` tokens, (B, L - prefix, H), and the cache."""
    cache = DynamicCache()
    if prefix:
        model.base_model(input_ids=input_ids[:1, :prefix], past_key_values=cache, use_cache=True)
        cache.batch_repeat_interleave(len(input_ids))
    output = model.base_model(
        input_ids=input_ids[:, prefix:],
        attention_mask=attention_mask,
        past_key_values=cache,
        use_cache=True,
    )
    return output.last_hidden_state, cache


def score_completions(
    model: "PreTrainedModel", input_ids: Tensor, attention_mask: Tensor, completion_mask: Tensor
) -> Completions:
    """Log-probability of each row's completion; differentiable.

    Args:
        model: a causal language model, its peft wrapper taken off (`get_base_model`).
        input_ids, attention_mask, completion_mask: (B, L), padded on the right.
    """
    prompt_mask = attention_mask * (1 - completion_mask)
    prefix = shared_prefix(input_ids, prompt_mask)
    hidden, cache = run_body(model, input_ids, attention_mask, prefix)
    # hidden[:, i] predicts token prefix + i + 1.
    predicts = completion_mask[:, prefix + 1 :].bool()
    rows = predicts.nonzero()[:, 0]
    # A contiguous two-dimensional product; a slice would copy the projection once a row.
    logits = model.get_output_embeddings()(hidden[:, :-1][predicts].contiguous()).float()
    logps = _pick(logits, input_ids[:, prefix + 1 :][predicts])
    starts = torch.ones_like(rows, dtype=torch.bool)
    starts[1:] = rows[1:] != rows[:-1]
    sums = logps.new_zeros(len(input_ids)).index_add(0, rows, logps)
    return Completions(sums, len(rows), logits[starts], cache, prompt_mask)


def score_mismatched(
    model: "PreTrainedModel", scored: Completions, completion_ids: Tensor, mask: Tensor
) -> Tensor:
    """log π(y'|x), (B,), of other completions after the same prompts; no gradient.

    The prompts' keys and values are those of `scored`: only y' itself is run.

    Args:
        completion_ids: (B, T) tokens of y', padded on the right.
        mask: (B, T).
    """
    with torch.no_grad():
        logps = _pick(scored.first_logits.detach(), completion_ids[:, 0])
        cache = DynamicCache()
        for layer, kept in enumerate(scored.cache.layers):
            cache.update(kept.keys.detach(), kept.values.detach(), layer)
        start = scored.prompt_mask.sum(1, keepdim=True)
        hidden = model.base_model(
            input_ids=completion_ids,
            attention_mask=torch.cat([scored.prompt_mask, mask], dim=1),
            position_ids=start + torch.arange(completion_ids.shape[1], device=start.device),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        predicts = mask[:, 1:].bool()
        logits = model.get_output_embeddings()(hidden[:, :-1][predicts].contiguous()).float()
        rest = _pick(logits, completion_ids[:, 1:][predicts])
        return logps.index_add(0, predicts.nonzero()[:, 0], rest)


def first_logits(model: "PreTrainedModel", input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Logits after the last token of each row, (B, V); rows padded on the right."""
    prefix = shared_prefix(input_ids, attention_mask)
    hidden, _ = run_body(model, input_ids, attention_mask, prefix)
    last = attention_mask.sum(1) - 1 - prefix
    picked = hidden[torch.arange(len(last), device=last.device), last]
    return model.get_output_embeddings()(picked.contiguous()).float()


def _pick(logits: Tensor, labels: Tensor) -> Tensor:
    """log-softmax of the logits (N, V) at the labels (N,)."""
    return logits.gather(1, labels[:, None])[:, 0] - logits.logsumexp(-1)
