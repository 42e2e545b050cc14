"""The report's sections: the tables and figures of one model, training and setting."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from distalign.report.analyses import (
    capabilities_table,
    decoding_table,
    stories_table,
    transfer_table,
)
from distalign.report.analysis_figures import (
    capability_bars,
    first_token_bars,
    surface_bars,
    transfer_bars,
)
from distalign.report.cells import Cell, Matrix, Results, display, mean_cells, section_title
from distalign.report.comparisons import (
    ReportParams,
    binding_table,
    comparison_table,
    internal_table,
    shares_table,
    steering_shares_table,
)
from distalign.report.figures import (
    MAE_AXIS,
    MAE_BAR,
    dataset_title,
    draw_bars,
    draw_contexts,
    draw_summary,
)
from distalign.report.page import Figure, Section
from distalign.report.paper_figures import draw_binding, draw_representation
from distalign.report.paper_tables import (
    ablation_table,
    appendix_tables,
    corrected_table,
    first_token_table,
    printed_main_table,
    surface_table,
    transfer_layout,
)
from distalign.report.sensitivity_figure import draw_sensitivity
from distalign.report.tables import Table, detail_table, distances_table, main_table, seeds_table
from distalign.statistics.binding import figure_points

INTERNAL_AXIS = "internal MAE (difference of shares, 0 to 1)"


def summary_tables(
    results: Results, matrix: Matrix, paper: pd.DataFrame, coordinated: set[str]
) -> list[Table]:
    """What is shown first, and also printed; numbers are means over seeds.

    Args:
        paper: tables.csv, all of it text.
        coordinated: decoding variants whose rounds are drawn together.
    """
    cells = results.cells
    tables = [main_table(cells, matrix)]
    if results.stories:
        tables.append(corrected_table(cells, results.stories, matrix, paper))
        tables.append(stories_table(results.stories))
    else:
        tables.append(printed_main_table(cells[0].setting, matrix, paper))
    if len(matrix.seeds) > 1:
        tables.append(seeds_table(cells))
    tables.append(ablation_table(cells, matrix, paper))
    if results.transferred:
        tables.append(transfer_layout(results.transferred, cells[0].model, matrix, paper))
        tables.append(transfer_table(results.transferred))
    if results.internal:
        tables.append(first_token_table(results.internal, cells[0].model, matrix, paper))
    if results.surface:
        tables.append(surface_table(cells, results.surface, matrix, paper))
    if results.capabilities:
        tables.append(capabilities_table(results.capabilities))
    if results.decoded:
        tables.append(decoding_table(results.decoded, coordinated))
    return [table for table in tables if table]


def cells_section(
    results: Results,
    matrix: Matrix,
    summary: Sequence[Table],
    paper: pd.DataFrame,
    params: ReportParams,
    out: Path,
) -> Section:
    """All that is shown of cells that differ in data set, method and seed alone.

    Args:
        summary: the cells' `summary_tables`.
        out: the report's folder; the figures are written under out/figures.
    """
    cells, folder = results.cells, out / "figures"
    every = [*summary, *appendix_tables(cells, matrix, paper), binding_table(cells)]
    every += [comparison_table(cells, params), detail_table(cells), distances_table(cells)]
    tables = [table for table in every if table]
    figures = [*_draw(cells, matrix, folder), *_draw_analyses(results, folder)]
    figures += _draw_grids(results, matrix, folder)
    return Section(section_title(cells[0]), tables, figures)


def _draw_grids(results: Results, matrix: Matrix, folder: Path) -> list[Figure]:
    """Sensitivity to decoding parameters, a figure a data set."""
    figures, first = [], results.cells[0]
    for dataset in matrix.datasets:
        methods = {m: group for (d, m), group in results.sensitivity.items() if d == dataset}
        if any(rows for group in methods.values() for rows in group.seeds):
            name = f"{first.model}_{first.training}_{first.setting}_{dataset}_sensitivity.png"
            title = f"Decoding parameters, {display(dataset)}: {section_title(first)}"
            draw_sensitivity(methods, title, folder / name)
            figures.append(_figure(f"As figures 4 and 6-10. {title}", folder / name, []))
    return figures


def _draw_analyses(results: Results, folder: Path) -> list[Figure]:
    """Tables 4 to 7 and 12 as figures, of what was run."""
    first, mae = results.cells[0], (MAE_BAR, MAE_AXIS, True)
    internal = ("internal MAE ± standard deviation over contexts", INTERNAL_AXIS, True)
    metric = ("metric ± standard error", "value of the metric", False)
    drawn = {
        "first_token": (
            "As tables 4 and 12, at the first token",
            first_token_bars(results.internal),
            internal,
        ),
        "capabilities": (
            "As table 5, general capabilities",
            capability_bars(results.capabilities),
            metric,
        ),
        "surface_forms": (
            "As table 6, forms of the steering tokens",
            surface_bars(results.cells, results.surface),
            mae,
        ),
        "transfer": (
            "As table 7, contexts that training has not seen",
            transfer_bars(results.transferred),
            mae,
        ),
    }
    figures = []
    for name, (title, bars, (label, xlabel, shared)) in drawn.items():
        if bars:
            path = folder / f"{first.model}_{first.training}_{first.setting}_{name}.png"
            shown = f"{title}: {section_title(first)}"
            draw_bars(bars, label, xlabel, shown, path, shared)
            figures.append(_figure(shown, path, []))
    return figures


def _draw(cells: Sequence[Cell], matrix: Matrix, folder: Path) -> list[Figure]:
    first = cells[0]
    name = f"{first.model}_{first.training}_{first.setting}"
    path = folder / f"summary_{name}.png"
    draw_summary(mean_cells(cells), matrix, path)
    figures = [_figure(f"MAE of every method: {section_title(first)}", path, [])]
    for dataset in matrix.datasets:
        applying = [
            cell
            for cell in cells
            if (cell.dataset, cell.seed) == (dataset, matrix.seeds[0]) and cell.applies
        ]
        if applying:
            figures += _draw_dataset(applying, matrix, folder, f"{name}_{dataset}")
    return figures


def _draw_dataset(cells: Sequence[Cell], matrix: Matrix, folder: Path, name: str) -> list[Figure]:
    """Figures by context of one data set and seed."""
    title = dataset_title(cells[0], matrix)
    path = folder / f"{name}_representation.png"
    draw_representation(cells, matrix, path)
    shown = f"As figures 3 and 11, shares by context and method. {title}"
    figures = [_figure(shown, path, [shares_table(cells)])]
    path = folder / f"{name}.png"
    draw_contexts(cells, matrix, path)
    figures.append(_figure(f"The first category's shares with intervals. {title}", path, []))
    steered = [cell for cell in cells if len(figure_points(cell.contexts))]
    if steered:
        path = folder / f"{name}_steering.png"
        draw_binding(steered, matrix, path)
        shown = f"As figure 5, steering token against generated share. {title}"
        numbers = [steering_shares_table(steered), internal_table(steered)]
        figures.append(_figure(shown, path, numbers))
    return figures


def _figure(title: str, path: Path, numbers: list[Table]) -> Figure:
    return Figure(title, quote(f"figures/{path.name}"), path.read_bytes(), numbers)
