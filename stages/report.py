"""Bring all cells together: tables, figures and one page, in the order of scale.yaml's lists."""

import argparse
import json
import os
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from distalign.analyses import decoding_table, transfer_table
from distalign.cells import Cell, Matrix, display, mean_cells, section_title
from distalign.comparisons import (
    ReportParams,
    comparison_table,
    paper_table,
    rounds_table,
    shares_table,
)
from distalign.figures import draw_contexts, draw_summary
from distalign.page import Figure, Section, html_page, markdown_page, plain_text
from distalign.records import InputError, Judgement, read_jsonl, read_spec, write_text
from distalign.sampling import DecodingParams
from distalign.score import context_table
from distalign.tables import Table, detail_table, distances_table, main_table, seeds_table
from stages.cli import SCALE, block, parse, run

PAGES = ["results.html", "results.md", "contexts.csv"]
PLACE = ["model", "training", "setting", "dataset", "method", "seed"]


def read_metrics(path: Path) -> dict:
    """Raises InputError where the file is missing or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a metrics file ({error}); run `dvc repro`") from error


def read_cell(args: argparse.Namespace, *place: str | int) -> Cell:
    """Read the cell of these values of PLACE. Raises InputError."""
    name = "/".join(map(str, place))
    path = args.metrics / f"{name}.json"
    metrics = read_metrics(path)
    judgements = read_jsonl(args.judgements / f"{name}.jsonl", Judgement)
    dataset = place[PLACE.index("dataset")]
    contexts = context_table(judgements, read_spec(args.targets / f"{dataset}.json"))
    link = quote(Path(os.path.relpath(path, args.out)).as_posix())
    return Cell(*place, metrics, contexts, link)


def read_cells(args: argparse.Namespace, matrix: Matrix) -> list[Cell]:
    return [
        read_cell(args, *place)
        for place in product(*(getattr(matrix, f"{dimension}s") for dimension in PLACE))
    ]


def read_decoding(folder: Path, matrix: Matrix, place: tuple[str, str, str]) -> dict:
    """(dataset, method) -> each seed's metrics by variant, of one model, training, setting."""
    return {
        (dataset, method): [
            read_metrics(folder / "decoding" / Path(*place, dataset, method, f"{seed}.json"))
            for seed in matrix.seeds
        ]
        for dataset, method in product(matrix.datasets, matrix.decoding_methods)
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


def draw(cells: list[Cell], matrix: Matrix, out: Path) -> list[Figure]:
    """Write the figures of one model, training and setting under out/figures."""
    first = cells[0]
    name = f"{first.model}_{first.training}_{first.setting}"
    path = out / "figures" / f"summary_{name}.png"
    draw_summary(mean_cells(cells), matrix, path)
    figures = [_figure(f"MAE of every method: {section_title(first)}", path, None)]
    for dataset in matrix.datasets:
        applying = [
            cell
            for cell in cells
            if (cell.dataset, cell.seed) == (dataset, matrix.seeds[0]) and cell.applies
        ]
        if applying:
            path = out / "figures" / f"{name}_{dataset}.png"
            draw_contexts(applying, matrix, path)
            title = f"{display(dataset)}: target and observed shares by context"
            figures.append(_figure(title, path, shares_table(applying)))
    return figures


def _figure(title: str, path: Path, numbers: Table | None) -> Figure:
    return Figure(title, quote(f"figures/{path.name}"), path.read_bytes(), numbers)


def all_contexts(cells: list[Cell]) -> pd.DataFrame:
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


def coordinated_variants() -> set[str]:
    """Variants of the block `decoding` that draw a context's rounds together."""
    variants = block(DecodingParams, "decoding").variants
    return {name for name, keys in variants.items() if keys.get("rounds") == "coordinated"}


def write_csv(path: Path, table: pd.DataFrame) -> None:
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def main() -> None:
    args = parse(
        __doc__,
        metrics="folder with model/training/setting/dataset/method/seed.json",
        judgements="folder with model/training/setting/dataset/method/seed.jsonl",
        targets="folder with the data sets' specifications",
        logs="folder with model/training/dataset/method/seed.csv",
        paper="CSV file with the numbers that the paper prints",
        out="folder to write the report into",
        plots="folder to write the tables for `dvc plots` into",
    )
    matrix, params = block(Matrix, file=SCALE), block(ReportParams, "report")
    paper = pd.read_csv(args.paper, dtype=str)
    cells = read_cells(args, matrix)
    sections, text = [], []
    for place in product(matrix.models, matrix.trainings, matrix.settings):
        here = [cell for cell in cells if (cell.model, cell.training, cell.setting) == place]
        tables = [main_table(here, matrix), paper_table(paper, place[-1], matrix)]
        tables = [table for table in tables if table]
        if len(matrix.seeds) > 1:
            tables.append(seeds_table(here))
        if matrix.decoding_methods:
            tables.append(
                decoding_table(read_decoding(args.metrics, matrix, place), coordinated_variants())
            )
        if matrix.transfer_methods:
            tables.append(transfer_table(read_transfer(args.metrics, matrix, *place[:2])))
        text += [plain_text(table) for table in tables]
        tables += [detail_table(here), distances_table(here), comparison_table(here, params)]
        title = section_title(here[0])
        sections.append(Section(title, tables, draw(here, matrix, args.out)))
    targets = {cell.dataset: cell.contexts for cell in cells}
    sections.append(Section("Rounds needed", [rounds_table(targets)], []))
    contexts = all_contexts(cells)
    write_csv(args.out / "contexts.csv", contexts)
    columns = [*PLACE, "context", "category", "target", "observed"]
    write_csv(args.plots / "calibration.csv", contexts.dropna(subset="observed")[columns])
    write_csv(args.plots / "training.csv", training_logs(matrix, args.logs))
    write_text(args.out / "results.md", markdown_page(sections))
    write_text(args.out / "results.html", html_page(sections))
    names = [f.link for section in sections for f in section.figures]
    text.append("\n".join(str(args.out / name) for name in [*PAGES, *names]))
    write_text(args.out / "results.txt", "\n\n".join(text) + "\n")
    print("\n\n".join(text))


if __name__ == "__main__":
    run(main)
