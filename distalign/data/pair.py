"""Turn D_base into D_pref (equations 7-9), in an order that keeps KTO's mismatches real."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from distalign.data.synthesize import spread
from distalign.records.files import read_jsonl
from distalign.records.requests import Request
from distalign.records.schemas import (
    DatasetSpec,
    InputError,
    Preference,
    Prompt,
    Response,
    Setting,
)

Row = TypeVar("Row", Preference, Prompt)


class PairParams(BaseModel):
    """The `pair` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    responses: int = Field(ge=1)
    """N of equation 6: rows of D_base a context."""


class MixParams(BaseModel):
    """The `mix` block of params.yaml."""

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
    the pool of the same setting and context.

    Raises:
        InputError: the pool has no response for a context and category.
    """
    texts: dict[tuple[Setting, str, str], list[str]] = {}
    for row in pool:
        texts.setdefault((row.setting, row.context, row.category), []).append(row.response)
    rows = []
    for row in base:
        others = [category for category in categories if category != row.category]
        negative = others[rng.integers(len(others))]
        candidates = texts.get((row.setting, row.context, negative))
        if not candidates:
            raise InputError(
                f"pair: no response of {negative!r} for {row.context!r} in the pool of setting "
                f"{row.setting!r}; run synthesize again"
            )
        rows.append(
            Preference(
                setting=row.setting,
                context=row.context,
                prompt=row.prompt,
                category=row.category,
                response=row.response,
                rejected_category=negative,
                rejected_response=candidates[rng.integers(len(candidates))],
            )
        )
    return interleave(rows, rng)


def reorder(
    rows: Sequence[Preference], categories: Sequence[str], rng: np.random.Generator
) -> list[Preference]:
    """The rows of D_pref in another order, in which every prefix is as balanced as in the first.

    A training seed's own: it decides which rows a training on a part of them sees, and when. The
    rows themselves are the same for all seeds.
    """
    groups: dict[tuple[str, str], list[list[Preference]]] = {}
    for row in rows:
        group = groups.setdefault((row.context, row.setting), [[] for _ in categories])
        group[categories.index(row.category)].append(row)
    ordered = []
    for group in groups.values():
        drawn = [iter([own[i] for i in rng.permutation(len(own))]) for own in group]
        ordered += [next(drawn[k]) for k in spread([len(own) for own in group], rng)]
    return interleave(ordered, rng)


def interleave(rows: Sequence[Row], rng: np.random.Generator) -> list[Row]:
    """One row of each context in turn, the settings taking turns, contexts in one random order.

    KTO estimates z_0 from each row's prompt with its neighbour's response; with rows of one
    context side by side those mismatched pairs would match. Every prefix holds settings and
    contexts alike, so that training on a part of the rows keeps their shares.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.context, row.setting), []).append(row)
    contexts = list(dict.fromkeys(context for context, _ in groups))
    settings = list(dict.fromkeys(setting for _, setting in groups))
    permuted = [contexts[index] for index in rng.permutation(len(contexts))]
    order = [groups.get((context, setting), []) for setting in settings for context in permuted]
    longest = max((len(group) for group in order), default=0)
    return [group[turn] for turn in range(longest) for group in order if turn < len(group)]


class Examples(NamedTuple):
    """What a training reads."""

    spec: DatasetSpec
    rows: Sequence[Preference]
    """D_pref, reordered."""
    validation: Sequence[Prompt]
    """Prompts that measure calibration."""
    requests: Sequence[Request]
    """Ordinary ones and near misses, of which the training split is held."""


def read_examples(
    preferences: Path,
    validation: Path,
    requests: Sequence[Path],
    spec: DatasetSpec,
    rng: np.random.Generator,
) -> Examples:
    """The examples of a training, from the files of the stages before it.

    Raises:
        InputError: naming the file and line of a row that is not valid.
    """
    rows = reorder(read_jsonl(preferences, Preference), spec.categories, rng)
    answered = [row for file in requests for row in read_jsonl(file, Request)]
    return Examples(spec, rows, read_jsonl(validation, Prompt), answered)
