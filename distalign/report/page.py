"""Pages of the report as Markdown, as HTML that needs no other file, and tables as plain text."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from jinja2 import Environment

from distalign.report.tables import Entry, Table


@dataclass(frozen=True)
class Figure:
    title: str
    """What it shows, with units and the number of rounds."""
    name: str
    """File name under figures/."""
    png: bytes
    kept: bool = False
    """Whether it is a file of its own, which Markdown shows; HTML holds every figure."""
    numbers: list[Table] = field(default_factory=list)
    """What the figure shows, for readers who cannot see it."""

    @property
    def data_uri(self) -> str:
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Part:
    """Of a page, in the order in which it is shown."""

    title: str
    texts: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pages: list[Entry] = field(default_factory=list)
    """Other pages; their links are names without an ending."""
    folded: Mapping[str, list[Table]] = field(default_factory=dict)
    """Behind a line that unfolds: its text -> tables."""


@dataclass(frozen=True)
class Page:
    name: str
    """Of its files, without their ending."""
    title: str
    parts: list[Part]
    legend: Mapping[str, str]
    """Terms and what they mean, folded at the end."""
    made_with: str
    """A line on what the results were made with."""

    @property
    def figures(self) -> list[Figure]:
        return [figure for part in self.parts for figure in part.figures]


def plain_text(table: Table) -> str:
    """Aligned columns for a terminal; a star marks the best."""
    lines = [table.columns]
    lines += [[f"{e.shown} *" if e.strong else e.shown for e in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    ruler = "  ".join("-" * w for w in widths)
    return "\n".join([table.title, aligned[0], ruler, *aligned[1:], *table.notes])


def escape_markdown(text: str) -> str:
    """The text on one line, with what Markdown would read as markup escaped."""
    return re.sub(r"([\\`*_<>|&]|\](?=[(\[]))", r"\\\1", " ".join(text.split()))


def markdown(table: Table) -> str:
    """A pipe table under its title, with markup in names escaped."""
    lines = [[*map(escape_markdown, table.columns)], ["---"] * len(table.columns)]
    lines += [[*map(_markdown_entry, row)] for row in table.rows]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "".join(f"\n{escape_markdown(note)}\n" for note in table.notes)
    return f"**{escape_markdown(table.title)}**\n\n{body}\n{notes}"


def _markdown_entry(entry: Entry) -> str:
    text = escape_markdown(entry.text)
    text = f"[{text}]({entry.link})" if entry.link else text
    return f"{f'**{text}**' if entry.strong else text} {entry.marks}".rstrip()


def markdown_page(page: Page) -> str:
    """The page, with the figures that are kept as files."""
    lines = [f"# {escape_markdown(page.title)}\n"]
    for part in page.parts:
        lines.append(f"## {escape_markdown(part.title)}\n")
        lines += [f"{escape_markdown(text)}\n" for text in part.texts]
        lines += _markdown_figures(part.figures, page.name)
        lines += map(markdown, part.tables)
        links = [f"- [{escape_markdown(e.text)}]({e.link}.md)\n" for e in part.pages]
        lines += ["".join(links)] if links else []
        for summary, tables in part.folded.items():
            lines.append(_folded(escape_markdown(summary), [*map(markdown, tables)]))
    terms = [f"- **{term}**: {escape_markdown(text)}\n" for term, text in page.legend.items()]
    lines += [_folded("How to read this", ["".join(terms)]), f"{escape_markdown(page.made_with)}\n"]
    return "\n".join(lines)


def _markdown_figures(figures: Sequence[Figure], name: str) -> list[str]:
    lines = []
    for figure in figures:
        title = escape_markdown(figure.title)
        if figure.kept:
            lines.append(f"**{title}**\n\n![{title}](figures/{quote(figure.name)})\n")
    left = len(figures) - len(lines)
    if left:
        lines.append(f"{left} more in [{escape_markdown(name)}.html]({quote(name)}.html).\n")
    return lines


def _folded(summary: str, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return f"<details><summary>{summary}</summary>\n\n{body}\n</details>\n"


def html_page(page: Page) -> str:
    """The page with its figures inside; every name is escaped by Jinja2."""
    template = Environment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE)
    return template.render(page=page)


_TEMPLATE = """\
{% macro show(table) %}
<div class="scroll" tabindex="0">
<table>
<caption>{{ table.title }}</caption>
<thead><tr>{% for name in table.columns %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in table.rows %}
<tr>{% for entry in row %}<td>{% if entry.strong %}<strong>{% endif %}
{%- if entry.link %}<a href="{{ entry.link }}">{{ entry.text }}</a>
{%- else %}{{ entry.text }}{% endif %}
{%- if entry.strong %}</strong>{% endif %}{% if entry.marks %} {{ entry.marks }}{% endif %}</td>
{%- endfor %}</tr>
{% endfor %}
</tbody>
</table>
</div>
{% for note in table.notes %}<p class="note">{{ note }}</p>
{% endfor %}
{% endmacro %}
{% macro fold(summary, tables) %}
<details><summary>{{ summary }}</summary>
{% for table in tables %}{{ show(table) }}{% endfor %}
</details>
{% endmacro %}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ page.title }}</title>
<style>
:root { color-scheme: light dark; --text: #1c1c1c; --page: #fff; --line: #ccc; --link: #0b5394; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e4e4; --page: #181a1b; --line: #4a4a4a; --link: #8ab4f8; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 76rem; margin: 0 auto; padding: 1rem; }
a { color: var(--link); }
td a { color: inherit; text-decoration-color: var(--line); }
p, dd { max-width: 50rem; }
.scroll { overflow-x: auto; margin: 1.5rem 0 0.5rem; }
.note { font-size: 0.8125rem; margin: 0.25rem 0; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0.25rem 0; }
th, td { text-align: left; padding: 0.25rem 0.75rem 0.25rem 0;
  border-bottom: 1px solid var(--line); vertical-align: bottom; }
td { white-space: nowrap; }
img { max-width: 100%; height: auto; background: #fff; }
figure { margin: 2rem 0; }
summary { cursor: pointer; font-weight: 600; margin: 0.75rem 0; }
dt { font-weight: 600; }
dd { margin: 0 0 0.5rem; }
</style>
</head>
<body>
<main>
<h1>{{ page.title }}</h1>
{% for part in page.parts %}
<section>
<h2>{{ part.title }}</h2>
{% for text in part.texts %}<p>{{ text }}</p>
{% endfor %}
{% for figure in part.figures %}
<figure>
<img src="{{ figure.data_uri }}" alt="{{ figure.title }}">
<figcaption>{{ figure.title }}</figcaption>
{% for table in figure.numbers %}{{ fold(table.title, [table]) }}{% endfor %}
</figure>
{% endfor %}
{% for table in part.tables %}{{ show(table) }}{% endfor %}
{% if part.pages %}<ul>
{% for entry in part.pages %}<li><a href="{{ entry.link }}.html">{{ entry.text }}</a></li>
{% endfor %}</ul>{% endif %}
{% for summary, tables in part.folded.items() %}{{ fold(summary, tables) }}{% endfor %}
</section>
{% endfor %}
<details><summary>How to read this</summary>
<dl>
{% for term, text in page.legend.items() %}<dt>{{ term }}</dt><dd>{{ text }}</dd>
{% endfor %}
</dl>
</details>
<p class="note">{{ page.made_with }}</p>
</main>
</body>
</html>
"""
