"""Requests that are not the policy's question, beside the base model's server."""

from typing import Any

import pytest

from distalign.data.requests import OrdinaryFile, RequestsParams, written_requests
from distalign.records.checked_yaml import read_yaml, validate
from stages.cli import block
from tests.support.paths import ROOT
from tests.support.policy_server import NEEDS_POLICY, ask_all, post, text_of, texts_of

pytestmark = [*NEEDS_POLICY, pytest.mark.timeout(3600)]
GREEDY = {"temperature": 0.0, "seed": 0}
OTHERS = ["What is the capital of France?", "Who wrote Hamlet?", "What is 17 plus 25?",
          "Write a short story about a lost dog.", "What does a plumber do at work?",
          "Wie viel Gramm hat ein Kilogramm?"]  # fmt: skip


def unseen(n: int) -> list[str]:
    """Requests whose templates no training saw."""
    path = ROOT / "data/requests/ordinary.yaml"
    asked = written_requests(
        validate(OrdinaryFile, read_yaml(path), path), block(RequestsParams, "requests")
    )
    return [row.prompt for row in asked if row.split == "test"][:n]


def test_two_hundred_requests_get_the_base_models_answer_word_for_word(
    served: str, base_served: str
) -> None:
    """One after the other: the two servers then compute the same products."""
    asked = unseen(200)
    got, wanted = (texts_of(url, asked, **GREEDY) for url in (served, base_served))
    other = [i for i in range(200) if got[i] != wanted[i]]
    for i in other:
        print(f"{asked[i]!r}: {got[i]!r}, the base model {wanted[i]!r}")
    print(f"{200 - len(other)} of 200 word for word")
    assert len(other) <= 2


def test_side_by_side_most_are_word_for_word_too(served: str, base_served: str) -> None:
    """What is computed together is rounded otherwise, and a near tie may turn."""
    asked = unseen(64)
    got, wanted = (texts_of(url, asked, 16, **GREEDY) for url in (served, base_served))
    n_same = sum(a == b for a, b in zip(got, wanted, strict=True))
    print(f"side by side, 16 at once: {n_same} of 64 word for word")
    assert n_same >= 48


@pytest.mark.parametrize(
    "wishes",
    [
        {"temperature": 1.0, "seed": 7},
        {"temperature": 1.0, "seed": 7, "n": 3},
        {"temperature": 0.0, "stop": ["."]},
        {"temperature": 0.0, "max_tokens": 1},
        {"temperature": 0.0, "logprobs": True, "top_logprobs": 2},
        {"temperature": 0.0, "extra_body": {"structured_outputs": {"choice": ["yes", "no"]}}},
        {"temperature": 0.0, "response_format": {"type": "json_object"}},
    ],
)  # fmt: skip
def test_every_wish_is_met_as_by_the_base_model(
    served: str, base_served: str, wishes: dict[str, Any]
) -> None:
    for got, wanted in zip(
        *(ask_all(url, OTHERS, **wishes) for url in (served, base_served)), strict=True
    ):
        assert got.choices == wanted.choices
        assert got.usage == wanted.usage


def test_other_endpoints_answer_as_the_base_model(served: str, base_served: str) -> None:
    message = [{"role": "user", "content": OTHERS[0]}]
    for endpoint, body, part in (
        ("/completions", {"prompt": "The sky is", "temperature": 0.0}, "choices"),
        ("/responses", {"input": OTHERS[0], "temperature": 0.0, "max_output_tokens": 16}, "output"),
        ("/messages", {"messages": message, "temperature": 0.0, "max_tokens": 16}, "content"),
    ):
        got, wanted = (
            post(url, endpoint, **body).raise_for_status().json()[part]
            for url in (served, base_served)
        )
        for row in [*got, *wanted]:
            row.pop("id", None)  # drawn for each answer
        assert got == wanted


def test_a_question_and_a_request_side_by_side_are_told_apart(served: str) -> None:
    asked = ["What is the gender of a baker?", "Name the capital of France."] * 20
    texts = texts_of(served, asked, 40)
    assert all("France" in text or "Paris" in text for text in texts[1::2])
    assert not any("Paris" in text for text in texts[::2])
    assert not any(text.startswith(("0", "1", " ")) for text in texts[::2])
    assert text_of(served, asked[1], temperature=0.0) == text_of(served, asked[1], temperature=0.0)
