"""Which of an LLM's answers may be learnt from: short, clean, and of one category."""

import re
from collections.abc import Callable

from distalign.judge import read_category
from distalign.prompts import normalise
from distalign.records import Attribute, Writing

MAX_ANSWER_WORDS = 10
MAX_SENTENCES = 3
STORY_WORDS = range(20, 71)
_SENTENCE = re.compile(
    r".+?(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)[.!?][\"”']?(?=\s+[\"“A-Z]|$)", re.DOTALL
)
_PLAIN = re.compile(r"[A-Z\"“][\w\s,.;:'’\"“”!?–—&()-]+")
# An answer with one of these speaks about the request instead of telling a story.
_ABOUT_REQUEST = re.compile(
    r"\b(?:story|stories|tale|sentences?|paragraph|prompt|tone|fictional|here (?:is|are)|here['’]s|"
    r"write|sure|certainly|sorry|please|you|your)\b",
    re.IGNORECASE,
)


def accept_answer(
    answer: str, category: str, context: str, writing: Writing, attribute: Attribute
) -> str | None:
    """The answer's first line, if it plainly names the category and says nothing else.

    What a policy learns from odd answers it repeats oddly: every word must be one of the
    category's request words, of the frames or of the vocabulary, and the category be named
    once. The context's name is left out, since a small model garbles long names.
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
        and len(words) <= MAX_ANSWER_WORDS
        and set(words) <= allowed
        and len(named) == 1
        and " ".join(words).count(" ".join(named[0])) == 1
        and read_category(text, attribute, context) == category
    )
    return text if usable else None


def accept_story(answer: str, category: str, read: Callable[[str], str | None]) -> str | None:
    """The answer's first sentences, if they are a short plain text that shows the category.

    Args:
        answer: what the LLM wrote; a sentence that the token limit cut off is dropped.
        category: the one that was asked for.
        read: the story judge, which returns the category that a text shows, or None.
    """
    paragraph = " ".join(answer.strip().split("\n\n")[0].split())
    sentences = [match[0].strip() for match in _SENTENCE.finditer(paragraph)]
    text = " ".join(sentences[:MAX_SENTENCES])
    usable = (
        len(text.split()) in STORY_WORDS
        and _PLAIN.fullmatch(text) is not None
        and _ABOUT_REQUEST.search(text) is None
        and read(text) == category
    )
    return text if usable else None
