"""Responses of the attribute setting: frames that all categories of a context share.

A frame is a production of the attribute's grammar with the slots {word} and {context}; the end of
its sentence, {detail}, is one that an LLM has written about the context. As each frame is filled
with the word of every category, nothing else in a response tells its category.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np

from distalign.data.responses import accept_detail
from distalign.data.synthesize import SynthesizeParams, shuffled
from distalign.data.wordings import LONGEST_NAME, SLOT, expand_grammar, fill, normalise
from distalign.judging.words import read_category
from distalign.llm.endpoint import Endpoint, Request
from distalign.records.schemas import (
    Attribute,
    DatasetSpec,
    InputError,
    Response,
    Source,
    Writing,
)

WORD, DETAIL = "{word}", "{detail}"
SAID_NAME = 80
"""Characters of a context that a response repeats; a longer one would fill it."""
DETAILS = 12
"""Details wanted for each context: the LLM's, and written ones for what it lacks."""
EXAMPLES = 4
# Few-shot prompts are shared by many requests, so that an engine computes each prefix once.
PREFIXES = 8

Detail = tuple[str, Source]


def write_responses(
    spec: DatasetSpec,
    setting: str,
    params: SynthesizeParams,
    endpoint: Endpoint,
    rng: np.random.Generator,
) -> list[Response]:
    """Up to `pool` frames of each context, each filled with the word of every category.

    The `prompt` of a row is the plain template.

    Raises:
        InputError: a context has no usable frame.
    """
    question = spec.attribute.question(setting)
    writing = question.responses
    groups = frame_groups(writing)
    ends = ask_details(spec, writing, params, endpoint, rng)
    rows = []
    for context in spec.contexts:
        said = len(context.name) <= SAID_NAME
        own = [[frame for frame in group if said or SLOT not in frame] for group in groups]
        frames = usable_frames(own, ends[context.name], context.name, spec, writing, rng)
        found = [frame for frame, _ in zip(frames, range(params.pool), strict=False)]
        if not found:
            raise InputError(
                f"synthesize: no usable response for {context.name[:SAID_NAME]!r}: each names "
                "none or several categories, or a context too long to be said; add productions "
                f"to responses.grammar of data/attributes/{spec.attribute.name}.yaml"
            )
        rows += [
            Response(
                setting=setting,
                context=context.name,
                prompt=fill(question.template, context.name),
                response=texts[category],
                category=category,
                source=source,
            )
            for category in spec.categories
            for texts, source in found
        ]
    return rows


def frame_groups(writing: Writing) -> list[list[str]]:
    """All frames that each production of `root` yields; {detail} stays open."""
    slots = (SLOT, WORD, DETAIL)
    return [
        expand_grammar({**writing.grammar, "root": [production]}, slots)
        for production in writing.grammar["root"]
    ]


def fill_frame(frame: str, context: str, word: str) -> str:
    text = fill(frame.replace(WORD, word), context)
    return text[0].upper() + text[1:]


def usable_frames(
    groups: Sequence[Sequence[str]],
    details: Sequence[Detail],
    context: str,
    spec: DatasetSpec,
    writing: Writing,
    rng: np.random.Generator,
) -> Iterator[tuple[dict[str, str], Source]]:
    """Distinct frames as {category: text}, whose every text is read as its category.

    The productions of `root` take turns, so that none outweighs the others by what it yields.
    """
    seen = set()
    ends = shuffled(details, rng)
    for _ in range(max(1, len(details))):
        mixed = [groups[i] for i in rng.permutation(len(groups))]
        orders = [[group[i] for i in rng.permutation(len(group))] for group in mixed]
        for frame in (frame for turn in zip_longest(*orders) for frame in turn if frame):
            source: Source = "grammar"
            if DETAIL in frame:
                detail, source = next(ends)
                frame = frame.replace(DETAIL, detail)
            texts = {
                category: fill_frame(frame, context, words[rng.integers(len(words))])
                for category, words in writing.words.items()
            }
            if normalise(frame) not in seen and all(
                read_category(text, spec.attribute, context) == category
                for category, text in texts.items()
            ):
                seen.add(normalise(frame))
                yield texts, source


def ask_details(
    spec: DatasetSpec,
    writing: Writing,
    params: SynthesizeParams,
    endpoint: Endpoint,
    rng: np.random.Generator,
) -> dict[str, list[Detail]]:
    """DETAILS ends of sentences for each context, from the LLM as far as its budget goes."""
    written = writing.grammar.get("detail", [])
    names = [context.name for context in spec.contexts]
    shown = [name for name in names if len(name) <= LONGEST_NAME] if written else []
    prefixes = [_examples(shown, written, writing, rng) for _ in range(PREFIXES if shown else 0)]
    budget = int(params.pool * params.requests_per_response)
    asked = dict.fromkeys(shown, 0)
    answers: list[tuple[str, str]] = []
    while True:
        found = common_details(answers, written, writing.begin, spec.attribute)
        todo = []
        for name in shown:
            lacking = max(0, DETAILS - len(found.get(name, [])))
            todo += [name] * min(2 * lacking, budget - asked[name])
            asked[name] += min(2 * lacking, budget - asked[name])
        if not todo:
            break
        requests = [
            Request(
                messages=[*prefixes[rng.integers(PREFIXES)], _ask(writing, name)],
                max_tokens=params.max_tokens,
                seed=int(rng.integers(2**31)),
            )
            for name in todo
        ]
        label = f"synthesize {sum(map(len, found.values()))}/{DETAILS * len(shown)}"
        answers += zip(todo, endpoint.complete(requests, label), strict=True)
    ends = {}
    for name in names:
        own: list[Detail] = [(detail, "llm") for detail in found.get(name, [])[:DETAILS]]
        more = rng.permutation(len(written))[: DETAILS - len(own)]
        ends[name] = own + [(written[i], "grammar") for i in more]
    return ends


def common_details(
    answers: Sequence[tuple[str, str]], written: Sequence[str], begin: str, attribute: Attribute
) -> dict[str, list[str]]:
    """Context -> distinct usable details in the LLM's (context, answer) that are not written.

    Each of their words stands in two answers or in a written detail: what a small model has
    made up, it seldom makes up twice.
    """
    used = Counter(word for _, answer in answers for word in set(normalise(answer).split()))
    known = {word for detail in written for word in normalise(detail).split()}
    found: dict[str, dict[str, str]] = {}
    for name, answer in answers:
        detail = accept_detail(answer, fill(begin, name), attribute)
        if detail is None or detail in written:
            continue
        words = normalise(detail).split()
        if all(word in known or used[word] > 1 for word in words):
            found.setdefault(name, {})[" ".join(words)] = detail
    return {name: list(details.values()) for name, details in found.items()}


def _ask(writing: Writing, context: str) -> dict[str, str]:
    return {"role": "user", "content": fill(writing.ask, context)}


def _examples(
    contexts: Sequence[str], written: Sequence[str], writing: Writing, rng: np.random.Generator
) -> list[dict[str, str]]:
    """Turns that show written details, for random contexts."""
    messages = [{"role": "system", "content": writing.system}]
    for index in rng.permutation(len(written))[:EXAMPLES]:
        context = contexts[int(rng.integers(len(contexts)))]
        text = f"{fill(writing.begin, context)} {written[index]}."
        messages += [_ask(writing, context), {"role": "assistant", "content": text}]
    return messages
