"""The base model as the one that asks and answers ordinary requests."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from distalign.data.requests import Asked
from distalign.engines.engine import Decoding, Engine
from distalign.models.chat import chat_ids
from distalign.records.requests import Request
from distalign.records.schemas import SPLITS, Split

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SENTINEL = "distalign"
REQUEST_TOKENS = 40
# Top-p would sort the vocabulary at each token, which takes longer than the model does.
TOP_K = 50
# More are drawn than wanted: some are not ended, or too short to be a request.
SURPLUS = 1.6
MINIMUM_WORDS = 3


def user_turn(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Token ids of a chat up to where the user's words begin."""
    ids = chat_ids(tokenizer, SENTINEL)
    head = tokenizer.decode(ids).split(SENTINEL)[0]
    return tokenizer(head, add_special_tokens=False)["input_ids"]


def ask_itself(
    engine: Engine, tokenizer: "PreTrainedTokenizerBase", n: int, seed: int
) -> list[str]:
    """About n requests as the model expects them of a user: its continuations of an empty turn.

    After Xu et al., Magpie (arXiv 2406.08464).
    """
    head = user_turn(tokenizer)
    decoding = Decoding(temperature=1.0, top_p=1.0, top_k=TOP_K, max_tokens=REQUEST_TOKENS)
    drawn = engine.generate([head] * round(SURPLUS * n), decoding, seed)
    whole = [row.token_ids for row in drawn if len(row.token_ids) < REQUEST_TOKENS]
    texts = [text.strip() for text in tokenizer.batch_decode(whole, skip_special_tokens=True)]
    return [text for text in texts if len(text.split()) >= MINIMUM_WORDS]


def answer(
    engine: Engine,
    tokenizer: "PreTrainedTokenizerBase",
    asked: Sequence[Asked],
    max_tokens: dict[Split, int],
    seed: int,
) -> list[Request]:
    """The model's own answers, drawn at temperature 1 and cut after some tokens of their split."""
    rows: list[Request] = []
    for place, split in enumerate(SPLITS):
        of_split = [item for item in asked if item.split == split]
        limit = max_tokens[split]
        decoding = Decoding(temperature=1.0, top_p=1.0, top_k=0, max_tokens=limit)
        prompts = [chat_ids(tokenizer, item.prompt) for item in of_split]
        drawn = engine.generate(prompts, decoding, seed + place)
        rows += [
            Request(
                **item._asdict(),
                answer=tokenizer.decode(seen.token_ids),
                ended=len(seen.token_ids) < limit,
            )
            for item, seen in zip(of_split, drawn, strict=True)
        ]
    return rows
