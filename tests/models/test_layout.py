"""Who sees whom in small trees, by hand."""

import torch

from distalign.models.layout import Layout, attention_layout
from distalign.models.packing import pack

CPU = torch.device("cpu")


def seen_keys(layout: Layout) -> dict[int, list[int]]:
    """The keys that each token of the flat list sees."""
    slots = [
        (int(part.queries[group, query]), part.keys[group][part.mask[group, 0, query] == 0])
        for part in layout.parts
        for group in range(len(part.queries))
        for query in range(part.queries.shape[1])
    ]
    found = [slots[slot] for slot in layout.order.tolist()]
    assert [place for place, _ in found] == list(range(len(found)))
    return {place: keys.tolist() for place, keys in found}


def test_groups_of_unlike_size_are_padded_apart() -> None:
    queries = [[0, 1], [2, 3, 4, 5, 6, 7], [8], [9, 10]]
    keys = [[0, 1], [0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 8], [0, 1, 9, 10]]
    layout = attention_layout(queries, keys, [[0] * len(group) for group in queries], CPU)
    assert [tuple(part.queries.shape) for part in layout.parts] == [(1, 6), (3, 2)]
    assert [part.keys.shape[1] for part in layout.parts] == [8, 4]
    assert seen_keys(layout) == {
        place: key[: len(key) - len(query) + at + 1]
        for query, key in zip(queries, keys, strict=True)
        for at, place in enumerate(query)
    }


def test_groups_of_one_size_stay_together() -> None:
    groups = [[0, 1], [2, 3], [4, 5]]
    assert len(attention_layout(groups, groups, [[0, 0]] * 3, CPU).parts) == 1


def test_each_token_sees_its_own_path_to_the_root() -> None:
    tree = pack([[5, 6], [5, 7, 8], [5, 6]], [[1, 2], [3], [4]], CPU)
    assert seen_keys(tree.layout) == {
        0: [0],
        1: [0, 1],
        2: [0, 1, 2],
        3: [0, 1, 2, 3],
        4: [0, 1, 4],
        5: [0, 5],
        6: [0, 5, 6],
        7: [0, 5, 6, 7],
    }
