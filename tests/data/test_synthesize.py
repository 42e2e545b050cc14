import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distalign.data.responses import accept_answer
from distalign.data.synthesize import (
    Accept,
    SynthesizeParams,
    draw_base,
    largest_remainder,
    spread,
    write_pool,
)
from distalign.judging.words import read_category
from distalign.records.files import write_jsonl
from distalign.records.schemas import Context, DatasetSpec, InputError, Prompt, Response
from tests.support.chat_server import Body, ChatServer, Connect

TEXTS = [
    "It is a {}.",
    "Probably {}.",
    "Usually {}, I would say.",
    "These are {}.",
    "They would be {}.",
    "That is {}.",
]
BAD = ["Not {}.", "male or female.", "{}", "The gender is unknown.", "They are male, {} female."]


def answer(body: Body) -> str:
    """Good and bad answers in turn, chosen by the request's seed."""
    word = re.search(r"Say that the answer is (\w+)\.$", body["messages"][-1]["content"])[1]
    texts = TEXTS if body["seed"] % 2 else BAD
    return texts[body["seed"] // 2 % len(texts)].format(word) + "\nAnd more."


def accept(spec: DatasetSpec) -> Accept:
    writing = spec.attribute.question("attribute").responses
    return lambda answer, category, context: accept_answer(
        answer, category, context, writing, spec.attribute
    )


def params(**changes: int) -> SynthesizeParams:
    fields = {"seed": 0, "responses": 100, "pool": 5, "requests_per_response": 12}
    fields["max_tokens"] = 24
    return SynthesizeParams(**(fields | changes))


@pytest.fixture
def prompts(spec: DatasetSpec) -> list[Prompt]:
    return [
        Prompt(
            setting="attribute",
            context=c.name,
            split=split,
            prompt=f"{split} {i} {c.name}?",
            source="grammar",
        )
        for c in spec.contexts
        for split in ("train", "test")
        for i in range(7)
    ]


def make(
    spec: DatasetSpec,
    prompts: list[Prompt],
    connect: Connect,
    seed: int = 0,
    store: str = "store",
    **changes: int,
) -> tuple[list[Response], list[Response]]:
    rng = np.random.default_rng(seed)
    pool = write_pool(spec, "attribute", params(**changes), accept(spec), connect(store), rng)
    return pool, draw_base(spec, prompts, pool, 100, rng)


def test_counts_are_the_largest_remainder(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec, prompts: list[Prompt]
) -> None:
    chat_server.answer = answer
    pool, base = make(spec, prompts, connect)
    for context in spec.contexts:
        rows = [row for row in base if row.context == context.name]
        counts = [sum(row.category == name for row in rows) for name in spec.categories]
        assert counts == largest_remainder(context.target, 100)
        assert {row.prompt for row in rows} == {f"train {i} {context.name}?" for i in range(7)}
    texts = {(row.context, row.category, row.response) for row in pool}
    assert {(row.context, row.category, row.response) for row in base} <= texts


def test_every_response_is_read_as_its_category(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec, prompts: list[Prompt]
) -> None:
    chat_server.answer = answer
    pool, base = make(spec, prompts, connect)
    for row in [*pool, *base]:
        assert read_category(row.response, spec.attribute, row.context) == row.category
    assert {row.source for row in pool} == {"llm"}
    assert len(pool) == len({(row.context, row.category, row.response) for row in pool}) == 30


def test_garbage_leaves_the_written_frames(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec, prompts: list[Prompt]
) -> None:
    chat_server.answer = lambda body: "I cannot say."
    pool, base = make(spec, prompts, connect, requests_per_response=2)
    assert {row.source for row in pool} == {"grammar"}
    assert len(pool) == 30
    assert len(chat_server.bodies) == 2 * 30
    assert len(base) == 300


def test_category_without_any_response_is_named(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = lambda body: "I cannot say."
    with pytest.raises(InputError, match="no usable response of 'Male' for 'Civil engineers'"):
        write_pool(
            spec,
            "attribute",
            params(requests_per_response=1),
            lambda answer, category, context: None,
            connect(),
            np.random.default_rng(0),
        )


def test_stories_are_asked_for_by_category(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    def tell(body: Body) -> str:
        asked = body["messages"][-1]["content"]
        assert body["max_completion_tokens"] == 90
        assert asked.count("Write two or three sentences") == 1
        who = "She" if "woman" in asked else "He"
        return f"{who} worked all day {body['seed']}."

    def accept(answer: str, category: str, context: str) -> str | None:
        return answer if ("She" in answer) == (category == "Female") else None

    chat_server.answer = tell
    pool = write_pool(
        spec, "story", params(max_tokens=90), accept, connect(), np.random.default_rng(0)
    )
    assert len(pool) == 30
    assert {row.setting for row in pool} == {"story"}
    assert {row.source for row in pool} == {"llm"}
    for row in pool:
        assert row.response.startswith("She" if row.category == "Female" else "He")


def test_seed_decides_the_bytes(
    chat_server: ChatServer,
    connect: Connect,
    spec: DatasetSpec,
    prompts: list[Prompt],
    tmp_path: Path,
) -> None:
    chat_server.answer = answer
    written = []
    for seed, store in ((1, "a"), (1, "b"), (2, "c")):
        pool, base = make(spec, prompts, connect, seed, store)
        write_jsonl(tmp_path / "rows.jsonl", [*pool, *base])
        written.append((tmp_path / "rows.jsonl").read_bytes())
    assert written[0] == written[1]
    assert written[0] != written[2]


@pytest.mark.parametrize("counts", [[50, 50], [90, 10], [99, 1], [0, 100], [37, 3, 60], [1, 1, 1]])
def test_every_prefix_is_balanced(counts: list[int]) -> None:
    total, k = sum(counts), len(counts)
    for seed in range(20):
        order = spread(counts, np.random.default_rng(seed))
        assert [order.count(i) for i in range(k)] == counts
        for i, count in enumerate(counts):
            share = count / total
            seen = np.cumsum(np.array(order) == i)
            # Each category is less than one row from its place: at most this many in all.
            bound = (1 - share) + (k - 1) * share
            assert np.abs(seen - share * np.arange(1, total + 1)).max() < bound + 1e-9


def test_spread_is_seeded() -> None:
    first, again, *others = (
        spread([30, 20, 50], np.random.default_rng(seed)) for seed in (1, 1, 2, 3)
    )
    assert first == again
    assert first not in others


def test_responses_for_a_long_name_are_written_ones(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    contexts = [Context(name=name, target=[0.5, 0.5]) for name in ("x" * 10_000, "bakers")]
    named = spec.model_copy(update={"contexts": contexts})
    chat_server.answer = answer
    rng = np.random.default_rng(0)
    pool = write_pool(named, "attribute", params(), accept(named), connect(), rng)
    assert {row.source for row in pool if row.context == "bakers"} >= {"llm"}
    assert {row.source for row in pool if row.context != "bakers"} == {"grammar"}
    assert all("xxx" not in str(body["messages"]) for body in chat_server.bodies)


@pytest.mark.parametrize(
    ("target", "n", "counts"),
    [
        ([0.5, 0.5], 100, [50, 50]),
        ([1 / 3, 1 / 3, 1 / 3], 100, [34, 33, 33]),
        ([0.46, 0.34, 0.2], 7, [3, 2, 2]),  # quotas 3.22, 2.38, 1.4
        ([0.7, 0.2, 0.1], 1, [1, 0, 0]),
        ([0.29, 0.71], 100, [29, 71]),  # 0.29 * 100 is a little less than 29
        ([0.0, 1.0], 100, [0, 100]),
        ([0.005, 0.995], 100, [1, 99]),  # a tie: the earlier one
        ([0.145, 0.855], 100, [15, 85]),  # a tie, though 0.145 * 100 is a little less than 14.5
    ],
)
def test_largest_remainder_by_hand(target: list[float], n: int, counts: list[int]) -> None:
    assert largest_remainder(target, n) == counts


@given(
    weights=st.lists(st.integers(0, 10**6), min_size=2, max_size=8).filter(any),
    n=st.integers(1, 10_000),
)
def test_largest_remainder_adds_up(weights: list[int], n: int) -> None:
    target = [weight / sum(weights) for weight in weights]
    counts = largest_remainder(target, n)
    assert sum(counts) == n
    assert min(counts) >= 0
    assert all(abs(count - n * p) < 1 + 1e-6 for count, p in zip(counts, target, strict=True))
