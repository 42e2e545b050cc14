"""Read what the stages wrote of every cell: metrics, judged rounds, training logs."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from distalign.cells import Cell, Matrix
from distalign.records import InputError, Judgement, read_jsonl, read_spec, write_text
from distalign.score import context_table

PLACE = ["model", "training", "setting", "dataset", "method", "seed"]
FORMULAE = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Folders:
    """Where cells lie, each in model/training/setting/dataset/method/seed.

    Attributes:
        metrics, judgements: JSON and JSONL files.
        targets: the data sets' specifications.
        out: the report, from which it links to the metrics.
    """

    metrics: Path
    judgements: Path
    targets: Path
    out: Path


def read_metrics(path: Path) -> dict:
    """Raises InputError where the file is missing or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a metrics file ({error}); run `dvc repro`") from error


def read_cell(folders: Folders, *place: str | int) -> Cell:
    """Read the cell of these values of PLACE. Raises InputError."""
    name = "/".join(map(str, place))
    path = folders.metrics / f"{name}.json"
    metrics = read_metrics(path)
    judgements = read_jsonl(folders.judgements / f"{name}.jsonl", Judgement)
    dataset = place[PLACE.index("dataset")]
    contexts = context_table(judgements, read_spec(folders.targets / f"{dataset}.json"))
    link = quote(Path(os.path.relpath(path, folders.out)).as_posix())
    return Cell(*place, metrics, contexts, link)


def read_cells(folders: Folders, matrix: Matrix) -> list[Cell]:
    return [
        read_cell(folders, *place)
        for place in product(*(getattr(matrix, f"{dimension}s") for dimension in PLACE))
    ]


def read_measures(
    folder: Path, matrix: Matrix, place: tuple[str, str, str], methods: Sequence[str]
) -> dict:
    """(dataset, method) -> each seed's metrics, of one model, training, setting.

    Args:
        folder: of the stage `decoding` or `stories`, laid out as the metrics are.
    """
    return {
        (dataset, method): [
            read_metrics(folder / Path(*place, dataset, method, f"{seed}.json"))
            for seed in matrix.seeds
        ]
        for dataset, method in product(matrix.datasets, methods)
    }


def read_transfer(folder: Path, matrix: Matrix, model: str, training: str) -> dict:
    """(method, trained, tested) -> each seed's metrics."""
    return {
        (method, trained, tested): [
            read_metrics(
                folder
                / Path("transfer", model, training, f"{trained}_to_{tested}", method)
                / f"{seed}.json"
            )
            for seed in matrix.seeds
        ]
        for method, trained, tested in product(
            matrix.transfer_methods, matrix.transfer_trained, matrix.transfer_tested
        )
    }


def all_contexts(cells: Sequence[Cell]) -> pd.DataFrame:
    """The context tables of all cells that apply, with the cell's place in front."""
    places = ({key: getattr(cell, key) for key in PLACE} for cell in cells)
    frames = [
        cell.contexts.assign(**place, applies=cell.applies)
        for cell, place in zip(cells, places, strict=True)
    ]
    table = pd.concat(frames, ignore_index=True)
    table = table[table.pop("applies")]
    return table[[*PLACE, *table.columns.drop(PLACE)]]


def training_logs(matrix: Matrix, folder: Path) -> pd.DataFrame:
    """One row a training and step; a method without training has none."""
    logs = []
    dimensions = (getattr(matrix, f"{d}s") for d in PLACE if d != "setting")
    for place in product(*dimensions):
        name = "/".join(map(str, place))
        path = folder / f"{name}.csv"
        try:
            log = pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not a training log ({error}); run `dvc repro`") from error
        log.insert(0, "cell", name)
        logs.append(log)
    return pd.concat(logs, ignore_index=True)


def read_paper(path: Path) -> pd.DataFrame:
    """The numbers that the paper prints, as it prints them: a row a number, all of them text."""
    return pd.read_csv(path, dtype=str)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table; a text that a spreadsheet would take for a formula gets an apostrophe."""

    def as_text(value: object) -> object:
        return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAE) else value

    write_text(path, table.map(as_text).to_csv(index=False, lineterminator="\n"))
