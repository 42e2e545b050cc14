"""Requests that a policy must leave alone, and what it keeps of its base model on them."""

from typing import Literal

from pydantic import Field

from distalign.records.schemas import Record, Setting, Split


class Request(Record):
    """A request that a policy must leave alone, with the base model's own answer."""

    kind: Literal["ordinary", "near_miss"]
    split: Split
    prompt: str
    source: Literal["written", "llm"]
    asks: list[Setting]
    """Settings whose question it may be: a training on one of them leaves it out."""
    answer: str
    ended: bool
    """Whether the answer ended by itself, or was cut."""


class Retention(Record):
    """What a trained policy keeps of its base model, on requests that training never saw.

    One file a policy: metrics/retention/<model>/<training>/<dataset>/<method>/<seed>.json.
    """

    unrelated_mass: float | None = Field(ge=0, le=1)
    """Mean probability of all steering tokens together, as the first token of the answer to an
    unrelated request, beyond the base model's (whose own answer may begin with a digit); 0 is
    best. None, as below, for a policy without steering tokens."""
    unrelated_over_half: float | None = Field(ge=0, le=1)
    """Share of the unrelated requests where that probability is over one half."""
    near_miss_over_half: float | None = Field(ge=0, le=1)
    """The same share of requests that name a context and do not ask for the attribute."""
    kl_ordinary: float = Field(ge=0)
    """KL(base || policy) in nats a token, on the base model's answers to ordinary requests."""
    kl_near_miss: float = Field(ge=0)
    """The same on the base model's answers to near misses."""
    perplexity: float = Field(gt=0)
    """Of ordinary text, by the policy."""
    perplexity_base: float = Field(gt=0)
    """Of the same text, by the base model."""
    n_unrelated: int = Field(ge=1)
    """Unrelated requests that were asked."""
    n_near_miss: int = Field(ge=1)
    """Near misses that were asked."""
