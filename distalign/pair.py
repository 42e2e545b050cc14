"""Turn D_base into D_pref (equations 7-9), in an order that keeps KTO's mismatches real."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from distalign.records import InputError, Preference, Response


class PairParams(BaseModel):
    """The `pair` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    seed: int


def pair(
    base: Sequence[Response],
    pool: Sequence[Response],
    categories: Sequence[str],
    rng: np.random.Generator,
) -> list[Preference]:
    """One preference row for each row of D_base.

    The negative category is uniform over the others (equation 8); its response comes from
    the pool of the same context.

    Raises:
        InputError: the pool has no response for a context and category.
    """
    texts: dict[tuple[str, str], list[str]] = {}
    for row in pool:
        texts.setdefault((row.context, row.category), []).append(row.response)
    rows = []
    for row in base:
        others = [category for category in categories if category != row.category]
        negative = others[rng.integers(len(others))]
        candidates = texts.get((row.context, negative))
        if not candidates:
            raise InputError(f"pair: no response of {negative!r} for {row.context!r} in the pool")
        rows.append(
            Preference(
                context=row.context,
                prompt=row.prompt,
                category=row.category,
                response=row.response,
                rejected_category=negative,
                rejected_response=candidates[rng.integers(len(candidates))],
            )
        )
    return interleave(rows, rng)


def interleave(rows: Sequence[Preference], rng: np.random.Generator) -> list[Preference]:
    """One row of each context in turn, the contexts in one random order.

    KTO estimates z_0 from each row's prompt with its neighbour's response; with rows of one
    context side by side those mismatched pairs would match.
    """
    by_context: dict[str, list[Preference]] = {}
    for row in rows:
        by_context.setdefault(row.context, []).append(row)
    groups = list(by_context.values())
    groups = [groups[index] for index in rng.permutation(len(groups))]
    longest = max((len(group) for group in groups), default=0)
    return [group[turn] for turn in range(longest) for group in groups if turn < len(group)]
