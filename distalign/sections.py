"""The report's sections: the tables and figures of one model, training and setting."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from distalign.cells import Cell, Matrix, display, mean_cells, section_title
from distalign.comparisons import ReportParams, comparison_table, shares_table
from distalign.figures import draw_contexts, draw_summary
from distalign.page import Figure, Section
from distalign.tables import Table, detail_table, distances_table, main_table, seeds_table


def summary_tables(cells: Sequence[Cell], matrix: Matrix, more: Sequence[Table]) -> list[Table]:
    """What is shown first, and also printed: means over seeds, then the tables of `more`."""
    tables = [main_table(cells, matrix)]
    if len(matrix.seeds) > 1:
        tables.append(seeds_table(cells))
    return [*tables, *more]


def cells_section(
    cells: Sequence[Cell],
    matrix: Matrix,
    summary: Sequence[Table],
    params: ReportParams,
    out: Path,
) -> Section:
    """All that is shown of cells that differ in data set, method and seed alone.

    Args:
        summary: the cells' `summary_tables`.
        out: the report's folder; the figures are written under out/figures.
    """
    every = [detail_table(cells), distances_table(cells), comparison_table(cells, params)]
    return Section(section_title(cells[0]), [*summary, *every], _draw(cells, matrix, out))


def _draw(cells: Sequence[Cell], matrix: Matrix, out: Path) -> list[Figure]:
    first = cells[0]
    name = f"{first.model}_{first.training}_{first.setting}"
    path = out / "figures" / f"summary_{name}.png"
    draw_summary(mean_cells(cells), matrix, path)
    figures = [_figure(f"MAE of every method: {section_title(first)}", path, None)]
    for dataset in matrix.datasets:
        applying = [
            cell
            for cell in cells
            if (cell.dataset, cell.seed) == (dataset, matrix.seeds[0]) and cell.applies
        ]
        if applying:
            path = out / "figures" / f"{name}_{dataset}.png"
            draw_contexts(applying, matrix, path)
            title = f"{display(dataset)}: target and observed shares by context"
            figures.append(_figure(title, path, shares_table(applying)))
    return figures


def _figure(title: str, path: Path, numbers: Table | None) -> Figure:
    return Figure(title, quote(f"figures/{path.name}"), path.read_bytes(), numbers)
