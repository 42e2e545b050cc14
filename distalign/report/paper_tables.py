"""The paper's tables 1-4, 6, 7 and 10-12, of ours and of the paper's models."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from distalign.report.analyses import surface_groups
from distalign.report.cells import (
    Cell,
    Matrix,
    Measured,
    display_dataset,
    mean_over_seeds,
    measured,
)
from distalign.report.paper_layout import Layout, Line, layout_table
from distalign.report.tables import Table, interval, number, training_spread
from distalign.statistics.binding import internal_interval
from distalign.statistics.score import Metrics

PRINTED_IN = {"attribute": "1", "story": "2"}
"""The paper's table of the MAE in each setting."""
ABLATIONS = ("without_kl", "without_kto", "swap_dpo")
TRANSFERS = {"uk_real": "us_real", "uk_even": "us_even"}
"""Trained on -> asked about in table 7; tables.csv names the first."""
PRINTED_FORMS = {"tokens_0_1": "digits", "tokens_man_woman": "nouns", "tokens_he_she": "pronouns"}
"""Rows of table 6 -> forms of steering tokens."""


def _mean_interval(kind: str, seeds: Sequence[Metrics]) -> str:
    return interval(mean_over_seeds(seeds), kind)


def _deviation(seeds: Sequence[Metrics]) -> str:
    deviation = mean_over_seeds(seeds).get("mae_sd")
    return "" if deviation is None else f"± {number(deviation)}"


MAE = Line("mae", partial(training_spread, "mae", "mae_t"))
INTERNAL = Line("internal_mae", partial(training_spread, "internal_mae", "internal"))
DEVIATION = Line("mae", _deviation)
INTERVALS = [
    Line("mae", partial(_mean_interval, "mae_ci"), "percentile"),
    Line("mae", partial(_mean_interval, "mae_t"), "Student's t", printed=False),
]
CORRECTED = [
    replace(MAE, name="as read"),
    Line(
        "corrected_mae",
        partial(training_spread, "corrected_mae", "corrected"),
        "corrected",
        printed=False,
    ),
    Line("corrected_floor", lambda _: "", "floor of corrected", printed=False),
]


def _layout(table: str, title: str, model: str, matrix: Matrix, paper: pd.DataFrame) -> Layout:
    columns = {dataset: display_dataset(dataset) for dataset in matrix.datasets}
    return Layout(title, table, model, matrix.methods, columns, paper)


def printed_for(setting: str, paper: pd.DataFrame) -> pd.DataFrame:
    """What the paper prints for a setting: table 2 for stories, all others for attributes."""
    of_stories = paper["table"] == PRINTED_IN["story"]
    return paper[of_stories if setting == "story" else ~of_stories & (setting == "attribute")]


def main_table(cells: Sequence[Cell], matrix: Matrix, paper: pd.DataFrame) -> Table | None:
    """Table 1, or 2 for stories: the MAE of every method, and what the paper prints beside it."""
    table = PRINTED_IN.get(cells[0].setting, "")
    title = f"Table {table}: MAE" if table else "MAE"
    return layout_table(
        _layout(table, title, cells[0].model, matrix, paper), measured(cells), [MAE]
    )


def corrected_table(
    cells: Sequence[Cell],
    stories: Mapping[tuple[str, str], Measured],
    matrix: Matrix,
    paper: pd.DataFrame,
) -> Table | None:
    """Table 2: the MAE of stories as the judge reads them, and corrected for its errors.

    Args:
        stories: (dataset, method) -> what the stage `stories` measured.
    """
    title = "Table 2: MAE of stories, as read and corrected for the judge"
    layout = _layout("2", title, cells[0].model, matrix, paper)
    apart = {line.name: stories for line in CORRECTED[1:]}
    return layout_table(layout, measured(cells), CORRECTED, apart)


def ablation_table(cells: Sequence[Cell], matrix: Matrix, paper: pd.DataFrame) -> Table | None:
    """Table 3; None unless one of its ablations was run."""
    methods = [method for method in matrix.methods if method in ABLATIONS]
    if not methods:
        return None
    layout = _layout("3", "Table 3: ablations, MAE", cells[0].model, matrix, paper)
    methods += [method for method in matrix.methods if method == "ours"]
    return layout_table(replace(layout, methods=methods), measured(cells), [MAE])


def transfer_layout(
    transferred: Mapping[tuple[str, str, str], Measured],
    model: str,
    matrix: Matrix,
    paper: pd.DataFrame,
) -> Table | None:
    """Table 7: MAE in contexts that training has not seen.

    Args:
        transferred: (method, trained, tested) -> metrics.
    """
    values = {(_pair(*pair), method): seeds for (method, *pair), seeds in transferred.items()}
    columns = {
        _pair(trained, tested): f"{display_dataset(trained)} → {display_dataset(tested)}"
        for _, trained, tested in transferred
    }
    pairs = {trained: _pair(trained, tested) for trained, tested in TRANSFERS.items()}
    printed = paper[paper["table"] == "7"].replace({"dataset": pairs})
    title = "Table 7: MAE in contexts that training has not seen (trained on → asked about)"
    layout = Layout(title, "7", model, matrix.transfer_methods, columns, printed)
    return layout_table(layout, values, [MAE])


def _pair(trained: str, tested: str) -> str:
    return f"{trained}_to_{tested}"


def first_token_table(
    internal: Mapping[tuple[str, str], Measured], model: str, matrix: Matrix, paper: pd.DataFrame
) -> Table | None:
    """Tables 4 and 12 of every method: what the model believes at the first token.

    Args:
        internal: (dataset, method) -> what the stage `internal_alignment` measured.
    """
    title = "Tables 4 and 12: internal MAE ± standard deviation over contexts, at the first token"
    layout = replace(_layout("4", title, model, matrix, paper), methods=matrix.internal_methods)
    return layout_table(layout, internal, [DEVIATION])


def surface_table(cells: Sequence[Cell], matrix: Matrix, paper: pd.DataFrame) -> Table | None:
    """Table 6: MAE of `ours` by the form of its steering tokens."""
    groups = surface_groups(cells)
    title = "Table 6: MAE by form of the steering tokens"
    printed = paper.replace({"method": PRINTED_FORMS})
    layout = _layout("6", title, cells[0].model, matrix, printed)
    columns = {dataset: display_dataset(dataset) for dataset, _ in groups}
    forms = list(dict.fromkeys(form for _, form in groups))
    return layout_table(replace(layout, methods=forms, columns=columns), groups, [MAE])


def appendix_tables(cells: Sequence[Cell], matrix: Matrix, paper: pd.DataFrame) -> list[Table]:
    """Tables 4 and 12, 10 and 11; those that have nothing to show are left out."""
    values = measured(cells)
    internal = measured(
        replace(cell, metrics=cell.metrics | internal_interval(cell.contexts)) for cell in cells
    )
    layout = partial(_layout, model=cells[0].model, matrix=matrix, paper=paper)
    tables = [
        layout_table(
            layout("12", "Tables 4 and 12: internal MAE, of steering tokens' probabilities"),
            internal,
            [INTERNAL],
        ),
        layout_table(
            layout("10", "Table 10: MAE ± standard deviation over contexts"), values, [DEVIATION]
        ),
        layout_table(layout("11", "Table 11: MAE with 95 % intervals"), values, INTERVALS),
    ]
    return [table for table in tables if table]
