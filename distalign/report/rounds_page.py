"""A cell's single rounds as a page that needs no other file: each with what was read, and why."""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from distalign.records.schemas import Judgement

DIGITS = 4
"""Of a probability."""
# Within a script element only these could end it, or a line of it.
_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def rounds_page(title: str, rows: Sequence[Judgement], categories: Sequence[str]) -> str:
    """The page as HTML; no text of a prompt or response is markup in it, or script.

    Texts stand in a block of JSON, which the page's one script shows as text. Its content
    security policy allows that script and its style alone, by their digests, and no address.

    Args:
        categories: in the order of the rows' probabilities.
    """
    script = files("distalign.report").joinpath("rounds.js").read_text(encoding="utf-8")
    allowed = f"script-src {_digest(script)}; style-src {_digest(_STYLE)}"
    template = Environment(autoescape=True).from_string(_TEMPLATE)
    return template.render(
        title=title,
        policy=f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'",
        style=_STYLE,
        script=script,
        data=_json(_packed(rows, categories)),
    )


def _packed(rows: Sequence[Judgement], categories: Sequence[str]) -> dict[str, Any]:
    """Rows as lists; contexts, prompts and categories by their place in a list of each."""
    contexts = {name: place for place, name in enumerate(dict.fromkeys(r.context for r in rows))}
    prompts = {text: place for place, text in enumerate(dict.fromkeys(r.prompt for r in rows))}
    # A token of another question, which a policy of several may draw, is told too.
    drawn = [row.drawn for row in rows if row.drawn is not None]
    names = list(dict.fromkeys([*categories, *drawn]))
    places: dict[str | None, int] = {name: place for place, name in enumerate(names)}
    packed = [
        [
            contexts[row.context],
            row.round,
            prompts[row.prompt],
            row.text,
            row.raw,
            places.get(row.drawn),
            row.probabilities and [round(p, DIGITS) for p in row.probabilities],
            None if row.mass is None else round(row.mass, DIGITS),
            places.get(row.category),
            row.refused,
            row.judge,
            row.why,
        ]
        for row in rows
    ]
    named = {"contexts": [*contexts], "prompts": [*prompts], "categories": names}
    return named | {"rows": packed}


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_ESCAPED)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
form { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; padding: 0.5rem 0; }
label { display: flex; flex-direction: column; font-size: 0.875rem; }
select { max-width: 14rem; }
article { border-top: 1px solid #8888; padding: 0.5rem 0; }
.marked { outline: 3px solid #e69f00; outline-offset: 2px; }
h2 { font-size: 1rem; margin: 0; }
dl { display: grid; grid-template-columns: 9rem 1fr; gap: 0.125rem 0.75rem; margin: 0.25rem 0; }
dt { font-size: 0.875rem; opacity: 0.8; }
dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } }
"""

_TEMPLATE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style|safe }}</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
<form id="filters">
<label>Context <select id="context"><option value="">all</option></select></label>
<label>Read <select id="read"><option value="">all</option></select></label>
<label>Drawn token <select id="drawn"><option value="">all</option></select></label>
<label>Only <select id="only">
<option value="">all</option>
<option value="invalid">invalid</option>
<option value="refused">refused</option>
<option value="contradicting">contradicting its token</option>
</select></label>
<label>Search <input id="q" type="search"></label>
</form>
<p id="count" role="status"></p>
<div id="rounds"></div>
<button id="more" type="button" hidden>Show more</button>
</main>
<script id="data" type="application/json">{{ data|safe }}</script>
<script>{{ script|safe }}</script>
</body>
</html>
"""
