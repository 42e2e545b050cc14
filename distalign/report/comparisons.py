"""The report's tables that compare: methods, tokens and responses, contexts, numbers of rounds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy import stats

from distalign.report.cells import (
    Cell,
    by_place,
    display,
    display_dataset,
    mean_over_seeds,
)
from distalign.report.tables import Entry, Table, is_credible, number
from distalign.statistics.binding import fit_cell, internal_errors
from distalign.statistics.mae import paired_test
from distalign.statistics.power import rounds_needed


class ReportParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seed: int


def context_errors(cell: Cell) -> pd.Series:
    """Equation 12 of each context, indexed by its name; nan without valid rounds."""
    errors = (cell.contexts["observed"] - cell.contexts["target"]).abs()
    return errors.groupby(cell.contexts["context"], sort=False).mean()


@dataclass(frozen=True)
class Comparison:
    """`ours` against another method on the same data set, paired by context."""

    dataset: str
    method: str
    n_contexts: int
    difference: float
    """Mean error of `ours` less that of the other; nan for fewer than two contexts."""
    p: float
    """Two-sided, of this test alone; nan where it cannot be made."""
    adjusted: float
    """Keeps the false-discovery rate of the tests of its data set (Benjamini-Hochberg)."""


def compare(cells: Sequence[Cell], params: ReportParams) -> list[Comparison]:
    """Paired permutation tests of `ours` against each other method that applies.

    A context's error is its mean over seeds. Each test has its own generator, so one more method
    leaves the other p-values alone. There is none of a method that is not credible, nor of any
    where `ours` is not.

    Args:
        cells: of one model, training and setting.
    """
    errors = {
        place: pd.concat([context_errors(cell) for cell in seeds]).groupby(level=0).mean()
        for place, seeds in by_place(cell for cell in cells if cell.applies).items()
    }
    sound = {
        place: is_credible(mean_over_seeds([cell.metrics for cell in seeds]))
        for place, seeds in by_place(cell for cell in cells if cell.applies).items()
    }
    tests = []
    for (dataset, method), other in errors.items():
        if method == "ours" or (dataset, "ours") not in errors:
            continue
        a, b = pd.concat([errors[dataset, "ours"], other], axis=1).dropna().to_numpy().T
        tested = sound[dataset, method] and sound[dataset, "ours"]
        p = paired_test(a, b, np.random.default_rng(params.seed)) if tested else np.nan
        difference = float((a - b).mean()) if len(a) > 1 else np.nan
        tests.append(Comparison(dataset, method, len(a), difference, p, np.nan))
    p_values = np.array([test.p for test in tests])
    adjusted = p_values.copy()
    for name in {test.dataset for test in tests}:
        own = ~np.isnan(p_values) & np.array([test.dataset == name for test in tests])
        if own.any():
            adjusted[own] = stats.false_discovery_control(p_values[own])
    return [replace(test, adjusted=p) for test, p in zip(tests, adjusted.tolist(), strict=True)]


def comparison_table(tests: Sequence[Comparison]) -> Table | None:
    """The tests of `compare`; None without any."""
    rows = []
    for test in tests:
        difference = "–" if np.isnan(test.difference) else f"{test.difference:+.3f}"
        texts = [
            display_dataset(test.dataset),
            f"Ours - {display(test.method)}",
            str(test.n_contexts),
        ]
        rows.append([*map(Entry, [*texts, difference, *map(p_text, (test.p, test.adjusted))])])
    title = "Paired permutation tests by context (two-sided; negative: ours is closer)"
    columns = ["Data set", "Methods", "Contexts", "Mean difference", "p", "p adjusted"]
    return Table(title, columns, rows) if rows else None


def p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else number(p)


DEVIATIONS = (0.01, 0.02, 0.05, 0.1)


def rounds_table(targets: dict[str, pd.DataFrame]) -> Table:
    """Rounds a context that show a deviation (statistics.power.rounds_needed), at power 0.8.

    Args:
        targets: of each data set, the context table of any of its cells.
    """
    rows = []
    for dataset, contexts in targets.items():
        wide = contexts.pivot(index="context", columns="category", values="target").to_numpy()
        for deviation in DEVIATIONS:
            texts = [display_dataset(dataset), f"{deviation:g}"]
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


def binding_table(cells: Sequence[Cell]) -> Table | None:
    """Slope and correlation of figure 5, a row a cell that draws steering tokens."""
    rows = []
    for cell in cells:
        fit = fit_cell(cell.contexts)
        if fit is None:
            continue
        names = [display_dataset(cell.dataset), display(cell.method), str(cell.seed)]
        slope = Entry(number(fit.slope), link=cell.metrics_link)
        texts = [bounds(*fit.slope_interval)]
        texts += [number(fit.correlation), bounds(*fit.correlation_interval)]
        texts.append(number(cell.metrics.get("fidelity")))
        rows.append([*map(Entry, names), slope, *map(Entry, texts)])
    columns = ["Data set", "Method", "Seed", "Slope", "95 % interval", "Pearson's r"]
    columns += ["95 % interval", "Fidelity"]
    title = "Figure 5: observed share against the steering token's probability"
    return Table(title, columns, rows) if rows else None


def bounds(low: float, high: float) -> str:
    return "–" if np.isnan(low) else f"[{number(low)}, {number(high)}]"


def internal_table(cells: Sequence[Cell]) -> Table:
    """Internal error of each context: what tables 4 and 12 average.

    Args:
        cells: the methods of one model, setting and data set that draw steering tokens.
    """
    errors = pd.concat([internal_errors(cell.contexts) for cell in cells], axis=1)
    rows = [
        [Entry(context), *(Entry(number(value)) for value in values)]
        for context, *values in errors.itertuples()
    ]
    columns = ["Context", *(display(cell.method) for cell in cells)]
    return Table("Internal error by context (tables 4 and 12)", columns, rows)


def shares_table(cells: Sequence[Cell]) -> Table:
    """Target and observed shares of every context and category, the numbers behind figures.

    Args:
        cells: the methods of one model, setting and data set that apply.
    """
    rows = []
    for same_place in zip(*(cell.contexts.itertuples() for cell in cells), strict=True):
        first = same_place[0]
        row = [Entry(first.context), Entry(first.category), Entry(number(first.target))]
        for share in same_place:
            text = number(share.observed)
            if share.n_valid:
                text += f" {bounds(share.low, share.high)}"
            row.append(Entry(text))
        rows.append(row)
    columns = ["Context", "Category", "Target", *(display(cell.method) for cell in cells)]
    return Table("Observed shares, with Wilson 95 % intervals", columns, rows)


def steering_shares_table(cells: Sequence[Cell]) -> Table:
    """Probability of the steering token -> observed share, the numbers behind figure 5.

    Args:
        cells: the methods of one model, setting and data set that draw steering tokens.
    """
    rows = []
    for same_place in zip(*(cell.contexts.itertuples() for cell in cells), strict=True):
        points = [f"{number(row.probability)} → {number(row.observed)}" for row in same_place]
        rows.append([*map(Entry, (same_place[0].context, same_place[0].category, *points))])
    columns = ["Context", "Category", *(display(cell.method) for cell in cells)]
    return Table("Probability of the steering token → observed share", columns, rows)


def first_category(contexts: pd.DataFrame) -> pd.DataFrame:
    """A context table's rows of its first category, by rising target."""
    rows = contexts[contexts["category"] == contexts["category"].iloc[0]]
    return rows.sort_values("target", kind="stable")
