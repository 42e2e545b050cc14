import threading
import time
from collections import Counter
from pathlib import Path

import pytest

import distalign.llm.asking
from distalign.llm.asking import IN_A_ROW, TRIES, Request
from distalign.llm.faults import CHARACTERS_A_TOKEN, SPENT
from distalign.records.schemas import InputError
from tests.support.chat_server import Body, ChatServer, Connect, Failure


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distalign.llm.asking, "PAUSE_S", 0.005)


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
    probe, *bodies = chat_server.bodies
    assert len(probe["structured_outputs"]["choice"]) == 1
    sent = [body.get("structured_outputs") for body in bodies]
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
    chat_server.answer = lambda body: chat_server.failures.append(401) or "An answer."
    with pytest.raises(InputError):
        connect(in_flight=1).complete(requests(3), "a")
    again = connect()
    assert len(again.lacking(requests(3))) == 2


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


NO_ANSWERS: dict[Failure, str] = {
    "empty": "no choice",
    "null": "no text",
    "silent": "empty text",
    "error": "error in a 200",
    "half": "error in a 200",
    "filter": "content filter",
    "spent": SPENT,
    "thinking": SPENT,
    "truncated": "truncated JSON",
}


@pytest.mark.parametrize("failure", NO_ANSWERS)
def test_what_is_no_answer_is_tried_again_and_counted(
    chat_server: ChatServer, connect: Connect, failure: Failure, tmp_path: Path
) -> None:
    chat_server.failures = [failure] * (TRIES - 1)
    with connect(in_flight=1, seeded=False) as endpoint:
        chat_server.answer = lambda body: "An answer."
        assert endpoint.complete(requests(1), "a") == ["An answer."]
        assert endpoint.faults == {NO_ANSWERS[failure]: TRIES - 1}
        assert endpoint.n_asked == 1
    assert len((tmp_path / "store" / "tests--writer.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("failure", NO_ANSWERS)
def test_what_is_never_an_answer_is_not_stored(
    chat_server: ChatServer, connect: Connect, failure: Failure
) -> None:
    chat_server.failures = [failure] * TRIES
    with connect(in_flight=1) as endpoint:
        if failure in ("silent", "filter"):  # the model's last word, which shows nothing
            assert endpoint.complete(requests(2), "a") == ["", "seed 1"]
            assert endpoint.n_asked == 1
        else:
            with pytest.raises(InputError, match=f"in all {TRIES} tries of a request"):
                endpoint.complete(requests(2), "a")
    with connect() as again:
        assert requests(1)[0] in again.lacking(requests(2))
        assert again.complete(requests(2), "b") == texts(2)


@pytest.mark.parametrize("failure", ["filter", "silent"])
def test_after_many_in_a_row_nothing_more_is_asked(
    chat_server: ChatServer, connect: Connect, failure: Failure
) -> None:
    chat_server.failures = [failure] * 1000
    with pytest.raises(InputError, match=f"{IN_A_ROW} answers in a row held no text"):
        connect(in_flight=3).complete(requests(300), "a")
    assert IN_A_ROW <= len(chat_server.bodies) <= IN_A_ROW + 3


def test_a_stored_empty_text_is_no_answer(
    chat_server: ChatServer, connect: Connect, tmp_path: Path
) -> None:
    connect().complete(requests(1), "a")
    store = tmp_path / "store" / "tests--writer.jsonl"
    store.write_text(store.read_text().replace("seed 0", ""))
    assert connect().complete(requests(1), "b") == texts(1)
    assert len(chat_server.bodies) == 2


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "<think>Male, or …</think>\n\nFemale."}, "Female."),
        ({"content": "Male, or …\n</think>\nFemale."}, "Female."),
        ({"content": "Female.", "reasoning_content": "Male, or …"}, "Female."),
        ({"content": "Female.", "reasoning": "Male, or …"}, "Female."),
        (
            {"content": [{"type": "thinking", "thinking": "Male"}, {"type": "text", "text": "F."}]},
            "F.",
        ),
        ({"content": None, "refusal": "I cannot say."}, "I cannot say."),
        ({"content": "I think it is <thin>."}, "I think it is <thin>."),
    ],
)
def test_what_a_model_thinks_is_no_part_of_its_answer(
    chat_server: ChatServer, connect: Connect, message: Body, text: str
) -> None:
    chat_server.answer = lambda body: message
    assert connect().complete(requests(1), "a") == [text]


def test_thinking_has_a_budget_of_its_own(chat_server: ChatServer, connect: Connect) -> None:
    for effort, tokens in ((None, 0), ("low", 0), ("low", 200)):
        connect(effort=effort, thinking_tokens=tokens).complete(requests(1), "a")
    sent = [(b.get("reasoning_effort"), b["max_completion_tokens"]) for b in chat_server.bodies]
    assert sent == [(None, 5), ("low", 5), ("low", 205)]


def test_temperature_is_left_out_where_it_is_refused(
    chat_server: ChatServer, connect: Connect
) -> None:
    chat_server.refused = ["temperature"]
    with connect(in_flight=1) as endpoint:
        assert endpoint.complete(requests(3), "a") == texts(3)
        assert endpoint.faults["temperature refused"] == 1
        assert endpoint.temperature is None
    assert ["temperature" in body for body in chat_server.bodies] == [True, *[False] * 3]
    # The next run knows, and asks without it from the start.
    again = connect(in_flight=1)
    assert again.temperature is None
    assert again.complete(requests(4), "a") == texts(4)
    assert again.faults == {}
    assert connect("fresh").temperature is not None
    assert connect("other", temperature=None).complete(requests(3), "b") == texts(3)
    chat_server.refused = ["seed"]
    with pytest.raises(InputError, match="'seed' is not supported"):
        connect("third").complete(requests(1), "c")


@pytest.mark.parametrize("refused", [[], ["max_completion_tokens"]])
def test_a_server_that_knows_the_limit_by_its_older_name_is_asked_so(
    chat_server: ChatServer, connect: Connect, refused: list[str]
) -> None:
    chat_server.refused = refused
    chat_server.tokens = lambda body: 5 if "max_tokens" in body else 422
    with connect(in_flight=1) as endpoint:
        assert endpoint.complete(requests(3), "a") == texts(3)
        assert endpoint.faults["max_completion_tokens unknown"] == 1
    limits = [
        (body.get("max_completion_tokens"), body.get("max_tokens")) for body in chat_server.bodies
    ]
    assert limits == [(5, None), *[(None, 5)] * 3]


def test_null_is_the_openai_api_whatever_the_environment_says(
    chat_server: ChatServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.base_url)
    monkeypatch.setattr(distalign.llm.asking, "MAX_RETRIES", 0)
    monkeypatch.setattr(distalign.llm.asking, "OPENAI_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(InputError, match="http://127.0.0.1:9/v1: APIConnectionError"):
        connect(base_url=None).complete(requests(1), "a")
    assert chat_server.bodies == []


@pytest.mark.parametrize("refused", [[], ["structured_outputs"]])
def test_an_endpoint_that_knows_no_choices_is_told_at_the_door(
    chat_server: ChatServer, connect: Connect, refused: list[str]
) -> None:
    chat_server.knows_choices, chat_server.refused = False, refused
    held = [request.model_copy(update={"choices": ["a", "b"]}) for request in requests(9)]
    with pytest.raises(InputError, match="set judge.constrained to false"):
        connect().complete(held, "a")
    assert len(chat_server.bodies) == 1


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


FAULTS: dict[int | Failure, str] = {
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
    "drop": "RemoteProtocolError",
    "short": "RemoteProtocolError",
    "truncated": "truncated JSON",
    "empty": "no choice",
    "null": "no text",
    "silent": "empty text",
    "error": "error in a 200",
    "filter": "content filter",
    "spent": SPENT,
    "endless": "far too long",
}


def test_every_fault_of_200_requests_at_once_is_retried_or_counted(
    chat_server: ChatServer, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    # Twice: thrice would be more non-answers than may come in a row.
    chat_server.failures = [*FAULTS] * 2
    chat_server.answer = lambda body: f"seed {body['seed'] % 1_000_003}"
    with connect(in_flight=200) as endpoint:
        answers = endpoint.complete(requests(200), "a")
        assert endpoint.faults == Counter([*FAULTS.values()] * 2)
        assert endpoint.n_asked == 200
    odd = [i for i, text in enumerate(answers) if text != f"seed {i}"]
    assert sorted(answers[i][:8] for i in odd) == ["A word. "] * 2
    assert max(map(len, answers)) == 5 * CHARACTERS_A_TOKEN
    # Asked again is what brought no answer, and nothing else: all kinds but the last, twice.
    assert len(chat_server.bodies) == 200 + (len(FAULTS) - 1) * 2
    told = capsys.readouterr().err
    assert "200 answers; on the way: 4 x RemoteProtocolError, " in told
    assert all(f"{times} x {kind}" in told for kind, times in endpoint.faults.items())
    with connect(in_flight=200) as endpoint:
        assert endpoint.complete(requests(200), "b") == answers
        assert endpoint.n_asked == 0


def test_an_answer_that_comes_too_late_is_asked_for_again(
    chat_server: ChatServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distalign.llm.asking, "TIMEOUT_S", 5)
    chat_server.failures = ["late"] * 3
    endpoint = connect()
    assert endpoint.complete(requests(6), "a") == texts(6)
    assert endpoint.faults["ReadTimeout"] >= 3  # more on a busy machine


def test_a_refusal_loses_no_answer_in_flight(chat_server: ChatServer, connect: Connect) -> None:
    together = threading.Barrier(20)

    def answer(body: Body) -> str:
        together.wait(60)
        return f"seed {body['seed']}"

    chat_server.answer = answer
    chat_server.failures = [400]
    threading.Thread(target=together.wait, args=(60,), daemon=True).start()
    with pytest.raises(InputError, match="BadRequestError"):
        connect(in_flight=20).complete(requests(200), "a")
    assert len(chat_server.bodies) == 20
    chat_server.answer = lambda body: f"seed {body['seed']}"
    with connect() as again:
        assert again.complete(requests(200), "b") == texts(200)
    assert len(chat_server.bodies) == 201


def test_an_answer_that_is_never_whole_is_reported(
    chat_server: ChatServer, connect: Connect
) -> None:
    chat_server.failures = ["truncated"] * TRIES
    with pytest.raises(InputError, match="truncated JSON: in all"):
        connect().complete(requests(1), "a")


def test_half_a_surrogate_pair_can_be_written(chat_server: ChatServer, connect: Connect) -> None:
    chat_server.answer = lambda body: "\ud83d \u2028 \u202e"
    assert connect().complete(requests(1), "a") == ["? \u2028 \u202e"]


def test_the_key_is_in_no_message_log_or_file(
    chat_server: ChatServer,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    with connect() as endpoint:
        endpoint.complete(requests(3), "a")
    chat_server.failures = [401]
    with pytest.raises(InputError, match="to Bearer …") as refusal, connect() as endpoint:
        endpoint.complete(requests(4), "b")
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 1
    out = capsys.readouterr()
    assert "401 Unauthorized" in out.err
    assert "sk-planted" not in "".join(
        [*written, out.out, out.err, caplog.text, str(refusal.value)]
    )


@pytest.mark.parametrize("key", ["sk-planted\n", "sk-plänted"])
def test_a_key_that_no_header_takes_is_told(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(InputError, match="OPENAI_API_KEY holds a line break"):
        connect().complete(requests(1), "a")
