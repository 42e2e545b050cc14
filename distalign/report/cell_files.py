"""Read what the stages wrote of every cell: metrics, judged rounds, training logs."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from pydantic import ValidationError

from distalign.machine.provenance import CellProvenance
from distalign.records.files import read_jsonl, read_spec, write_text
from distalign.records.joined import judged_of_part, questions
from distalign.records.requests import Retention
from distalign.records.schemas import DatasetSpec, InputError, Judgement
from distalign.report.cells import OF_WHOLE, Cell, Matrix, Measured, Results, source
from distalign.statistics.binding import steering_table
from distalign.statistics.score import context_table
from distalign.statistics.stated import phrasing_table

PLACE = ["model", "training", "setting", "dataset", "method", "seed"]
FORMULAE = ("=", "+", "-", "@", "\t", "\n")


@dataclass(frozen=True)
class Folders:
    """Where cells lie, each in model/training/setting/dataset/method/seed.

    Attributes:
        metrics, judgements: JSON and JSONL files.
        targets: the data sets' specifications.
        out: the report, from which it links to the metrics and the single rounds.
        rounds: HTML files, a page a cell.
    """

    metrics: Path
    judgements: Path
    targets: Path
    out: Path
    rounds: Path


def read_metrics(path: Path) -> dict:
    """Raises InputError where the file is missing or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a metrics file ({error}); run `dvc repro`") from error


def expanded(matrix: Matrix, folders: Folders) -> Matrix:
    """The lists with each question of a joined data set in its place. Raises InputError."""
    shown = []
    for dataset in matrix.datasets:
        spec = read_spec(folders.targets / f"{dataset}.json")
        shown += [shown_name(spec, part) for part in questions(spec)]
    return matrix.model_copy(update={"datasets": shown})


def shown_name(spec: DatasetSpec, part: DatasetSpec) -> str:
    """What the report calls a question: the data set, or whole and part of a joined one."""
    return spec.name if part is spec else f"{spec.name}{OF_WHOLE}{part.name}"


def read_cells(folders: Folders, *place: str | int) -> list[Cell]:
    """Read the cells of these values of PLACE, one a question. Raises InputError."""
    name = "/".join(map(str, place))
    path = folders.metrics / f"{name}.json"
    metrics = read_metrics(path)
    judgements = read_jsonl(folders.judgements / f"{name}.jsonl", Judgement)
    model, training, setting, dataset, *rest = map(str, place)
    spec = read_spec(folders.targets / f"{dataset}.json")
    made = read_provenance(folders.metrics / "provenance" / f"{name}.json")
    kept = read_retention(folders.metrics.joinpath("retention", model, training, dataset, *rest))
    cells = []
    for part in questions(spec):
        rows, shown = judged_of_part(judgements, part, spec), shown_name(spec, part)
        contexts = context_table(rows, part).join(steering_table(rows, part))
        contexts = contexts.join(phrasing_table(part))
        page = folders.rounds / f"{'/'.join([model, training, setting, shown, *rest])}.html"
        cells.append(
            Cell(
                *place[: PLACE.index("dataset")],
                shown,
                *place[PLACE.index("dataset") + 1 :],
                metrics[part.name] if spec.parts else metrics,
                contexts,
                _link(path, folders),
                made,
                kept,
                _link(page, folders) if judgements else "",
            )
        )
    return cells


def read_rounds(folders: Folders, cell: Cell) -> tuple[DatasetSpec, list[Judgement]]:
    """The question of a cell and its judged rounds. Raises InputError."""
    dataset, _, part_name = cell.dataset.partition(OF_WHOLE)
    place = [dataset if key == "dataset" else str(getattr(cell, key)) for key in PLACE]
    rows = read_jsonl(folders.judgements / f"{'/'.join(place)}.jsonl", Judgement)
    spec = read_spec(folders.targets / f"{dataset}.json")
    part = next(part for part in questions(spec) if part.name == (part_name or dataset))
    return part, judged_of_part(rows, part, spec)


def read_retention(place: Path) -> Retention | None:
    """What a policy keeps, from place.json; None where it was not measured. Raises InputError.

    The file of a method without an adapter is empty: nothing has changed.
    """
    path = place.with_name(f"{place.name}.json")
    if not path.exists():
        return None
    found = read_metrics(path)
    if not found:
        return None
    try:
        return Retention.model_validate(found)
    except ValidationError as error:
        raise InputError(f"{path}: not a policy's retention ({error}); run `dvc repro`") from error


def read_provenance(path: Path) -> CellProvenance:
    """Raises InputError where the file is missing or is not such a record."""
    try:
        return CellProvenance.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise InputError(f"{path}: not a cell's provenance ({error}); run `dvc repro`") from error


def _link(path: Path, folders: Folders) -> str:
    return quote(Path(os.path.relpath(path, folders.out)).as_posix())


def read_results(folders: Folders, matrix: Matrix, place: tuple[str, str, str]) -> Results:
    """All that the stages wrote of a model, training and setting. Raises InputError."""
    places = product([place], matrix.datasets, matrix.methods, matrix.seeds)
    cells = [cell for start, *rest in places for cell in read_cells(folders, *start, *rest)]
    decoded = read_measures(folders, "decoding", matrix, place, matrix.decoding_methods)
    corrected = matrix.methods if place[-1] in matrix.corrected else []
    stories = read_measures(folders, "stories", matrix, place, corrected)
    trained = place[:2]
    return Results(
        cells,
        decoded,
        stories,
        read_transfer(folders, matrix, *trained),
        internal=read_measures(folders, "internal", matrix, place, matrix.internal_methods),
        sensitivity=read_measures(
            folders, "sensitivity", matrix, place, matrix.sensitivity_methods
        ),
        capabilities={
            (dataset, method): _read_seeds(
                folders, Path("capabilities", *trained, dataset, method), matrix
            )
            for dataset, method in product(matrix.capability_datasets, matrix.capability_methods)
        },
    )


def read_measures(
    folders: Folders, stage: str, matrix: Matrix, place: tuple[str, str, str], methods: list[str]
) -> dict[tuple[str, str], Measured]:
    """(dataset, method) -> what a stage measured of the cells of a model, training, setting."""
    return {
        (dataset, method): _read_seeds(folders, Path(stage, *place, dataset, method), matrix)
        for dataset, method in product(matrix.datasets, methods)
    }


def read_transfer(
    folders: Folders, matrix: Matrix, model: str, training: str
) -> dict[tuple[str, str, str], Measured]:
    """(method, trained, tested) -> what the stage `transfer` measured, for pairs that it asks."""
    asked = product(matrix.transfer_methods, matrix.transfer_trained, matrix.transfer_tested)
    measured = {
        (method, trained, tested): _read_seeds(
            folders, Path("transfer", model, training, f"{trained}_to_{tested}", method), matrix
        )
        for method, trained, tested in asked
    }
    return {place: group for place, group in measured.items() if group.seeds[0]["n_rounds"]}


def _read_seeds(folders: Folders, folder: Path, matrix: Matrix) -> Measured:
    paths = [folders.metrics / folder / f"{seed}.json" for seed in matrix.seeds]
    links = [_link(path, folders) for path in paths]
    return Measured([read_metrics(path) for path in paths], source(links))


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
    """Write a table; a text that a spreadsheet would take for a formula gets an apostrophe.

    A carriage return becomes a line feed: the csv module would leave it unquoted, and what
    follows it would begin a row.
    """

    def as_text(value: object) -> object:
        if not isinstance(value, str):
            return value
        text = value.replace("\r", "\n")
        return f"'{text}" if text.startswith(FORMULAE) else text

    write_text(path, table.map(as_text).to_csv(index=False, lineterminator="\n"))
