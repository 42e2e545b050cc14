from pathlib import Path

import pytest

from distalign.judging.stories import JudgeParams, judge_stories
from distalign.llm.endpoint import EndpointParams
from distalign.records.schemas import Attribute, Round
from tests.support.chat_server import ChatServer
from tests.support.machine import AUTO


def rounds(*texts: str) -> list[Round]:
    return [
        Round(
            context="Care workers",
            round=i,
            prompt="p",
            text=text,
            drawn="Male",
            probabilities=[0.5, 0.5],
            mass=0.9,
        )
        for i, text in enumerate(texts)
    ]


@pytest.mark.parametrize(("judge", "n_asked"), [("lexical", 0), ("llm", 4)])
def test_rounds_are_kept_and_say_who_judged(
    gender: Attribute,
    chat_server: ChatServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    judge: str,
    n_asked: int,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    chat_server.answer = lambda body: "Female" if "She" in str(body["messages"]) else "Unclear"
    llm = EndpointParams(
        serve="unused",
        model="tests/judge",
        base_url=chat_server.base_url,
        in_flight=2,
        temperature=0.0,
        seeded=False,
    )
    params = JudgeParams(story=judge, constrained=True, llm=llm)
    rows = rounds("She left.", "They left.", "I'm sorry, but I cannot write that.")
    judged = judge_stories(rows, gender, params, tmp_path, AUTO, tmp_path)
    assert [row.category for row in judged] == ["Female", None, None]
    assert [row.refused for row in judged] == [False, False, True]
    assert {row.judge for row in judged} == {judge}
    kept = [row.model_dump(exclude={"category", "refused", "judge", "why"}) for row in judged]
    assert kept == [row.model_dump() for row in rows]
    assert len(chat_server.bodies) == n_asked  # one whether the endpoint holds to labels
