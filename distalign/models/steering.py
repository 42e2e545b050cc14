"""Steering tokens: which vocabulary items they are, and how they join a response."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from distalign.models.chat import first_items
from distalign.records.schemas import Attribute, InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ADDED = "added"
STEERED_MASS = 0.5
"""With less probability than this on the steering tokens, or added to the base model's own there,
a question is none of the policy's."""


class Steering(BaseModel):
    """The steering tokens of a policy, in the order of the categories."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    form: str
    tokens: list[str]
    ids: list[int]


def resolve(tokenizer: "PreTrainedTokenizerBase", attribute: Attribute, form: str) -> Steering:
    """Find each category's steering token in the vocabulary; form `added` adds it first.

    It is the item that the chat template yields at the first place of an answer.

    Added tokens are ordinary ones, not special: a decoder that skips special tokens keeps
    them, so a response always shows where it was steered.

    Raises:
        InputError: a category has no such form, or a token is not one vocabulary item.
    """
    tokens = []
    for category in attribute.categories:
        if form not in category.tokens:
            raise InputError(
                f"attribute {attribute.name!r}: {category.name} has no steering token of form "
                f"{form!r}; there are {list(category.tokens)}"
            )
        tokens.append(category.tokens[form])
    if form == ADDED:
        tokenizer.add_tokens(tokens)
    ids = first_items(tokenizer, tokens)
    found = [tokenizer.decode([item]).strip() for item in ids]
    split = [token for token, text in zip(tokens, found, strict=True) if text != token]
    if split or len(set(ids)) != len(ids):
        raise InputError(
            f"attribute {attribute.name!r}: steering tokens {split or tokens} must each be one "
            f"item of the vocabulary where an answer begins, and differ; there stand {found}; "
            f"choose others or the form {ADDED!r}"
        )
    return Steering(form=form, tokens=tokens, ids=ids)


def steered(token: str, response: str) -> str:
    """[τ; r] of equations 7-9."""
    return f"{token} {response}"


@dataclass(frozen=True)
class Split:
    """A response taken apart: index of the category whose token starts it, and the rest."""

    category: int | None
    token_ids: list[int]


def split_response(token_ids: Sequence[int], steering: Steering) -> Split:
    """Strip the steering token where training put it: first, and nowhere else."""
    if token_ids and token_ids[0] in steering.ids:
        return Split(steering.ids.index(token_ids[0]), list(token_ids[1:]))
    return Split(None, list(token_ids))
