"""Tables and pages as plain text, Markdown and HTML."""

from html.parser import HTMLParser

from distalign.report.comparisons import shares_table
from distalign.report.page import Figure, Page, Part, html_page, markdown, markdown_page, plain_text
from distalign.report.tables import Entry, Table
from tests.support.report_cells import ATTACK, NAMES, cell, judged


def test_plain_text_is_aligned():
    table = Table("T", ["a", "long"], [[Entry("xyz"), Entry("1", strong=True)]])
    assert plain_text(table) == "T\na    long\n---  ----\nxyz  1 *"


def test_markdown_escapes_what_would_break_the_table():
    table = Table("T", ["a"], [[Entry("a|b\n<i>", strong=True)], [Entry("x", link="m.json")]])
    assert markdown(table) == "**T**\n\n| a |\n| --- |\n| **a\\|b \\<i\\>** |\n| [x](m.json) |\n"


def test_markdown_links_what_is_best_and_no_name_makes_a_link():
    best = Entry("0.1 [0.0, 0.2]", strong=True, link="m/0.json")
    table = Table("T", ["a"], [[best], [Entry("[x](http://y)")]])
    assert "| **[0.1 [0.0, 0.2]](m/0.json)** |" in markdown(table)
    assert "| [x\\](http://y) |" in markdown(table)


class Reader(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def page_of(*parts: Part) -> Page:
    return Page("here", ATTACK, [*parts], {"Term": "what it means"}, ATTACK)


def test_names_are_text_in_the_page():
    shares = shares_table([cell("ours", judged(6))])
    page = page_of(Part(ATTACK, [ATTACK], [], [shares], folded={ATTACK: [shares]}))
    read = Reader(html_page(page))
    assert "script" not in read.tags
    assert all(name in read.text for name in NAMES)
    # Two titles of the page, its provenance, the part's title and text, the fold; in each of two
    # tables a context of two categories, and a category of four contexts.
    assert read.text.count(ATTACK) == 6 + 2 * (2 + 4)
    assert "<script" not in markdown_page(page).replace("\\<", "")


def test_markdown_shows_kept_figures_and_says_where_the_others_are():
    figures = [Figure("kept", "a.png", b"A", kept=True), Figure("not", "b.png", b"B")]
    page = page_of(Part("P", figures=figures))
    text = markdown_page(page)
    assert "![kept](figures/a.png)" in text
    assert "b.png" not in text
    assert "1 more in [here.html](here.html)" in text
    assert html_page(page).count("data:image/png;base64,") == 2


def test_what_is_folded_stands_behind_its_line():
    table = Table("T", ["a"], [[Entry("x")]])
    page = page_of(Part("P", folded={"The paper": [table]}))
    before, after = markdown_page(page).split("<details><summary>The paper</summary>\n\n")
    assert "**T**" not in before
    assert after.startswith("**T**\n\n| a |")
    assert "<summary>The paper</summary>" in html_page(page)


def test_a_mark_stands_behind_its_number_with_a_note_below():
    table = Table("T", ["a"], [[Entry("0.1", strong=True, link="m.json", marks="†")]])
    assert "| **[0.1](m.json)** † |\n\n† below its floor" in markdown(table)
    assert "0.1 † *\n† below its floor" in plain_text(table)
    assert "</strong> †</td>" in html_page(page_of(Part("P", tables=[table])))


def test_pages_link_their_own_kind():
    page = page_of(Part("P", pages=[Entry("UK Real", link="uk")]))
    assert "- [UK Real](uk.md)" in markdown_page(page)
    assert '<a href="uk.html">UK Real</a>' in html_page(page)
