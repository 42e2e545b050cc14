"""Rounds of a model behind an OpenAI-compatible API, for methods that train nothing.

Such a model needs no weights here: what is asked, read and judged is the same as elsewhere.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pydantic import Field

from distalign.llm.asking import AskingParams, Request
from distalign.llm.endpoint import Endpoint
from distalign.records.schemas import DatasetSpec, InputError, Prompt, Round
from distalign.sampling.drawing import draw_independent
from distalign.sampling.prompts import BASELINES, EXTERNAL, Planned, read_output, turn_of
from distalign.sampling.rounds import SampleParams, Shard, make_shards

CHARACTERS_A_TOKEN = 3.5
"""Of English prompts; a forecast needs no more."""
TOKENS_A_TURN = 8


class RemoteParams(AskingParams):
    """The block of params.yaml that names a sampled model behind an API."""

    budget: int | None = Field(ge=1)
    """Most tokens, read and written, that the rounds of a cell may take; null: no bound."""


class Forecast(NamedTuple):
    """What the rounds of a cell will take."""

    requests: int
    """Requests that no stored answer serves."""
    read: int
    """Tokens of their prompts, about."""
    written: int
    """Tokens of their answers, at most."""

    def exceeds(self, budget: int | None) -> bool:
        """Whether it takes more tokens than a budget; there may be none."""
        return budget is not None and self.read + self.written > budget

    def __str__(self) -> str:
        tokens = self.read + self.written
        return f"{self.requests:,} requests, at most {tokens:,} tokens ({self.written:,} written)"


class Asked(NamedTuple):
    """A planned round, and the category that an outside generator has picked for it."""

    row: Planned
    request: Request
    category: int | None
    uniform: float


def plan_remote(
    method: str,
    max_tokens: int,
    spec: DatasetSpec,
    prompts: Sequence[Prompt],
    sample: SampleParams,
    model: str,
    seed: int,
) -> list[Asked]:
    """What is asked in N rounds a context.

    Args:
        method: one that trains nothing.
        max_tokens: of a response, beside what the model thinks.
        sample: what is planned as for every policy; of the decoding, top_p is sent, and the
            temperature is the endpoint's own parameter.
        model: its name at the API.
        seed: of the matrix, as for `make_shards`.

    Raises:
        InputError: see `plan_rounds`; or the API has no such decoding.
    """
    if sample.top_k:
        raise InputError(f"sample.top_k = {sample.top_k}: the API has none; set it to 0")
    shards = make_shards(spec, prompts, sample, f"{model}/{method}", seed)
    return [
        asked for shard in shards for asked in _plan_shard(method, max_tokens, spec, sample, shard)
    ]


def forecast_remote(endpoint: Endpoint, asked: Sequence[Asked], thinking_tokens: int) -> Forecast:
    """What planned rounds will take beside the answers that are stored already."""
    missing = endpoint.lacking([item.request for item in asked])
    signs = sum(len(m["content"]) for request in missing for m in request.messages)
    written = sum(request.max_tokens + thinking_tokens for request in missing)
    read = int(signs / CHARACTERS_A_TOKEN) + TOKENS_A_TURN * len(missing)
    return Forecast(len(missing), read, written)


def draw_remote(
    endpoint: Endpoint, asked: Sequence[Asked], method: str, spec: DatasetSpec, label: str
) -> list[Round]:
    """Planned rounds. An answer is kept by the endpoint as it comes, and asked for once.

    Args:
        label: of the progress bar.

    Raises:
        InputError: see `Endpoint.complete`.
    """
    answers = endpoint.complete([item.request for item in asked], label)
    return [
        _round(item, answer.strip(), method, spec)
        for item, answer in zip(asked, answers, strict=True)
    ]


def _plan_shard(
    method: str, max_tokens: int, spec: DatasetSpec, sample: SampleParams, shard: Shard
) -> list[Asked]:
    rng = np.random.default_rng(shard.seeds)
    uniforms = rng.random(len(shard.plan)).tolist()
    # In a row, so that no two rounds of one prompt share a seed.
    first = int(rng.integers(2**30))
    asked = []
    for place, (row, uniform) in enumerate(zip(shard.plan, uniforms, strict=True)):
        category = None
        if method == EXTERNAL:
            category = draw_independent(np.array(spec.context(row[0]).target), uniform)
        request = Request(
            messages=[{"role": "user", "content": turn_of(method, row, category, spec)}],
            max_tokens=max_tokens,
            seed=first + place,
            top_p=None if sample.top_p == 1 else sample.top_p,
        )
        asked.append(Asked(row, request, category, uniform))
    return asked


def _round(asked: Asked, output: str, method: str, spec: DatasetSpec) -> Round:
    is_baseline = method in BASELINES
    (context, number, prompt), category = asked.row, asked.category
    return Round(
        context=context,
        round=number,
        prompt=prompt,
        text=read_output(method, output, asked.uniform) if is_baseline else output,
        raw=output if is_baseline else None,
        drawn=None if category is None else spec.categories[category],
        probabilities=None,
        mass=None,
    )
