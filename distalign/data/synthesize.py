"""Draw D_base: N_k responses of category k for each context (equation 6)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from distalign.records.schemas import DatasetSpec, Prompt, Response

T = TypeVar("T")


class SynthesizeParams(BaseModel):
    """A setting's block under `synthesize` in params.yaml."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    pool: int = Field(ge=1)
    """Distinct responses written for each context and category."""
    requests_per_response: float = Field(ge=0)
    """Requests to spend at most, as a multiple of the pool: for each context on details, or for
    each context and category on whole texts."""
    max_tokens: int = Field(ge=1)
    """Length at which an LLM's answer is cut."""


def draw_base(
    spec: DatasetSpec,
    prompts: Sequence[Prompt],
    pool: Sequence[Response],
    n: int,
    rng: np.random.Generator,
) -> list[Response]:
    """D_base: for each context n rows (x, r, a), exactly N_k of category k.

    Training prompts and the responses of a category are drawn in random order, each once
    before any comes again. Rows of a context are ordered so that every prefix is as close to the
    target as its length allows: training on a part of D_base keeps its distribution.
    """
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for prompt in prompts:
        if prompt.split == "train":
            asked[prompt.context].append(prompt.prompt)
    written: defaultdict[tuple[str, str], list[Response]] = defaultdict(list)
    for row in pool:
        written[row.context, row.category].append(row)
    rows = []
    for context in spec.contexts:
        questions = shuffled(asked[context.name], rng)
        responses = [shuffled(written[context.name, name], rng) for name in spec.categories]
        for k in spread(largest_remainder(context.target, n), rng):
            rows.append(next(responses[k]).model_copy(update={"prompt": next(questions)}))
    return rows


def shuffled(items: Sequence[T], rng: np.random.Generator) -> Iterator[T]:
    """All items in random order, then all in another, without end."""
    while True:
        yield from (items[index] for index in rng.permutation(len(items)))


def spread(counts: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Category indices, counts[k] times each, spread evenly over the sequence.

    The j-th of category k stands near (j + u_k) / counts[k] of the way, u_k uniform.
    """
    places = [
        ((j + offset) / count, k)
        for (k, count), offset in zip(enumerate(counts), rng.random(len(counts)), strict=True)
        for j in range(count)
    ]
    return [k for _, k in sorted(places)]


def largest_remainder(target: ArrayLike, n: int) -> list[int]:
    """N_k of equation 6, so that sum_k N_k = n and |N_k - n p_k| < 1.

    Ties go to the earlier category.
    """
    quotas = np.asarray(target, float) * n
    counts = np.floor(quotas + 1e-9).astype(int)
    # Rounded, so that remainders that differ by float noise alone count as ties.
    order = np.argsort(-(quotas - counts).round(9), kind="stable")
    counts[order[: n - counts.sum()]] += 1
    return counts.tolist()
