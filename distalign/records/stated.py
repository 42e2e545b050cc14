"""How a prompt states its target: the phrasings of a data set, and one statement."""

from string import Formatter
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Split = Literal["train", "validation", "test"]
Kind = Literal["percent", "decimal", "count", "words", "ratio"]


VALUES: dict[Kind, set[str]] = {
    "percent": {"percent"},
    "decimal": {"decimal"},
    "count": {"count", "of"},
    "words": {"count_word", "of_word"},
    "ratio": {"count"},
}
"""Slots of an item's text, beside {word}."""
MOST_IN_WORDS = 20


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Part):
    """How the share of one category is said."""

    kind: Kind
    text: str
    of: list[int] = Field(min_length=1)
    """Shares are rounded to whole parts of one of these."""
    short: bool = False
    """The last category may be left out: its share is what remains."""
    join: str = ", "
    last: str = " and "

    @model_validator(mode="after")
    def _can_be_said(self) -> Self:
        wanted, most = VALUES[self.kind], MOST_IN_WORDS if self.kind == "words" else None
        found = {slot for _, slot, _, _ in Formatter().parse(self.text) if slot is not None}
        if "word" not in found or not (own := found - {"word"}) or not own <= wanted:
            raise ValueError(f"{self.text!r}: takes {{word}} and of {sorted(wanted)}, has {found}")
        if min(self.of) < 1 or (most is not None and max(self.of) > most):
            raise ValueError(f"of = {self.of}: from 1{f' to {most}' if most else ''}")
        return self


class Named(_Part):
    """A word for a share of one of two categories, as "mostly"."""

    text: str
    share: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _names_a_category(self) -> Self:
        if self.text.count("{word}") != 1 or self.text.count("{") != 1:
            raise ValueError(f"{self.text!r}: {{word}} must stand in it once, and no other slot")
        return self


class Phrasings(_Part):
    """What the statements of one split are made of."""

    items: list[Item] = Field(min_length=1)
    named: list[Named]
    frames: list[str] = Field(min_length=1)
    """Whole prompts, with the slots {question} and {shares} once each."""

    @model_validator(mode="after")
    def _frames_hold_both(self) -> Self:
        for frame in self.frames:
            if (frame.count("{question}"), frame.count("{shares}"), frame.count("{")) != (1, 1, 2):
                raise ValueError(f"frames: {frame!r}: {{question}} and {{shares}} once each")
        return self


class Widening(_Part):
    """How many of the phrasings for training a step draws from, the first ones of each list."""

    begins: float = Field(ge=0, lt=1)
    """As a share of the steps."""
    items: int | None = Field(ge=1)
    """As the two below: null is all."""
    frames: int | None = Field(ge=1)
    named: int | None = Field(ge=0)


class PhrasingFile(_Part):
    """data/stated/phrasings.yaml."""

    train: Phrasings
    validation: Phrasings
    test: Phrasings
    curriculum: list[Widening] = []
    """How a training's phrasings widen; empty: all from the first step on."""

    @model_validator(mode="after")
    def _widens_from_the_start(self) -> Self:
        begins = [one.begins for one in self.curriculum]
        if begins and (begins[0] != 0 or begins != sorted(set(begins))):
            raise ValueError(f"curriculum: `begins` rises from 0, and is {begins}")
        return self

    def at(self, share: float) -> "PhrasingFile":
        """The phrasings after a share of the steps."""
        now = [one for one in self.curriculum if one.begins <= share]
        if not now:
            return self
        own, sizes = self.train, now[-1]
        some = {
            "items": own.items[: sizes.items],
            "frames": own.frames[: sizes.frames],
            "named": own.named[: sizes.named],
        }
        return self.model_copy(update={"train": own.model_copy(update=some)})


class Statement(_Part):
    """How a prompt says its target."""

    kind: Kind | Literal["named"]
    split: Split
    """Of the phrasing: `train` has been shown to the policy."""
    shares: str
    """As "80 % female"."""
    frame: str


class Stating(_Part):
    """How the targets of a training are drawn and stated."""

    alpha: float = Field(gt=0)
    """Of the symmetric Dirichlet distribution of targets; 1 is even over the simplex."""
    unstated: float = Field(ge=0, lt=1)
    """Share of the training prompts that state nothing: these have the even target."""
    phrasings: PhrasingFile
