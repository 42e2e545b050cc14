"""A table of contexts with the counts or shares of their categories."""

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path

from distalign.records.schemas import InputError

CONTEXT_COLUMNS = ("context", "occupation")
LABEL_COLUMNS = ("sector",)
# Shares are decimal numbers that a person has typed.
SUM_TOLERANCE = 1e-6


def read_weights(path: Path, categories: Sequence[str]) -> dict[str, list[float]]:
    """Read each context's counts or shares from a CSV file with one row a context.

    Args:
        path: a column `context` or `occupation`, optionally `sector`, and for each category in
            lower case `<category>_count`, or for each of them `<category>_share`. Other columns
            are refused: a misspelt one would otherwise be lost in silence.
        categories: names of the categories, in order; none: the contexts are read alone,
            whatever stands beside them.

    Returns:
        Context name -> counts or shares in the order of `categories`, in the file's order.

    Raises:
        InputError: naming file and row for a duplicate context, a count that is missing,
            negative or not a whole number, a total of 0, a share that is not in [0, 1], or shares
            that do not add up to 1.
    """
    with io.StringIO(_read_text(path), newline="") as file:
        reader = csv.DictReader(file)
        context, columns = _columns(path, list(reader.fieldnames or []), categories)
        weights: dict[str, list[float]] = {}
        for row in reader:
            where = f"{path}:{reader.line_num}"
            name = (row[context] or "").strip()
            if not name:
                raise InputError(f"{where}: the row names no {context}")
            if name in weights:
                raise InputError(f"{where}: duplicate {context} {name!r}")
            if None in row:
                raise InputError(f"{where}: more fields than columns (quote commas in names)")
            weights[name] = [_weight(row[column], f"{where}: {column}") for column in columns]
            total = sum(weights[name])
            if columns and total == 0:
                raise InputError(f"{where}: the counts of {name!r} add up to 0")
            if columns and columns[0].endswith("_share") and abs(total - 1) > SUM_TOLERANCE:
                raise InputError(
                    f"{where}: the shares of {name!r} add up to {total:.9g}, not 1; write more "
                    "digits, or counts"
                )
    if not weights:
        raise InputError(f"{path}: no rows")
    return weights


def _columns(path: Path, header: list[str], categories: Sequence[str]) -> tuple[str, list[str]]:
    """The column of the contexts' names, and those of the categories' counts or shares."""
    shares = any(name.endswith("_share") for name in header)
    kind = "share" if shares else "count"
    columns = [f"{category.lower()}_{kind}" for category in categories]
    named = [name for name in header if name in CONTEXT_COLUMNS]
    missing = [] if named else [CONTEXT_COLUMNS[0]]
    missing += [name for name in columns if name not in header]
    unknown = [
        name
        for name in header
        if name not in (*CONTEXT_COLUMNS, *LABEL_COLUMNS, *columns)
        and (columns or not name.endswith(("_count", "_share")))
    ]
    if missing or unknown or len(named) != 1 or len(set(header)) < len(header):
        raise InputError(
            f"{path}:1: missing columns {missing}, unknown columns {unknown} in {header}; "
            f"expected one of {list(CONTEXT_COLUMNS)}, each of {columns} once and optionally "
            f"{list(LABEL_COLUMNS)}"
        )
    return named[0], columns


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; put the counts there or mend `targets`"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _weight(text: str | None, where: str) -> float:
    """A count, or a share if the column is one of shares."""
    if text is None or not text.strip():
        raise InputError(f"{where} is missing")
    if where.endswith("_share"):
        try:
            share = float(text)
        except ValueError:
            share = math.nan
        if not 0 <= share <= 1:
            raise InputError(f"{where} is {text!r}, not a number from 0 to 1")
        return share
    if not re.fullmatch(r"-?\d+", text.strip()):
        raise InputError(f"{where} is {text!r}, not a whole number")
    if int(text) < 0:
        raise InputError(f"{where} is {text}, a negative count")
    return int(text)
