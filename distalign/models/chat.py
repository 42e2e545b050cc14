"""A user's turn and the answer to it, as the model reads them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from distalign.records.schemas import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QUESTION = "What is it?"
REST = "They are."


def turns(prompt: str, answer: str | None = None) -> list[dict[str, str]]:
    """A user's turn, and the assistant's if there is one."""
    asked = [{"role": "user", "content": prompt}]
    return asked if answer is None else [*asked, {"role": "assistant", "content": answer}]


def chat_ids(tokenizer: "PreTrainedTokenizerBase", prompt: str) -> list[int]:
    """Token ids of a user's turn, up to where the assistant's begins."""
    return tokenizer.apply_chat_template(
        turns(prompt), add_generation_prompt=True, return_dict=True
    )["input_ids"]


def answer_ids(tokenizer: "PreTrainedTokenizerBase", prompt: str, answer: str) -> list[int]:
    """Token ids of an answer in its turn, to the turn's end, after those of `chat_ids`.

    Raises:
        InputError: the turn does not go on where `chat_ids` ends.
    """
    asked = chat_ids(tokenizer, prompt)
    whole = tokenizer.apply_chat_template(turns(prompt, answer), return_dict=True)["input_ids"]
    if whole[: len(asked)] != asked:
        raise InputError(
            f"chat template: a prompt ends with {tokenizer.decode(asked[-8:])!r}, and the turn of "
            f"an answer goes on from elsewhere: {tokenizer.decode(whole[len(asked) - 8 :])!r}"
        )
    return whole[len(asked) :]


def first_items(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> list[int]:
    """The vocabulary item at the first place of an answer that begins with each text.

    It depends on what the template puts before: SentencePiece writes a word after a line break
    in another way than a word alone.
    """
    return [answer_ids(tokenizer, QUESTION, f"{text} {REST}")[0] for text in texts]
