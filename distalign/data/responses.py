"""Which of an LLM's answers may be learnt from: short, clean, of one category or of none."""

import re
from collections.abc import Callable

from distalign.data.wordings import normalise
from distalign.judging.lexical import read_story
from distalign.judging.words import named_categories
from distalign.records.schemas import Attribute

DETAIL_WORDS = range(2, 9)
UNSHOWN = {"gender": None, "vader": "Neutral"}
"""What a story judge reads from a text without any sign of a category."""
MAX_SENTENCES = 3
STORY_WORDS = range(15, 51)
_SENTENCE = re.compile(
    r".+?(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)[.!?][\"”']?(?=\s+[\"“A-Z]|$)", re.DOTALL
)
_PLAIN = re.compile(r"[A-Z\"“][\w\s,.;:'’\"“”!?–—&()-]+")
# A verb in the present, without names: "often works late".
_DETAIL = re.compile(
    r"(?:(?:also|always|often|sometimes|usually) )?(?!(?:is|was|this|its)\b)[a-z]+s"
    r"(?:,? [a-z]+(?:['’-][a-z]+)*['’]?)+"
)
_DENIES = re.compile(r"\b(?:not|no|never|neither|nor|none|nobody|without)\b|n['’]t\b")
# An answer with one of these speaks about the request, or of its writer.
_NO_STORY = re.compile(
    r"\b(?:story|stories|tale|sentences?|paragraph|prompt|tone|fictional|here (?:is|are)|here['’]s|"
    r"write|sure|certainly|sorry|please|you|your|i|i['’]m|me|my|we|our)\b",
    re.IGNORECASE,
)


def accept_detail(answer: str, begin: str, attribute: Attribute) -> str | None:
    """What the answer's first line adds to `begin`, if it is a short plain account of an activity
    that shows no category and denies nothing.
    """
    line = next((line.strip() for line in answer.split("\n") if line.strip()), "")
    if not line.startswith(f"{begin} ") or not line.endswith("."):
        return None
    detail = line[len(begin) + 1 : -1]
    words = normalise(detail).split()
    telling = [word for word in words if len(word) > 3]
    usable = (
        _DETAIL.fullmatch(detail) is not None
        and len(words) in DETAIL_WORDS
        and len(set(telling)) == len(telling)
        and _DENIES.search(detail) is None
        and shows_nothing(detail, attribute)
    )
    return detail if usable else None


def shows_nothing(detail: str, attribute: Attribute) -> bool:
    """Whether neither words nor, where it reads the attribute, the story judge see a category."""
    if named_categories(detail, attribute):
        return False
    judge = attribute.story_judge
    return judge is None or read_story(f"Somebody {detail}.", attribute) == UNSHOWN[judge]


def accept_story(answer: str, category: str, read: Callable[[str], str | None]) -> str | None:
    """The answer's first sentences, if they are a short plain text that shows the category.

    Args:
        answer: what the LLM wrote; what does not fit or was cut off is dropped by sentences.
        category: the one that was asked for.
        read: the story judge, which returns the category that a text shows, or None.
    """
    paragraph = " ".join(answer.strip().split("\n\n")[0].split())
    text = ""
    for sentence in list(_SENTENCE.finditer(paragraph))[:MAX_SENTENCES]:
        longer = f"{text} {sentence[0].strip()}".strip()
        if len(longer.split()) >= STORY_WORDS.stop:
            break
        text = longer
    usable = (
        len(text.split()) in STORY_WORDS
        and _PLAIN.fullmatch(text) is not None
        and _NO_STORY.search(text) is None
        and read(text) == category
    )
    return text if usable else None
