"""Write D_base: N_k responses of category k for each context (equation 6)."""

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from distalign.endpoint import Endpoint, Request
from distalign.judge import read_category
from distalign.prompts import fill, normalise
from distalign.records import Attribute, DatasetSpec, InputError, Prompt, Question, Response
from distalign.statistics import largest_remainder

SYSTEM = "You answer in one short sentence that says nothing but the answer you are told to give."
T = TypeVar("T")
MAX_TOKENS = 24
MAX_WORDS = 14
EXAMPLES = 3
# Few-shot prompts are shared by many requests, so that an engine computes each prefix once.
PREFIXES = 8


class SynthesizeParams(BaseModel):
    """The `synthesize` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    responses: int = Field(ge=1)
    """N of equation 6: rows of D_base a context."""
    pool: int = Field(ge=1)
    """Distinct responses written for each context and category."""
    requests_per_response: float = Field(ge=0)
    """Requests to spend at most, as a multiple of the pool; then the written frames."""


def is_usable(text: str, category: str, attribute: Attribute, context: str) -> bool:
    """One short sentence in plain words that expresses the category and no other."""
    return (
        re.fullmatch(r"[A-Z][\w\s,'’.&()/-]*\.", text) is not None
        and len(text.split()) <= MAX_WORDS + len(context.split())
        and re.search(r"\b(not|neither|nor|or)\b", text, re.IGNORECASE) is None
        and read_category(text, attribute, context) == category
    )


def write_pool(
    spec: DatasetSpec,
    question: Question,
    params: SynthesizeParams,
    endpoint: Endpoint,
    rng: np.random.Generator,
) -> list[Response]:
    """`pool` distinct checked responses for each context and category.

    All pairs that still lack responses are asked for together, so that the endpoint is
    never idle. The `prompt` of a pool row is the plain template.

    Raises:
        InputError: LLM and written frames together yield no response for some pair.
    """
    pairs = [(context.name, category) for context in spec.contexts for category in spec.categories]
    pools: dict[tuple[str, str], dict[str, Response]] = {pair: {} for pair in pairs}
    asked = dict.fromkeys(pairs, 0)
    words = {category.name: category.words[0] for category in spec.attribute.categories}
    prefixes = [_examples(spec, question, rng) for _ in range(PREFIXES)]
    budget = int(params.pool * params.requests_per_response)

    def keep(pair: tuple[str, str], text: str, source: str) -> None:
        context, category = pair
        if len(pools[pair]) < params.pool and is_usable(text, category, spec.attribute, context):
            row = Response(
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
            _request(question, pair[0], words[pair[1]], prefixes[rng.integers(PREFIXES)], rng)
            for pair in todo
        ]
        done = sum(len(pool) for pool in pools.values())
        answers = endpoint.complete(requests, f"synthesize {done}/{len(pairs) * params.pool}")
        for pair, answer in zip(todo, answers, strict=True):
            asked[pair] += 1
            keep(pair, answer.strip().split("\n")[0].strip(), "llm")
    for pair in pairs:
        for index in rng.permutation(len(question.answers)):
            text = _write(question.answers[index], pair[0], words[pair[1]])
            keep(pair, text, "grammar")
        if not pools[pair]:
            raise InputError(f"synthesize: no usable response of {pair[1]!r} for {pair[0]!r}")
    return [row for pair in pairs for row in pools[pair].values()]


def _write(frame: str, context: str, word: str) -> str:
    text = fill(frame.replace("{word}", word), context)
    return text[0].upper() + text[1:]


def _ask(question: Question, context: str, word: str) -> dict[str, str]:
    asked = fill(question.template, context)
    return {"role": "user", "content": f"{asked} Say that the answer is {word}."}


def _examples(
    spec: DatasetSpec, question: Question, rng: np.random.Generator
) -> list[dict[str, str]]:
    """Turns that show written answers, for random contexts and categories."""
    messages = [{"role": "system", "content": SYSTEM}]
    for frame in rng.permutation(len(question.answers))[:EXAMPLES]:
        context = spec.contexts[rng.integers(len(spec.contexts))].name
        categories = spec.attribute.categories
        word = categories[rng.integers(len(categories))].words[0]
        text = _write(question.answers[frame], context, word)
        messages += [_ask(question, context, word), {"role": "assistant", "content": text}]
    return messages


def _request(
    question: Question,
    context: str,
    word: str,
    examples: list[dict[str, str]],
    rng: np.random.Generator,
) -> Request:
    messages = [*examples, _ask(question, context, word)]
    return Request(messages=messages, max_tokens=MAX_TOKENS, seed=int(rng.integers(2**31)))


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
    rows = []
    for context in spec.contexts:
        questions = shuffled(
            [p.prompt for p in prompts if (p.context, p.split) == (context.name, "train")], rng
        )
        responses = [
            shuffled([r for r in pool if (r.context, r.category) == (context.name, name)], rng)
            for name in spec.categories
        ]
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
