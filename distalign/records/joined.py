"""A data set of several questions, which one policy answers: its parts, and the rows of each.

A joined specification has the contexts of all its parts, each under a name with the part's in
front, and the categories of all. A part is a specification like any other. Stages that write,
judge or score go through the parts, and know nothing of the others; what trains and samples
sees the whole.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

from distalign.records.schemas import (
    Attribute,
    Category,
    Context,
    DatasetSpec,
    InputError,
    Judgement,
    Preference,
    Prompt,
    Response,
    Round,
)

Row = TypeVar("Row", Prompt, Response, Preference, Round, Judgement)
DIGITS = "digits"


def named(part: str, context: str) -> str:
    """What a part's context is called in the whole."""
    return f"{part}: {context}"


def join(name: str, parts: Sequence[DatasetSpec]) -> DatasetSpec:
    """The data set of several questions, in their order.

    A context's target has probability 0 for the categories of other questions. Categories of parts
    with one attribute are the same. The steering tokens of the form `digits`, which every attribute
    counts from 0, are counted anew where there are enough; a form in which two categories have one
    token, or one has none, is left out.

    Raises:
        InputError: two attributes share a category's name, or two parts ask the same about one
            context.
    """
    attributes = {part.attribute.name: part.attribute for part in parts}
    categories = all_categories(name, list(attributes.values()))
    names = [category.name for category in categories]
    asked: dict[tuple[str, str], str] = {}
    for part in parts:
        for context in part.contexts:
            other = asked.setdefault((part.attribute.name, context.name), part.name)
            if other != part.name:
                raise InputError(
                    f"targets.datasets.{name}: {other} and {part.name} both ask for the "
                    f"{part.attribute.name} of {context.name!r}; one question has one target"
                )
    kinds = {part.target for part in parts}

    def every(part: DatasetSpec, context: Context) -> Context:
        return Context(
            name=named(part.name, context.name),
            target=padded(context.target, part.categories, names),
            about=context.subject,
        )

    return DatasetSpec(
        name=name,
        target=parts[0].target if len(kinds) == 1 else "real",
        attribute=Attribute(
            name=name,
            categories=categories,
            homonyms=list(dict.fromkeys(h for a in attributes.values() for h in a.homonyms)),
            settings={},
        ),
        contexts=[every(part, context) for part in parts for context in part.contexts],
        taught=[every(part, context) for part in parts for context in part.taught],
        parts=list(parts),
    )


def padded(target: Sequence[float], own: Sequence[str], every: Sequence[str]) -> list[float]:
    """A target over all categories, 0 for those that are not its own."""
    shares = dict(zip(own, target, strict=True))
    return [shares.get(name, 0.0) for name in every]


def all_categories(name: str, attributes: Sequence[Attribute]) -> list[Category]:
    """The categories of several attributes, with tokens that tell all of them apart.

    Raises:
        InputError: two have one name.
    """
    categories = [category for attribute in attributes for category in attribute.categories]
    for category, times in Counter(category.name for category in categories).items():
        if times > 1:
            raise InputError(f"targets.datasets.{name}: {times} attributes have a {category!r}")
    tokens: dict[str, list[str]] = {}
    for form in dict.fromkeys(form for category in categories for form in category.tokens):
        own = [category.tokens.get(form, "") for category in categories]
        if form == DIGITS and len(categories) <= 10:
            own = [str(number) for number in range(len(categories))]
        if len({*own, ""}) == len(own) + 1:
            tokens[form] = own
    return [
        category.model_copy(update={"tokens": {form: own[k] for form, own in tokens.items()}})
        for k, category in enumerate(categories)
    ]


def questions(spec: DatasetSpec) -> list[DatasetSpec]:
    """The parts of a joined data set; of any other the data set itself."""
    return spec.parts or [spec]


def of_whole(rows: Sequence[Row], part: DatasetSpec, spec: DatasetSpec) -> list[Row]:
    """A part's rows as rows of the whole, with what their prompts state over all categories."""
    if part is spec:
        return list(rows)
    found = []
    for row in rows:
        changed: dict[str, Any] = {"context": named(part.name, row.context)}
        if isinstance(row, (Prompt, Preference)) and row.target is not None:
            changed["target"] = padded(row.target, part.categories, spec.categories)
        found.append(row.model_copy(update=changed))
    return found


def of_part(rows: Sequence[Row], part: DatasetSpec, spec: DatasetSpec) -> list[Row]:
    """The rows of the whole that are a part's, under its own names of contexts."""
    if part is spec:
        return list(rows)
    front = named(part.name, "")
    return [
        row.model_copy(update={"context": row.context.removeprefix(front)})
        for row in rows
        if row.context.startswith(front)
    ]


def judged_of_part(
    rows: Sequence[Judgement], part: DatasetSpec, spec: DatasetSpec
) -> list[Judgement]:
    """The judged rounds of a part, as if its question alone had steering tokens.

    Their probabilities are those of its own tokens, restricted to them; the mass is theirs too, so
    that what stands on tokens of other questions is lacking there. Where such a token was drawn, it
    stays the drawn one, and counts against the fidelity.
    """
    own = [spec.categories.index(name) for name in part.categories]
    found = []
    for row in of_part(rows, part, spec):
        if row.probabilities is not None and part is not spec:
            shares = [row.probabilities[k] for k in own]
            mass = None if row.mass is None else row.mass * sum(shares)
            restricted = [share / sum(shares) for share in shares]
            row = row.model_copy(update={"probabilities": restricted, "mass": mass})
        found.append(row)
    return found
