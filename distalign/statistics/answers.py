"""Answers that exist already, of any model or survey: read with their targets, and summed up."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from distalign.records.checked_yaml import near
from distalign.records.rows import Row, read_rows
from distalign.records.schemas import (
    Attribute,
    Category,
    Context,
    DatasetSpec,
    InputError,
    Judgement,
)
from distalign.statistics.score import Metrics

# As far as rounding to three digits may take the shares of some categories.
OFF_ONE = 0.005
SHOWN = ("mae", "floor", "ratio", "deviation", "w1", "w1_floor")


def read_targets(path: Path, ordered: bool = False, normalise: bool = False) -> DatasetSpec:
    """The contexts and categories of a targets file; what rounding has left off 1 is mended.

    Args:
        ordered: the columns are steps of a scale, in their order.
        normalise: take shares that add up to anything but 0, percentages and counts too.

    Raises:
        InputError: naming the file, the line and what is wrong there.
    """
    contexts: dict[str, Context] = {}
    categories: list[str] = []
    for line, row in _rows(path, ["context"]):
        where, name = f"{path}:{line}", row.pop("context")
        categories = list(row)
        if len(categories) < 2:
            raise InputError(f"{where}: {categories}; two categories or more have a column each")
        if not name or name in contexts:
            raise InputError(f"{where}: context {name!r} is empty or there twice; name each once")
        target = [_share(value, where, category, normalise) for category, value in row.items()]
        if abs(sum(target) - 1) > OFF_ONE and not (normalise and sum(target) > 0):
            raise InputError(
                f"{where}: the shares add up to {sum(target):g}; make it 1, or use --normalise"
            )
        contexts[name] = Context(name=name, target=[share / sum(target) for share in target])
    if not contexts:
        raise InputError(f"{path}: no context; write a row for each")
    attribute = Attribute(
        name=path.stem,
        categories=[Category(name=name, words=[name], tokens={}) for name in categories],
        ordered=ordered,
        homonyms=[],
        settings={},
    )
    return DatasetSpec(
        name=path.stem, target="real", attribute=attribute, contexts=list(contexts.values())
    )


def answer_rows(path: Path, column: str, spec: DatasetSpec) -> list[tuple[int, Row]]:
    """(line, row) of each answer, which stands in a column beside its context.

    Raises:
        InputError: naming file and line: a column is missing, or a context has no target.
    """
    rows = _rows(path, ["context", column])
    for line, row in rows:
        _known(f"{path}:{line}", "context", row["context"], [c.name for c in spec.contexts])
    return rows


def read_answers(path: Path, spec: DatasetSpec) -> list[Judgement]:
    """The answers as judged rounds.

    Raises:
        InputError: naming the file, the line, and near names for unknown ones.
    """
    answers = []
    for line, row in answer_rows(path, "category", spec):
        category, refused = row["category"], row.get("refused", "")
        if category:
            _known(f"{path}:{line}", "category", category, spec.categories)
        if refused not in ("", "yes") or (refused and category):
            raise InputError(
                f"{path}:{line}: refused = {refused!r}; write yes where an answer without a "
                "category says that it does not tell, else leave it empty"
            )
        answers.append(
            Judgement(
                context=row["context"],
                round=line,
                prompt="",
                text=category,
                drawn=None,
                probabilities=None,
                mass=None,
                category=category or None,
                refused=bool(refused),
                judge="given",
            )
        )
    if not answers:
        raise InputError(f"{path}: no answer; write a row for each")
    return answers


def _known(where: str, column: str, value: str, names: Sequence[str]) -> None:
    if value not in names:
        raise InputError(f"{where}: {column} {value!r} has no target; {near(value, names)}")


def _rows(path: Path, columns: Sequence[str]) -> list[tuple[int, Row]]:
    """(line, row) of a table that has these columns."""
    header, rows = read_rows(path)
    for column in columns:
        if column not in header:
            raise InputError(f"{path}:1: no column {column!r}; {near(column, header)}")
    return rows


def _share(value: str, where: str, category: str, normalise: bool) -> float:
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= (sys.float_info.max if normalise else 1):
        kind = "a number from 0" if normalise else "a share from 0 to 1, or use --normalise"
        raise InputError(f"{where}: {category} = {value!r}; write {kind}")
    return share


def draw_shares(table: pd.DataFrame, path: Path) -> None:
    """Observed share with its interval over the target share, a colour a category, as SVG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="target share", ylabel="observed share")
    axes.axline((0, 0), slope=1, color="grey", linewidth=1)
    for category, rows in table.dropna(subset=["observed"]).groupby("category", sort=False):
        observed = rows["observed"]
        bars = [(observed - rows["low"]).clip(0), (rows["high"] - observed).clip(0)]
        axes.errorbar(
            rows["target"],
            observed,
            bars,
            fmt="o",
            label=category.replace("$", r"\$"),
            elinewidth=1,
        )
    if axes.containers:  # an answer was valid
        axes.legend()
    figure.savefig(path, metadata={"Date": None})


def summary(metrics: Metrics) -> str:
    """The figures that say most, a line each."""
    lines = [f"{metrics['n_valid']} of {metrics['n_rounds']} answers valid"]
    misaligned = metrics["n_misaligned"]
    told = "" if misaligned is None else f", {misaligned} of them misaligned"
    lines += [f"{metrics['n_contexts']} contexts{told}"]
    for key in (key for key in SHOWN if key in metrics):
        low, high = (metrics.get(f"{key}_{end}") for end in ("low", "high"))
        interval = "" if low is None else f" [{low:.4f}, {high:.4f}]"
        value = "none" if metrics[key] is None else f"{metrics[key]:.4f}"
        lines.append(f"{key:10} {value}{interval}")
    return "\n".join(lines)
