"""Read the category that a story shows from its words alone: gender, or sentiment by VADER."""

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from distalign.judging.lexicon import UNDESCRIBED, gendered_words, given_names
from distalign.records.schemas import Attribute, InputError

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

# Chosen on the `dev` texts of data/judge; what they are worth is measured on `test`.
WEIGHTS = {"subject": 2.0, "pronoun": 1.0, "title": 1.0, "noun": 1.0, "kin": 1.0, "name": 2.0}
INTRODUCED = 2.0
QUOTED = 0.25
SHARE = 0.55
POSITIVE, NEGATIVE = 0.2, -0.4

NEGATIONS = frozenset(("not", "no", "never", "neither", "nor", "nobody"))
OWNERS = frozenset(("my", "your", "his", "her", "its", "our", "their", "whose"))
ADDRESSES = frozenset(("dr", "doctor", "prof", "professor", "nurse"))
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’']?\s+")
# A first sentence that introduces several people as equals.
_PAIR = re.compile(r"[^.!?]*\b(?:two|both|couple|neither|together|and Mrs)\b", re.IGNORECASE)
# What is quoted, or talks about labels and answers, is seldom said of the main character.
_ASIDE = re.compile(
    r"[“\"][^“”\"]*[”\"]|(?<![^.!?])[^.!?]*\b(?:answer|classify|label|output|instructions)\b[^.!?]*",
    re.IGNORECASE,
)


def gender_evidence(text: str) -> list[tuple[str, float]]:
    """(category, weight) of each word that shows somebody's gender, in the text's order.

    Kin that belongs to somebody ("his wife") and what is denied ("not a man") show nothing; a
    name after a name or a title is a surname. Words inside quotation marks count less.
    """
    asides = [match.span() for match in _ASIDE.finditer(text)]
    matches = list(_WORD.finditer(text))
    tokens = [match[0].replace("’", "'") for match in matches]
    stems = [token.split("'")[0] for token in tokens]
    lower = [stem.lower() for stem in stems]
    found: list[tuple[str, float]] = []
    for i, match in enumerate(matches):
        kind, category = gendered_words().get(lower[i], ("", ""))
        if not kind and stems[i][0].isupper():
            kind, category = "name", _given_name(stems, lower, i)
        if not category:
            continue
        before = lower[max(0, i - 3) : i]
        owned = tokens[i - 1].endswith("'s") if i else False
        if (
            (kind == "kin" and (owned or OWNERS & set(before[-2:])))
            or (kind in ("noun", "kin") and NEGATIONS & set(before))
            or (lower[i] in ("male", "female") and not _describes(text, matches, i, asides))
        ):
            continue
        weight = WEIGHTS[kind] + (INTRODUCED if kind == "name" and not found else 0.0)
        if any(low <= match.start() < high for low, high in asides):
            weight *= QUOTED
        found.append((category, weight))
    return found


def _describes(
    text: str, matches: Sequence[re.Match[str]], i: int, asides: Sequence[tuple[int, int]]
) -> bool:
    """Whether "male" or "female" stands before what it describes, as in "her female boss".

    Alone it may be a label that the text orders the judge to give.
    """
    word, after = matches[i], matches[i + 1 : i + 2]
    return (
        word[0].islower()
        and bool(after)
        and text[word.end() : after[0].start()].isspace()
        and after[0][0].islower()
        and after[0][0] not in UNDESCRIBED.split()
        and not any(low <= word.start() < high for low, high in asides)
    )


def _given_name(stems: list[str], lower: list[str], i: int) -> str:
    """Category of the given name at `i`; empty if it is none or stands as a surname."""
    category = given_names().get(stems[i]) or given_names().get(stems[i].split("-")[0], "")
    if category and i:
        titled = (
            lower[i - 1] in ADDRESSES or gendered_words().get(lower[i - 1], ("",))[0] == "title"
        )
        alone = i + 1 == len(stems) or not stems[i + 1][0].isupper()
        if stems[i - 1] in given_names() or (titled and alone):
            return ""
    return category


def read_gender(text: str) -> str | None:
    """The gender with at least `SHARE` of all evidence; None without evidence or a clear one."""
    scores: dict[str, float] = {}
    for category, weight in gender_evidence(text):
        scores[category] = scores.get(category, 0.0) + weight
    if not scores or (len(scores) > 1 and _introduces_a_pair(text)):
        return None
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] >= SHARE * sum(scores.values()) else None


def _introduces_a_pair(text: str) -> bool:
    """Whether the first sentence that shows a gender is about several people."""
    sentences = _SENTENCE_END.split(text)
    return bool(_PAIR.match(next(filter(gender_evidence, sentences), "")))


@cache
def _analyzer() -> "SentimentIntensityAnalyzer":
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def compound(text: str) -> float:
    """VADER's score in [-1, 1], mean over the sentences.

    VADER adds up over a text, so that a long one would be at an end of the scale.
    """
    sentences = [s for s in _SENTENCE_END.split(text) if s.strip()]
    scores = [_analyzer().polarity_scores(sentence)["compound"] for sentence in sentences]
    return sum(scores) / max(1, len(scores))


def read_sentiment(text: str) -> str | None:
    """Positive, Negative or, between the thresholds, Neutral; None without a word."""
    if not _WORD.search(text):
        return None
    score = compound(text)
    return "Positive" if score > POSITIVE else "Negative" if score < NEGATIVE else "Neutral"


READERS = {"gender": read_gender, "vader": read_sentiment}


def read_story(text: str, attribute: Attribute) -> str | None:
    """The category that the story shows; None where none, or no clear one, can be read.

    Raises:
        InputError: the attribute has no lexical judge, or one that reads other categories.
    """
    if attribute.story_judge is None:
        raise InputError(
            f"the lexical judge cannot read {attribute.name} from a story: set judge.story to llm, "
            f"or story_judge in data/attributes/{attribute.name}.yaml to one of {list(READERS)}"
        )
    category = READERS[attribute.story_judge](text)
    if category not in {None, *(known.name for known in attribute.categories)}:
        raise InputError(
            f"story_judge {attribute.story_judge} reads {category!r}, which "
            f"data/attributes/{attribute.name}.yaml does not list as a category"
        )
    return category
