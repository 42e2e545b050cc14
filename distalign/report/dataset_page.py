"""A page a data set: its verdict, figures by context, every measure, and numbers by context."""

from collections.abc import Sequence

from distalign.report.cells import Cell, Matrix, display_dataset, section_title
from distalign.report.comparisons import (
    Comparison,
    binding_table,
    comparison_table,
    internal_table,
    shares_table,
    steering_shares_table,
)
from distalign.report.context_figures import (
    MOST_CONTEXTS,
    draw_binding,
    draw_contexts,
    draw_representation,
    figure_title,
    spread_contexts,
)
from distalign.report.kept import kept_table
from distalign.report.measures import detail_table, distances_table, first_table
from distalign.report.page import Figure, Part
from distalign.report.sections import dataset_page_name
from distalign.report.stated import stated_tables
from distalign.statistics.binding import figure_points


def dataset_title(cell: Cell) -> str:
    return f"{display_dataset(cell.dataset)}: {section_title(cell)}"


def dataset_parts(
    cells: Sequence[Cell], matrix: Matrix, said: Sequence[str], tests: Sequence[Comparison]
) -> list[Part]:
    """The parts of a data set's page.

    Args:
        cells: all methods and seeds of one model, training, setting and data set.
        said: its sentences of `report.verdict.verdicts`.
        tests: `report.comparisons.compare` of the model, training and setting.
    """
    first = cells[0]
    only = matrix.model_copy(update={"datasets": [first.dataset]})
    applying = [cell for cell in cells if cell.applies]
    shown = [cell for cell in applying if cell.seed == matrix.seeds[0]]
    compared = comparison_table([test for test in tests if test.dataset == first.dataset])
    tables = [detail_table(applying), compared, kept_table(applying)]
    tables += [binding_table(applying), distances_table(applying)]
    stated = stated_tables(applying)
    return [
        Part(
            "Verdict",
            [*said],
            [_calibration(shown, matrix)],
            [first_table(cells, only)],
        ),
        *([Part("Stated targets", tables=stated)] if stated else []),
        Part("All measures", tables=[table for table in tables if table]),
        Part("By context", [_where_numbers_are(shown)], _context_figures(shown, matrix)),
    ]


def _where_numbers_are(cells: Sequence[Cell]) -> str:
    n = cells[0].contexts["context"].nunique()
    text = "contexts.csv has every share, interval, probability and internal error."
    if n > MOST_CONTEXTS:
        return f"{text} Figures show {MOST_CONTEXTS} of {n:,} contexts, evenly by rank of error."
    return text


def _calibration(cells: Sequence[Cell], matrix: Matrix) -> Figure:
    shown = spread_contexts(cells)
    title = figure_title(cells, shown, matrix)
    name = f"{dataset_page_name(cells[0])}.png"
    caption = f"Calibration: the first category's share (0 to 1) against its target. {title}"
    return Figure(caption, name, draw_contexts(shown, title), kept=True)


def _context_figures(cells: Sequence[Cell], matrix: Matrix) -> list[Figure]:
    """The paper's figures 3, 5 and 11, with their numbers where these are not too many."""
    shown, name = spread_contexts(cells), dataset_page_name(cells[0])
    title, few = (
        figure_title(cells, shown, matrix),
        len(shown[0].contexts) == len(cells[0].contexts),
    )
    figures = [
        Figure(
            f"As figures 3 and 11, shares by context and method (%). {title}",
            f"{name}_representation.png",
            draw_representation(shown, title),
            numbers=[shares_table(cells)] if few else [],
        )
    ]
    steered = [cell for cell in cells if len(figure_points(cell.contexts))]
    if steered:
        whole = figure_title(cells, cells, matrix)
        numbers = [steering_shares_table(steered), internal_table(steered)] if few else []
        caption = f"As figure 5, steering token against generated share (0 to 1). {whole}"
        png = draw_binding(steered, whole)
        figures.append(Figure(caption, f"{name}_steering.png", png, numbers=numbers))
    return figures
