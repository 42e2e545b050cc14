"""One forward pass over a token tree, with logits only where a loss needs them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import DynamicCache

from distalign.models.head import causal_lm, output_head
from distalign.models.label_logps import label_logps
from distalign.models.layout import Layout, attention_layout
from distalign.models.packing import Tree, check_window, pack, window

Row = tuple[Sequence[int], Sequence[int]]
"""Token ids of a prompt and of its completion."""


@dataclass(frozen=True)
class Completions:
    """What a forward pass over B rows yields.

    Attributes:
        logps: (B,) log π(y|x), summed over the completion's tokens.
        first_logps: (B,) the part of it that the completion's first token is.
        lengths: (B,) tokens of each completion.
        first_logits: (B, V) that predict the first completion token.
        kept_logits: (N, V) that predict the tokens of the kept rows, a row after the other.
        asked_logits: (P, V) that follow the prompts that were only asked.
        tree: the rows as they were packed.
        cache: keys and values of the tree's tokens.
    """

    logps: Tensor
    first_logps: Tensor
    lengths: Tensor
    first_logits: Tensor
    kept_logits: Tensor
    asked_logits: Tensor
    tree: Tree
    cache: DynamicCache


def hidden_states(
    model: nn.Module, ids: Tensor, positions: Tensor, layout: Layout, cache: DynamicCache
) -> Tensor:
    """Hidden states of the flat list of tokens, (T, H); the cache grows by their keys.

    The outermost wrapper is called: it brings the gradients of several processes together.
    """
    inner = causal_lm(model)
    if window(inner.config) is not None:
        check_window(inner.config, int(positions.max()) + 1)
    output = model(
        input_ids=ids,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        layout=layout,
        output_hidden_states=True,
        # Of no use here. A slice instead of an index would copy the whole head.
        logits_to_keep=torch.zeros(1, dtype=torch.long, device=ids.device),
    )
    return output.hidden_states[-1][0]


def score_completions(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    completions: Sequence[Sequence[int]],
    exact: Tensor | None = None,
    kept: Sequence[Row] = (),
    asked: Sequence[Sequence[int]] = (),
) -> Completions:
    """Log-probability of each row's completion; differentiable.

    Args:
        model: a causal language model with the attention of `distalign.models.packing`, as it is or
            wrapped by peft and accelerate.
        prompts, completions: B lists of token ids.
        exact: tokens (K,) whose first logits are computed in float32, if any.
        kept: more rows, of which the logits at every token of the completion are wanted instead.
        asked: P more prompts, of which the logits of the next token alone are wanted.
    """
    n_rows = len(prompts)
    prompts = [*prompts, *(prompt for prompt, _ in kept), *asked]
    completions = [*completions, *(completion for _, completion in kept), *([] for _ in asked)]
    tree, cache = pack(prompts, completions, causal_lm(model).device), DynamicCache()
    hidden = hidden_states(model, tree.ids, tree.positions, tree.layout, cache)
    own = tree.rows < n_rows
    kept_logits = _logits_at(model, hidden[tree.predictors[~own]], exact)
    asked_logits = _logits_at(model, hidden[tree.prompt_ends[n_rows + len(kept) :]], exact)
    groups = tree.groups[:n_rows]  # the branches of the first rows are the first
    tree = replace(
        tree,
        groups=groups,
        branches=tree.branches[: max(groups) + 1],
        prompt_ends=tree.prompt_ends[:n_rows],
        predictors=tree.predictors[own],
        labels=tree.labels[own],
        rows=tree.rows[own],
    )
    starts = torch.ones_like(tree.rows, dtype=torch.bool)
    starts[1:] = tree.rows[1:] != tree.rows[:-1]
    # The first token's logits are wanted whole, and are the same for all rows of a prompt: apart
    # from the others, they need neither a copy nor a scattered gradient of (N, V).
    branch = torch.tensor(groups, device=tree.ids.device)
    ends = tree.prompt_ends.new_zeros(len(tree.branches)).index_copy(0, branch, tree.prompt_ends)
    first = _logits_at(model, hidden[ends], exact)[branch]
    begin = -F.cross_entropy(first, tree.labels[starts], reduction="none")
    rest = label_logps(hidden[tree.predictors[~starts]], output_head(model), tree.labels[~starts])
    sums = begin.index_add(0, tree.rows[~starts], rest)
    lengths = torch.bincount(tree.rows, minlength=n_rows)
    return Completions(sums, begin, lengths, first, kept_logits, asked_logits, tree, cache)


def completion_logits(model: nn.Module, rows: Sequence[Row], exact: Tensor | None = None) -> Tensor:
    """Logits (N, V) that predict the N completion tokens of some rows, a row after the other."""
    prompts, completions = zip(*rows, strict=True)
    tree = pack(prompts, completions, causal_lm(model).device)
    hidden = hidden_states(causal_lm(model), tree.ids, tree.positions, tree.layout, DynamicCache())
    return _logits_at(model, hidden[tree.predictors], exact)


def score_mismatched(
    model: nn.Module, scored: Completions, completions: Sequence[Sequence[int]]
) -> Tensor:
    """log π(y'|x), (B,), of other completions after the same prompts; no gradient.

    The prompts' keys and values are those of `scored`: only y' itself is run. A row whose y' is
    empty has 0.
    """
    tree, device = scored.tree, scored.logps.device
    place = first = tree.ids.shape[1]
    queries, keys, segments = [], [], []
    positions: list[int] = []
    run = [row for row, completion in enumerate(completions) if completion]
    for row in run:
        completion = completions[row]
        own = list(range(place, place + len(completion)))
        branch = tree.branches[tree.groups[row]]
        queries.append(own)
        keys.append([*range(tree.root), *branch, *own])
        segments.append([0] * len(own))
        positions += range(tree.root + len(branch), tree.root + len(branch) + len(own))
        place += len(own)
    labels = torch.tensor([token for completion in completions for token in completion])
    rows = torch.tensor([row for row, own in zip(run, queries, strict=True) for _ in own])
    labels, rows, some = labels.to(device), rows.to(device), torch.tensor(run, device=device)
    with torch.no_grad():
        cache = DynamicCache()
        for layer, kept in enumerate(scored.cache.layers):
            cache.update(kept.keys.detach(), kept.values.detach(), layer)
        layout = attention_layout(queries, keys, segments, device)
        position_ids = torch.tensor([positions], device=device)
        hidden = hidden_states(causal_lm(model), labels[None], position_ids, layout, cache)
        starts = torch.tensor([own[0] - first for own in queries], device=device)
        inner = torch.ones_like(labels, dtype=torch.bool).index_fill(0, starts, False).nonzero()
        inner = inner[:, 0]
        rest = label_logps(hidden[inner - 1], output_head(model), labels[inner])
        begin = -F.cross_entropy(scored.first_logits[some], labels[starts], reduction="none")
        sums = begin.new_zeros(len(completions)).index_copy(0, some, begin)
        return sums.index_add(0, rows[inner], rest)


def first_logits(model: nn.Module, prompts: Sequence[Sequence[int]], exact: Tensor) -> Tensor:
    """Logits after each prompt, (B, V), those of the tokens `exact` (K,) in float32."""
    tree = pack(prompts, [[] for _ in prompts], causal_lm(model).device)
    hidden = hidden_states(model, tree.ids, tree.positions, tree.layout, DynamicCache())
    return _logits_at(model, hidden[tree.prompt_ends], exact)


def _logits_at(model: nn.Module, hidden: Tensor, exact: Tensor | None = None) -> Tensor:
    """Logits (B, V) after hidden states (B, H), those of a few tokens in float32: in bfloat16 a
    probability near a half would move in steps of 0.03.
    """
    head = output_head(model)
    logits = head.logits(hidden)
    if exact is None:
        return logits
    return logits.index_copy(1, exact, head.at(exact).logits(hidden))
