"""The report's tables as plain text, Markdown and one HTML page that needs no other file."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment

from distalign.report.legend import LEGEND
from distalign.report.tables import Table


@dataclass(frozen=True)
class Figure:
    title: str
    link: str
    """URL relative to the report."""
    png: bytes
    numbers: list[Table]
    """What the figure shows, for readers who cannot see it."""

    @property
    def data_uri(self) -> str:
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class Section:
    """One model and setting."""

    title: str
    tables: list[Table]
    figures: list[Figure]


def plain_text(table: Table) -> str:
    """Aligned columns for a terminal; a star marks the best."""
    lines = [table.columns]
    lines += [[f"{e.text} *" if e.strong else e.text for e in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return "\n".join([table.title, aligned[0], "  ".join("-" * w for w in widths), *aligned[1:]])


def escape_markdown(text: str) -> str:
    """The text on one line, with what Markdown would read as markup escaped."""
    return re.sub(r"([\\`*_<>|&]|\](?=[(\[]))", r"\\\1", " ".join(text.split()))


def markdown(table: Table) -> str:
    """A pipe table under its title, with markup in names escaped."""

    def entry(text: str, strong: bool, link: str) -> str:
        text = escape_markdown(text)
        text = f"[{text}]({link})" if link else text
        return f"**{text}**" if strong else text

    lines = [[*map(escape_markdown, table.columns)], ["---"] * len(table.columns)]
    lines += [[entry(e.text, e.strong, e.link) for e in row] for row in table.rows]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"**{escape_markdown(table.title)}**\n\n{body}\n"


def markdown_page(sections: Sequence[Section], provenance: str) -> str:
    """The whole report, with links to the figures' files.

    Args:
        provenance: a line on what the results were made with.
    """
    parts = ["# Results\n", f"{escape_markdown(provenance)}\n"]
    for section in sections:
        parts.append(f"## {escape_markdown(section.title)}\n")
        parts += map(markdown, section.tables)
        for figure in section.figures:
            title = escape_markdown(figure.title)
            parts.append(f"**{title}**\n\n![{title}]({figure.link})\n")
    parts.append("## How to read this\n")
    parts.append(
        "".join(f"- **{term}**: {escape_markdown(text)}\n" for term, text in LEGEND.items())
    )
    return "\n".join(parts)


def html_page(sections: Sequence[Section], provenance: str) -> str:
    """The whole report with its figures inside; every name is escaped by Jinja2."""
    template = Environment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE)
    return template.render(sections=sections, provenance=provenance, legend=LEGEND)


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
{%- if entry.strong %}</strong>{% endif %}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
</div>
{% endmacro %}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Results</title>
<style>
:root { color-scheme: light dark; --text: #1c1c1c; --page: #fff; --line: #ccc; --link: #0b5394; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e4e4; --page: #181a1b; --line: #4a4a4a; --link: #8ab4f8; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 76rem; margin: 0 auto; padding: 1rem; }
a { color: var(--link); }
td a { color: inherit; text-decoration-color: var(--line); }
.scroll { overflow-x: auto; margin: 1.5rem 0; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0.25rem 0; }
th, td { text-align: left; padding: 0.25rem 0.75rem 0.25rem 0;
  border-bottom: 1px solid var(--line); }
td { white-space: nowrap; }
img { max-width: 100%; height: auto; background: #fff; }
figure { margin: 2rem 0; }
dt { font-weight: 600; }
dd { margin: 0 0 0.5rem; max-width: 44rem; }
</style>
</head>
<body>
<main>
<h1>Results</h1>
<p>{{ provenance }}</p>
{% for section in sections %}
<section>
<h2>{{ section.title }}</h2>
{% for table in section.tables %}
{{ show(table) }}
{% endfor %}
{% for figure in section.figures %}
<figure>
<img src="{{ figure.data_uri }}" alt="{{ figure.title }}">
<figcaption>{{ figure.title }}</figcaption>
{% for table in figure.numbers %}
<details><summary>{{ table.title }}</summary>
{{ show(table) }}
</details>
{% endfor %}
</figure>
{% endfor %}
</section>
{% endfor %}
<h2>How to read this</h2>
<dl>
{% for term, text in legend.items() %}
<dt>{{ term }}</dt><dd>{{ text }}</dd>
{% endfor %}
</dl>
</main>
</body>
</html>
"""
