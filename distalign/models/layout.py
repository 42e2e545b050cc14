"""Who attends to whom in a flat list of tokens: queries in groups, groups of like size together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor


@dataclass(frozen=True)
class Groups:
    """G groups of at most Q queries, each of which sees some of its group's at most K keys.

    Attributes:
        queries: (G, Q) places of queries in the flat list that is run; padded with 0.
        keys: (G, K) places of keys, after those of the cache; padded with 0.
        mask: (G, 1, Q, K), 0 where a query may see a key and -inf elsewhere.
    """

    queries: Tensor
    keys: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Layout:
    """Who attends to whom.

    Attributes:
        parts: groups of like size, whose attention is computed at once.
        order: (T,) places of the T tokens among the parts' queries, padding counted.
    """

    parts: tuple[Groups, ...]
    order: Tensor


def _by_size(sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Groups of (queries, keys) in one part or two, by which least is computed for padding."""
    order = sorted(range(len(sizes)), key=lambda group: sizes[group], reverse=True)
    queries = [sizes[group][0] for group in order]
    keys = [sizes[group][1] for group in order]
    # Of the first i groups and of those from i on.
    most = list(accumulate(keys, max))
    least = list(accumulate(reversed(keys), max))[::-1]
    costs = [len(order) * queries[0] * most[-1]] + [
        at * queries[0] * most[at - 1] + (len(order) - at) * queries[at] * least[at]
        for at in range(1, len(order))
    ]
    cut = costs.index(min(costs))
    return [order[:cut], order[cut:]] if cut else [order]


def attention_layout(
    queries: Sequence[Sequence[int]],
    keys: Sequence[Sequence[int]],
    segments: Sequence[Sequence[int]],
    device: torch.device,
) -> Layout:
    """Layout of groups whose keys end with their own queries.

    Args:
        queries, keys: places, a list a group; the last len(queries) keys are the queries.
            What lies before the first query is in the cache.
        segments: of each query: 0 for the trunk, which all of the group's later tokens see,
            1, 2, … for leaves, which only their own later tokens see.
    """
    order = torch.zeros(sum(map(len, queries)), dtype=torch.long)
    first = min(min(group) for group in queries)
    parts, before = [], 0
    sizes = [(len(query), len(key)) for query, key in zip(queries, keys, strict=True)]
    for part in _by_size(sizes):
        n_queries, n_keys = (max(sizes[group][side] for group in part) for side in (0, 1))
        query_index = torch.zeros(len(part), n_queries, dtype=torch.long)
        key_index = torch.zeros(len(part), n_keys, dtype=torch.long)
        # A padded query sees the first key: a row of -inf alone would be nan.
        visible = torch.zeros(len(part), n_queries, n_keys, dtype=torch.bool)
        visible[:, :, 0] = True
        for g, group in enumerate(part):
            query, key, owner = queries[group], keys[group], torch.tensor(segments[group])
            own = torch.tensor(query) - first
            trunk = len(key) - len(query)
            query_index[g, : len(query)] = own
            key_index[g, : len(key)] = torch.tensor(key)
            same = (owner[:, None] == owner[None, :]) | (owner == 0)[None, :]
            visible[g, : len(query), :trunk] = True
            visible[g, : len(query), trunk : len(key)] = same.tril()
            order[own] = before + g * n_queries + torch.arange(len(query))
        mask = torch.zeros(visible.shape).masked_fill(~visible, float("-inf"))[:, None]
        parts.append(Groups(*(tensor.to(device) for tensor in (query_index, key_index, mask))))
        before += query_index.numel()
    return Layout(tuple(parts), order.to(device))
