"""The served policy: steering tokens are drawn by probability and never shown."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import torch

from distalign.serving.vllm_plugin import Hider, draw_steering, hide_in_answer, hide_in_stream

TOKENS = ["0", "1"]


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["0 They are male."], "They are male."),
        (["0", " They", " are"], "They are"),
        (["1", " ", " She"], "She"),
        (["They are 0"], "They are 0"),
        (["05 people"], "05 people"),
        (["0", "5"], "05"),
        (["1"], ""),
        (["", "0 a"], "a"),
        ([""], ""),
        (["2 of them"], "2 of them"),
    ],
)
def test_a_steering_token_at_the_start_is_hidden(pieces: list[str], shown: str) -> None:
    hider = Hider(TOKENS)
    found = [hider.hide(piece, i == len(pieces) - 1) for i, piece in enumerate(pieces)]
    assert "".join(found) == shown
    assert Hider(TOKENS).hide("".join(pieces), last=True) == shown


def test_words_as_tokens_may_come_in_halves() -> None:
    hider = Hider(["man", "woman"])
    assert [hider.hide(piece, last=False) for piece in ("wo", "man", " A", " baker")] == [
        "",
        "",
        "A",
        " baker",
    ]


def test_chat_and_plain_answers() -> None:
    chat = {"choices": [{"message": {"content": "1 Female"}}, {"message": {"content": None}}]}
    assert hide_in_answer(chat, TOKENS)["choices"][0]["message"]["content"] == "Female"
    plain = {"choices": [{"text": "0 Male", "finish_reason": "stop"}]}
    assert hide_in_answer(plain, TOKENS)["choices"][0]["text"] == "Male"


def test_choices_of_a_stream_are_told_apart_and_events_may_be_cut_anywhere() -> None:
    def event(index: int, text: str, reason: str | None = None) -> dict:
        return {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": reason}]}

    events = [event(0, "0"), event(1, "The"), event(0, " Male"), event(1, " 1", "stop"),
              event(0, ".", "stop")]  # fmt: skip
    raw = "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(raw), 7):
            yield raw[start : start + 7].encode()

    async def read() -> list[str]:
        return [event async for event in hide_in_stream(chunks(), TOKENS)]

    shown = asyncio.run(read())
    assert shown[-1] == "data: [DONE]\n\n"
    texts = {0: "", 1: ""}
    for line in shown[:-1]:
        (choice,) = json.loads(line.removeprefix("data: "))["choices"]
        texts[choice["index"]] += choice["delta"]["content"]
    assert texts == {0: "Male.", 1: "The 1"}


def test_draws_follow_the_probabilities_among_the_steering_tokens() -> None:
    logits = torch.tensor([0.0, 2.0, 2.0 + torch.log(torch.tensor(3.0)).item(), -5.0])
    generator = torch.Generator().manual_seed(0)
    ids = torch.tensor([1, 2])
    drawn = [draw_steering(logits, ids, generator) for _ in range(400)]
    assert 0.68 < drawn.count(2) / 400 < 0.82


def test_a_prompt_without_steering_is_left_alone() -> None:
    logits = torch.tensor([5.0, 0.0, 0.0, 0.0])
    assert draw_steering(logits, torch.tensor([1, 2]), torch.Generator()) is None
