"""Target distributions P*(.|c) from census counts or by decree (paper section 4, table 8)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from distalign.data.stated import contexts_to_test, read_phrasings
from distalign.data.weights import read_weights
from distalign.records.joined import join
from distalign.records.schemas import Attribute, Context, DatasetSpec, InputError
from distalign.records.stated import Stating


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

    def keys_of(self, part: str) -> str:
        """What stands before a question's keys in this block: nothing."""
        return ""


class JoinedParams(BaseModel):
    """A data set of several questions, which one policy answers."""

    model_config = ConfigDict(extra="forbid")
    joined: dict[str, DatasetParams] = Field(min_length=2)
    """Name -> definition, which DVC then sees here: YAML's `*name` repeats one."""

    @model_validator(mode="after")
    def _all_state_or_none(self) -> Self:
        names = [name for name, part in self.joined.items() if part.stated is not None]
        if names and len(names) < len(self.joined):
            other = next(name for name in self.joined if name not in names)
            raise ValueError(
                f"{names[0]} has a stated target and {other} has none; join those that state theirs"
            )
        return self

    def parts(self, name: str) -> dict[str, DatasetParams]:
        """The questions of the data set, under their own names."""
        return self.joined

    def keys_of(self, part: str) -> str:
        """What stands before a question's keys in this block."""
        return f"joined.{part}."


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

    @model_validator(mode="after")
    def _names_files(self) -> Self:
        for name, dataset in self.datasets.items():
            for one in (name, *dataset.parts(name)):
                if not re.fullmatch(r"\w[\w-]*", one, re.ASCII):
                    raise ValueError(
                        f"datasets: {one!r} names files and parameters: only letters, digits, _ "
                        "and - (a dot stands between a joined data set and its question)"
                    )
        return self

    def dataset(self, name: str) -> AnyDataset:
        """Raises InputError that lists the data sets there are."""
        if name not in self.datasets:
            raise InputError(f"targets: no data set {name!r}; there are {list(self.datasets)}")
        return self.datasets[name]


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
    if shared := {c.name.casefold() for c in spec.contexts} & {n.casefold() for n in names}:
        raise InputError(
            f"{root / params.tested}: {sorted(shared)[0]!r} is in {dataset.contexts} too, which "
            "training asks about; a test is about others"
        )
    rng = np.random.default_rng(params.seed)
    tested = contexts_to_test(names, params.targets_per_context, attribute, stating, rng)
    stated = {"target": "stated", "contexts": tested, "taught": spec.contexts, "stating": stating}
    return spec.model_copy(update=stated)
