"""The report's tables as plain text, Markdown and one HTML page that needs no other file."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment

from distalign.tables import Table

LEGEND = {
    "MAE": (
        "mean over categories of |observed share - target share|, then mean over contexts "
        "(equation 12 of the paper). 0 is perfect, the best is in bold. The interval in brackets "
        "is Student's t over contexts, 95 %: it covers the MAE that contexts like these would show "
        "in as many rounds. With several training seeds it gives way to their standard deviation. "
        "A dash: the method does not apply, or there is nothing to measure."
    ),
    "Floor": (
        "the MAE that a perfect sampler would have with as many valid rounds. Excess is "
        "MAE - floor, ratio is MAE / floor. An MAE well below its floor means that the rounds are "
        "not independent."
    ),
    "Percentile interval": (
        "the bootstrap of the paper's appendix A.2.2. It is biased upward, because |.| is not "
        "smooth at 0, and may exclude its own MAE. It is shown for comparison."
    ),
    "True deviation": (
        "what would remain of the MAE with infinitely many rounds: the mean of |probability - "
        "target share| in these very contexts, estimated without the floor. Its 95 % interval "
        "covers that number, and starts at 0 where the rounds do not prove any deviation. In "
        "simulations it holds what it promises, but where only a few contexts deviate it covers "
        "90-97 % and misses by being too high."
    ),
    "Total variation and Jensen-Shannon": (
        "half the sum over categories of |observed share - target share|, and the divergence in "
        "bits, means over contexts. Their floors are the exact means of a perfect sampler."
    ),
    "Valid": (
        "share of rounds from which exactly one category can be read. The others are left out of "
        "the observed shares."
    ),
    "Internal MAE and steering mass": (
        "the MAE of the steering tokens' probabilities, and how much of the whole vocabulary's "
        "probability they hold. Only for methods that draw a steering token, as is fidelity."
    ),
    "Coordinated": (
        "the steering tokens of a context's rounds are drawn together, so that their counts are "
        "the calibrated probabilities' to within one. Each round alone still has its exact "
        "probabilities, but rounds are not independent: this is a sample made to have the right "
        "shares. It says nothing of one more answer, and has no floor to be compared with."
    ),
    "Fidelity": "share of valid responses that express the category of their steering token.",
    "Misaligned": (
        "contexts whose shares differ from the target by more than chance (Monte-Carlo "
        "multinomial goodness of fit, false-discovery rate 0.05)."
    ),
    "Paired tests": (
        "p is that of each test alone. The adjusted p holds the false-discovery rate over the "
        "tests of its table: reading all those below 0.05 as differences, at most 5 % of them "
        "are expected to be none."
    ),
    "Over seeds": (
        "each seed is a training of its own, with its own rounds: the standard deviation holds "
        "both. Intervals in other tables are those of one training, figures by context show the "
        "first seed."
    ),
    "Rounds needed": (
        "by Pearson's chi-squared test, where every context deviates by as much, in the way that "
        "is hardest to see."
    ),
}


@dataclass(frozen=True)
class Figure:
    title: str
    link: str
    """URL relative to the report."""
    png: bytes
    numbers: Table | None
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


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*_<>|&])", r"\\\1", " ".join(text.split()))


def markdown(table: Table) -> str:
    """A pipe table under its title, with markup in names escaped."""

    def entry(text: str, strong: bool, link: str) -> str:
        text = f"**{_escape_markdown(text)}**" if strong else _escape_markdown(text)
        return f"[{text}]({link})" if link else text

    lines = [[*map(_escape_markdown, table.columns)], ["---"] * len(table.columns)]
    lines += [[entry(e.text, e.strong, e.link) for e in row] for row in table.rows]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"**{_escape_markdown(table.title)}**\n\n{body}\n"


def markdown_page(sections: Sequence[Section]) -> str:
    """The whole report, with links to the figures' files."""
    parts = ["# Results\n"]
    for section in sections:
        parts.append(f"## {_escape_markdown(section.title)}\n")
        parts += map(markdown, section.tables)
        parts += (f"![{_escape_markdown(f.title)}]({f.link})\n" for f in section.figures)
    parts.append("## How to read this\n")
    parts.append(
        "".join(f"- **{term}**: {_escape_markdown(text)}\n" for term, text in LEGEND.items())
    )
    return "\n".join(parts)


def html_page(sections: Sequence[Section]) -> str:
    """The whole report with its figures inside; every name is escaped by Jinja2."""
    template = Environment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE)
    return template.render(sections=sections, legend=LEGEND)


_TEMPLATE = """\
{% macro show(table) %}
<div class="scroll" tabindex="0">
<table>
<caption>{{ table.title }}</caption>
<thead><tr>{% for name in table.columns %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in table.rows %}
<tr>{% for entry in row %}<td>
{%- if entry.link %}<a href="{{ entry.link }}">{{ entry.text }}</a>
{%- elif entry.strong %}<strong>{{ entry.text }}</strong>
{%- else %}{{ entry.text }}{% endif %}</td>{% endfor %}</tr>
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
{% if figure.numbers %}
<details><summary>Numbers of this figure</summary>
{{ show(figure.numbers) }}
</details>
{% endif %}
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
