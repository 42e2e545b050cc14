"""What the commands share that take a file of answers and one of targets."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from distalign.data.plain import ROUNDED
from distalign.records.rows import read_rows
from distalign.records.schemas import InputError


def answers_parser(doc: str | None, out: str) -> argparse.ArgumentParser:
    """A parser of both files and of --out, which `out` describes."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("answers", type=Path)
    parser.add_argument("targets", type=Path)
    parser.add_argument("--out", type=Path, required=True, help=out)
    return parser


def check_out(out: Path, kept: Sequence[Path], written: Sequence[Path] = ()) -> None:
    """Raises InputError where `out` cannot be written, or a file would be lost by it.

    Args:
        kept: files that are read.
        written: those of a folder; none where `out` is a file itself.
    """
    for path in [out, *out.parents] if written else out.parents:
        if path.exists() and not path.is_dir():
            raise InputError(f"--out {out}: {path} is a file; name another folder")
    for path in kept:
        for own in written or [out]:
            if own.resolve() == path.resolve():
                place = "folder" if written else "file"
                raise InputError(
                    f"--out {out} would take the place of {path}; name another {place}"
                )
    if written:
        return
    if out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file in it, as {out / 'read.csv'}")
    if out.suffix.lower() in (".jsonl", ".ndjson"):
        raise InputError(f"--out {out}: CSV is written; name it {out.with_suffix('.csv')}")


def no_categories(categories: Sequence[str], rows: Sequence[Sequence[float]]) -> list[str]:
    """Columns that equal the others' sum in all rows, or beside which the others are percentages:
    a total, or the number of answers.
    """
    found = []
    for place, category in enumerate(categories):
        others = [sum(row) - row[place] for row in rows]
        is_sum = all(
            abs(other - row[place]) <= 1e-9 * other for other, row in zip(others, rows, strict=True)
        )
        if is_sum or all(abs(other / 100 - 1) <= ROUNDED for other in others):
            found.append(category)
    return found if len(categories) > 2 else []


def check_columns(path: Path, categories: Sequence[str], rows: Sequence[Sequence[float]]) -> None:
    """Raises InputError naming a column of counts or percentages that is no category."""
    for category in no_categories(categories, rows):
        raise InputError(
            f"{path}:1: {category!r} seems to be no category but the others' sum, or the number "
            "of answers; take the column out, or write shares that add up to 1"
        )


def check_normalised(targets: Path) -> None:
    """The same of a targets file that was read with --normalise."""
    header, rows = read_rows(targets)
    categories = [name for name in header if name != "context"]
    values = [[float(row[name]) for name in categories] for _, row in rows]
    wholes = [1, 100]  # shares and percentages of which none is left out, with no total beside them
    if not any(all(abs(sum(row) / whole - 1) <= ROUNDED for row in values) for whole in wholes):
        check_columns(targets, categories, values)
