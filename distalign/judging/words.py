"""Read the category that a short answer expresses (attribute setting, paper section 4)."""

import re
from functools import cache

from distalign.records.schemas import Attribute, Judgement, Round

NAME = "words"


# What stands before a word that is denied: "not a", "isn't", "non-".
_DENIED = re.compile(
    r"(?:\b(?:not|never|neither|nor|no|non)|n['’]t)(?:[\s-]+(?:an?|the|be|necessarily))*[\s-]+$",
    re.IGNORECASE,
)


@cache
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the phrases as whole words, which spaces or hyphens may join."""
    alternatives = "|".join(
        r"[\s-]+".join(re.escape(word) for word in phrase.split())
        for phrase in sorted(phrases, key=len, reverse=True)
    )
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)


def named_categories(text: str, attribute: Attribute) -> list[str]:
    """Categories of which the text holds a whole word undenied, in the attribute's order."""
    if attribute.homonyms:
        text = _pattern(tuple(attribute.homonyms)).sub(" ", text)
    return [
        category.name
        for category in attribute.categories
        if any(
            not _DENIED.search(text, 0, match.start())
            for match in _pattern(tuple(category.words)).finditer(text)
        )
    ]


def read_category(text: str, attribute: Attribute, context: str = "") -> str | None:
    """The one category that the text names; None where it names none or several.

    The context's own name is left out: it may hold a category's word, as "businessmen" do.
    """
    if context:
        text = _pattern((context,)).sub(" ", text)
    named = named_categories(text, attribute)
    return named[0] if len(named) == 1 else None


def judge_round(row: Round, attribute: Attribute) -> Judgement:
    category = read_category(row.text, attribute, row.context)
    return Judgement(**row.model_dump(), category=category, judge=NAME)
