"""Target distributions P*(.|c) from census counts or by decree (paper section 4, table 8)."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from distalign.data.stated import contexts_to_test, read_phrasings
from distalign.records.joined import join
from distalign.records.schemas import Attribute, Context, DatasetSpec, InputError
from distalign.records.stated import Stating

CONTEXT_COLUMNS = ("context", "occupation")
LABEL_COLUMNS = ("sector",)
# Shares are decimal numbers that a person has typed.
SUM_TOLERANCE = 1e-6


class StatedParams(BaseModel):
    """How the prompts of a data set state their targets."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    phrasings: str
    """YAML file, see `distalign.records.stated.PhrasingFile`."""
    tested: str
    """CSV file with a row a context of the test."""
    targets_per_context: int = Field(ge=1)
    """Stated targets of each context of the test."""
    alpha: float = Field(gt=0)
    unstated: float = Field(ge=0, lt=1)
    """`alpha` and `unstated`: see `distalign.records.stated.Stating`."""


class DatasetParams(BaseModel):
    """What a data set is made of: attribute x region x target."""

    model_config = ConfigDict(extra="forbid")
    attribute: str
    contexts: str
    """CSV file with a row a context; a real target takes its counts or shares too."""
    target: Literal["real", "even", "stated"]
    stated: StatedParams | None = None
    """Of a stated target alone: its training is about `contexts`, its test about others."""

    @model_validator(mode="after")
    def _says_how(self) -> Self:
        if (self.target == "stated") != (self.stated is not None):
            raise ValueError("`target: stated` needs a block `stated`, and no other target has one")
        return self

    def parts(self, name: str) -> dict[str, "DatasetParams"]:
        """The questions of a data set of this name: one."""
        return {name: self}


class JoinedParams(BaseModel):
    """A data set of several questions, which one policy answers."""

    model_config = ConfigDict(extra="forbid")
    joined: dict[str, DatasetParams] = Field(min_length=2)
    """Name -> definition, which DVC then sees here: YAML's `*name` repeats one."""

    @model_validator(mode="after")
    def _known_targets(self) -> Self:
        for name, part in self.joined.items():
            if part.stated is not None:
                raise ValueError(f"{name}: a stated target is not joined with others")
        return self

    def parts(self, name: str) -> dict[str, DatasetParams]:
        """The questions of the data set, under their own names."""
        return self.joined


def _kind(value: Any) -> str:
    """Which of the two a block of params.yaml is meant to be: faults then name its keys alone."""
    found = "joined" in value if isinstance(value, dict) else isinstance(value, JoinedParams)
    return "joined" if found else "single"


AnyDataset = Annotated[
    Annotated[DatasetParams, Tag("single")] | Annotated[JoinedParams, Tag("joined")],
    Discriminator(_kind),
]


def is_transfer(trained: AnyDataset, tested: AnyDataset) -> bool:
    """Whether two data sets have other contexts and the same kind of target, as in table 7."""
    if isinstance(trained, JoinedParams) or isinstance(tested, JoinedParams):
        return False
    return trained.target == tested.target and trained.contexts != tested.contexts


class TargetsParams(BaseModel):
    """The `targets` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    max_contexts: int | None = Field(ge=1)
    datasets: dict[str, AnyDataset]

    def dataset(self, name: str) -> AnyDataset:
        """Raises InputError that lists the data sets there are."""
        if name not in self.datasets:
            raise InputError(f"targets: no data set {name!r}; there are {list(self.datasets)}")
        return self.datasets[name]


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
                raise InputError(f"{where}: the shares of {name!r} add up to {total:g}, not 1")
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


def build_spec(
    name: str,
    attribute: Attribute,
    contexts: Path,
    target: Literal["real", "even"],
    max_contexts: int | None = None,
) -> DatasetSpec:
    """P*(.|c) = counts or shares / total (real) or 1/K (even) for each context of the file."""
    categories = [category.name for category in attribute.categories]
    rows = list(read_weights(contexts, categories if target == "real" else []).items())
    targets = [
        Context(
            name=context,
            target=[weight / sum(weights) for weight in weights]
            if target == "real"
            else [1 / len(categories)] * len(categories),
        )
        for context, weights in rows[:max_contexts]
    ]
    return DatasetSpec(name=name, target=target, attribute=attribute, contexts=targets)


def dataset_spec(
    name: str,
    attributes: Mapping[str, Attribute],
    dataset: AnyDataset,
    root: Path,
    max_contexts: int | None = None,
) -> DatasetSpec:
    """The specification of a data set of params.yaml, whose files lie under `root`.

    Args:
        attributes: by name; those that the data set asks for.

    Raises:
        InputError: see `read_weights` and `distalign.records.joined.join`.
    """
    specs = [
        _question_spec(part, attributes[own.attribute], own, root, max_contexts)
        for part, own in dataset.parts(name).items()
    ]
    return join(name, specs) if isinstance(dataset, JoinedParams) else specs[0]


def _question_spec(
    name: str, attribute: Attribute, dataset: DatasetParams, root: Path, max_contexts: int | None
) -> DatasetSpec:
    """With a stated target, its training is about `contexts`, with the even target where a prompt
    states none.
    """
    kind = "even" if dataset.target == "stated" else dataset.target
    spec = build_spec(name, attribute, root / dataset.contexts, kind, max_contexts)
    params = dataset.stated
    if params is None:
        return spec
    phrasings = read_phrasings(root / params.phrasings)
    stating = Stating(alpha=params.alpha, unstated=params.unstated, phrasings=phrasings)
    names = list(read_weights(root / params.tested, []))[:max_contexts]
    rng = np.random.default_rng(params.seed)
    tested = contexts_to_test(names, params.targets_per_context, attribute, stating, rng)
    stated = {"target": "stated", "contexts": tested, "taught": spec.contexts, "stating": stating}
    return spec.model_copy(update=stated)
