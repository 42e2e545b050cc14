"""Which of an LLM's answers may be learnt from: short, clean, and of one category."""

import re
from collections.abc import Callable

from distalign.data.wordings import normalise
from distalign.judging.words import read_category
from distalign.records.schemas import Attribute, Writing

MAX_ANSWER_WORDS = 10
MAX_SENTENCES = 3
STORY_WORDS = range(15, 51)
_SENTENCE = re.compile(
    r".+?(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)[.!?][\"”']?(?=\s+[\"“A-Z]|$)", re.DOTALL
)
_PLAIN = re.compile(r"[A-Z\"“][\w\s,.;:'’\"“”!?–—&()-]+")
# An answer with one of these speaks about the request, or of its writer.
_NO_STORY = re.compile(
    r"\b(?:story|stories|tale|sentences?|paragraph|prompt|tone|fictional|here (?:is|are)|here['’]s|"
    r"write|sure|certainly|sorry|please|you|your|i|i['’]m|me|my|we|our)\b",
    re.IGNORECASE,
)


def accept_answer(
    answer: str, category: str, context: str, writing: Writing, attribute: Attribute
) -> str | None:
    """The answer's first line, if it plainly names the category and says nothing else.

    What a policy learns from odd answers it repeats oddly: every word must be one of the
    category's request words, of the frames or of the vocabulary, and none comes twice. The
    context's name is left out, since a small model garbles long names.
    """
    text = answer.strip().split("\n")[0].strip()
    words = normalise(text).split()
    named = [
        normalise(word).split()
        for word in writing.words[category]
        if f" {normalise(word)} " in f" {' '.join(words)} "
    ]
    frames = " ".join([*writing.frames, *writing.vocabulary]).replace("{word}", " ")
    allowed = {*normalise(frames).split(), *(word for name in named for word in name)}
    usable = (
        re.fullmatch(r"[A-Z][\w ,'’-]*\.", text) is not None
        and len(set(words)) == len(words) <= MAX_ANSWER_WORDS
        and set(words) <= allowed
        and len(named) == 1
        and read_category(text, attribute, context) == category
    )
    return text if usable else None


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
