"""Which words of an answer only name the options: "between male and female", "male or female?".

"They are male or female" names none of the two as an option: it states both.
"""

import re
from collections.abc import Sequence

from distalign.judging.denials import MASK, any_of
from distalign.judging.matching import Found

GUESS = (
    r"(?:probably|most (?:likely|probably)|more likely|likely|presumably|perhaps"
    r"|i(?:'d| would)? (?:guess|say|think|assume|choose|pick|answer|go (?:with|for)|opt for)"
    r"|my (?:best )?guess|maybe|if i (?:had|have) to)"
)
"""What an answer begins with that does not want to be sure."""
_FILL = r"(?:(?:an?|the|being|either|[\"'*_(\[])\s*)*"
_JOIN = re.compile(
    rf"[\"'*_)\]]*\s*(?:,|/|\||\b(?:vs\.?|versus)(?=\W)|\b(?:and|or|und|oder|et|ou|y|o|e|и|или)\b"
    rf"|或|和|または|,\s*(?:and|or)\b)\s*{_FILL}"
)
_BEFORE = any_of(
    rf"\b(?:between|among|amongst|zwischen|entre|между)(?:\s+\w+)?\s*{_FILL}$",
    rf"\b(?:choices?|options?|categories|alternatives|possibilities)\b[^.!?\n{MASK}]{{0,16}}$",
    rf"\b(?:choose|choosing|chosen|pick|picking|select|selecting)\s+from(?:\s+\w+)?\s*{_FILL}$",
    rf"(?:^|[.!?,;:\n]\s*)(?:out of|of|from|as for)\s+{_FILL}$",
    rf"\bwhether(?:\s+[^\s,.;:!?{MASK}]+){{0,5}}?\s*{_FILL}$",
)
_END = r"(?:,?\s*or (?:an)?other\w*)?[\"'*_)\]]*\s*"
_AFTER = any_of(
    rf"{_END}[?？:：]",
    rf"{_END}[,;—-]\s*(?:but\s+)?(?:{GUESS}|mostly|usually)\b",
)


def only_options(text: str, found: Sequence[Found]) -> set[Found]:
    """Phrases that stand in a list of several groups' which the answer chooses from.

    Args:
        text: folded, with every phrase under MASK.
        found: phrases in their order.
    """
    options: set[Found] = set()
    for listed in _lists(text, found):
        start, end = listed[0].start, listed[-1].end
        if len({phrase.group for phrase in listed}) > 1 and (
            _BEFORE.search(text, 0, start) or _AFTER.match(text, end)
        ):
            options |= set(listed)
    return options


def _lists(text: str, found: Sequence[Found]) -> list[list[Found]]:
    """Phrases that follow each other with nothing but commas, "and", "or" between them."""
    lists: list[list[Found]] = []
    for phrase in found:
        # A category that comes again is no further option: "of male and female, female".
        is_new = lists and all(phrase.group != other.group for other in lists[-1])
        if is_new and _JOIN.fullmatch(text, lists[-1][-1].end, phrase.start):
            lists[-1].append(phrase)
        else:
            lists.append([phrase])
    return lists
