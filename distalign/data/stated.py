"""Targets that a prompt states: phrasings of shares, and the prompts that carry them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from distalign.data.synthesize import largest_remainder
from distalign.records.checked_yaml import read_yaml, validate
from distalign.records.schemas import Attribute, Split, Statement

NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
).split()


class Item(BaseModel):
    """How the share of one category is said."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["percent", "decimal", "count", "words", "ratio"]
    text: str
    of: list[int] = Field(min_length=1)
    """Shares are rounded to whole parts of one of these."""
    short: bool = False
    """The last category may be left out: its share is what remains."""
    join: str = ", "
    last: str = " and "


class Named(BaseModel):
    """A word for a share of one of two categories, as "mostly"."""

    model_config = ConfigDict(extra="forbid")
    text: str
    share: float = Field(ge=0, le=1)


class Phrasings(BaseModel):
    """What statements of one split are made of."""

    model_config = ConfigDict(extra="forbid")
    items: list[Item] = Field(min_length=1)
    named: list[Named]
    frames: list[str] = Field(min_length=1)


class PhrasingFile(BaseModel):
    """data/stated/phrasings.yaml."""

    model_config = ConfigDict(extra="forbid")
    train: Phrasings
    validation: Phrasings
    test: Phrasings

    def of(self, split: Split) -> Phrasings:
        return getattr(self, split)


def read_phrasings(path: Path) -> PhrasingFile:
    """Raises InputError naming the file and the key."""
    return validate(PhrasingFile, read_yaml(path), path)


def state(
    shares: Sequence[float],
    attribute: Attribute,
    phrasings: Phrasings,
    split: Split,
    rng: np.random.Generator,
) -> tuple[list[float], Statement]:
    """A statement of about these shares, and the target that it states exactly.

    The shares are rounded to what the phrasing can say: whole percent, fifths, a word's share.

    Args:
        shares: (K,), in the order of the categories.
        split: the split of the phrasings, which the statement keeps.
    """
    words = [category.words[0] for category in attribute.categories]
    frame = phrasings.frames[rng.integers(len(phrasings.frames))]
    order = rng.permutation(len(words))
    named = phrasings.named if len(words) == 2 else []
    # All names together are met as often as two items.
    weights = np.array([1.0] * len(phrasings.items) + [2 / max(len(named), 1)] * len(named))
    chosen = rng.choice(len(weights), p=weights / weights.sum())
    if chosen >= len(phrasings.items):
        about = order[0]
        name = min(named, key=lambda one: (abs(one.share - shares[about]), one.text))
        target = [name.share if k == about else 1 - name.share for k in range(2)]
        text = name.text.format(word=words[about])
        return target, Statement(kind="named", split=split, shares=text, frame=frame)
    item = phrasings.items[chosen]
    whole = int(rng.choice(item.of))
    counts = largest_remainder(shares, whole)
    said = order[:-1] if item.short and rng.random() < 0.5 else order
    parts = [_part(item, counts[k], whole, words[k]) for k in said]
    text = item.join.join(parts[:-1]) + item.last * (len(parts) > 1) + parts[-1]
    target = [count / whole for count in counts]
    return target, Statement(kind=item.kind, split=split, shares=text, frame=frame)


def _part(item: Item, count: int, of: int, word: str) -> str:
    values = {"word": word, "count": count, "of": of, "decimal": f"{count / of:g}"}
    if "{percent}" in item.text:
        values["percent"] = f"{100 * count / of:g}"
    if item.kind == "words":
        values |= {"count_word": NUMBERS[count], "of_word": NUMBERS[of]}
    return item.text.format(**values)


def stated_prompt(question: str, statement: Statement) -> str:
    """The question with its statement; the statement begins with a capital where it is first."""
    shares = statement.shares
    if statement.frame.startswith("{shares}"):
        shares = shares[0].upper() + shares[1:]
    parts = statement.frame.split("{question}")
    return question.join(part.replace("{shares}", shares) for part in parts)


def dirichlet(alpha: float, n: int, rng: np.random.Generator, given: int | None = None) -> list:
    """Shares of n categories drawn from a symmetric Dirichlet distribution, (n,).

    With the category `given` they are drawn from the posterior after one answer of it: if the
    category is even over all rows, the category of a row then follows the row's own shares.
    """
    weights = np.full(n, alpha)
    if given is not None:
        weights[given] += 1
    return rng.dirichlet(weights).tolist()
