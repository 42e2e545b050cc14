"""A person's table, as CSV or JSONL: rows of texts, each with its line."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distalign.records.schemas import InputError

Row = dict[str, str]


def read_rows(path: Path) -> tuple[list[str], list[tuple[int, Row]]]:
    """The columns' names, and (line, row) of each row; spaces around a value are left out.

    A file that ends in .jsonl or .ndjson has an object a line, whose keys are the columns: those
    of the first line. What is null, or missing, is an empty text. Any other file is CSV.

    Raises:
        InputError: naming file and line: it is not UTF-8, not such a table, separated by other than
            commas, or names a column twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a table in UTF-8 ({error})") from error
    is_json = path.suffix.lower() in (".jsonl", ".ndjson")
    header, rows = _read_jsonl(path, text) if is_json else _read_csv(path, text)
    if len(set(header)) < len(header) or "" in header:
        raise InputError(f"{path}:1: {header}; name each column once")
    return header, rows


def _read_csv(path: Path, text: str) -> tuple[list[str], list[tuple[int, Row]]]:
    rows = []
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
        # Spaces after commas are no part of a name, as they are none of a value.
        reader.fieldnames = header = [name.strip() for name in reader.fieldnames or []]
        if len(header) == 1:  # of no use, but how some spreadsheets export a table of several
            for sign, name in {";": "semicolons", "\t": "tabs"}.items():
                if sign in header[0]:
                    raise InputError(f"{path}:1: separated by {name}, it seems; use commas")
        for row in reader:
            if None in row:
                raise InputError(
                    f"{path}:{reader.line_num}: more values than columns; quote commas"
                )
            rows.append((reader.line_num, {name: value.strip() for name, value in row.items()}))
    except csv.Error as error:
        raise InputError(f"{path}: not a table in CSV ({error})") from error
    return header, rows


def _read_jsonl(path: Path, text: str) -> tuple[list[str], list[tuple[int, Row]]]:
    header: list[str] = []
    rows = []
    for line, part in enumerate(text.split("\n"), start=1):
        if not part.strip():
            continue
        try:
            row = json.loads(part, object_pairs_hook=_once)
        except ValueError as error:
            raise InputError(
                f"{path}:{line}: not JSON ({error}); write an object a line"
            ) from error
        if not isinstance(row, dict):
            raise InputError(f"{path}:{line}: {part[:40]!r} is no object, whose keys are columns")
        header = header or list(row)
        if unknown := [name for name in row if name not in header]:
            raise InputError(f"{path}:{line}: {unknown} stand in no earlier line; there: {header}")
        rows.append((line, {name: _text(row.get(name)) for name in header}))
    return header, rows


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError(f"a key stands twice in {[name for name, _ in pairs]}")
    return dict(pairs)


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # JSON may hold half of a sign, as of an emoji that was cut, which no file takes.
    return text.encode("utf-8", "replace").decode("utf-8").strip()
