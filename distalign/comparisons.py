"""The report's tables that compare: with the paper, between methods, by context, by rounds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy import stats

from distalign.cells import Cell, Matrix, by_place, display
from distalign.power import rounds_needed
from distalign.statistics import paired_test
from distalign.tables import Entry, Table, number

PAPER_TABLES = {"attribute": ("1", "3"), "story": ("2",)}
"""Where the paper prints the MAE of a setting; its table 3 adds the ablations."""


class ReportParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seed: int


def paper_table(paper: pd.DataFrame, setting: str, matrix: Matrix) -> Table | None:
    """The paper's numbers for the same methods and data sets; None if it has none of them.

    Args:
        paper: columns table, model, method, dataset, value as text, so that a number is
            shown with the digits that the paper prints.
    """
    kept = paper[paper["table"].isin(PAPER_TABLES.get(setting, ()))]
    kept = kept[kept["method"].isin(matrix.methods) & kept["dataset"].isin(matrix.datasets)]
    if kept.empty:
        return None
    kept = kept.drop_duplicates(["model", "method", "dataset"])
    printed = kept.set_index(["model", "method", "dataset"])["value"].to_dict()
    rows = [
        [Entry(display(model)), Entry(display(method))]
        + [Entry(printed.get((model, method, dataset), "–")) for dataset in matrix.datasets]
        for model in kept["model"].unique()
        for method in matrix.methods
    ]
    tables = " and ".join(sorted(kept["table"].unique()))
    title = f"For context only: what the paper prints for its own models (table {tables})"
    return Table(title, ["Model in the paper", "Method", *map(display, matrix.datasets)], rows)


def context_errors(cell: Cell) -> pd.Series:
    """Equation 12 of each context, indexed by its name; nan without valid rounds."""
    errors = (cell.contexts["observed"] - cell.contexts["target"]).abs()
    return errors.groupby(cell.contexts["context"], sort=False).mean()


def comparison_table(cells: Sequence[Cell], params: ReportParams) -> Table:
    """`ours` against every other method on the same data set, paired by context.

    A context's error is its mean over seeds. p is that of one test; the adjusted p keeps the
    false-discovery rate of all tests of the table (Benjamini-Hochberg). Each test has its own
    generator, so one more method leaves the other p-values alone.
    """
    errors = {
        place: pd.concat([context_errors(cell) for cell in seeds]).groupby(level=0).mean()
        for place, seeds in by_place(cell for cell in cells if cell.applies).items()
    }
    rows, p_values = [], []
    for (dataset, method), other in errors.items():
        if method == "ours" or (dataset, "ours") not in errors:
            continue
        a, b = pd.concat([errors[dataset, "ours"], other], axis=1).dropna().to_numpy().T
        p_values.append(paired_test(a, b, np.random.default_rng(params.seed)))
        difference = f"{(a - b).mean():+.3f}" if len(a) > 1 else "–"
        rows.append([display(dataset), f"Ours - {display(method)}", str(len(a)), difference])
    p = np.array(p_values)
    adjusted, tested = p.copy(), ~np.isnan(p)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p[tested])
    for row, *values in zip(rows, p, adjusted, strict=True):
        row += ["< 0.001" if value < 0.001 else number(value) for value in values]
    title = "Paired permutation tests by context (two-sided; negative: ours is closer)"
    columns = ["Data set", "Methods", "Contexts", "Mean difference", "p", "p adjusted"]
    return Table(title, columns, [[*map(Entry, row)] for row in rows])


DEVIATIONS = (0.01, 0.02, 0.05, 0.1)


def rounds_table(targets: dict[str, pd.DataFrame]) -> Table:
    """Rounds a context that show a deviation (distalign.power.rounds_needed), at power 0.8.

    Args:
        targets: of each data set, the context table of any of its cells.
    """
    rows = []
    for dataset, contexts in targets.items():
        wide = contexts.pivot(index="context", columns="category", values="target").to_numpy()
        for deviation in DEVIATIONS:
            texts = [display(dataset), f"{deviation:g}"]
            try:
                alone = np.median([rounds_needed(row, deviation) for row in wide])
                together = rounds_needed(wide, deviation, n_contexts=len(wide))
                texts += [f"{together:,}", f"{alone:,.0f}"]
            except ValueError:  # a target of 1: any other answer refutes it
                texts += ["–", "–"]
            rows.append([*map(Entry, texts)])
    columns = ["Data set", "Mean deviation", "All contexts together", "Median context alone"]
    title = "Valid rounds a context needed to see a deviation (5 % level, power 80 %)"
    return Table(title, columns, rows)


def shares_table(cells: Sequence[Cell]) -> Table:
    """Target and observed shares of the first category, the numbers behind the figure.

    Args:
        cells: the methods of one model, setting and data set that apply.
    """
    category = cells[0].contexts["category"].iloc[0]
    frames = [first_category(cell.contexts) for cell in cells]
    rows = []
    for same_context in zip(*(frame.itertuples() for frame in frames), strict=True):
        row = [Entry(same_context[0].context), Entry(number(same_context[0].target))]
        for share in same_context:
            bounds = f" [{number(share.low)}, {number(share.high)}]" if share.n_valid else ""
            row.append(Entry(number(share.observed) + bounds))
        rows.append(row)
    columns = ["Context", "Target", *(display(cell.method) for cell in cells)]
    return Table(f"Share of {category}, with Wilson 95 % intervals", columns, rows)


def first_category(contexts: pd.DataFrame) -> pd.DataFrame:
    """A context table's rows of its first category, by rising target."""
    rows = contexts[contexts["category"] == contexts["category"].iloc[0]]
    return rows.sort_values("target", kind="stable")
