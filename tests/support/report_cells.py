"""Cells and rounds that the tests of the report are made of."""

import pandas as pd

from distalign.machine.provenance import CellProvenance
from distalign.records.requests import Retention
from distalign.records.schemas import Attribute, Category, Context, DatasetSpec, Judgement
from distalign.report.cells import Cell, Matrix
from distalign.report.tables import Table
from distalign.statistics.binding import steering_table
from distalign.statistics.score import ScoreParams, cell_metrics, context_table

NOWHERE = CellProvenance(trained=None, measured=None)
KEPT = Retention(
    unrelated_mass=0.1,
    unrelated_over_half=0.05,
    near_miss_over_half=0.125,
    kl_ordinary=0.03,
    kl_near_miss=0.04,
    perplexity=66.0,
    perplexity_base=64.0,
    n_unrelated=240,
    n_near_miss=80,
)
ATTACK = "<script>alert(1)</script>"
CATEGORIES = ["Male", f"Female {ATTACK}"]
NAMES = ["Köchin", "研究者 | $x$", ATTACK, "Chef"]
SPEC = DatasetSpec(
    name="uk_even",
    target="even",
    attribute=Attribute(
        name="gender",
        categories=[Category(name=c, words=[c], tokens={}) for c in CATEGORIES],
        homonyms=[],
        settings={},
    ),
    contexts=[Context(name=name, target=[0.5, 0.5]) for name in NAMES],
)
MATRIX = Matrix(
    name="default",
    base_models=["m"],
    models=["m"],
    written=["attribute"],
    mixed=[],
    trainings=["attribute"],
    settings=["attribute"],
    datasets=["uk_even"],
    methods=["zero_shot", "ours"],
    seeds=[0],
    judged=[],
    corrected=[],
    decoding_methods=[],
    transfer_methods=[],
    transfer_trained=[],
    transfer_tested=[],
    sensitivity_methods=[],
    internal_methods=[],
    capability_datasets=[],
    capability_methods=[],
)


def judged(n_male: int, n: int = 10) -> list[Judgement]:
    """n valid rounds in every context, n_male of them Male."""
    return [
        Judgement(
            context=context,
            round=i,
            prompt="?",
            text=ATTACK,
            drawn=None,
            probabilities=None,
            mass=None,
            category=CATEGORIES[i >= n_male],
            judge="test",
        )
        for context in NAMES
        for i in range(n)
    ]


def steered(rows: list[Judgement], *male: float) -> list[Judgement]:
    """The rows with the probability of Male in each of the contexts."""
    probabilities = dict(zip(NAMES, male, strict=True))
    return [
        row.model_copy(update={"probabilities": [p, 1 - p], "mass": 0.9, "drawn": row.category})
        for row in rows
        for p in [probabilities[row.context]]
    ]


def cell(method: str, rows: list[Judgement], seed: int = 0) -> Cell:
    metrics = cell_metrics(rows, SPEC, ScoreParams(seed=0, resamples=20))
    contexts = context_table(rows, SPEC).join(steering_table(rows, SPEC))
    link = f"../metrics/{method}.json"
    place = ("m", "attribute", "attribute", "uk_even", method, seed)
    return Cell(*place, metrics, contexts, link, NOWHERE)


def texts(table: Table) -> list[list[str]]:
    return [[entry.text for entry in row] for row in table.rows]


def metrics_cell(method: str, dataset: str = "uk_even", seed: int = 0, **metrics) -> Cell:
    counts = {"n_rounds": 9, "n_valid": 9, "n_contexts": 3, "n_contexts_empty": 0}
    metrics = counts | metrics
    place = ("m", "attribute", "attribute", dataset, method, seed)
    return Cell(*place, metrics, pd.DataFrame(), "", NOWHERE)
