"""Prompts of a data set, as the stage `paraphrase` writes them."""

from collections.abc import Iterable, Sequence

from distalign.records.schemas import DatasetSpec, Prompt, Split


def asked(
    spec: DatasetSpec, wording: str, numbers: Iterable[int], splits: Sequence[Split] = ("test",)
) -> list[Prompt]:
    """A prompt a context, split and number; `wording` has slots for them."""
    numbers = list(numbers)
    return [
        Prompt(
            setting="attribute",
            context=context.name,
            split=split,
            prompt=wording.format(number=number, context=context.name, split=split),
            source="grammar",
        )
        for context in spec.contexts
        for split in splits
        for number in numbers
    ]
