"""Stories that an LLM is asked for, context by context and category by category."""

import numpy as np
import pytest

from distalign.data.stories import write_stories
from distalign.data.synthesize import SynthesizeParams
from distalign.records.schemas import DatasetSpec, InputError
from tests.support.chat_server import Body, ChatServer, Connect

PARAMS = SynthesizeParams(seed=0, pool=5, requests_per_response=6, max_tokens=90)


def tell(body: Body) -> str:
    asked = body["messages"][-1]["content"]
    assert body["max_completion_tokens"] == 90
    assert asked.count("Write two or three sentences about a ") == 1
    who = "Mary" if "woman" in asked else "James"
    place = ("depot", "bridge", "river", "school", "station")[body["seed"] % 5]
    return f"{who} walked to the {place} before dawn and checked the old engine of the first bus."


def test_stories_are_asked_for_and_read_by_category(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = tell
    pool = write_stories(spec, "story", PARAMS, connect(), np.random.default_rng(0))
    assert len(pool) == len({(row.context, row.response) for row in pool})
    assert {(row.context, row.category) for row in pool} == {
        (c.name, category) for c in spec.contexts for category in spec.categories
    }
    for row in pool:
        assert (row.setting, row.source) == ("story", "llm")
        assert row.response.startswith("Mary" if row.category == "Female" else "James")


def test_category_without_any_story_is_named(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = lambda body: "I cannot say."
    with pytest.raises(InputError, match="no usable response of 'Male' for 'Civil engineers'"):
        write_stories(spec, "story", PARAMS, connect(), np.random.default_rng(0))
    assert len(chat_server.bodies) == 6 * 30
