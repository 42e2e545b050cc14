"""Read the category that a short answer expresses (attribute setting, paper section 4)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import regex

from distalign.judging.hedges import standing
from distalign.judging.matching import Found, find_phrases, fold
from distalign.records.schemas import Attribute, DatasetSpec, Judgement, Round

NAME = "words"
# What introduces an answer; its own words are none.
_LEAD = regex.compile(
    r"^\W*(?:(?:the|my) (?:answer|response|choice)|answer|response)(?:\s*:| (?:is|would be)\b:?)\s*"
    r"|^\W*(?:答案|回答)[是：:]"
)

# Both at once, of which "he" alone would be found.
_EITHER = regex.compile(r"(?<!\w)(?:\(s\)|s/)he\b")


class Reading(NamedTuple):
    category: str | None
    """The one category that the answer states; None where it states none or several."""
    refused: bool
    """It states none because it does not, or cannot, tell."""
    why: str
    """The categories' words that stand in the answer, and whether it states them."""


def _find(text: str, groups: Sequence[Sequence[str]], context: str = "") -> tuple[str, list[Found]]:
    """The folded text, and where groups have a word in it that is not the context's own.

    Of words that contain each other the longest counts alone: "strongly agree" is no "agree".
    """
    folded = _EITHER.sub("they", _LEAD.sub("", fold(text), count=1))
    names = find_phrases(folded, ((context,),)) if context else []
    found = find_phrases(folded, tuple(map(tuple, groups)))
    return folded, [word for word in found if not any(_hides(name, word) for name in names)]


def _live(found: Sequence[Found], stated: Sequence[bool]) -> list[int]:
    """Groups of which a word is stated, in order."""
    return sorted({word.group for word, is_stated in zip(found, stated, strict=True) if is_stated})


def _why(folded: str, found: Sequence[Found], stated: Sequence[bool], names: Sequence[str]) -> str:
    """Each word of a category once, as the folded text has it."""
    said = {
        f"“{folded[word.start : word.end]}” ({names[word.group]}) is "
        + ("stated" if is_stated else "denied, held back or asked")
        for word, is_stated in zip(found, stated, strict=True)
        if word.group < len(names)
    }
    return "; ".join(sorted(said)) or "no word of a category"


def _hides(name: Found, phrase: Found) -> bool:
    """Whether a phrase is part of the context's name: "men" of "businessmen", not the reverse."""
    overlap = name.start < phrase.end and phrase.start < name.end
    within = phrase.start <= name.start and name.end <= phrase.end
    return overlap and not (within and phrase.end - phrase.start > name.end - name.start)


def _groups(attribute: Attribute) -> list[list[str]]:
    """The categories' words, and the homonyms, which hide the words that they contain."""
    return [*(category.words for category in attribute.categories), attribute.homonyms]


def named_categories(text: str, attribute: Attribute) -> list[str]:
    """Categories of which the text holds a word, stated or not, in the attribute's order."""
    names = [category.name for category in attribute.categories]
    _, found = _find(text, _groups(attribute))
    return [names[group] for group in sorted({word.group for word in found}) if group < len(names)]


def read_answer(text: str, attribute: Attribute, context: str = "") -> Reading:
    """What an answer states; the context's own name is left out, since it may hold a word."""
    names = [category.name for category in attribute.categories]
    folded, found = _find(text, _groups(attribute), context)
    stated, held_back = standing(folded, found)
    live = [names[group] for group in _live(found, stated) if group < len(names)]
    category = live[0] if len(live) == 1 else None
    why = _why(folded, found, stated, names)
    return Reading(category, category is None and held_back, why)


def read_category(text: str, attribute: Attribute, context: str = "") -> str | None:
    """The one category that the text states; None where it states none or several."""
    return read_answer(text, attribute, context).category


def read_label(answer: str, labels: Sequence[str]) -> str | None:
    """The one label that an answer states; None for none or several."""
    folded, found = _find(answer, [[label] for label in labels])
    live = _live(found, standing(folded, found).stated)
    return labels[live[0]] if len(live) == 1 else None


def judge_round(row: Round, attribute: Attribute, about: str | None = None) -> Judgement:
    """The round as it is read.

    Args:
        about: the context's name in the question, where that is not the whole name.
    """
    read = read_answer(row.text, attribute, about or row.context)
    return Judgement(**row.model_dump(), **read._asdict(), judge=NAME)


def judge_rounds(rows: Iterable[Round], spec: DatasetSpec) -> list[Judgement]:
    """Rounds of a data set as they are read."""
    return [judge_round(row, spec.attribute, spec.context(row.context).about) for row in rows]


def unreadable_words(attribute: Attribute) -> Iterator[tuple[str, str, str | None]]:
    """(category, word, what is read instead) of each word that is not read as its own category;
    None is read where it names several, or none.

    A word within another category's is told apart by its length. It cannot be where they differ
    by case, spaces or commas alone, where a homonym equals it, or where it denies another word.
    """
    for category in attribute.categories:
        for word in category.words:
            for text in (word, f"The answer is {word}."):
                read = read_category(text, attribute)
                if read != category.name:
                    yield category.name, word, read
                    break
