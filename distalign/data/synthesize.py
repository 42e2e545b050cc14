"""Write D_base: N_k responses of category k for each context (equation 6)."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from distalign.data.wordings import LONGEST_NAME, fill, normalise
from distalign.llm.endpoint import Endpoint, Request
from distalign.records.schemas import DatasetSpec, InputError, Prompt, Question, Response

T = TypeVar("T")
EXAMPLES = 3
Accept = Callable[[str, str, str], str | None]
"""(an LLM's answer, category, context) -> the response to keep, or None."""
# Few-shot prompts are shared by many requests, so that an engine computes each prefix once.
PREFIXES = 8


class SynthesizeParams(BaseModel):
    """A setting's block under `synthesize` in params.yaml."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    responses: int = Field(ge=1)
    """N of equation 6: rows of D_base a context."""
    pool: int = Field(ge=1)
    """Distinct responses written for each context and category."""
    requests_per_response: float = Field(ge=0)
    """Requests to spend at most, as a multiple of the pool; then the written frames."""
    max_tokens: int = Field(ge=1)
    """Length at which an LLM's answer is cut."""


def write_pool(
    spec: DatasetSpec,
    setting: str,
    params: SynthesizeParams,
    accept: Accept,
    endpoint: Endpoint,
    rng: np.random.Generator,
) -> list[Response]:
    """`pool` distinct accepted responses for each context and category.

    All pairs that still lack responses are asked for together, so that the endpoint is
    never idle. The `prompt` of a pool row is the plain template.

    Raises:
        InputError: LLM and written frames together yield no response for some pair.
    """
    question = spec.attribute.question(setting)
    pairs = [(context.name, category) for context in spec.contexts for category in spec.categories]
    pools: dict[tuple[str, str], dict[str, Response]] = {pair: {} for pair in pairs}
    shown = [context.name for context in spec.contexts if len(context.name) <= LONGEST_NAME]
    prefixes = [
        _examples(shown, spec.categories, question, rng) for _ in range(PREFIXES if shown else 0)
    ]
    budget = int(params.pool * params.requests_per_response)
    asked = {pair: 0 if len(pair[0]) <= LONGEST_NAME else budget for pair in pairs}

    def keep(pair: tuple[str, str], answer: str, source: str) -> None:
        context, category = pair
        text = accept(answer, category, context)
        if text is not None and len(pools[pair]) < params.pool:
            row = Response(
                setting=setting,
                context=context,
                prompt=fill(question.template, context),
                response=text,
                category=category,
                source=source,
            )
            pools[pair].setdefault(normalise(text), row)

    while any(len(pools[p]) < params.pool and asked[p] < budget for p in pairs):
        todo = []
        for pair in pairs:
            lacking = params.pool - len(pools[pair])
            todo += [pair] * min(2 * lacking, budget - asked[pair])
        requests = [
            Request(
                messages=[
                    *prefixes[rng.integers(PREFIXES)],
                    _ask(question, context, _word(question, category, rng)),
                ],
                max_tokens=params.max_tokens,
                seed=int(rng.integers(2**31)),
            )
            for context, category in todo
        ]
        done = sum(len(pool) for pool in pools.values())
        answers = endpoint.complete(requests, f"synthesize {done}/{len(pairs) * params.pool}")
        for pair, answer in zip(todo, answers, strict=True):
            asked[pair] += 1
            keep(pair, answer, "llm")
    for pair in pairs:
        for index in rng.permutation(len(question.responses.frames)):
            text = _write(question.responses.frames[index], _word(question, pair[1], rng))
            keep(pair, text, "grammar")
        if not pools[pair]:
            raise InputError(
                f"synthesize: no usable response of {pair[1]!r} for {pair[0]!r}; raise "
                f"synthesize.{setting}.requests_per_response or add frames to the attribute"
            )
    return [row for pair in pairs for row in pools[pair].values()]


def _word(question: Question, category: str, rng: np.random.Generator) -> str:
    words = question.responses.words[category]
    return words[rng.integers(len(words))]


def _write(frame: str, word: str) -> str:
    text = frame.replace("{word}", word)
    return text[0].upper() + text[1:]


def _ask(question: Question, context: str, word: str) -> dict[str, str]:
    asked = question.responses.ask.replace("{question}", question.template)
    return {"role": "user", "content": fill(asked.replace("{word}", word), context)}


def _examples(
    contexts: Sequence[str],
    categories: Sequence[str],
    question: Question,
    rng: np.random.Generator,
) -> list[dict[str, str]]:
    """Turns that show written responses, for random contexts and categories."""
    messages = [{"role": "system", "content": question.responses.system}]
    for index in rng.permutation(len(question.responses.frames))[:EXAMPLES]:
        context = contexts[rng.integers(len(contexts))]
        word = _word(question, categories[rng.integers(len(categories))], rng)
        text = _write(question.responses.frames[index], word)
        messages += [_ask(question, context, word), {"role": "assistant", "content": text}]
    return messages


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
