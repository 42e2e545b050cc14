import re
from collections import Counter

import pytest

from distalign.data.paraphrase import ParaphraseParams, clean_answer, paraphrase
from distalign.data.wordings import allowed_words, normalise, reject_reason
from distalign.records.schemas import SPLITS, Context, DatasetSpec, InputError, Prompt
from tests.support.chat_server import Body, ChatServer, Connect

STARTS = [
    "Can you share",
    "Could you identify",
    "Would you determine",
    "Please answer",
    "Please give",
]
PLACES = ["the {}", "a person of the {}", "one of these {}", "some of the {}", "the group {}"]


def params(**changes: object) -> ParaphraseParams:
    fields = {
        "seed": 0,
        "per_split": 4,
        "rewrite": "template",
        "requests_per_wording": 6,
        "batch": 8,
    }
    return ParaphraseParams(**(fields | changes))


def context_of(body: Body) -> str:
    asked = body["messages"][-1]["content"]
    return re.fullmatch(r"Rewrite: What is the gender of the (.*)\?", asked)[1]


def good(body: Body) -> str:
    """A usable wording that the grammar does not hold, chosen by the request's seed."""
    start = STARTS[body["seed"] % 5]
    place = PLACES[body["seed"] // 5 % 5].format(context_of(body).lower())
    return f'"{start} the gender of {place}{"." if start.startswith("Please") else "?"}"\nMore.'


def half_good(body: Body) -> str:
    bad = [good(body).replace("gender", "salary"), "No.", "Is the gender of men male?", ""]
    return good(body) if body["seed"] // 25 % 2 else bad[body["seed"] % 4]


def test_each_prompt_of_a_story_says_how_long_it_may_be(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = lambda body: f"Please tell a tale about any {body['seed'] % 9}."
    prompts = paraphrase(spec, "story", params(), connect())
    assert_complete(prompts, spec, 4)
    limit = spec.attribute.question("story").limit
    assert all(prompt.prompt.endswith(f" {limit}") for prompt in prompts)
    assert {prompt.setting for prompt in prompts} == {"story"}


def wording(prompt: Prompt) -> str:
    assert prompt.prompt.count(prompt.context) == 1
    return normalise(prompt.prompt.replace(prompt.context, "{context}"))


def assert_complete(prompts: list[Prompt], spec: DatasetSpec, per_split: int) -> None:
    """per_split prompts for each context and split, none of a context alike."""
    names = [context.name for context in spec.contexts]
    found = Counter((prompt.context, prompt.split) for prompt in prompts)
    assert found == {(name, split): per_split for name in names for split in SPLITS}
    assert len({(prompt.context, wording(prompt)) for prompt in prompts}) == len(prompts)


def splits_of_wordings(prompts: list[Prompt]) -> dict[str, set[str]]:
    splits: dict[str, set[str]] = {}
    for prompt in prompts:
        splits.setdefault(wording(prompt), set()).add(prompt.split)
    return splits


@pytest.mark.parametrize(
    ("answer", "cleaned"),
    [
        ('"What is the gender of the CIVIL engineers?"', "What is the gender of the {context}?"),
        ("\n - **What about Civil engineers?**\nSure.", "What about {context}?"),
        ("", ""),
    ],
)
def test_clean_answer(answer: str, cleaned: str) -> None:
    assert clean_answer(answer, "Civil engineers") == cleaned


def test_failing_candidates_are_asked_for_again(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = half_good
    prompts = paraphrase(spec, "attribute", params(), connect())
    assert_complete(prompts, spec, 4)
    assert "llm" in {prompt.source for prompt in prompts}
    assert len(chat_server.bodies) > 12
    assert all(len(splits) == 1 for splits in splits_of_wordings(prompts).values())
    question = spec.attribute.settings["attribute"]
    for prompt in prompts:
        text = prompt.prompt.replace(prompt.context, "{context}")
        assert reject_reason(text, question, spec.attribute, allowed_words(question)) is None


def test_what_the_grammar_yields_is_not_the_llms(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    """One half of the LLM's answers are productions, in other letters and signs."""

    def answer(body: Body) -> str:
        produced = f"Tell me the gender of the {context_of(body)} ."
        return good(body) if body["seed"] % 2 else produced

    chat_server.answer = answer
    prompts = paraphrase(spec, "attribute", params(per_split=8), connect())
    produced = [p for p in prompts if wording(p) == "tell me the gender of the context"]
    assert {p.source for p in produced} == {"grammar"}
    assert {p.source for p in prompts} == {"llm", "grammar"}


def test_garbage_is_topped_up_from_the_grammar(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = lambda body: "I cannot help with that."
    prompts = paraphrase(spec, "attribute", params(requests_per_wording=2), connect())
    assert_complete(prompts, spec, 4)
    assert {prompt.source for prompt in prompts} == {"grammar"}
    assert len(chat_server.bodies) == 24


def test_sources_are_recorded(chat_server: ChatServer, connect: Connect, spec: DatasetSpec) -> None:
    chat_server.answer = lambda body: f"Please share the gender of any {context_of(body)}."
    prompts = paraphrase(spec, "attribute", params(), connect())
    by_llm = [prompt for prompt in prompts if prompt.source == "llm"]
    assert {prompt.prompt for prompt in by_llm} == {
        f"Please share the gender of any {context.name}." for context in spec.contexts
    }
    assert len(prompts) - len(by_llm) == 33


def test_template_wordings_are_shared_by_the_contexts(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = good
    prompts = paraphrase(spec, "attribute", params(), connect())
    assert len(splits_of_wordings(prompts)) == 12


def test_rewriting_anew_for_each_context(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = half_good
    prompts = paraphrase(spec, "attribute", params(rewrite="context"), connect())
    assert_complete(prompts, spec, 4)
    assert {context_of(body) for body in chat_server.bodies} == {c.name for c in spec.contexts}
    by_context = [
        {wording(prompt) for prompt in prompts if prompt.context == context.name}
        for context in spec.contexts
    ]
    assert by_context[0] != by_context[1]


def test_no_wording_is_in_two_splits_when_rewritten_for_each_context(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = good
    prompts = paraphrase(spec, "attribute", params(rewrite="context"), connect())
    assert all(len(splits) == 1 for splits in splits_of_wordings(prompts).values())


def test_seed_decides(chat_server: ChatServer, connect: Connect, spec: DatasetSpec) -> None:
    chat_server.answer = half_good
    first, again, other = (
        paraphrase(spec, "attribute", params(seed=seed), connect(store))
        for seed, store in ((1, "a"), (1, "b"), (2, "c"))
    )
    assert first == again
    assert first != other


def test_too_few_wordings_are_refused(connect: Connect, spec: DatasetSpec) -> None:
    with pytest.raises(InputError, match=r"of 6000 wordings of .*grammar or lower"):
        paraphrase(spec, "attribute", params(per_split=2000, requests_per_wording=0), connect())


def test_a_grammar_of_few_wordings_is_enough(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    chat_server.answer = good
    question = spec.attribute.settings["attribute"]
    few = question.model_copy(
        update={"grammar": {"root": ["What is the gender of the {context}?"]}}
    )
    attribute = spec.attribute.model_copy(update={"settings": {"attribute": few}})
    small = spec.model_copy(update={"attribute": attribute})
    assert_complete(paraphrase(small, "attribute", params(per_split=1), connect()), small, 1)


def test_an_llm_is_not_told_of_long_names(
    chat_server: ChatServer, connect: Connect, spec: DatasetSpec
) -> None:
    def prompts_for(names: list[str]) -> list[Prompt]:
        contexts = [Context(name=name, target=[0.5, 0.5]) for name in names]
        named = spec.model_copy(update={"contexts": contexts})
        prompts = paraphrase(named, "attribute", params(), connect())
        assert_complete(prompts, named, 4)
        return prompts

    chat_server.answer = good
    prompts = prompts_for(["x" * 10_000, "bakers"])
    assert any(prompt.source == "llm" for prompt in prompts)
    assert {context_of(body) for body in chat_server.bodies} == {"bakers"}
    chat_server.bodies.clear()
    assert {prompt.source for prompt in prompts_for(["x" * 10_000])} == {"grammar"}
    assert chat_server.bodies == []
