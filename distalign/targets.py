"""Target distributions P*(.|c) from census counts or by decree (paper section 4, table 8)."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from distalign.records import Attribute, Context, DatasetSpec, InputError

CONTEXT_COLUMN = "occupation"
LABEL_COLUMNS = ("sector",)


class DatasetParams(BaseModel):
    """What a data set is made of: attribute x region x target."""

    model_config = ConfigDict(extra="forbid")
    attribute: str
    contexts: str
    """CSV file with a row a context; a real target takes its counts too."""
    target: Literal["real", "even"]


class TargetsParams(BaseModel):
    """The `targets` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    max_contexts: int | None = Field(ge=1)
    datasets: dict[str, DatasetParams]

    def dataset(self, name: str) -> DatasetParams:
        """Raises InputError that lists the data sets there are."""
        if name not in self.datasets:
            raise InputError(f"targets: no data set {name!r}; there are {list(self.datasets)}")
        return self.datasets[name]


def read_attribute(path: Path) -> Attribute:
    """Read an attribute's categories, words, steering tokens and questions.

    Raises:
        InputError: the file is missing, is not YAML, or lacks or misspells a field.
    """
    try:
        return Attribute.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise InputError(f"{path}: not an attribute definition: {error}") from error


def read_counts(path: Path, categories: Sequence[str]) -> dict[str, list[int]]:
    """Read the counts of each context from a CSV file with one row a context.

    Args:
        path: columns `occupation`, optionally `sector`, and `<category>_count` for each
            category in lower case. Other columns are refused: a misspelt one would
            otherwise be lost in silence.
        categories: names of the categories, in order; none: the contexts are read alone,
            whatever is counted beside them.

    Returns:
        Context name -> counts in the order of `categories`, in the file's order.

    Raises:
        InputError: naming file and row for a duplicate context, a count that is missing,
            negative or not a whole number, or a total of 0.
    """
    columns = [f"{category.lower()}_count" for category in categories]
    with io.StringIO(_read_text(path), newline="") as file:
        reader = csv.DictReader(file)
        header = reader.fieldnames or []
        missing = [name for name in (CONTEXT_COLUMN, *columns) if name not in header]
        unknown = [
            name
            for name in header
            if name not in (CONTEXT_COLUMN, *LABEL_COLUMNS, *columns)
            and (columns or not name.endswith("_count"))
        ]
        if missing or unknown or len(set(header)) < len(header):
            raise InputError(
                f"{path}:1: missing columns {missing}, unknown columns {unknown} in {header}; "
                f"expected each of {[CONTEXT_COLUMN, *columns]} once and optionally "
                f"{list(LABEL_COLUMNS)}"
            )
        counts: dict[str, list[int]] = {}
        for row in reader:
            where = f"{path}:{reader.line_num}"
            name = (row[CONTEXT_COLUMN] or "").strip()
            if not name:
                raise InputError(f"{where}: the row names no {CONTEXT_COLUMN}")
            if name in counts:
                raise InputError(f"{where}: duplicate {CONTEXT_COLUMN} {name!r}")
            if None in row:
                raise InputError(f"{where}: more fields than columns (quote commas in names)")
            counts[name] = [_count(row[column], f"{where}: {column}") for column in columns]
            if columns and sum(counts[name]) == 0:
                raise InputError(f"{where}: the counts of {name!r} add up to 0")
    if not counts:
        raise InputError(f"{path}: no rows")
    return counts


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; put the counts there or mend `targets`"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _count(text: str | None, where: str) -> int:
    if text is None or not text.strip():
        raise InputError(f"{where} is missing")
    if not re.fullmatch(r"-?\d+", text.strip()):
        raise InputError(f"{where} is {text!r}, not a whole number")
    if int(text) < 0:
        raise InputError(f"{where} is {text}, a negative count")
    return int(text)


def build_spec(
    name: str,
    attribute: Attribute,
    contexts: Path,
    target: Literal["real", "even"],
    max_contexts: int | None = None,
) -> DatasetSpec:
    """P*(.|c) = counts / total (real) or 1/K (even) for each context of the file."""
    categories = [category.name for category in attribute.categories]
    rows = list(read_counts(contexts, categories if target == "real" else []).items())
    targets = [
        Context(
            name=context,
            target=[count / sum(counts) for count in counts]
            if target == "real"
            else [1 / len(categories)] * len(categories),
        )
        for context, counts in rows[:max_contexts]
    ]
    return DatasetSpec(name=name, target=target, attribute=attribute, contexts=targets)
