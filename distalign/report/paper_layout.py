"""A table of ours in the layout of one of the paper's, with the paper's own rows below."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from distalign.report.cells import Measured, average, display, mean_over_seeds
from distalign.report.tables import DOUBTFUL, Entry, Table, is_credible, mae_marks, number
from distalign.statistics.score import Metrics


@dataclass(frozen=True)
class Line:
    """What one row of a method shows."""

    key: str
    """The metric."""
    spread: Callable[[Sequence[Metrics]], str]
    """What follows the number, of the training seeds' metrics."""
    name: str = ""
    """Needed where a method has several rows."""
    printed: bool = True
    """Whether the paper prints it too."""


@dataclass(frozen=True)
class Layout:
    """Which table of the paper is shown, and for which model, methods and columns."""

    title: str
    table: str
    """The paper's, as tables.csv names it."""
    model: str
    methods: Sequence[str]
    columns: Mapping[str, str]
    """The data sets of tables.csv that are shown -> headings."""
    paper: pd.DataFrame
    """tables.csv, all of it text, so that numbers keep the digits that the paper prints."""

    @property
    def printed(self) -> pd.DataFrame:
        return self.paper[self.paper["table"] == self.table]

    @property
    def averaged(self) -> list[str]:
        """The columns of the paper's average; none unless all of them are shown."""
        known = self.printed["dataset"].unique().tolist()
        if "avg" not in known:
            return []
        known.remove("avg")
        return known if self.columns.keys() >= {*known} else []

    @property
    def header(self) -> list[str]:
        average_of = [f"Average of {len(self.averaged)}"] if self.averaged else []
        return ["Model", "Method", *self.columns.values(), *average_of]


Values = Mapping[tuple[str, str], Measured]
"""(column, method) -> our metrics."""


def layout_table(
    layout: Layout, values: Values, lines: Sequence[Line], apart: Mapping[str, Values] | None = None
) -> Table | None:
    """Rows of our model, then of the paper's; None if ours have no number.

    Args:
        values: of lines that are not in `apart`. A row without any number is left out.
        apart: the name of a line -> its own values.
    """
    ours = []
    for method in layout.methods:
        for line in lines:
            of_line = (apart or {}).get(line.name, values)
            seeds = {column: of_line[column, method] for column in layout.columns}
            names = [display(layout.model), display(method), line.name]
            ours.append([*map(Entry, names), *_numbers(layout, seeds, line)])
    rows = [row for row in ours if _has_number(row[3:])]
    if not rows:
        return None
    for line in lines:
        if line.printed:
            rows += [[*row[:2], Entry(line.name), *row[2:]] for row in _printed_rows(layout)]
    header = [*layout.header[:2], "Shown", *layout.header[2:]]
    if len(lines) == 1:  # nothing to tell apart
        header, rows = layout.header, [[*row[:2], *row[3:]] for row in rows]
    return Table(layout.title, header, rows)


def _numbers(layout: Layout, values: Mapping[str, Measured], line: Line) -> list[Entry]:
    cells = {column: mean_over_seeds(measured.seeds) for column, measured in values.items()}
    means = {column: mean.get(line.key) for column, mean in cells.items()}
    entries = []
    for column, measured in values.items():
        if means[column] is None:
            entries.append(Entry("–"))
        else:
            text = f"{number(means[column])} {line.spread(measured.seeds)}".rstrip()
            marks = mae_marks(cells[column]) if line.key == "mae" else ""
            entries.append(Entry(text, link=measured.link, marks=marks))
    if layout.averaged:
        averaged = [means[column] for column in layout.averaged]
        sound = line.key != "mae" or all(is_credible(cells[name]) for name in layout.averaged)
        text = number(None if None in averaged else average(averaged))
        entries.append(Entry(text, marks="" if sound or text == "–" else DOUBTFUL))
    return entries


def _printed_rows(layout: Layout) -> list[list[Entry]]:
    printed = layout.printed
    texts = {(row.model, row.method, row.dataset): _as_printed(row) for row in printed.itertuples()}
    columns = [*layout.columns, *(["avg"] if layout.averaged else [])]
    rows = [
        [Entry(f"{display(model)} (paper)"), Entry(display(method))]
        + [Entry(texts.get((model, method, column), "–")) for column in columns]
        for model in printed["model"].unique()
        for method in layout.methods
    ]
    return [row for row in rows if _has_number(row[2:])]


def _as_printed(row: Any) -> str:
    if not pd.isna(row.sd):
        return f"{row.value} ± {row.sd}"
    return row.value if pd.isna(row.ci_low) else f"{row.value} [{row.ci_low}, {row.ci_high}]"


def _has_number(row: Sequence[Entry]) -> bool:
    return any(entry.text != "–" for entry in row)
