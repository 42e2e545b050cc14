import time
from pathlib import Path

import pytest
from conftest import Body, ChatServer, Connect

from distalign.endpoint import Request
from distalign.records import InputError


def requests(n: int) -> list[Request]:
    message = {"role": "user", "content": "Say your seed."}
    return [Request(messages=[message], max_tokens=5, seed=seed) for seed in range(n)]


def texts(n: int) -> list[str]:
    return [f"seed {seed}" for seed in range(n)]


def test_answers_are_paid_for_once(chat_server: ChatServer, connect: Connect) -> None:
    with connect() as endpoint:
        assert endpoint.complete(requests(3), "a") == texts(3)
        assert endpoint.complete([*requests(4), *requests(4)], "b") == texts(4) * 2
        assert endpoint.n_asked == len(chat_server.bodies) == 4
    with connect() as endpoint:
        assert endpoint.complete(requests(4), "c") == texts(4)
        assert endpoint.n_asked == 0
    assert len(chat_server.bodies) == 4


@pytest.mark.parametrize("changes", [{"temperature": 0.9}, {"model": "other"}, {"seeded": False}])
def test_what_decides_an_answer_asks_anew(
    chat_server: ChatServer, connect: Connect, changes: dict[str, object]
) -> None:
    chat_server.answer = lambda body: f"{body['model']} {body['temperature']} {'seed' in body}"
    before = connect().complete(requests(1), "a")
    assert connect(**changes).complete(requests(1), "b") != before
    assert len(chat_server.bodies) == 2


def test_request_as_it_is_sent(chat_server: ChatServer, connect: Connect) -> None:
    connect().complete(requests(1), "a")
    connect("other", seeded=False).complete(requests(1), "b")
    body = {
        "model": "tests/writer",
        "messages": [{"role": "user", "content": "Say your seed."}],
        "max_completion_tokens": 5,
        "temperature": 0.5,
    }
    assert chat_server.bodies == [body | {"seed": 0}, body]


def test_choices_are_sent_and_decide_the_answer(chat_server: ChatServer, connect: Connect) -> None:
    free, held = requests(1)[0], requests(1)[0].model_copy(update={"choices": ["a", "b"]})
    assert connect().complete([free, held], "a") == texts(1) * 2
    sent = [body.get("structured_outputs") for body in chat_server.bodies]
    assert sorted(sent, key=bool) == [None, {"choice": ["a", "b"]}]


def test_store_that_a_crash_cut_short_is_mended(
    chat_server: ChatServer, connect: Connect, tmp_path: Path
) -> None:
    connect().complete(requests(3), "a")
    store = tmp_path / "store" / "tests--writer.jsonl"
    store.write_bytes(store.read_bytes()[:-9])
    again = connect()
    assert again.complete(requests(4), "b") == texts(4)
    assert again.n_asked == 2
    last = connect()
    assert last.complete(requests(4), "c") == texts(4)
    assert last.n_asked == 0


@pytest.mark.parametrize("status", [429, 500])
def test_passing_failures_are_retried(
    chat_server: ChatServer, connect: Connect, status: int
) -> None:
    chat_server.failures = [status]
    start = time.monotonic()
    assert connect().complete(requests(2), "a") == texts(2)
    assert len(chat_server.bodies) == 3
    if status == 429:
        assert time.monotonic() - start >= 1  # as its Retry-After asks


def test_refusal_names_the_endpoint(chat_server: ChatServer, connect: Connect) -> None:
    chat_server.failures = [401] * 3
    with pytest.raises(InputError, match=rf"{chat_server.base_url}.*AuthenticationError"):
        connect().complete(requests(3), "a")
    assert len(chat_server.bodies) <= 3


def test_answers_before_a_refusal_are_kept(chat_server: ChatServer, connect: Connect) -> None:
    chat_server.failures = ["empty", 401]
    with pytest.raises(InputError):
        connect(in_flight=1).complete(requests(3), "a")
    again = connect()
    again.complete(requests(3), "b")
    assert again.n_asked == 2


def test_wrong_address_is_named(chat_server: ChatServer, connect: Connect) -> None:
    with pytest.raises(InputError, match="/v2: NotFoundError"):
        connect(base_url=chat_server.base_url.replace("/v1", "/v2")).complete(requests(1), "a")


def test_missing_key_is_named(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        connect().complete(requests(1), "a")


def test_answer_that_is_no_completion_is_refused(chat_server: ChatServer, connect: Connect) -> None:
    chat_server.failures = ["page"]
    with pytest.raises(InputError, match=chat_server.base_url):
        connect().complete(requests(1), "a")


def test_answer_without_choices_is_empty(chat_server: ChatServer, connect: Connect) -> None:
    chat_server.failures = ["empty"]
    assert connect().complete(requests(1), "a") == [""]


def test_order_is_kept_with_many_in_flight(chat_server: ChatServer, connect: Connect) -> None:
    def late(body: Body) -> str:
        time.sleep(0.05 + (body["seed"] * 37 % 100) / 1000)
        return f"seed {body['seed']}"

    chat_server.answer = late
    assert connect(in_flight=200).complete(requests(200), "a") == texts(200)
    assert chat_server.most_at_once > 16


def test_no_more_are_in_flight_than_allowed(chat_server: ChatServer, connect: Connect) -> None:
    def late(body: Body) -> str:
        time.sleep(0.02)
        return f"seed {body['seed']}"

    chat_server.answer = late
    assert connect(in_flight=3).complete(requests(12), "a") == texts(12)
    assert chat_server.most_at_once == 3
