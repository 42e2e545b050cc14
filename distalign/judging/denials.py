"""What denies a word of an answer, by the words around it: "not male", "men are rare".

Rules are for English; the most frequent denials of some other languages are among them.
"""

import re

# Stands for each sign of a phrase, so that the words around it can be matched without it.
MASK = "\ue000"
_WORD = rf"(?:[^\s,.;:!?{MASK}]+|{MASK}+)"
_NO_TURN = r"(?!(?:but|and|also|yet|just|so|more|most)\b)"


def _then(n: int) -> str:
    """Up to n more words of the same part, to the end of what is looked at."""
    return rf"(?:[\s-]+{_NO_TURN}{_WORD}){{0,{n}}}[\s-]*$"


def any_of(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives))


# Denials that affirm.
AFFIRMED = any_of(
    r"\bno (?:doubt|question|wonder)\b|\bwithout (?:an?y? )?(?:doubt|question)\b",
    r"\bno(?:body| one) (?:doubts?|denies)\b",
    r"\bnot surprisingly\b|\bnot (?:only|just)\b(?=.*\b(?:but|also)\b)",
    r"\bnone other than\b|\bno less than\b|\bnothing (?:but|other than)\b",
    r"\b(?:can't|cannot|can not|not) (?:deny|help but|be anything (?:other than|but))\b",
)
# Words in which "no", or "good", is no answer.
IDIOM = re.compile(
    r"\bno (?:doubt|question|idea|clue|comment|information|data|one|longer|matter|telling)\b"
    r"|\bno (?:way (?:to|of)|definite|definitive|specific|clear|particular|fixed|certain|single"
    r"|simple|right|evidence|indication)\b|\bno less than\b"
    r"|\b(?:good|great|excellent|fair|interesting) question\b|\bfair to say\b"
    r"|\b(?:happy|glad|pleased|sad|sorry) to (?:help|assist|answer|say|tell|report|announce)\b"
    r"|\b(?:have|has|had|having|there(?:'s| is| are)|with|see|of) no \w+"
    r"|^no (?:opinion|preference)\b"
)
ISNT = r"(?:ca|wo|do|does|did|is|are|was|were|ai|could|would|should|must|have|has|had)n't"
_NOT = rf"(?:{ISNT}|not|cannot|no longer|never|neither|nor|hardly|scarcely|rarely|seldom|barely)"
# Less than half: "12% of them", "under 50 percent", "one in ten".
_SHARE = r"(?:[0-4]?\d(?:\.\d+)?|(?<=under )50)(?:%| ?per ?cent\b)"
_PART = r"(?:number|percentage|share|fraction|proportion|part)"
_LITTLE = (
    rf"\b(?:only|just|under|(?:less|fewer) than)(?: about| around)? {_SHARE}"
    rf"|(?:tiny|small) {_PART}\b"
    r"|(?:less than|fewer than|under) half\b"
    r"|\b(?:one|two|[1-4]) (?:in|out of) (?:every )?(?:ten|10|twenty|20|hundred|100)\b"
)
# What stands before a word that is denied, up to the word itself.
DENIED = any_of(
    rf"\b{_NOT}{_then(3)}",
    rf"\bnot[\s-]+(?:just|so)\b{_then(2)}",
    rf"\b(?:none|nobody|no one|neither of|zero|nothing){_then(5)}",
    r"\b(?:without|devoid of|lack(?:s|ing)?|opposite of)(?:\s+(?:an?|any|the))*\s*$",
    rf"\bno(?:\s+{_NO_TURN}{_WORD}){{1,2}} (?:is|are|was|were|works?)(?: an?| the| as)*\s*$",
    r"\b(?:no|non|than|nicht|keine?n?|weder|noch|pas|ni|nunca|não|нет|не)"
    r"(?:[\s-]+(?:an?|the|any|um|une?|una?))*[\s-]*$",
    r"\bno (?:\w+ )?(?:mention|sign|trace|evidence|indication|hint)s? of(?: an?| the| any)*\s*$",
    r"\b(?:instead of|opposed to|apart from|except|excluding|ruled? out)(?: an?| the)?\s*$",
    rf"\b{_NOT}[\s-]+(?:think|believe|all|every|have to|need to)\b(?:[\s-]+{_WORD}){{0,7}}[\s-]*$",
    rf"(?:\b(?<!\ba )few\b|\ba minority of\b|{_LITTLE}){_then(5)}",
    r"\b(?<!or )(?<!nothing )(?:fewer|less)(?!\s+than\b)(?:\s+\w+)?\s*$",
    rf"\b(?:nicht(?! nur)|kaum|niemand|keinesfalls|keineswegs|wenige)(?:\s+{_WORD}){{0,2}}\s*$",
    rf"\b(?:far from|anything but|false that|untrue that)(?:[\s-]+{_WORD}){{0,3}}[\s-]*$",
    r"(?:不是|並非|并非|非|不)\s*$",
)
# What joins a word to one that is denied, so that it is denied with it: "not a man or a woman".
JOINED = re.compile(
    r",?\s*(?:or|nor|oder|noch|ou|ni|или|ни|或|或者|または)\s*(?:(?:an?|the|any|of)\s+)*"
)
LISTED = re.compile(r",\s*(?:(?:an?|the|any|of)\s+)*")
LISTED_AFTER = re.compile(r",?\s+(?:or|nor)\b")
# A question says nothing, if more than it is said.
ASKED = re.compile(
    r"(?:^|[.!?]\s+)(?:why|who|how|what|which|is|are|do|does|would|could|can|should)\b[^.!?]*$"
)
ASKED_AFTER = re.compile(rf"[^.!?]*\?\W*[\w{MASK}]")
NUMBER = re.compile(
    r"\W?(?:\d|(?:one|two|three|four|five|six|seven|eight|nine|ten|once|twice|half)\b)"
)
BOUND = re.compile(r"\b(?:at least|at most|up to|over|under|above|below|nearly|almost)\s+$")
BOUND_AFTER = re.compile(r"\s+(?:or|and) (?:more|less|fewer|over|above|under|older|younger)\b")
_IS = r"\s+(?:is|are|was|were|would be|seems?)"
DENIED_AFTER = any_of(
    r"\s*(?:ではない|ではありません|じゃない|[이가] 아닙니다|[이가] 아니)",
    rf"{_IS}(?: not|n't) (?:correct|right|true|what|(?:the|an?) (?:\w+ )?"
    r"(?:answer|case|category|option|choice|majority|norm|gender|race|one))\b",
    r"\?\W*(?:no|nope|not|never|hardly)\b|, not[\s.!]*$",
    rf"{_IS} (?:\w+ly )?(?:wrong|incorrect|false|excluded|ruled out)\b",
    # "Male nurses are rare": not "men who are a minority".
    rf"(?:\s+(?!wh|that\b)[^\s,.;:!?{MASK}]+){{0,3}}{_IS} (?:\w+ly |still |also |far |much )*"
    r"(?:under-?represented|(?:an?|the|in the) (?:\w+ )?minority|rarer?|scarce|few|fewer|uncommon"
    r"|outnumbered|less)\b",
    r"\s+(?:make|makes|made) up (?:only|just|less than|fewer than|under)\b",
)
# The same, where the answer leaves open what is the case instead.
UNLIKELY = any_of(
    r"\b(?:unlikely|improbable|(?:not|isn't|aren't) (?:\w+ )?likely|least likely|less likely)"
    rf"{_then(5)}",
)
UNLIKELY_AFTER = any_of(
    rf"{_IS} (?:\w+ly |very |quite )?(?:unlikely|improbable|doubtful)\b",
    rf"{_IS} not (?:\w+ )?(?:likely|probable)\b",
)
# A share under one half: "12% of them are", "male: 12%". It denies a word that stands alone; beside
# another category's the answer states a distribution, and no category.
SHARE = any_of(rf"(?<![\d.,-])(?<!over )(?<!more than ){_SHARE}{_then(5)}")
SHARE_AFTER = any_of(rf"\s*\(?:?\s*(?:about )?(?<!\d){_SHARE}")
