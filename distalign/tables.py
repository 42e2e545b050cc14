"""The report's tables, from the metrics and context tables of all cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from distalign.score import Metrics
from distalign.statistics import paired_test

DISPLAY = {
    "zero_shot": "Zero-shot",
    "pe_explicit": "PE-Explicit",
    "pe_implicit": "PE-Implicit",
    "ift": "IFT",
    "dpo": "DPO",
    "ours": "Ours",
    "without_kl": "Ours without KL",
    "without_kto": "Ours without KTO",
    "swap_dpo": "Ours, DPO for KTO",
    "uk_real": "UK Real",
    "uk_even": "UK Even",
    "us_real": "US Real",
    "us_even": "US Even",
    "race_even": "Race Even",
    "sentiment_even": "Sentiment Even",
    "qwen2.5-7b": "Qwen2.5-7B",
    "qwen2.5-1.5b": "Qwen2.5-1.5B",
    "llama-3.1-8b": "Llama-3.1-8B",
    "llama-3.2-1b": "Llama-3.2-1B",
}
"""Names as the paper prints them; others are shown as they are."""

PAPER_TABLES = {"attribute": ("1", "3"), "story": ("2",)}
"""Where the paper prints the MAE of a setting; its table 3 adds the ablations."""


class ReportParams(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seed: int


class Matrix(BaseModel):
    """The lists of params.yaml that span the cells, in the order to show them."""

    models: list[str] = Field(min_length=1)
    settings: list[str] = Field(min_length=1)
    datasets: list[str] = Field(min_length=1)
    methods: list[str] = Field(min_length=1)


@dataclass(frozen=True)
class Cell:
    """One model, setting, dataset and method, with what was measured there."""

    model: str
    setting: str
    dataset: str
    method: str
    metrics: Metrics
    contexts: pd.DataFrame
    """distalign.score.context_table of the cell."""
    metrics_link: str
    """The metrics file, as a URL relative to the report."""

    @property
    def applies(self) -> bool:
        return self.metrics["n_rounds"] > 0


@dataclass(frozen=True)
class Entry:
    text: str
    strong: bool = False
    link: str = ""


@dataclass(frozen=True)
class Table:
    title: str
    columns: list[str]
    rows: list[list[Entry]]


def display(name: str) -> str:
    return DISPLAY.get(name, name)


def number(value: float | None) -> str:
    """Three digits, as in the paper; a dash where there is no number."""
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def interval(metrics: Metrics, kind: str) -> str:
    low, high = metrics.get(f"{kind}_low"), metrics.get(f"{kind}_high")
    return "" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def main_table(cells: Sequence[Cell], matrix: Matrix) -> Table:
    """The paper's table 1 for one model and setting, with the floor in the last row.

    The best MAE of a data set is strong; methods that print the same three digits share it.
    The floor is a range where the methods' numbers of valid rounds make it differ.
    """
    by_place = {(cell.method, cell.dataset): cell.metrics for cell in cells}
    best, floor = {}, [Entry("Floor of a perfect sampler")]
    for dataset in matrix.datasets:
        measured = [by_place[method, dataset] for method in matrix.methods]
        measured = [metrics for metrics in measured if metrics.get("mae") is not None]
        best[dataset] = min((number(metrics["mae"]) for metrics in measured), default=None)
        floors = sorted({number(metrics["floor"]) for metrics in measured})
        floor.append(Entry("–".join(dict.fromkeys([floors[0], floors[-1]])) if floors else "–"))
    rows = []
    for method in matrix.methods:
        row = [Entry(display(method))]
        for dataset in matrix.datasets:
            metrics = by_place[method, dataset]
            text = number(metrics.get("mae"))
            if metrics["n_rounds"] and not metrics["n_valid"]:
                text = "none valid"
            text_with_interval = f"{text} {interval(metrics, 'mae_t')}".rstrip()
            row.append(Entry(text_with_interval, strong=text == best[dataset]))
        rows.append(row)
    columns = ["Method", *map(display, matrix.datasets)]
    return Table(f"MAE of {display(cells[0].model)}, {cells[0].setting}", columns, [*rows, floor])


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


def detail_table(cells: Sequence[Cell]) -> Table:
    """Everything measured in each cell, and where its metrics file is."""
    rows = []
    for cell in cells:
        m = cell.metrics
        texts = [display(cell.dataset), display(cell.method), number(m.get("mae"))]
        texts += [number(m.get("mae_sd")), interval(m, "mae_ci") or "–"]
        texts += [number(m.get(key)) for key in ("floor", "excess", "ratio", "validity")]
        texts += [number(m.get(key)) for key in ("internal_mae", "steering_mass", "fidelity")]
        misaligned = m.get("n_misaligned")
        texts.append("–" if misaligned is None else f"{misaligned} of {m['n_contexts']}")
        rows.append([*map(Entry, texts), Entry("JSON", link=cell.metrics_link)])
    columns = ["Data set", "Method", "MAE", "SD", "Percentile interval", "Floor", "Excess"]
    columns += ["Ratio", "Valid", "Internal MAE", "Steering mass", "Fidelity", "Misaligned"]
    return Table("All measures", [*columns, "Metrics"], rows)


def context_errors(cell: Cell) -> pd.Series:
    """Equation 12 of each context, indexed by its name; nan without valid rounds."""
    errors = (cell.contexts["observed"] - cell.contexts["target"]).abs()
    return errors.groupby(cell.contexts["context"], sort=False).mean()


def comparison_table(cells: Sequence[Cell], params: ReportParams) -> Table:
    """`ours` against every other method on the same data set, paired by context.

    Each test has its own generator, so one more method leaves the other p-values alone.
    """
    ours = {cell.dataset: cell for cell in cells if cell.method == "ours" and cell.applies}
    rows = []
    for other in cells:
        if other.method == "ours" or other.dataset not in ours or not other.applies:
            continue
        pairs = pd.concat([context_errors(ours[other.dataset]), context_errors(other)], axis=1)
        a, b = pairs.dropna().to_numpy().T
        texts = [display(other.dataset), f"Ours - {display(other.method)}", str(len(a))]
        if len(a) > 1:
            p = paired_test(a, b, np.random.default_rng(params.seed))
            texts += [f"{(a - b).mean():+.3f}", "< 0.001" if p < 0.001 else number(p)]
        else:
            texts += ["–", "–"]
        rows.append([*map(Entry, texts)])
    title = "Paired permutation tests by context (two-sided; negative: ours is closer)"
    return Table(title, ["Data set", "Methods", "Contexts", "Mean difference", "p"], rows)


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
