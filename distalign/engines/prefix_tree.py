"""A batch of prompts as one tree of tokens, in which a common beginning stands once."""

from collections.abc import Sequence


def prefix_tree(prompts: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Each distinct beginning of the prompts once.

    Returns:
        The tree's tokens, parents before children; and for each prompt the places of its own.
    """
    tokens: list[int] = []
    child: dict[tuple[int, int], int] = {}
    paths = []
    for prompt in prompts:
        at, path = -1, []
        for token in prompt:
            if (at, token) not in child:
                child[at, token] = len(tokens)
                tokens.append(token)
            at = child[at, token]
            path.append(at)
        paths.append(path)
    return tokens, paths


def branches(paths: Sequence[Sequence[int]]) -> list[tuple[list[int], list[int]]]:
    """The tree cut where it forks: (places before a branch, places of the branch)."""
    found: dict[int, tuple[list[int], list[int]]] = {}
    follows: dict[int, set[int]] = {}
    for path in paths:
        for place, after in zip(path, path[1:], strict=False):
            follows.setdefault(place, set()).add(after)
    ends = {path[-1] for path in paths}
    for path in paths:
        start = 0
        for depth, place in enumerate(path):
            if depth + 1 == len(path) or place in ends or len(follows[place]) > 1:
                found.setdefault(place, (list(path[:start]), list(path[start : depth + 1])))
                start = depth + 1
    return list(found.values())
