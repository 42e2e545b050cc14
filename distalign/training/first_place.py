"""Whether training's rows begin where sampling's answers do: at the steering token."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from distalign.models.chat import chat_ids
from distalign.models.steering import Steering
from distalign.records.schemas import InputError, Preference

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase


def token_rows(data: "Dataset") -> Iterator[tuple[list[int], list[int]]]:
    """(prompt, completion) token ids of a data set as TRL's trainers have tokenised it."""
    columns = set(data.column_names)
    if "input_ids" in columns:
        masks = data["completion_mask"] if "completion_mask" in columns else None
        masks = masks or [[int(label != -100) for label in row] for row in data["labels"]]
        for ids, mask in zip(data["input_ids"], masks, strict=True):
            yield ids[: mask.index(1)], ids[mask.index(1) :]
        return
    for column in sorted(columns & {"completion_ids", "chosen_ids", "rejected_ids"}):
        yield from zip(data["prompt_ids"], data[column], strict=True)


def check_first_place(
    data: "Dataset",
    tokenizer: "PreTrainedTokenizerBase",
    rows: Sequence[Preference],
    steering: Steering | None,
) -> None:
    """Every prompt is one that sampling would ask, every completion starts with its steering token.

    Args:
        data: tokenised rows, see `token_rows`.
        rows: what they were made of.
        steering: None for training on bare responses.

    Raises:
        InputError: shows the row where the chat template puts something between.
    """
    asked = {tuple(chat_ids(tokenizer, prompt)) for prompt in {row.prompt for row in rows}}
    for prompt, completion in token_rows(data):
        if tuple(prompt) not in asked:
            raise InputError(
                f"training: a row's prompt ends with {tokenizer.decode(prompt[-12:])!r}, no prompt "
                "that is sampled does; the chat template changes a prompt that has an answer"
            )
        if steering is not None and completion[0] not in steering.ids:
            raise InputError(
                f"training: a row begins with {tokenizer.decode(completion[:4])!r}, not with a "
                f"steering token {steering.tokens}"
            )
