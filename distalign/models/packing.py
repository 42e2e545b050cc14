"""Rows of a batch as one tree of tokens without padding, of which nothing is computed twice.

The tokens with which all prompts begin are the root, each prompt's own tokens a branch, and
its completions the leaves. The body of the model runs over the flat list of tokens;
attention alone sees the tree, in one group of queries a branch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

from distalign.models.layout import Groups, Layout, attention_layout
from distalign.records.schemas import InputError

ATTENTION = "token_tree"


@dataclass(frozen=True)
class Tree:
    """B rows packed as T tokens.

    Attributes:
        ids, positions: (1, T).
        layout: of the T tokens among themselves.
        root: number of tokens that all prompts share.
        groups: (B,) the branch that a row's prompt is.
        branches: places of each prompt's own tokens.
        prompt_ends: (B,) place of the prompt's last token, which predicts the completion's first.
        predictors: (N,) places of the tokens that predict the N completion tokens.
        labels: (N,) these completion tokens.
        rows: (N,) the row that each belongs to.
    """

    ids: Tensor
    positions: Tensor
    layout: Layout
    root: int
    groups: list[int]
    branches: list[list[int]]
    prompt_ends: Tensor
    predictors: Tensor
    labels: Tensor
    rows: Tensor


def common_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Number of leading tokens that all prompts share, less than the shortest prompt's."""
    first, last = min(map(list, prompts)), max(map(list, prompts))
    limit = min(map(len, prompts)) - 1
    return next((i for i in range(limit) if first[i] != last[i]), limit)


def pack(
    prompts: Sequence[Sequence[int]], completions: Sequence[Sequence[int]], device: torch.device
) -> Tree:
    """Pack B rows; equal prompts are packed once. Completions may be empty."""
    root = common_prefix(prompts)
    ids, positions = list(prompts[0][:root]), list(range(root))
    trunk = list(range(root))
    queries = [trunk] if root else []
    keys, segments = list(queries), [[0] * len(group) for group in queries]
    rows_of: dict[tuple[int, ...], list[int]] = {}
    for row, prompt in enumerate(prompts):
        rows_of.setdefault(tuple(prompt), []).append(row)
    groups, branches, ends = [0] * len(prompts), [], [0] * len(prompts)
    predictors: list[list[int]] = [[] for _ in prompts]
    for g, (prompt, rows) in enumerate(rows_of.items()):
        start = len(ids)
        ids += prompt[root:]
        positions += range(root, len(prompt))
        segment = [0] * (len(prompt) - root)
        branches.append(list(range(start, len(ids))))
        end = len(ids) - 1
        for leaf, row in enumerate(rows, start=1):
            groups[row], ends[row] = g, end
            completion = completions[row]
            predictors[row] = [end, *range(len(ids), len(ids) + len(completion) - 1)]
            predictors[row] = predictors[row][: len(completion)]
            ids += completion
            positions += range(len(prompt), len(prompt) + len(completion))
            segment += [leaf] * len(completion)
        own = list(range(start, len(ids)))
        queries.append(own)
        keys.append(trunk + own)
        segments.append(segment)

    def tensor(values: list[int]) -> Tensor:
        return torch.tensor(values, device=device)

    return Tree(
        ids=tensor(ids)[None],
        positions=tensor(positions)[None],
        layout=attention_layout(queries, keys, segments, device),
        root=root,
        groups=groups,
        branches=branches,
        prompt_ends=tensor(ends),
        predictors=tensor([place for row in predictors for place in row]),
        labels=tensor([token for completion in completions for token in completion]),
        rows=tensor([row for row, completion in enumerate(completions) for _ in completion]),
    )


def window(config: Any) -> int | None:
    """Tokens over which the attention of a model of this config looks back; None: all."""
    text = config.get_text_config()
    found = [getattr(text, "sliding_window", None), getattr(text, "attention_chunk_size", None)]
    if not getattr(text, "use_sliding_window", True):
        del found[0]
    return min((size for size in found if size is not None), default=None)


def check_window(config: Any, length: int) -> None:
    """Raises InputError where a token tree of this depth would be seen in part alone."""
    size = window(config)
    if size is not None and length > size:
        raise InputError(
            f"a prompt with its response has {length} tokens, the model's attention looks back "
            f"over {size}: shorten prompts or max_tokens"
        )


def soft_capped(scores: Tensor, cap: float | None) -> Tensor:
    """Scores of attention as Gemma 2 keeps them between -cap and cap."""
    return scores if cap is None else cap * torch.tanh(scores / cap)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None,
    scaling: float,
    layout: Layout,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention of a token tree, as transformers calls it.

    Args:
        query: (1, H, T, D); key, value: (1, H', T', D), T' ≥ T where there is a cache.

    Returns:
        (1, T, H, D), and no weights.
    """
    width = key.shape[3]
    query = query * scaling
    flat = [_attend_groups(query[0], key[0], value[0], part, softcap) for part in layout.parts]
    return torch.cat(flat).index_select(0, layout.order).view(1, query.shape[2], -1, width), None


def _attend_groups(
    query: Tensor, key: Tensor, value: Tensor, groups: Groups, softcap: float | None
) -> Tensor:
    """Attention of some groups, (G * Q, H * D), from (H, T, D) queries and (H', T', D) keys."""
    n_groups, n_queries = groups.queries.shape
    kv_heads, _, width = key.shape

    def gather(states: Tensor, index: Tensor) -> Tensor:
        picked = states.index_select(1, index.flatten())
        return picked.view(len(states), *index.shape, width).transpose(0, 1)

    # Query heads of one key head lie beside each other, as in grouped-query attention.
    grouped = gather(query, groups.queries).reshape(n_groups, kv_heads, -1, width)
    scores = soft_capped((grouped @ gather(key, groups.keys).transpose(2, 3)).float(), softcap)
    scores = scores.view(n_groups, -1, n_queries, scores.shape[-1]) + groups.mask
    weights = scores.softmax(-1).to(value.dtype).view(*grouped.shape[:3], -1)
    mixed = (weights @ gather(value, groups.keys)).view(n_groups, -1, n_queries, width)
    return mixed.transpose(1, 2).reshape(n_groups * n_queries, -1)


AttentionInterface.register(ATTENTION, attend)
