"""The target that a question states, read from its words.

What is read is what training has shown or tests have asked: a phrasing of the data set in one of
its frames. Beside them, shares in percent as in "80% female" are read wherever they stand.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from distalign.data.stated import NUMBERS
from distalign.records.schemas import Attribute
from distalign.records.stated import Item, PhrasingFile, Phrasings

SIMPLE = Item(kind="percent", text="{percent}% {word}", of=[100], short=True)
FLAGS = re.IGNORECASE | re.DOTALL
BOUND = re.compile(
    r"(?:\b(?:not|than|least|most|to|or|over|under|above|below)|[<>≤≥]|\d ?%? ?and)\s*$",
    re.IGNORECASE,
)
"""Before a share that is no more than a bound, or one end of a range: "at least 80% female"."""
ROUNDING = 0.011
"""How far from 1 the sum of shares in whole percent may be."""
SLOTS = {
    "percent": r"\d+(?:\.\d+)?",
    "decimal": r"(?:0?\.\d+|[01](?:\.0+)?)",
    "count": r"\d+",
    "of": r"\d+",
    "count_word": rf"(?:{'|'.join(sorted(NUMBERS, key=len, reverse=True))})",
    "of_word": rf"(?:{'|'.join(sorted(NUMBERS, key=len, reverse=True))})",
}


def stated_target(prompt: str, attribute: Attribute, phrasings: PhrasingFile) -> list[float] | None:
    """The shares that a prompt states, in the order of the categories; None where it states none.

    Where one share is not said, it is what remains; where more are, nothing is read. Nor is it
    where shares do not add up to 1, or two readings contradict each other.
    """
    words = [category.words[0] for category in attribute.categories]
    text = prompt.strip()
    found = {_rounded(target): target for target in _framed(text, words, phrasings)}
    simple = list(re.finditer(_simple(words), text, FLAGS))
    if any(BOUND.search(text[: part.start()]) for part in simple):
        return None
    if simple:
        target = _target(SIMPLE, simple, words)
        if target is None:
            return None
        found[_rounded(target)] = target
    return list(*found.values()) if len(found) == 1 else None


def _simple(words: Sequence[str]) -> str:
    part = _pattern(SIMPLE.text, words).replace("%", r"\ ?%")
    # Not within a number, as 80,5 or 70-80.
    return rf"(?<![\w.\-–−])(?<!\d,){part}(?![\w-])"


def _framed(
    text: str, words: Sequence[str], phrasings: PhrasingFile
) -> Iterator[tuple[float, ...]]:
    """The target of each phrasing in a frame that the whole text can be read as."""
    splits: list[Phrasings] = [phrasings.train, phrasings.validation, phrasings.test]
    items = [item for split in splits for item in split.items]
    named = [one for split in splits for one in split.named] if len(words) == 2 else []
    for frame in (frame for split in splits for frame in split.frames):
        # Most frames are ruled out at once.
        if not re.fullmatch(_frame(frame, ".+"), text, FLAGS):
            continue
        for item in items:
            if said := re.fullmatch(_frame(frame, _statement(item, words)), text, FLAGS):
                parts = re.finditer(_pattern(item.text, words), said["shares"], FLAGS)
                target = _target(item, list(parts), words)
                if target is not None:
                    yield target
        for one, (place, word) in product(named, enumerate(words)):
            shares = re.escape(one.text.format(word=word))
            if re.fullmatch(_frame(frame, shares), text, FLAGS):
                yield tuple(one.share if k == place else 1 - one.share for k in range(2))


def _frame(frame: str, shares: str) -> str:
    """A frame as a pattern; a question that comes first ends as a sentence does."""
    question = r".+" if frame.endswith("{question}") else r"\S.*[.?!]"
    pattern = re.escape(frame).replace(re.escape("{question}"), rf"(?:{question})")
    return pattern.replace(re.escape("{shares}"), f"(?P<shares>{shares})")


def _pattern(template: str, words: Sequence[str]) -> str:
    """A part of a statement as a pattern with a group a slot."""
    longest = sorted(words, key=len, reverse=True)
    slots = SLOTS | {"word": rf"(?:{'|'.join(map(re.escape, longest))})"}
    pattern = re.escape(template)
    for name, values in slots.items():
        pattern = pattern.replace(re.escape(f"{{{name}}}"), rf"(?P<{name}>{values})")
    return pattern


def _statement(item: Item, words: Sequence[str]) -> str:
    """All parts of a statement, or all but the last where it may be left out."""
    part = re.sub(r"\?P<\w+>", "?:", _pattern(item.text, words))
    join, last = re.escape(item.join), re.escape(item.last)
    said = [len(words) - 1, len(words)] if item.short else [len(words)]
    return "|".join(part + (join + part) * (n - 2) + (last + part if n > 1 else "") for n in said)


def _target(
    item: Item, parts: Sequence[re.Match[str]], words: Sequence[str]
) -> tuple[float, ...] | None:
    """The shares of all categories, or None where they cannot be."""
    places = [word.casefold() for word in words]
    said = [(places.index(part["word"].casefold()), part.groupdict()) for part in parts]
    shares = {place: _share(item, slots) for place, slots in said}
    if len(said) > len(shares):
        return None
    if item.kind == "ratio":
        total = sum(shares.values())
        shares = {place: share / total for place, share in shares.items()} if total else {}
    missing = [place for place in range(len(words)) if place not in shares]
    if item.short and len(missing) == 1:
        shares[missing[0]] = 1 - sum(shares.values())
    own = [round(shares.get(place, -1.0), 9) for place in range(len(words))]
    if min(own) < 0 or abs(sum(own) - 1) > ROUNDING:
        return None
    return tuple(share / sum(own) for share in own)


def _share(item: Item, slots: Mapping[str, str]) -> float:
    """What a part says; of a ratio, its count."""
    if "percent" in slots:
        return float(slots["percent"]) / 100
    if "decimal" in slots:
        return float(slots["decimal"])
    if "count_word" in slots:
        count, of = (NUMBERS.index(slots[name].lower()) for name in ("count_word", "of_word"))
    else:
        count, of = int(slots["count"]), int(slots.get("of", 1))
    # Of nothing there is no share: -1 is none.
    return count / of if of else -1.0


def _rounded(shares: Sequence[float]) -> tuple[float, ...]:
    """Equal where two readings agree."""
    return tuple(round(share, 9) for share in shares)
