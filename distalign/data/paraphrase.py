"""Rewrite a question into distinct wordings for each split (paper section 4, A.1.2)."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from distalign.data.stated import stated_prompt
from distalign.data.wordings import (
    LONGEST_NAME,
    SLOT,
    allowed_words,
    fill,
    normalise,
    reject_reason,
    written_wordings,
)
from distalign.llm.endpoint import Endpoint, Request
from distalign.records.schemas import (
    SPLITS,
    Attribute,
    Context,
    DatasetSpec,
    InputError,
    Prompt,
    Question,
    Source,
    Split,
)

SYSTEM = "You rewrite questions. You keep their meaning and answer with one rewritten question."
MAX_TOKENS = 40
EXAMPLES = 3
# Few-shot prompts are shared by many requests, so that an engine computes each prefix once.
PREFIXES = 8
# Small models garble long names; short ones come back whole.
SHOWN_CONTEXTS = 8


class ParaphraseParams(BaseModel):
    """A setting's block under `paraphrase` in params.yaml."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    per_split: int = Field(ge=1)
    """Prompts a context in each of train, validation and test."""
    rewrite: Literal["template", "context"]
    """Rewrite the template once for all contexts, or anew for each context."""
    requests_per_wording: float = Field(ge=0)
    """Requests to spend at most, as a multiple of the wordings wanted; then the grammar."""
    batch: int = Field(ge=1)
    """Requests asked at once; what fails the checks is asked for again in the next batch."""


def clean_answer(text: str, context: str) -> str:
    """The first line of an LLM's answer, with the context's name turned into the slot."""
    line = next((line for line in text.strip().split("\n") if line.strip()), "")
    line = re.sub(r"^[\s\"'“”*-]+|[\s\"'“”*]+$", "", line)
    return re.sub(re.escape(context), SLOT, line, flags=re.IGNORECASE)


def split_of(wording: str, seed: int) -> Split:
    """The split a wording belongs to, whatever context it is met in."""
    digest = hashlib.sha256(f"{seed} {normalise(wording)}".encode()).digest()
    return SPLITS[digest[0] % len(SPLITS)]


class Wordings:
    """The first `per_split` wordings of each split that differ by more than punctuation."""

    def __init__(self, per_split: int, seed: int) -> None:
        self._per_split = per_split
        self._seed = seed
        self._found: dict[Split, dict[str, tuple[str, Source]]] = {split: {} for split in SPLITS}

    def add(self, wording: str, source: Source) -> None:
        found = self._found[split_of(wording, self._seed)]
        if len(found) < self._per_split:
            found.setdefault(normalise(wording), (wording, source))

    def __len__(self) -> int:
        return sum(len(found) for found in self._found.values())

    @property
    def wanted(self) -> int:
        return len(SPLITS) * self._per_split

    def __iter__(self) -> Iterator[tuple[Split, str, Source]]:
        for split, found in self._found.items():
            for wording, source in found.values():
                yield split, wording, source


def collect_wordings(
    question: Question,
    attribute: Attribute,
    contexts: Sequence[str],
    params: ParaphraseParams,
    endpoint: Endpoint,
    rng: np.random.Generator,
) -> Wordings:
    """`per_split` wordings for each split, from the LLM as far as its budget goes.

    Args:
        contexts: names to show the LLM in turn, if they are not too long; the slot takes their
            place afterwards.

    Raises:
        InputError: LLM and grammar together yield too few.
    """
    written = list(written_wordings(question, attribute, rng))
    productions = {normalise(wording) for wording in written}
    allowed = allowed_words(question)
    wordings = Wordings(params.per_split, params.seed)
    shown = sorted((name for name in contexts if len(name) <= LONGEST_NAME), key=len)
    shown = shown[:SHOWN_CONTEXTS]
    budget = int(wordings.wanted * params.requests_per_wording) if shown else 0
    prefixes = [_examples(written, name, rng) for name in islice(cycle(shown), PREFIXES)]
    asked = 0
    while len(wordings) < wordings.wanted and asked < budget:
        size = min(params.batch, budget - asked)
        names = [shown[(asked + i) % len(shown)] for i in range(size)]
        requests = [
            _request(question, name, prefixes[rng.integers(PREFIXES)], rng) for name in names
        ]
        answers = endpoint.complete(requests, f"paraphrase {len(wordings)}/{wordings.wanted}")
        asked += size
        for answer, name in zip(answers, names, strict=True):
            wording = clean_answer(answer, name)
            if reject_reason(wording, question, attribute, allowed) is None:
                known = normalise(wording) in productions
                wordings.add(wording, "grammar" if known else "llm")
    for wording in written:
        wordings.add(wording, "grammar")
    if len(wordings) < wordings.wanted:
        raise InputError(
            f"paraphrase: {len(wordings)} of {wordings.wanted} wordings of "
            f"{question.template!r}; add productions to the attribute's grammar or lower "
            "paraphrase.per_split"
        )
    return wordings


def _examples(
    written: Sequence[str], context: str, rng: np.random.Generator
) -> list[dict[str, str]]:
    """Turns that show what rewording means: pairs of written wordings of the same question."""
    n_pairs = min(EXAMPLES, len(written) // 2)
    chosen = rng.choice(len(written), size=2 * n_pairs, replace=False)
    messages = [{"role": "system", "content": SYSTEM}]
    for source, target in chosen.reshape(n_pairs, 2):
        messages += [
            {"role": "user", "content": f"Rewrite: {fill(written[source], context)}"},
            {"role": "assistant", "content": fill(written[target], context)},
        ]
    return messages


def _request(
    question: Question, context: str, examples: list[dict[str, str]], rng: np.random.Generator
) -> Request:
    asked = {"role": "user", "content": f"Rewrite: {fill(question.template, context)}"}
    seed = int(rng.integers(2**31))
    return Request(messages=[*examples, asked], max_tokens=MAX_TOKENS, seed=seed)


def paraphrase(
    spec: DatasetSpec,
    setting: str,
    params: ParaphraseParams,
    endpoint: Endpoint,
) -> list[Prompt]:
    """per_split prompts of every context in every split; no wording is in two splits.

    Contexts that are taught have no test prompts, and those that are tested beside them no others;
    a context's statement of its target goes around each wording.

    Raises:
        InputError: the attribute has no such setting, or wordings are too few.
    """
    question = spec.attribute.question(setting)
    rng = np.random.default_rng(params.seed)
    prompts = []
    contexts = [*spec.taught, *spec.contexts]
    tested = {context.name for context in spec.contexts} if spec.taught else set()
    groups = [contexts] if params.rewrite == "template" else [[context] for context in contexts]
    for group in groups:
        names = list(dict.fromkeys(context.subject for context in group))
        wordings = collect_wordings(question, spec.attribute, names, params, endpoint, rng)
        order = list(wordings)
        order = [order[index] for index in rng.permutation(len(order))]
        for context in group:
            prompts += [
                Prompt(
                    setting=setting,
                    context=context.name,
                    split=split,
                    prompt=_asked(wording, context, question),
                    source=source,
                )
                for split, wording, source in order
                if not spec.taught or (split == "test") == (context.name in tested)
            ]
    return prompts


def _asked(wording: str, context: Context, question: Question) -> str:
    text = f"{fill(wording, context.subject)} {question.limit}".rstrip()
    return stated_prompt(text, context.statement) if context.statement else text
