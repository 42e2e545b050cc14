"""Responses of the story setting: texts that an LLM has written for a context and a category."""

import numpy as np

from distalign.data.responses import accept_story
from distalign.data.synthesize import SynthesizeParams
from distalign.data.wordings import LONGEST_NAME, fill, normalise
from distalign.judging.lexical import read_story
from distalign.llm.endpoint import Endpoint, Request
from distalign.records.schemas import DatasetSpec, InputError, Response, Writing


def write_stories(
    spec: DatasetSpec,
    setting: str,
    params: SynthesizeParams,
    endpoint: Endpoint,
    rng: np.random.Generator,
) -> list[Response]:
    """Up to `pool` distinct texts for each context and category that are read as the category.

    All pairs that still lack texts are asked for together, so that the endpoint is never idle.
    The `prompt` of a row is the plain template.

    Raises:
        InputError: no text is accepted for some pair.
    """
    question = spec.attribute.question(setting)
    writing = question.responses
    pairs = [(context.name, category) for context in spec.contexts for category in spec.categories]
    pools: dict[tuple[str, str], dict[str, Response]] = {pair: {} for pair in pairs}
    budget = int(params.pool * params.requests_per_response)
    asked = {pair: 0 if len(pair[0]) <= LONGEST_NAME else budget for pair in pairs}
    while any(len(pools[p]) < params.pool and asked[p] < budget for p in pairs):
        todo = []
        for pair in pairs:
            lacking = params.pool - len(pools[pair])
            todo += [pair] * min(2 * lacking, budget - asked[pair])
        requests = [_request(writing, pair, params.max_tokens, rng) for pair in todo]
        done = sum(len(pool) for pool in pools.values())
        answers = endpoint.complete(requests, f"synthesize {done}/{len(pairs) * params.pool}")
        for pair, answer in zip(todo, answers, strict=True):
            asked[pair] += 1
            text = accept_story(answer, pair[1], lambda text: read_story(text, spec.attribute))
            if text is not None and len(pools[pair]) < params.pool:
                row = Response(
                    setting=setting,
                    context=pair[0],
                    prompt=fill(question.template, pair[0]),
                    response=text,
                    category=pair[1],
                    source="llm",
                )
                pools[pair].setdefault(normalise(text), row)
    for context, category in pairs:
        if not pools[context, category]:
            raise InputError(
                f"synthesize: no usable response of {category!r} for {context[:80]!r}; raise "
                f"synthesize.{setting}.requests_per_response"
            )
    return [row for pair in pairs for row in pools[pair].values()]


def _request(
    writing: Writing, pair: tuple[str, str], max_tokens: int, rng: np.random.Generator
) -> Request:
    context, category = pair
    words = writing.words[category]
    asked = writing.ask.replace("{word}", words[rng.integers(len(words))])
    messages = [
        {"role": "system", "content": writing.system},
        {"role": "user", "content": fill(asked, context)},
    ]
    return Request(messages=messages, max_tokens=max_tokens, seed=int(rng.integers(2**31)))
