"""Script in names and responses does not run in the report's page."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.browser import dump_dom
from tests.support.hostile_report import odd_spec, report_of

# Each would leave its number in the page: `dataset.run0` is the attribute data-run0 of <html>.
ATTACKS = [
    attack.replace("RUN", f"document.documentElement.dataset.run{i}=1")
    for i, attack in enumerate(
        [
            "<script>RUN</script>",
            "</td></tr></table><script>RUN</script>",
            "<img src=none onerror=RUN>",
            '"><svg onload=RUN></svg>',
            "'><details open ontoggle=RUN>",
            "</style><script>RUN</script>",
            "<scr\u0131pt></script><script>RUN</script>",
            "<iframe srcdoc='<script>parent.RUN</script>'></iframe>",
            "<svg><script>RUN</script></svg>",
            "<!-- --><body onload=RUN>",
            "{{ 7 }}--><video><source onerror=RUN></video>",
        ]
    )
]
RESPONSE = "<script>document.documentElement.dataset.response=1</script>"
CATEGORIES = [f"Male {ATTACKS[0]}", f"Female {ATTACKS[2]}"]


PAGES = ("report/results.html", "report/m_attribute_attribute_odd.html")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    report_of(odd_spec(ATTACKS, CATEGORIES), RESPONSE, monkeypatch)
    return "".join(Path(name).read_text(encoding="utf-8") for name in PAGES)


class Elements(HTMLParser):
    """Names of elements and their attributes, addresses, and texts between tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


ADDRESS = r"\.\./metrics/|\.\./pages/m/attribute/|data:image/png;|m_attribute_attribute_odd\.html$"
RUNS_SCRIPT = {"script", "iframe", "object", "embed", "svg", "input", "base", "form", "link"}
KNOWN = {"alt", "charset", "class", "content", "href", "lang", "name", "scope", "src", "tabindex"}


@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_make_no_element_and_no_attribute(page: str) -> None:
    read = Elements(page)
    assert not read.names & RUNS_SCRIPT
    assert read.attributes <= KNOWN
    assert all(re.match(ADDRESS, address) for address in read.addresses)
    shown = {text.strip() for text in read.texts}
    assert shown.issuperset([*ATTACKS, *CATEGORIES])
    # The same page without escapes holds what is looked for.
    bare = Elements(html.unescape(page))
    assert bare.names & RUNS_SCRIPT
    assert not bare.attributes <= KNOWN


def load(path: Path) -> set[str]:
    """The data-* attributes that the page has given its root by the time it has loaded."""
    shown = dump_dom(path.as_uri(), path.parent)
    root = re.search(r"<html[^>]*>", shown)
    assert root is not None, shown[:500]
    assert "How to read this" in shown
    return set(re.findall(r"data-(\w+)", root[0]))


@pytest.mark.filterwarnings("ignore:Glyph")
def test_no_script_runs_in_a_browser(page: str, tmp_path: Path) -> None:
    bare = tmp_path / "bare.html"
    bare.write_text(html.unescape(page) + RESPONSE, encoding="utf-8")
    attacks = {f"run{i}" for i in range(len(ATTACKS))}
    assert load(bare) == {*attacks, "response"}
    assert [load(tmp_path / name) for name in PAGES] == [set(), set()]
