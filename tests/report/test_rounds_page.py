"""A page of single rounds holds every text as text, and shows what its address asks for."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from distalign.records.schemas import Judgement
from distalign.report.rounds_page import rounds_page
from tests.support.browser import dump_dom

RUN = "document.documentElement.dataset.run=1"
ATTACKS = [
    f"</script><script>{RUN}</script>",
    f"</SCRIPT ><img src=none onerror={RUN}>",
    f"<!--<script>{RUN}</script>",
    f"<!-- <script> --></script><svg onload={RUN}>",
    f"\u2028{RUN}\u2029",
    f"']]>{{{{ 7 }}}}<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    "\\u003c/script> \\ \" ' & &lt; \u202e\x00\x1b \U0001f600",
    f"javascript:{RUN}",
]
CATEGORIES = [ATTACKS[0], "Female"]
TITLE = f"Rounds of {ATTACKS[1]}"


def rows() -> list[Judgement]:
    """Each attack as context, prompt and answer: read as drawn, as the other, and as none."""
    read = [CATEGORIES[0], CATEGORIES[1], None]
    return [
        Judgement(
            context=attack,
            round=number,
            prompt=f"{attack} {number}",
            text=attack,
            raw=f"raw {attack}",
            drawn=CATEGORIES[0],
            probabilities=[0.75, 0.25],
            mass=0.98765,
            category=category,
            refused=category is None and attack == ATTACKS[-1],
            judge="words",
            why=f"“{attack}”",
        )
        for attack in ATTACKS
        for number, category in enumerate(read)
    ]


class Blocks(HTMLParser):
    """Start tags in their order, and what stands in script and style elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.policy, self.within = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in self.texts:
            self.texts[tag].append("")
            self.within = tag
        named = dict(attrs)
        if named.get("http-equiv") == "Content-Security-Policy":
            self.policy = named["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self.within = ""

    def handle_data(self, data: str) -> None:
        if self.within:
            self.texts[self.within][-1] += data


def test_texts_make_no_element_and_come_out_as_they_were() -> None:
    page = rounds_page(TITLE, rows(), CATEGORIES)
    blocks = Blocks(page)
    assert blocks.tags == Blocks(rounds_page("Rounds", [], ["Male", "Female"])).tags
    data = json.loads(blocks.texts["script"][0])
    shown = [(data["contexts"][row[0]], data["prompts"][row[2]], row[3]) for row in data["rows"]]
    assert shown == [(row.context, row.prompt, row.text) for row in rows()]
    assert not re.search("[<>&\u2028\u2029]", blocks.texts["script"][0])


def test_the_policy_allows_the_pages_own_script_and_style_alone() -> None:
    blocks = Blocks(rounds_page(TITLE, rows(), CATEGORIES))
    rules = dict(rule.strip().split(" ", 1) for rule in blocks.policy.split(";"))
    for kind, text in (("script", blocks.texts["script"][-1]), ("style", blocks.texts["style"][0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules.pop(f"{kind}-src") == f"'sha256-{digest}'"
    assert set(rules.values()) == {"'none'"}


@pytest.mark.parametrize(
    ("fragment", "count", "marked"),
    [
        ("", f"{3 * len(ATTACKS)} of 24 rounds", 0),
        ("#only=invalid", "8 of 24 rounds", 0),
        ("#only=contradicting&read=Female", "8 of 24 rounds", 0),
        ("#only=refused", "1 of 24 rounds", 0),
        ("#q=JAVASCRIPT", "3 of 24 rounds", 0),
        ("#only=invalid&q=javascript&at=javascript%3A" + RUN.replace("=", "%3D") + ".2", "1 of", 1),
        ("#q=%3Cscript%3E&read=none", "4 of 24 rounds", 0),
    ],
)
def test_a_browser_shows_what_the_address_says_and_runs_nothing_else(
    tmp_path: Path, fragment: str, count: str, marked: int
) -> None:
    path = tmp_path / "rounds.html"
    path.write_text(rounds_page(TITLE, rows(), CATEGORIES), encoding="utf-8")
    shown = dump_dom(path.as_uri() + fragment, tmp_path)
    assert "data-run" not in shown.partition("<body")[0]
    assert count in shown
    assert shown.count("<article") == int(count.split()[0])
    assert shown.count('<article class="marked"') == marked
