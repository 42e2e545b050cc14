"""All pages of the report in their order, and what a terminal shows of them."""

from collections.abc import Sequence

import pandas as pd

from distalign.machine.provenance import summary as made_with
from distalign.report.cells import Matrix, Results
from distalign.report.comparisons import ReportParams, compare, rounds_table
from distalign.report.dataset_page import dataset_parts, dataset_title
from distalign.report.legend import LEGEND
from distalign.report.page import Page, Part, plain_text
from distalign.report.paper_tables import printed_for
from distalign.report.sections import cells_part, dataset_page_name
from distalign.report.verdict import verdicts


def report_pages(
    places: Sequence[Results],
    matrix: Matrix,
    params: ReportParams,
    paper: pd.DataFrame,
    coordinated: set[str],
) -> list[Page]:
    """The results first, then a page a data set of each model, training and setting.

    Args:
        places: what was measured of each model, training and setting.
        paper: tables.csv, all of it text.
        coordinated: decoding variants whose rounds are drawn together.
    """
    parts, datasets = [], []
    for results in places:
        cells = results.cells
        tests = compare(cells, params)
        said = verdicts(cells, matrix, tests)
        printed = printed_for(cells[0].setting, paper)
        parts.append(cells_part(results, matrix, said, printed, coordinated))
        for dataset in matrix.datasets:
            group = [cell for cell in cells if cell.dataset == dataset]
            if any(cell.applies for cell in group):
                shown = dataset_parts(group, matrix, said[dataset], tests)
                datasets.append((group[0], shown))
    every = [cell for results in places for cell in results.cells]
    made = made_with([cell.provenance for cell in every])
    targets = {cell.dataset: cell.contexts for cell in every}
    last = Part("Rounds needed", tables=[rounds_table(targets)])
    first = Page("results", f"Results: {matrix.name}", [*parts, last], LEGEND, made)
    return [
        first,
        *(
            Page(dataset_page_name(cell), dataset_title(cell), shown, LEGEND, made)
            for cell, shown in datasets
        ),
    ]


def terminal_text(page: Page, files: Sequence[str]) -> str:
    """The words of the results page and the first table of each part, and the files' names."""
    shown = []
    for part in page.parts:
        if part.texts:
            shown.append("\n".join([part.title, *part.texts]))
            shown += map(plain_text, part.tables[:1])
    return "\n\n".join([*shown, page.made_with, "\n".join(files)])
