"""Bring all cells together: tables, figures and one page, in the order of params.yaml's lists."""

import argparse
import json
import os
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from distalign.figures import draw_contexts, draw_summary
from distalign.page import Figure, Section, html_page, markdown_page, plain_text
from distalign.records import InputError, Judgement, read_jsonl, read_spec, write_text
from distalign.score import context_table
from distalign.tables import (
    Cell,
    Matrix,
    ReportParams,
    Table,
    comparison_table,
    detail_table,
    display,
    main_table,
    paper_table,
    shares_table,
)
from stages.cli import block, parse, run

PAGES = ["results.html", "results.md", "contexts.csv"]
PLACE = ["model", "setting", "dataset", "method"]


def read_cell(
    args: argparse.Namespace, model: str, setting: str, dataset: str, method: str
) -> Cell:
    """Raises InputError where the metrics file is missing or is not one."""
    folder = Path(model, setting, dataset)
    path = args.metrics / folder / f"{method}.json"
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: not a metrics file ({error}); run `dvc repro`") from error
    judgements = read_jsonl(args.judgements / folder / f"{method}.jsonl", Judgement)
    contexts = context_table(judgements, read_spec(args.targets / f"{dataset}.json"))
    link = quote(Path(os.path.relpath(path, args.out)).as_posix())
    return Cell(model, setting, dataset, method, metrics, contexts, link)


def read_cells(args: argparse.Namespace, matrix: Matrix) -> list[Cell]:
    return [
        read_cell(args, model, setting, dataset, method)
        for model in matrix.models
        for setting in matrix.settings
        for dataset in matrix.datasets
        for method in matrix.methods
    ]


def draw(cells: list[Cell], matrix: Matrix, out: Path) -> list[Figure]:
    """Write the figures of one model and setting under out/figures."""
    name = f"{cells[0].model}_{cells[0].setting}"
    path = out / "figures" / f"summary_{name}.png"
    draw_summary(cells, matrix, path)
    figures = [_figure(f"MAE of every method: {name}", path, None)]
    for dataset in matrix.datasets:
        applying = [cell for cell in cells if cell.dataset == dataset and cell.applies]
        if applying:
            path = out / "figures" / f"{name}_{dataset}.png"
            draw_contexts(applying, path)
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


def training_logs(cells: list[Cell], folder: Path) -> pd.DataFrame:
    """One row a cell and step; a method without training has none."""
    logs = []
    for cell in cells:
        name = "/".join(getattr(cell, key) for key in PLACE)
        path = folder / f"{name}.csv"
        try:
            log = pd.read_csv(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not a training log ({error}); run `dvc repro`") from error
        log.insert(0, "cell", name)
        logs.append(log)
    return pd.concat(logs, ignore_index=True)


def write_csv(path: Path, table: pd.DataFrame) -> None:
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def main() -> None:
    args = parse(
        __doc__,
        metrics="folder with model/setting/dataset/method.json",
        judgements="folder with model/setting/dataset/method.jsonl",
        targets="folder with the data sets' specifications",
        logs="folder with model/setting/dataset/method.csv",
        paper="CSV file with the numbers that the paper prints",
        out="folder to write the report into",
        plots="folder to write the tables for `dvc plots` into",
    )
    matrix, params = block(Matrix), block(ReportParams, "report")
    paper = pd.read_csv(args.paper, dtype=str)
    cells = read_cells(args, matrix)
    sections, text = [], []
    for model in matrix.models:
        for setting in matrix.settings:
            here = [cell for cell in cells if (cell.model, cell.setting) == (model, setting)]
            tables = [main_table(here, matrix), paper_table(paper, setting, matrix)]
            tables = [table for table in tables if table]
            text += [plain_text(table) for table in tables]
            tables += [detail_table(here), comparison_table(here, params)]
            title = f"{display(model)}, {setting}"
            sections.append(Section(title, tables, draw(here, matrix, args.out)))
    contexts = all_contexts(cells)
    write_csv(args.out / "contexts.csv", contexts)
    columns = [*PLACE, "context", "category", "target", "observed"]
    write_csv(args.plots / "calibration.csv", contexts.dropna(subset="observed")[columns])
    write_csv(args.plots / "training.csv", training_logs(cells, args.logs))
    write_text(args.out / "results.md", markdown_page(sections))
    write_text(args.out / "results.html", html_page(sections))
    names = [f.link for section in sections for f in section.figures]
    text.append("\n".join(str(args.out / name) for name in [*PAGES, *names]))
    write_text(args.out / "results.txt", "\n\n".join(text) + "\n")
    print("\n\n".join(text))


if __name__ == "__main__":
    run(main)
