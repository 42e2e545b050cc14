"""The results page: for each model, training and setting the question, the verdict, figures."""

from collections.abc import Mapping
from urllib.parse import quote

import pandas as pd

from distalign.report.analyses import (
    capabilities_table,
    decoding_table,
    stories_table,
    transfer_table,
)
from distalign.report.bars import (
    MAE_AXIS,
    MAE_BAR,
    capability_bars,
    draw_bars,
    draw_summary,
    first_token_bars,
    seeds_of,
    surface_bars,
    transfer_bars,
)
from distalign.report.cells import Cell, Matrix, Results, display_dataset, mean_cells, section_title
from distalign.report.front import STEERED, TITLE, draw_front, front
from distalign.report.grid_figure import draw_sensitivity
from distalign.report.measures import first_table, seeds_table
from distalign.report.page import Figure, Part
from distalign.report.paper_tables import (
    ablation_table,
    appendix_tables,
    corrected_table,
    first_token_table,
    main_table,
    surface_table,
    transfer_layout,
)
from distalign.report.tables import Entry, Table
from distalign.report.verdict import question

INTERNAL_AXIS = "internal MAE (difference of shares, 0 to 1)"


def place_name(cell: Cell) -> str:
    """Of files about a cell's model, training and setting."""
    return f"{cell.model}_{cell.training}_{cell.setting}"


def dataset_page_name(cell: Cell) -> str:
    return f"{place_name(cell)}_{cell.dataset}"


def cells_part(
    results: Results,
    matrix: Matrix,
    said: Mapping[str, list[str]],
    paper: pd.DataFrame,
    coordinated: set[str],
) -> Part:
    """All that leads: of cells that differ in data set, method and seed alone.

    Args:
        said: `report.verdict.verdicts` of these cells.
        paper: tables.csv of this setting, all of it text.
        coordinated: decoding variants whose rounds are drawn together.
    """
    cells, first = results.cells, results.cells[0]
    texts = [question(cells, matrix)]
    texts += [f"{display_dataset(dataset)}: {' '.join(lines)}" for dataset, lines in said.items()]
    name = f"summary_{place_name(first)}.png"
    title = f"MAE of every method (0 to 1): {section_title(first)}{seeds_of(matrix)}"
    summary = Figure(title, name, draw_summary(mean_cells(cells), matrix), kept=True)
    folded = {"In the layout of the paper's tables": _as_printed(results, matrix, paper)}
    if len(matrix.seeds) > 1:
        folded["Over training seeds"] = [seeds_table(cells)]
    linked = {cell.dataset: cell for cell in cells if cell.applies}.values()
    pages = [Entry(display_dataset(c.dataset), link=quote(dataset_page_name(c))) for c in linked]
    figures = [summary, *_front(results, matrix), *_analysis_figures(results)]
    figures += _grids(results, matrix)
    tables = [first_table(cells, matrix), *_analysis_tables(results, coordinated)]
    return Part(section_title(first), texts, figures, tables, pages, folded)


def _analysis_tables(results: Results, coordinated: set[str]) -> list[Table]:
    """Of what was asked besides, where it was."""
    tables = []
    if results.stories:
        tables.append(stories_table(results.stories))
    if results.transferred:
        tables.append(transfer_table(results.transferred))
    if results.decoded:
        tables.append(decoding_table(results.decoded, coordinated))
    if results.capabilities:
        tables.append(capabilities_table(results.capabilities))
    return tables


def _as_printed(results: Results, matrix: Matrix, paper: pd.DataFrame) -> list[Table]:
    """Tables of ours in the paper's layout; what was not run is left out."""
    cells, model = results.cells, results.cells[0].model
    tables = [
        corrected_table(cells, results.stories, matrix, paper)
        if results.stories
        else main_table(cells, matrix, paper),
        ablation_table(cells, matrix, paper),
    ]
    if results.transferred:
        tables.append(transfer_layout(results.transferred, model, matrix, paper))
    if results.internal:
        tables.append(first_token_table(results.internal, model, matrix, paper))
    tables.append(surface_table(cells, matrix, paper))
    tables += appendix_tables(cells, matrix, paper)
    return [table for table in tables if table]


def _front(results: Results, matrix: Matrix) -> list[Figure]:
    """MAE against what is forgotten, where several trained methods were measured."""
    points, first = front(results.cells, matrix), results.cells[0]
    if not points:
        return []
    title = f"{TITLE}: {section_title(first)}. Hollow: steers more than {STEERED:.0%} of requests"
    png = draw_front(points, first)
    return [Figure(f"{title} that are none of its question", f"front_{place_name(first)}.png", png)]


def _grids(results: Results, matrix: Matrix) -> list[Figure]:
    """Sensitivity to decoding parameters, a figure a data set."""
    figures, first = [], results.cells[0]
    for dataset in matrix.datasets:
        methods = {m: group for (d, m), group in results.sensitivity.items() if d == dataset}
        if any(rows for group in methods.values() for rows in group.seeds):
            title = f"Decoding parameters, {display_dataset(dataset)}: {section_title(first)}"
            name = f"{place_name(first)}_{dataset}_sensitivity.png"
            png = draw_sensitivity(methods, title)
            figures.append(Figure(f"As figures 4 and 6-10, MAE (0 to 1). {title}", name, png))
    return figures


def _analysis_figures(results: Results) -> list[Figure]:
    """Tables 4 to 7 and 12 as figures, of what was run."""
    first, mae = results.cells[0], (MAE_BAR, MAE_AXIS, True)
    internal = ("internal MAE ± standard deviation over contexts", INTERNAL_AXIS, True)
    metric = ("metric ± standard error", "value of the metric", False)
    token, unseen = "As tables 4 and 12, at the first token", "As table 7, unseen contexts"
    able, forms = "As table 5, general capabilities", "As table 6, forms of the steering tokens"
    drawn = {
        "first_token": (token, first_token_bars(results.internal), internal),
        "capabilities": (able, capability_bars(results.capabilities), metric),
        "surface_forms": (forms, surface_bars(results.cells), mae),
        "transfer": (unseen, transfer_bars(results.transferred), mae),
    }
    figures = []
    for name, (title, bars, (label, xlabel, shared)) in drawn.items():
        if bars:
            shown = f"{title}: {section_title(first)}"
            png = draw_bars(bars, label, xlabel, shown, shared)
            figures.append(Figure(shown, f"{place_name(first)}_{name}.png", png))
    return figures
