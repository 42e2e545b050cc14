"""How a prompt states its target: the phrasings of a data set, and one statement."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Split = Literal["train", "validation", "test"]
Kind = Literal["percent", "decimal", "count", "words", "ratio"]


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


class Named(_Part):
    """A word for a share of one of two categories, as "mostly"."""

    text: str
    share: float = Field(ge=0, le=1)


class Phrasings(_Part):
    """What the statements of one split are made of."""

    items: list[Item] = Field(min_length=1)
    named: list[Named]
    frames: list[str] = Field(min_length=1)
    """Whole prompts, with the slots {question} and {shares} once each."""


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
