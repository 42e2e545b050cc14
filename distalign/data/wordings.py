"""Wordings of a question: written ones, and checks on rewritten ones."""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import regex

from distalign.judging.matching import LETTER, UNSPACED, find_phrases, fold
from distalign.judging.words import named_categories
from distalign.records.schemas import Attribute, InputError, Question

SLOT = "{context}"
MAX_WORDS = 30
LONGEST_NAME = 200
"""Characters of a context that an LLM is told of. Its prompts repeat the name; behind longer ones
it loses the question, or the prompt is too long for it. Written wordings and frames serve these."""


# Words of scripts that put no space between them are counted by their signs.
_WORD = regex.compile(rf"{UNSPACED}|[{LETTER}--{UNSPACED}]+", regex.V1)
QUESTION_MARKS = ("?", "？", "؟")
_ENDS = (*QUESTION_MARKS, ".", "。", "।")


def fill(wording: str, context: str) -> str:
    """Put the context's name into a wording's slot; braces in the name stay text."""
    if context.endswith("."):
        wording = wording.replace(f"{SLOT}.", SLOT)
    return context.join(wording.split(SLOT))


def normalise(text: str) -> str:
    """What two prompts have in common if they differ in case and punctuation alone."""
    return " ".join(_WORD.findall(text.lower()))


def allowed_words(question: Question) -> frozenset[str]:
    """Every word that a wording of the question may use."""
    texts = [*question.vocabulary, *(text for texts in question.grammar.values() for text in texts)]
    return frozenset(normalise(re.sub(r"\{\w+\}", " ", " ".join(texts))).split())


def reject_reason(
    wording: str, question: Question, attribute: Attribute, allowed: frozenset[str]
) -> str | None:
    """Why a rewording of the question is not usable; None if it is.

    It must hold the context once, ask for the attribute in one short question or request,
    use no word that would change what is asked, and name no category that the question itself
    does not name (which would suggest an answer).
    """
    rest = wording.replace(SLOT, " ")
    words = normalise(rest).split()
    if wording.count(SLOT) != 1:
        return "does not hold the context exactly once"
    if len(find_phrases(fold(rest), (tuple(question.topic),))) != 1:
        return "does not ask for the attribute once"
    named = named_categories(rest, attribute)
    if named and not set(named) <= set(named_categories(question.template, attribute)):
        return "names a category"
    if "\n" in wording or len(words) > MAX_WORDS or not _is_sentence(wording):
        return "is not one short sentence"
    if not wording.endswith(QUESTION_MARKS) and words[0] not in question.requests:
        return "neither asks nor requests"
    unknown = [word for word in words if word not in allowed]
    if unknown:
        return f"says something else: {unknown[0]}"
    return None


def _is_sentence(wording: str) -> bool:
    """Whether it begins as a sentence of its script does, or with the slot, and ends as one."""
    first = wording.lstrip("¿")[:1]
    return (first == "{" or (first.isalpha() and not first.islower())) and wording.endswith(_ENDS)


def expand_grammar(
    grammar: Mapping[str, Sequence[str]], slots: Sequence[str] = (SLOT,)
) -> list[str]:
    """All texts that the productions yield from `root`, in their order.

    Args:
        slots: what stays as it is.

    Raises:
        InputError: there is no root, or a production uses a name that is not defined or
            that leads back to itself.
    """
    if "root" not in grammar:
        raise InputError(f"grammar: no `root` among {list(grammar)}")

    def expand(text: str, within: tuple[str, ...] = ()) -> Iterator[str]:
        slot = next((m for m in re.finditer(r"\{(\w+)\}", text) if m[0] not in slots), None)
        if slot is None:
            yield text
            return
        if slot[1] not in grammar:
            raise InputError(f"grammar: {text!r} uses {slot[0]}, which is not defined")
        if slot[1] in within:
            raise InputError(f"grammar: {slot[0]} leads back to itself in {text!r}")
        tails = list(expand(text[slot.end() :], within))
        for choice in grammar[slot[1]]:
            heads = list(expand(choice, (*within, slot[1])))
            for tail in tails:
                for head in heads:
                    yield text[: slot.start()] + head + tail

    seen: dict[str, None] = {}
    for production in grammar["root"]:
        seen.update(dict.fromkeys(expand(production)))
    return list(seen)


def written_wordings(
    question: Question, attribute: Attribute, rng: np.random.Generator
) -> Iterator[str]:
    """The grammar's usable wordings in random order."""
    wordings, allowed = expand_grammar(question.grammar), allowed_words(question)
    for index in rng.permutation(len(wordings)):
        if reject_reason(wordings[index], question, attribute, allowed) is None:
            yield wordings[index]
