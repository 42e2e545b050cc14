"""A model behind an API as the sampled one, played by the test server."""

import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from distalign.judging.words import judge_round
from distalign.llm.endpoint import Endpoint, open_remote
from distalign.records.schemas import DatasetSpec, InputError, Round
from distalign.sampling.remote import (
    Forecast,
    RemoteParams,
    draw_remote,
    forecast_remote,
    plan_remote,
)
from distalign.statistics.score import ScoreParams, cell_metrics
from tests.support.asked import asked
from tests.support.chat_server import Body, ChatServer
from tests.support.sample_block import SAMPLE

N = 60
REMOTE = RemoteParams(
    model="tests/sampled",
    base_url=None,
    in_flight=16,
    temperature=1.0,
    seeded=True,
    budget=None,
)
Draw = Callable[..., list[Round]]


@pytest.fixture
def open_sampled(
    chat_server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[RemoteParams], Endpoint]:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return lambda params: open_remote(params, tmp_path / "store")


@pytest.fixture
def draw(
    spec: DatasetSpec, chat_server: ChatServer, open_sampled: Callable[[RemoteParams], Endpoint]
) -> Draw:
    """Sample a method's rounds; keys change the block, n the number of rounds."""
    prompts = asked(spec, "Wording {number}: what is the gender of {context}?", range(N))

    def draw(
        method: str = "zero_shot", n: int = N, seed: int = 0, **changes: object
    ) -> list[Round]:
        block = {key: changes.pop(key) for key in list(changes) if key in SAMPLE.model_fields_set}
        sample = SAMPLE.model_copy(update={"n": n, **block})
        params = RemoteParams.model_validate(
            REMOTE.model_dump() | {"base_url": chat_server.base_url} | changes
        )
        with open_sampled(params) as endpoint:
            planned = plan_remote(method, 16, spec, prompts, sample, params.model, seed)
            return draw_remote(endpoint, planned, method, spec, "rounds")

    return draw


def by_target(spec: DatasetSpec) -> Callable[[Body], str]:
    """A model that answers in the target's proportions, by the request's seed."""

    def answer(body: Body) -> str:
        text = body["messages"][0]["content"]
        context = next(context for context in spec.contexts if context.name in text)
        drawn = random.Random(body["seed"]).choices(spec.categories, context.target)[0]
        return f" They are {drawn.lower()}.\n"

    return answer


def test_rounds_follow_the_model_and_are_scored_like_any_others(
    draw: Draw, spec: DatasetSpec, chat_server: ChatServer
) -> None:
    chat_server.answer = by_target(spec)
    rounds = draw()
    assert [(row.context, row.round) for row in rounds] == [
        (context.name, number) for context in spec.contexts for number in range(N)
    ]
    assert len({row.prompt for row in rounds}) == len(rounds) == len(chat_server.bodies)
    assert rounds[0].text.startswith("They are ")
    assert rounds[0].drawn is rounds[0].probabilities is rounds[0].mass is None
    judged = [judge_round(row, spec.attribute) for row in rounds]
    metrics = cell_metrics(judged, spec, ScoreParams(seed=0, resamples=100))
    assert metrics["validity"] == 1
    assert metrics["mae"] < 3 * metrics["floor"]


def test_nothing_is_asked_twice(draw: Draw, spec: DatasetSpec, chat_server: ChatServer) -> None:
    model = by_target(spec)
    late = 25

    def answer(body: Body) -> str:
        if len(chat_server.bodies) == late:
            chat_server.failures.append(401)
        return model(body)

    chat_server.answer = answer
    with pytest.raises(InputError, match="AuthenticationError"):
        draw(in_flight=1)
    chat_server.answer = model
    rounds = draw()
    asked = Counter(body["seed"] for body in chat_server.bodies)
    assert len(asked) == len(rounds)
    assert sum(asked.values()) == len(rounds) + 1  # the refused one
    chat_server.bodies.clear()
    assert draw() == rounds
    assert chat_server.bodies == []
    draw(seed=1)  # another draw of the same model
    assert len(chat_server.bodies) == len(rounds)


def test_rounds_of_one_prompt_are_asked_for_one_by_one(draw: Draw, chat_server: ChatServer) -> None:
    rounds = draw(prompts="one", n=30)
    assert len({row.prompt for row in rounds}) == 3
    assert len({row.text for row in rounds}) == len(chat_server.bodies) == len(rounds)


def test_a_methods_prompt_is_what_it_is_elsewhere(draw: Draw, chat_server: ChatServer) -> None:
    chat_server.answer = lambda body: "Seed: abc\nAnswer: male"
    (row, *_) = draw("seed_of_thought", n=1)
    assert (row.text, row.raw) == ("male", "Seed: abc\nAnswer: male")
    rounds = draw("external_random", n=N)
    asked = [body["messages"][0]["content"] for body in chat_server.bodies[3:]]
    assert Counter(row.drawn for row in rounds) == Counter(
        "Female" if "female" in text else "Male" for text in asked
    )


def test_decoding_is_sent_as_far_as_the_api_knows_it(draw: Draw, chat_server: ChatServer) -> None:
    draw(n=1, top_p=0.5, temperature=0.7, effort="low", thinking_tokens=100)
    body = chat_server.bodies[0]
    assert body["top_p"] == 0.5
    assert (body["reasoning_effort"], body["max_completion_tokens"]) == ("low", 116)
    with pytest.raises(InputError, match="sample.top_k = 5"):
        draw(n=1, top_k=5)


def test_a_forecast_is_of_what_is_not_stored(
    draw: Draw,
    spec: DatasetSpec,
    chat_server: ChatServer,
    open_sampled: Callable[[RemoteParams], Endpoint],
) -> None:
    prompts = asked(spec, "Wording {number}: what is the gender of {context}?", range(N))
    sample = SAMPLE.model_copy(update={"n": N})
    planned = plan_remote("zero_shot", 16, spec, prompts, sample, REMOTE.model, 0)
    remote = REMOTE.model_copy(update={"base_url": chat_server.base_url})
    with open_sampled(remote) as endpoint:
        before = forecast_remote(endpoint, planned, thinking_tokens=0)
        assert (before.requests, before.written) == (180, 16 * 180)
        assert forecast_remote(endpoint, planned, thinking_tokens=4).written == 20 * 180
    assert re.fullmatch(r"180 requests, at most .* \(2,880 written\)", str(before))
    assert [before.exceeds(budget) for budget in (5000, 9000)] == [True, False]
    assert chat_server.bodies == []
    draw()
    with open_sampled(remote) as endpoint:
        after = forecast_remote(endpoint, planned, thinking_tokens=4)
    assert after == Forecast(0, 0, 0)
    assert not after.exceeds(1)  # all is stored: nothing is spent


def test_a_budget_is_of_tokens_read_and_written() -> None:
    forecast = Forecast(requests=1, read=60, written=40)
    assert [forecast.exceeds(budget) for budget in (99, 100, None)] == [True, False, False]


def test_neither_torch_nor_vllm_is_loaded() -> None:
    code = "import sys, distalign.sampling.remote; print({'torch', 'vllm'} & sys.modules.keys())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
