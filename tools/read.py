"""Read the category that each answer in free text states, as the judge of short answers does.

    distalign-read answers.csv targets.csv --out read.csv
    distalign-read answers.csv targets.csv --out read.csv --attribute data/attributes/gender.yaml

The answers have the columns context and answer, a row an answer; the targets are those of
`distalign-score`, and name the categories. Without an attribute a category's name is its only word.
The table that is written has two columns more: the category, empty where an answer states none or
several, and refused, `yes` where it says that it does not tell. `distalign-score` takes it. Answers
that have a column category already are checked, and passed on as they are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from distalign.judging.words import read_answer, unreadable_words
from distalign.planning.inputs import check_names
from distalign.records.checked_yaml import near
from distalign.records.files import read_attribute, write_text
from distalign.records.rows import Row, read_rows
from distalign.records.schemas import Attribute, Category, InputError
from distalign.statistics.answers import answer_rows, read_answers, read_targets
from stages.cli import run
from tools.answers import answers_parser, check_out

CATEGORY, REFUSED = "category", "refused"


def with_words(named: Attribute, words: Attribute) -> Attribute:
    """The categories of `named`, under their names, with the words of an attribute's file.

    Raises:
        InputError: the file lacks a category; upper and lower case are one.
    """
    known = {category.name.casefold(): category for category in words.categories}
    categories = []
    for category in named.categories:
        if category.name.casefold() not in known:
            offered = near(category.name, [one.name for one in words.categories])
            raise InputError(f"attribute {words.name!r} has no category {category.name}; {offered}")
        read = known[category.name.casefold()]
        categories.append(Category(name=category.name, words=read.words, tokens={}))
    return named.model_copy(update={"categories": categories, "homonyms": words.homonyms})


def check_words(attribute: Attribute) -> None:
    """Raises InputError naming a word that is not read as its own category."""
    for category, word, read in unreadable_words(attribute):
        instead = f"as {read}" if read else "as none or several"
        raise InputError(
            f"category {category}: {word!r} is read {instead}; name it otherwise in targets and "
            "answers, or give words with --attribute"
        )


def read_all(rows: Sequence[Row], attribute: Attribute) -> Iterator[Row]:
    """The rows with the columns `category` and `refused` filled from `answer`."""
    for row in rows:
        read = read_answer(row["answer"], attribute, row["context"])
        yield row | {CATEGORY: read.category or "", REFUSED: "yes" if read.refused else ""}


def table(header: Sequence[str], rows: Sequence[Row]) -> str:
    """Rows as CSV; a carriage return alone would end a row of it."""
    plain = [{name: text.replace("\r", "\n") for name, text in row.items()} for row in rows]
    return pd.DataFrame(plain, columns=list(header)).to_csv(index=False, lineterminator="\n")


def main() -> None:
    parser = answers_parser(__doc__, "CSV file to write")
    parser.add_argument("--attribute", type=Path, help="YAML file with the categories' words")
    args = parser.parse_args()
    check_out(args.out, [args.answers, args.targets])
    spec = read_targets(args.targets, normalise=True)
    attribute = spec.attribute
    if args.attribute:
        attribute = with_words(attribute, read_attribute(args.attribute))
    header, numbered = read_rows(args.answers)
    if CATEGORY in header:
        read_answers(args.answers, spec)  # faults are then of the file that a person can mend
        write_text(args.out, table(header, [row for _, row in numbered]))
        print(f"{args.out}: {args.answers} as it is, since it has a column {CATEGORY}")
        return
    answers = [row for _, row in answer_rows(args.answers, "answer", spec)]
    check_words(attribute)
    check_names(attribute, (context.name for context in spec.contexts), str(args.targets))
    rows = list(read_all(answers, attribute))
    if not rows:
        raise InputError(f"{args.answers}: no answer; write a row for each")
    write_text(args.out, table([*dict.fromkeys([*header, CATEGORY, REFUSED])], rows))
    counts = Counter(row[CATEGORY] for row in rows)
    refused = sum(row[REFUSED] == "yes" for row in rows)
    said = ", ".join(
        f"{counts[category.name]} {category.name}" for category in attribute.categories
    )
    print(f"{args.out}: {said}; {counts['']} state none or several, {refused} of them refused")


def command() -> None:
    """As a console command."""
    run(main)


if __name__ == "__main__":
    command()
