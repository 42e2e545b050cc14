"""The cells of the matrix, and what their training seeds have in common."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from distalign.machine.provenance import CellProvenance
from distalign.records.requests import Retention
from distalign.statistics.score import Metrics

DISPLAY = {
    "zero_shot": "Zero-shot",
    "pe_explicit": "PE-Explicit",
    "pe_implicit": "PE-Implicit",
    "constrained": "Constrained",
    "constrained_explicit": "Constrained PE-Explicit",
    "external_random": "External draw, asked",
    "external_warmup": "External draw, warm-up",
    "gdpo": "GDPO",
    "ift": "IFT",
    "dpo": "DPO",
    "ours": "Ours",
    "without_kl": "Ours without KL",
    "without_kto": "Ours without KTO",
    "without_text": "Ours without text loss",
    "swap_dpo": "Ours, DPO for KTO",
    "ours_nouns": "Ours, nouns",
    "ours_pronouns": "Ours, pronouns",
    "ours_added": "Ours, added tokens",
    "hold_0": "Ours, retention 0",
    "hold_2": "Ours, retention 2",
    "hold_32": "Ours, retention 32",
    "slow_hold_0": "Ours, rate 5e-4, retention 0",
    "slow_hold_2": "Ours, rate 5e-4, retention 2",
    "slow_hold_8": "Ours, rate 5e-4",
    "slow_hold_32": "Ours, rate 5e-4, retention 32",
    "digits": "Ours (0/1)",
    "nouns": "Token (man/woman)",
    "pronouns": "Token (he/she)",
    "added": "Token (newly added)",
    "uk_real": "UK Real",
    "uk_even": "UK Even",
    "us_real": "US Real",
    "us_even": "US Even",
    "race_even": "Race Even",
    "sentiment_even": "Sentiment Even",
    "gender_stated": "Gender stated",
    "race_stated": "Race stated",
    "sentiment_stated": "Sentiment stated",
    "smollm2-135m": "SmolLM2-135M",
    "qwen2.5-7b": "Qwen2.5-7B",
    "qwen2.5-1.5b": "Qwen2.5-1.5B",
    "llama-3.1-8b": "Llama-3.1-8B",
    "llama-3.2-1b": "Llama-3.2-1B",
    "qwen2_5-7b": "Qwen2.5-7B",
    "qwen2_5-1_5b": "Qwen2.5-1.5B",
    "llama-3_1-8b": "Llama-3.1-8B",
    "llama-3_2-1b": "Llama-3.2-1B",
}
"""Names as the paper prints them; others are shown as they are."""


OF_WHOLE = "."
"""Between a joined data set's name and that of one of its questions; params.yaml lets no name of
either have a dot."""
UNTRAINED = "none"
"""In place of a training, of a model that is asked as it is."""


class Matrix(BaseModel):
    """scale.yaml: the lists that span the stages' matrices, in the order to show them."""

    model_config = ConfigDict(extra="forbid")
    name: str

    base_models: list[str] = Field(min_length=1)
    models: list[str] = Field(min_length=1)
    written: list[str] = Field(min_length=1)
    mixed: list[str]
    trainings: list[str] = Field(min_length=1)
    settings: list[str] = Field(min_length=1)
    datasets: list[str] = Field(min_length=1)
    methods: list[str] = Field(min_length=1)
    seeds: list[int] = Field(min_length=1)
    judged: list[str]
    corrected: list[str]
    decoding_methods: list[str]
    transfer_methods: list[str]
    transfer_trained: list[str]
    transfer_tested: list[str]
    sensitivity_methods: list[str]
    internal_methods: list[str]
    capability_datasets: list[str]
    capability_methods: list[str]


@dataclass(frozen=True)
class Cell:
    """One model, training, setting, dataset, method and seed, with what was measured there."""

    model: str
    training: str
    """The setting whose data the policy was trained on, `both`, or UNTRAINED."""
    setting: str
    """The setting in which it was asked."""
    dataset: str
    """With a dot and the question's name behind it, where it is one of a joined data set."""
    method: str
    seed: int
    metrics: Metrics
    contexts: pd.DataFrame
    """statistics.score.context_table of the cell, and statistics.binding.steering_table."""
    metrics_link: str
    """The metrics file, as a URL relative to the report."""
    provenance: CellProvenance
    retention: Retention | None = None
    """What the policy keeps of its base model; None where that was not measured."""
    rounds_link: str = ""
    """The page of its single rounds, as a URL relative to the report; empty without rounds."""

    @property
    def applies(self) -> bool:
        return self.metrics["n_rounds"] > 0


@dataclass(frozen=True)
class Measured:
    """What a row of a table is made of: its training seeds' numbers, and where they lie."""

    seeds: list[dict]
    """One metrics file a seed."""
    link: str
    """The metrics file of one seed, the folder of several: a URL relative to the report."""


@dataclass(frozen=True)
class Results:
    """All that was measured of one model, training and setting."""

    cells: list[Cell]
    decoded: dict[tuple[str, str], Measured]
    """(dataset, method) -> of each seed, a mapping of variants to metrics."""
    stories: dict[tuple[str, str], Measured]
    """(dataset, method) -> metrics corrected for the judge."""
    transferred: dict[tuple[str, str, str], Measured]
    """(method, trained, tested) -> metrics."""
    internal: dict[tuple[str, str], Measured] = field(default_factory=dict)
    """(dataset, method) -> what the stage `internal_alignment` measured."""
    sensitivity: dict[tuple[str, str], Measured] = field(default_factory=dict)
    """(dataset, method) -> of each seed, rows of points of the grids."""
    capabilities: dict[tuple[str, str], Measured] = field(default_factory=dict)
    """(dataset, method) -> of each seed, tasks with their metrics."""


def display(name: str) -> str:
    """The name of a model, a method or a form as it is printed."""
    return DISPLAY.get(name, name)


def display_dataset(name: str) -> str:
    """A data set's name as it is printed; of a question of a joined one "question (whole)"."""
    whole, _, part = name.partition(OF_WHOLE)
    return f"{display(part)} ({whole})" if part else display(name)


def section_title(cell: Cell) -> str:
    """Model and setting, and the training where it is not that of the setting alone."""
    title = f"{display(cell.model)}, {cell.setting}"
    untold = cell.training in (cell.setting, UNTRAINED)
    return title if untold else f"{title}, trained on {cell.training}"


def rounds_of(metrics: Metrics) -> str:
    """The N of a cell that applies: its contexts, and the rounds of each."""
    contexts = metrics["n_contexts"] + metrics["n_contexts_empty"]
    return f"{contexts:,.0f} contexts × {metrics['n_rounds'] / contexts:,.0f} rounds"


MEASURES = {
    "mae": "MAE",
    "ratio": "Ratio",
    "validity": "Valid",
    "fidelity": "Fidelity",
    "internal_mae": "Internal MAE",
    "steering_mass": "Steering mass",
}
"""What is compared over seeds, with its name in the report."""


def over_seeds(seeds: Sequence[Metrics]) -> pd.DataFrame:
    """Mean and spread of MEASURES over the training seeds of one cell.

    Returns:
        A row a measure, columns mean, sd (sample standard deviation, nan for one seed), min
        and max. Seeds in which a measure is not defined are left out; nan where it is in none.
    """
    values = pd.DataFrame(
        [[metrics.get(measure) for measure in MEASURES] for metrics in seeds],
        columns=[*MEASURES],
        dtype=float,
    )
    spread = {"mean": values.mean(), "sd": values.std(), "min": values.min(), "max": values.max()}
    return pd.DataFrame(spread)


def mean_over_seeds(seeds: Sequence[Metrics]) -> Metrics:
    """Each number's mean over the seeds that define it, else None; bounds of intervals too."""
    return {
        key: average(metrics.get(key) for metrics in seeds)
        for key in dict.fromkeys(key for metrics in seeds for key in metrics)
    }


def average(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are there; None without any."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def by_place(cells: Iterable[Cell]) -> dict[tuple[str, str], list[Cell]]:
    """The seeds of each (dataset, method), in the order of the cells."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.dataset, cell.method), []).append(cell)
    return groups


def measured(cells: Iterable[Cell]) -> dict[tuple[str, str], Measured]:
    """(dataset, method) -> the metrics of its seeds."""
    return {
        place: Measured(
            [cell.metrics for cell in seeds], source([cell.metrics_link for cell in seeds])
        )
        for place, seeds in by_place(cells).items()
    }


def source(links: Sequence[str]) -> str:
    """The link of one seed's file, or of the folder of several, which holds nothing else."""
    return links[0] if len(links) == 1 else links[0].rpartition("/")[0]


def mean_cells(cells: Iterable[Cell]) -> list[Cell]:
    """One cell a dataset and method: metrics are means over seeds, contexts the first seed's."""
    return [
        replace(seeds[0], metrics=mean_over_seeds([cell.metrics for cell in seeds]))
        for seeds in by_place(cells).values()
    ]
