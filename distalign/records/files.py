"""How records are read and written: whole files, checked, or an error that names the place."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from distalign.records.schemas import Attribute, DatasetSpec, InputError, Record

R = TypeVar("R", bound=Record)


def read_jsonl(
    path: Path, record: type[R], way_out: str = "delete the file and run `dvc repro`"
) -> list[R]:
    """Read and check one record a line. Raises InputError naming file, line and the way out."""
    _check_made(path)
    rows = []
    # A file cut inside a character shows it on the line where it was cut.
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line:
            continue
        try:
            rows.append(record.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "record"
            raise InputError(
                f"{path}:{number}: not a {record.__name__} ({where}: {first['msg']}); {way_out}"
            ) from error
    return rows


def _check_made(path: Path) -> None:
    """Raises InputError where a file that a stage makes is not there."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; `make repro` or `dvc pull` makes it")


def read_spec(path: Path) -> DatasetSpec:
    """Read a data set's specification. Raises InputError naming the file."""
    _check_made(path)
    try:
        return DatasetSpec.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise InputError(f"{path}: not a data set specification ({error})") from error


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: a reader never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)  # a write that fails names no file
        raise


def write_jsonl(path: Path, rows: Iterable[Record]) -> None:
    write_text(path, "".join(row.model_dump_json() + "\n" for row in rows))


def write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_source(folder: Path) -> dict[str, str]:
    """source, revision and sha256 of a fetched model. Raises InputError without them."""
    _check_made(folder / "source.json")
    try:
        return json.loads((folder / "source.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{folder}: not a fetched base model ({error})") from error


def read_attribute(path: Path) -> Attribute:
    """Read an attribute's categories, words, steering tokens and questions.

    Raises:
        InputError: the file is missing, is not YAML, or lacks or misspells a field.
    """
    try:
        return Attribute.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path}: not an attribute definition: {error}") from error
