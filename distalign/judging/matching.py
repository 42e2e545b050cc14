"""Find phrases in a text as whole words, the longest first, in any script."""

import unicodedata
from functools import cache
from typing import NamedTuple

import regex

_MARKS = str.maketrans(
    {**dict.fromkeys("’‘ʼ`´", "'"), **dict.fromkeys("‐‑‒–—―−", "-"), **dict.fromkeys("“”«»„", '"')}
)
_INVISIBLE = regex.compile(r"\p{Cf}+")
_THOUSANDS = regex.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# "18 to 24" and "18 – 24" are "18-24"; "25 %" is "25%", "$ 50" is "$50".
_RANGE = regex.compile(
    r"(?<=\d%?|\dk)\s*(?:-|\bto\b|\band\b(?<=\bbetween\b[^,;]{1,20}))\s*(?=\p{Sc}?\d)"
)
# "un-happy" is no "happy".
_PREFIX = regex.compile(r"\b(un|dis|fe)-(?=\p{L})")
_APART = regex.compile(r"(?<=\d)\s+(?=%)|(?<=\p{Sc})\s+(?=\d)")

LETTER = r"[\p{L}\p{M}\p{N}]"
# Scripts that put no space between words; in Hangul, endings follow a word without one.
UNSPACED = r"[[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]--\p{N}]"  # V1
HANGUL = r"\p{Hangul}"
# A sign that means something: not what only sets words apart.
_PIECE = regex.compile(
    rf"{LETTER}+(?:'{LETTER}+)*|(?<=[\d%k])[-.:/,](?=\p{{Sc}}?\d)|[-+](?=\d)|[-+]+$"
    r"""|[^\p{L}\p{M}\p{N}\s\-.,:;!?/()\[\]"'*_…。、，；：！？「」『』（）¿¡&]"""
)
_NEGATIONS = {"nicht", "not", "no", "never", "pas", "nie"}
"""Within a phrase no comma stands before them: "eher, nicht wahr?" is no "eher nicht"."""
_BETWEEN = r"[\s\-,;:/()\"'&]"


class Found(NamedTuple):
    """A phrase in a folded text."""

    group: int
    start: int
    end: int


def fold(text: str) -> str:
    """The text with what tells no words apart made alike: case, forms of letters (NFKC), of
    quotation marks and dashes, invisible signs, and how ranges and amounts are written.
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_MARKS)
    text = text.casefold().replace("i\u0307", "i").replace("ı", "i")  # Turkish has two
    text = _PREFIX.sub(r"\1", unicodedata.normalize("NFKC", text))
    return _APART.sub("", _RANGE.sub("-", _THOUSANDS.sub("", text)))


def _body(phrase: str) -> str:
    """The pieces of a folded phrase, apart from each other as the phrase has them.

    What may not stand before it is looked at after its first sign, which is faster.
    """
    pieces = list(_PIECE.finditer(phrase))
    if not pieces:  # signs alone
        return regex.escape(phrase)
    first, rest = pieces[0][0][0], pieces[0][0][1:]
    body = regex.escape(first) + _left(first) + regex.escape(rest)
    for before, piece in zip(pieces, pieces[1:], strict=False):
        gap = phrase[before.end() : piece.start()]
        if not gap:
            body += r"\s?" if regex.match(LETTER, piece[0]) else ""
        elif gap == ".":
            body += r"\.?\s?"
        elif gap.isspace() and piece[0] in _NEGATIONS:
            body += r"(?:[\s'\"&]+|-(?!\s))"
        else:
            body += f"{_BETWEEN[:-1]}.]+" if "." in gap else f"{_BETWEEN}+"
        body += regex.escape(piece[0])
    return body


def _left(first: str) -> str:
    """What may not stand before a phrase that begins with this sign, seen from behind it."""
    sign = regex.escape(first)
    if regex.match(rf"{UNSPACED}|\p{{Sc}}", first, regex.V1):
        return ""
    if regex.match(r"\p{N}", first):
        return rf"(?<!{LETTER}{sign}|\d[-.,:/]{sign})"
    if regex.match(LETTER, first):
        return rf"(?<![{LETTER}--{UNSPACED}]{sign})"
    return rf"(?<![{LETTER}{sign}]{sign})"


def _right(last: str) -> str:
    """What may not stand after a phrase that ends with this sign."""
    if regex.match(rf"{UNSPACED}|{HANGUL}", last, regex.V1):
        return ""
    if regex.match(r"\p{N}", last):
        return rf"(?!{LETTER}|[-.,:/]\p{{Sc}}?\d|[+#])"
    if regex.match(LETTER, last):
        return rf"(?![{LETTER}--{UNSPACED}]|[+#])"
    return rf"(?![{regex.escape(last)}+#])"


@cache
def _pattern(groups: tuple[tuple[str, ...], ...]) -> "tuple[regex.Pattern[str], list[int]] | None":
    """All phrases, longest first, and the group of each; None without any."""
    phrases = [
        (phrase, number)
        for number, group in enumerate(groups)
        for phrase in dict.fromkeys(fold(phrase).strip() for phrase in group)
        if phrase
    ]
    phrases.sort(key=lambda pair: -len(pair[0]))
    alternatives = []
    for phrase, _ in phrases:
        last = (_PIECE.findall(phrase) or [phrase])[-1][-1]
        alternatives.append(f"({_body(phrase)}{_right(last)})")
    if not alternatives:
        return None
    return regex.compile("|".join(alternatives), regex.V1), [number for _, number in phrases]


def find_phrases(folded: str, groups: tuple[tuple[str, ...], ...]) -> list[Found]:
    """Where phrases stand in a folded text, none within another: the longest that begins first.

    Words that the phrase has apart may be joined by spaces, hyphens or commas in the text. A
    number is no part of a longer one, of a decimal or of a range.
    """
    compiled = _pattern(groups)
    if compiled is None:
        return []
    pattern, owners = compiled
    return [
        Found(owners[match.lastindex - 1], match.start(), match.end())
        for match in pattern.finditer(folded)
    ]
