"""Read the category that a short answer expresses (attribute setting, paper section 4)."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import regex

from distalign.judging.hedges import standing
from distalign.judging.matching import Found, find_phrases, fold
from distalign.records.schemas import Attribute, Judgement, Round

NAME = "words"
# What introduces an answer; its own words are none.
_LEAD = regex.compile(
    r"^\W*(?:(?:the|my) (?:answer|response|choice)|answer|response)(?:\s*:| (?:is|would be)\b:?)\s*"
    r"|^\W*(?:答案|回答)[是：:]"
)


class Reading(NamedTuple):
    category: str | None
    """The one category that the answer states; None where it states none or several."""
    refused: bool
    """It states none because it does not, or cannot, tell."""


def _live(text: str, groups: Sequence[Sequence[str]], context: str) -> tuple[list[int], bool]:
    """Groups of which the text states a phrase, in order; and whether it says it cannot tell."""
    folded = fold(text)
    folded = _LEAD.sub("", folded, count=1)
    names = find_phrases(folded, ((context,),)) if context else []
    found = [
        phrase
        for phrase in find_phrases(folded, tuple(map(tuple, groups)))
        if not any(_hides(name, phrase) for name in names)
    ]
    stated, held_back = standing(folded, found)
    live = {phrase.group for phrase, is_live in zip(found, stated, strict=True) if is_live}
    return sorted(live), held_back


def _hides(name: Found, phrase: Found) -> bool:
    """Whether a phrase is part of the context's name: "men" of "businessmen", not the reverse."""
    overlap = name.start < phrase.end and phrase.start < name.end
    within = phrase.start <= name.start and name.end <= phrase.end
    return overlap and not (within and phrase.end - phrase.start > name.end - name.start)


def named_categories(text: str, attribute: Attribute, context: str = "") -> list[str]:
    """Categories of which the text states a word, in the attribute's order.

    Of words that contain each other the longest counts alone: "strongly agree" is no "agree".
    """
    return _named(text, attribute, context)[0]


def _named(text: str, attribute: Attribute, context: str) -> tuple[list[str], bool]:
    names = [category.name for category in attribute.categories]
    # Homonyms come last and are no category; they hide the words that they contain.
    groups = [*(category.words for category in attribute.categories), attribute.homonyms]
    live, held_back = _live(text, groups, context)
    return [names[group] for group in live if group < len(names)], held_back


def read_answer(text: str, attribute: Attribute, context: str = "") -> Reading:
    """What an answer states; the context's own name is left out, since it may hold a word."""
    named, held_back = _named(text, attribute, context)
    category = named[0] if len(named) == 1 else None
    return Reading(category, category is None and held_back)


def read_category(text: str, attribute: Attribute, context: str = "") -> str | None:
    """The one category that the text states; None where it states none or several."""
    return read_answer(text, attribute, context).category


def read_label(answer: str, labels: Sequence[str]) -> str | None:
    """The one label that an answer states; None for none or several."""
    live, _ = _live(answer, [[label] for label in labels], "")
    return labels[live[0]] if len(live) == 1 else None


def judge_round(row: Round, attribute: Attribute) -> Judgement:
    category, refused = read_answer(row.text, attribute, row.context)
    return Judgement(**row.model_dump(), category=category, refused=refused, judge=NAME)


def unreadable_words(attribute: Attribute) -> Iterator[tuple[str, str, str | None]]:
    """(category, word, what is read instead) of each word that is not read as its own category.

    A word within another category's is told apart by its length. It cannot be where they differ
    by case, spaces or commas alone, where a homonym equals it, or where it denies another word.
    """
    for category in attribute.categories:
        for word in category.words:
            for text in (word, f"The answer is {word}."):
                named = named_categories(text, attribute)
                if named != [category.name]:
                    yield category.name, word, " and ".join(named) or None
                    break
