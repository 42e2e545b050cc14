"""The report's files: pages, pictures, tables, and the single rounds of each cell."""

from collections.abc import Sequence

import pandas as pd

from distalign.records.files import write_text
from distalign.report.cell_files import PLACE, Folders, all_contexts, read_rounds, write_csv
from distalign.report.cells import Cell, Matrix, Results, display, display_dataset, section_title
from distalign.report.comparisons import ReportParams
from distalign.report.contents import report_pages, terminal_text
from distalign.report.page import html_page, markdown_page
from distalign.report.rounds_page import rounds_page


def write_report(
    places: Sequence[Results],
    matrix: Matrix,
    params: ReportParams,
    paper: pd.DataFrame,
    coordinated: set[str],
    folders: Folders,
) -> tuple[str, pd.DataFrame]:
    """Write all but the plots; arguments as for `report_pages`.

    Returns:
        What a terminal shows, and the numbers of every context.
    """
    out, pages = folders.out, report_pages(places, matrix, params, paper, coordinated)
    for page in pages:
        write_text(out / f"{page.name}.md", markdown_page(page))
        write_text(out / f"{page.name}.html", html_page(page))
        for figure in page.figures:
            if figure.kept:
                path = out / "figures" / figure.name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(figure.png)
    cells = [cell for results in places for cell in results.cells]
    contexts = all_contexts(cells)
    write_csv(out / "contexts.csv", contexts)
    write_rounds(cells, folders)
    text = terminal_text(pages[0], [str(out / f"{page.name}.html") for page in pages])
    write_text(out / "results.txt", f"{text}\n")
    return text, contexts


def write_rounds(cells: Sequence[Cell], folders: Folders) -> None:
    """A page of single rounds for each cell that has any."""
    folders.rounds.mkdir(parents=True, exist_ok=True)
    for cell in cells:
        if not cell.applies:
            continue
        name = "/".join(str(getattr(cell, key)) for key in PLACE)
        question, rows = read_rounds(folders, cell)
        parts = [display_dataset(cell.dataset), section_title(cell), display(cell.method)]
        title = f"Rounds of {', '.join(parts)}, seed {cell.seed}"
        write_text(folders.rounds / f"{name}.html", rounds_page(title, rows, question.categories))
