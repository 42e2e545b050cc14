"""A question from one table: contexts, categories and their shares, and a template.

Wordings, responses and vocabulary have defaults that suit any question. Who wants more writes the
attribute's file by hand; data/attributes has examples.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from distalign.data.wordings import SLOT, normalise
from distalign.records.rows import read_rows
from distalign.records.schemas import InputError

CONTEXT, QUESTION = "context", "question"
ROUNDED = 0.02
"""How far shares, or percentages, may be from 1, or 100, by rounding."""
OPENINGS = {
    "en": """In a word|In brief|Briefly|Put simply|In short|To the point|In a few words|One question
        |A question|A short question|Quick question|Next question|Another question|My question
        |The question|Question|Please answer|Please tell me|Tell me|Say|If you had to say|Survey
        |In your view|As a short answer|As far as you know|Please say|I would like to know""",
    "de": """Kurz|Kurz gesagt|In einem Wort|In wenigen Worten|Eine Frage|Eine kurze Frage
        |Nächste Frage|Noch eine Frage|Meine Frage|Die Frage|Frage|Bitte antworten|Bitte sag mir
        |Sag mir|Sag|Umfrage|Aus deiner Sicht|Soweit du weißt|Bitte sag|Ich möchte wissen""",
    "fr": """En bref|En un mot|En peu de mots|Une question|Une petite question|Question suivante
        |Encore une question|Ma question|La question|Question|Répondez|Dites-moi|Dites|Sondage
        |Selon vous|À votre avis|Je voudrais savoir|En résumé|Brièvement|Pour faire court""",
}
CLOSINGS = {
    "en": """Answer briefly.|A short answer will do.|One short sentence, please.|Be brief.
        |Give one answer.|Just the answer, please.|Keep it short.|Answer in a few words.
        |Choose one answer.|Reply in one sentence.|What is your answer?|What would you say?
        |What do you think?|Please be brief.|Your answer, please.|Only one answer, please.""",
    "de": """Antworte kurz.|Eine kurze Antwort genügt.|Ein kurzer Satz, bitte.|Fasse dich kurz.
        |Gib eine Antwort.|Nur die Antwort, bitte.|Antworte in wenigen Worten.|Wähle eine Antwort.
        |Antworte in einem Satz.|Was ist deine Antwort?|Was würdest du sagen?|Was meinst du?
        |Deine Antwort, bitte.|Nur eine Antwort, bitte.|Halte es kurz.|Bitte kurz.""",
    "fr": """Réponds brièvement.|Une réponse courte suffit.|Une phrase courte.|Sois bref.
        |Donne une réponse.|Juste la réponse.|Réponds en peu de mots.|Choisis une réponse.
        |Réponds en une phrase.|Quelle est ta réponse ?|Que dirais-tu ?|Qu'en penses-tu ?
        |Ta réponse.|Une seule réponse.|En bref.|Reste bref.""",
}
RESPONSES = {
    "en": """{word}.|The answer is {word}.|My answer is {word}.|{word}, I would say.
        |{word}, I think.|{word}, most likely.|{word} is my answer.|{word}, in this case.
        |{word}, as far as I know.|{word}, to be brief.|{word}, for {context}.
        |The answer is {word}, I think.""",
    "de": """{word}.|Die Antwort ist {word}.|Meine Antwort ist {word}.|{word}, würde ich sagen.
        |{word}, wahrscheinlich.|{word} ist meine Antwort.|{word}, in diesem Fall.
        |{word}, denke ich.|{word}, soweit ich weiß.|{word}, kurz gesagt.""",
    "fr": """{word}.|La réponse est {word}.|Ma réponse est {word}.|{word}, je dirais.
        |{word}, probablement.|{word}, c'est ma réponse.|{word}, dans ce cas.|{word}, je pense.
        |{word}, à ma connaissance.|{word}, pour faire court.""",
}
"""They begin with the category, or with words that hardly vary: at temperature 1 a small model
loses the thread where many words may come first."""


class Table(NamedTuple):
    """What a table says. `weights` are counts, or shares that add up to 1, by context."""

    question: str
    categories: list[str]
    weights: dict[str, list[float]]
    are_counts: bool


def read_table(path: Path, question: str | None = None) -> Table:
    """Read a table, CSV or JSONL, with a column `context`, one a category, perhaps `question`.

    Shares that rounding has left off 1 by up to two hundredths, and percentages, are normalised.

    Args:
        question: the template, where the table has no such column.

    Raises:
        InputError: naming file, line and way out.
    """
    header, rows = read_rows(path)
    categories = [name for name in header if name not in (CONTEXT, QUESTION)]
    if CONTEXT not in header or len(categories) < 2 or not rows:
        raise InputError(
            f"{path}:1: {header} are not a column `{CONTEXT}` and one for each category, with rows"
        )
    asked = {row.get(QUESTION, "") for _, row in rows} - {""} or {question or ""}
    template = asked.pop()
    if asked or template.count(SLOT) != 1:
        raise InputError(
            f"{path}: name one question, with {SLOT} once: in a column `{QUESTION}`, or as "
            'QUESTION="…"'
        )
    weights: dict[str, list[float]] = {}
    lines = {row[CONTEXT]: line for line, row in rows}
    for line, row in rows:
        name = row[CONTEXT]
        if not name or name in weights:
            raise InputError(f"{path}:{line}: context {name!r} is empty, or there twice")
        weights[name] = [_number(row[c], f"{path}:{line}: {c}") for c in categories]
    has_percent = any("%" in row[c] for _, row in rows for c in categories)
    return Table(template, categories, *_normalised(path, weights, lines, has_percent))


def _number(text: str, where: str) -> float:
    try:
        value = float(text.rstrip("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise InputError(f"{where} is {text!r}, not a number from 0")
    return value


def _normalised(
    path: Path, weights: dict[str, list[float]], lines: dict[str, int], has_percent: bool
) -> tuple[dict[str, list[float]], bool]:
    """Shares as they are to be written; or counts, if all are whole and not all add up to 1.

    Args:
        has_percent: some figure has its sign, so that none is a count.
    """
    totals = {name: sum(row) for name, row in weights.items()}
    if min(totals.values()) == 0:
        name = min(totals, key=totals.__getitem__)
        raise InputError(f"{path}:{lines[name]}: the row of {name!r} holds zeros alone")
    for whole in (1, 100):
        if all(abs(total / whole - 1) <= ROUNDED for total in totals.values()):
            return {n: [value / totals[n] for value in row] for n, row in weights.items()}, False
    if not has_percent and all(value == int(value) for row in weights.values() for value in row):
        return weights, True
    whole = min((1, 100), key=lambda whole: abs(next(iter(totals.values())) / whole - 1))
    off = next(name for name, total in totals.items() if abs(total / whole - 1) > ROUNDED)
    raise InputError(
        f"{path}:{lines[off]}: {off!r} adds up to {totals[off]:g}: rows are neither counts, nor "
        "shares that add up to 1 or 100"
    )


def plain_attribute(name: str, table: Table, language: str = "en") -> dict[str, Any]:
    """The file of an attribute with defaults for all that the table does not say.

    Raises:
        InputError: there are no defaults in the language, or too many categories for digits.
    """
    if language not in OPENINGS:
        raise InputError(f"no defaults in {language!r}; there are {list(OPENINGS)}")
    if len(table.categories) > 10:
        raise InputError(f"{len(table.categories)} categories: a digit stands for each, at most 10")
    openings, closings = _listed(OPENINGS[language]), _listed(CLOSINGS[language])
    question = table.question
    written = {"opening": openings, "closing": closings}
    root = [question, f"{question} {{closing}}", f"{{opening}}: {question}"]
    root.append(f"{{opening}}: {question} {{closing}}")
    return {
        "name": name,
        "categories": [
            {"name": category, "words": [category], "tokens": {"digits": str(number)}}
            for number, category in enumerate(table.categories)
        ],
        "homonyms": [],
        "settings": {
            "attribute": {
                "template": question,
                "topic": [_topic(question, [*openings, *closings])],
                "requests": sorted({normalise(text).split()[0] for text in [*openings, question]}),
                "vocabulary": [],
                "grammar": {"root": root, **written},
                "limit": "",
                "responses": {
                    "system": "You answer in one short sentence.",
                    "ask": "{context}",
                    "words": {category: [category] for category in table.categories},
                    "grammar": {"root": _listed(RESPONSES[language])},
                },
            }
        },
    }


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split("|")]


def _topic(question: str, others: Sequence[str]) -> str:
    """The longest word that stands once in the question, and in nothing that is around it."""
    around = {word for text in others for word in normalise(text).split()}
    words = normalise(question.replace(SLOT, " ")).split()
    own = [word for word in words if words.count(word) == 1 and word not in around]
    if not own:
        raise InputError(f"{question!r} has no word of its own, by which rewordings are checked")
    return max(own, key=len)
