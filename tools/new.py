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
import re
from pathlib import Path
from typing import Any

import yaml

from distalign.data.frames import WORD
from distalign.data.plain import QUESTION, Table, plain_attribute, read_table
from distalign.data.targets import TargetsParams, build_spec
from distalign.data.wordings import SLOT
from distalign.judging.words import read_category
from distalign.planning.inputs import check_attribute, check_names
from distalign.planning.names import TAKEN
from distalign.records.files import write_text
from distalign.records.rows import read_rows
from distalign.records.schemas import Attribute, InputError
from stages.cli import block, run
from tools.answers import check_columns

PLACE = re.compile(r"^  datasets:[ \t]*(?:#.*)?\n(?=( +)\S)", re.MULTILINE)
"""In params.yaml, after which the data set is named, as far to the right as the next."""
KINDS = ("_count", "_share")


def asked_for(question: str, variable: str) -> str:
    """What a person types. Raises InputError where nobody can."""
    try:
        return input(question).strip()
    except EOFError as error:
        raise InputError(f"nobody is there to be asked; name {variable}=") from error


def check_name(name: str, params: Path) -> None:
    """Raises InputError for a name that no file, key or option could have, or that is taken."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        raise InputError(
            f"{name!r}: a name has the small letters a to z, digits and _ alone, no digit first"
        )
    if yaml.safe_load(name) != name:
        raise InputError(f"{name!r} is no name in YAML, but a value; take another")
    if name in TAKEN["datasets"]:
        raise InputError(f"{name!r} is a file of the pipeline beside those of data sets; rename it")
    if name in block(TargetsParams, "targets", file=params).datasets:
        raise InputError(f"{params}: {name} is a data set already; take another name")


def check_table(path: Path, table: Table) -> None:
    """Raises InputError naming what is not meant as it would be read."""
    for text in (table.question.replace(SLOT, ""), *table.categories):
        if set(text) & set("{}"):
            raise InputError(f"{path}: {text!r}: nothing but {SLOT} stands in braces; leave it out")
    for category in table.categories:
        if category.endswith(KINDS):
            raise InputError(
                f"{path}:1: {category!r}: a column has the category's name alone; make it "
                f"{category[: -len(KINDS[0])]!r}"
            )
    if table.are_counts:
        check_columns(path, table.categories, list(table.weights.values()))


def keep_readable(attribute: dict[str, Any]) -> None:
    """Take out the default responses that are not read as each category that they are written for:
    "Unlikely, most likely." states two.
    """
    known = Attribute.model_validate(attribute)
    names = [category.name for category in known.categories]
    grammar = attribute["settings"]["attribute"]["responses"]["grammar"]
    kept = [
        frame
        for frame in grammar["root"]
        if all(read_category(frame.replace(WORD, name), known) == name for name in names)
    ]
    if kept:  # else a category's word itself is not read as its own, which the check says
        grammar["root"] = kept


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
    """params.yaml with the data set. Raises InputError where there is no place for it."""
    line = f"{name}: {{attribute: {name}, contexts: {contexts.as_posix()}, target: real}}\n"
    places = list(PLACE.finditer(params))
    if len(places) != 1:
        raise InputError(
            "params.yaml: no line `  datasets:` with data sets under it, each on its own line; "
            "write them so"
        )
    end = places[0].end()
    return f"{params[:end]}{places[0][1]}{line}{params[end:]}"


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
    params = args.root / "params.yaml"
    name = args.attribute or asked_for("Name of the question, e.g. trust: ", "ATTRIBUTE")
    check_name(name, params)
    path = args.table or Path(asked_for("CSV or JSONL file with the table: ", "TABLE"))
    question, has_column = args.question, QUESTION in read_rows(path)[0]
    if question is None and not has_column:
        question = asked_for("The question, with {context} in it: ", "QUESTION")
    elif question is not None and has_column:
        raise InputError(
            f"{path}:1: the table has a column `{QUESTION}`: leave out QUESTION=, or it"
        )
    table = read_table(path, question)
    check_table(path, table)
    attribute = plain_attribute(name, table, args.language)
    keep_readable(attribute)
    if args.ordered:
        attribute = {"name": name, "ordered": True, **attribute}
    definition = args.root / f"data/attributes/{name}.yaml"
    contexts = Path(f"data/examples/{name}.csv")
    for file in (definition, args.root / contexts):
        if file.exists():
            raise InputError(f"{file} is there already: take another name, or remove it")
    mended = named(params.read_text(encoding="utf-8"), name, contexts)
    text = yaml.safe_dump(attribute, sort_keys=False, allow_unicode=True, width=100)
    write_text(definition, text)
    write_text(args.root / contexts, contexts_csv(table))
    try:
        known = check_attribute(definition)
        build_spec(name, known, args.root / contexts, "real")
        check_names(known, table.weights, str(path))
    except InputError as error:  # of files that are taken away again: it is the table that says so
        definition.unlink()
        (args.root / contexts).unlink()
        raise InputError(str(error).replace(f"{definition}: ", f"{path}: ")) from error
    write_text(params, mended)
    print(
        f"{definition} and {contexts}: {len(table.weights)} contexts, {len(table.categories)} "
        f"categories.\nAdd {name} to `datasets` in scale.yaml, then: make repro"
    )


if __name__ == "__main__":
    run(main)
