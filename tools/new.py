"""A question of one's own from a table: writes its attribute, its contexts and its data set.

    make new ATTRIBUTE=trust TABLE=trust.csv ORDERED=1
    make new ATTRIBUTE=trust TABLE=trust.csv QUESTION="How far do {context} trust the press?"

The table is CSV, or JSONL with an object a row. It has a column `context`, a column for each
category with counts, shares or percentages, and a column `question` unless QUESTION names it. With
ORDERED the categories are steps of a scale, in the order of their columns. What is not in the table
has defaults, and can be changed in the files afterwards. For what is missing, this asks.
"""

import argparse
import csv
import io
from pathlib import Path

import yaml

from distalign.data.plain import QUESTION, Table, plain_attribute, read_table
from distalign.planning.inputs import check_attribute
from distalign.records.files import write_text
from distalign.records.rows import read_rows
from distalign.records.schemas import InputError
from stages.cli import run

PLACE = "  datasets:\n"
"""In params.yaml, after which the data set is named."""


def contexts_csv(table: Table) -> str:
    """The table as `targets` reads it."""
    kind = "count" if table.are_counts else "share"
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["context", *(f"{name.lower()}_{kind}" for name in table.categories)])
    for context, row in table.weights.items():
        writer.writerow([context, *(int(v) if table.are_counts else repr(v) for v in row)])
    return out.getvalue()


def named(params: str, name: str, contexts: Path) -> str:
    """params.yaml with the data set. Raises InputError where it has one of the name."""
    if params.count(PLACE) != 1 or f"\n    {name}: " in params:
        raise InputError(f"params.yaml: {name} is a data set already, or `datasets:` is not there")
    value = f"{{attribute: {name}, contexts: {contexts.as_posix()}, target: real}}"
    return params.replace(PLACE, f"{PLACE}    {name}: {value}\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attribute", help="name of the question")
    parser.add_argument("--table", type=Path, help="CSV or JSONL file")
    parser.add_argument("--question", help="with {context} where the context's name belongs")
    parser.add_argument("--language", default="en", help="of the defaults: en, de, fr")
    parser.add_argument("--ordered", action="store_true", help="columns are steps of a scale")
    parser.add_argument("--root", type=Path, default=Path("."), help="of the project")
    args = parser.parse_args()
    name = args.attribute or input("Name of the question, e.g. trust: ").strip()
    path = args.table or Path(input("CSV or JSONL file with context and categories: ").strip())
    if not (name.isidentifier() and name.islower()):
        raise InputError(f"{name!r}: a name has small letters, digits and _ alone")
    question = args.question
    if question is None and QUESTION not in read_rows(path)[0]:
        question = input("The question, with {context} in it: ").strip()
    table = read_table(path, question)
    attribute = plain_attribute(name, table, args.language)
    if args.ordered:
        attribute = {"name": name, "ordered": True, **attribute}
    definition = args.root / f"data/attributes/{name}.yaml"
    contexts = Path(f"data/examples/{name}.csv")
    for file in (definition, args.root / contexts):
        if file.exists():
            raise InputError(f"{file} is there already: take another name, or remove it")
    params = args.root / "params.yaml"
    mended = named(params.read_text(encoding="utf-8"), name, contexts)
    text = yaml.safe_dump(attribute, sort_keys=False, allow_unicode=True, width=100)
    write_text(definition, text)
    try:
        check_attribute(definition)
    except InputError:
        definition.unlink()
        raise
    write_text(args.root / contexts, contexts_csv(table))
    write_text(params, mended)
    print(
        f"{definition} and {contexts}: {len(table.weights)} contexts, {len(table.categories)} "
        f"categories.\nAdd {name} to `datasets` in scale.yaml, then: make repro"
    )


if __name__ == "__main__":
    run(main)
