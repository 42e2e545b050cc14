"""What settling makes of the templates of several families, on a tokenizer of a few words."""

import pytest
from transformers import PreTrainedTokenizerFast

from distalign.models.chat import answer_ids, chat_ids, first_items
from distalign.models.steering import resolve
from distalign.models.template import render, settle
from distalign.records.schemas import Attribute, InputError
from tests.support.families import BYTE_LEVEL, SENTENCEPIECE, TEMPLATES, make_tokenizer

ASK = [{"role": "user", "content": "Who?"}]
SYSTEM = [{"role": "system", "content": "Be brief."}, *ASK]


def settled(family: str, **arguments: bool | str) -> tuple[PreTrainedTokenizerFast, list[str]]:
    tokenizer = make_tokenizer(BYTE_LEVEL, TEMPLATES[family])
    return tokenizer, settle(tokenizer, arguments)


@pytest.mark.parametrize(
    ("family", "arguments", "end"),
    [
        ("chatml", {}, "<|im_start|>assistant\n"),
        ("qwen3", {}, "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ("qwen3", {"enable_thinking": False}, "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ("gpt-oss", {"reasoning_effort": "low"}, "<|start|>assistant<|channel|>final<|message|>"),
        ("glm4", {}, "<|assistant|>\n"),
        ("gemma2", {}, "<start_of_turn>model\n"),
        ("mistral", {}, "[INST] Who? [/INST]"),
    ],
)
def test_a_prompt_ends_where_the_answer_begins(family: str, arguments: dict, end: str) -> None:
    tokenizer, _ = settled(family, **arguments)
    prompt = render(tokenizer, ASK, add_generation_prompt=True)
    assert prompt.endswith(end)
    whole = render(tokenizer, [*ASK, {"role": "assistant", "content": "0 They are."}])
    assert whole.removeprefix(prompt).lstrip(" ").startswith("0 They are.")
    assert tokenizer.decode(answer_ids(tokenizer, "Who?", "0 They are.")).lstrip().startswith("0 ")
    assert tokenizer.decode(chat_ids(tokenizer, "Who?")) == prompt


def test_what_is_written_into_a_template_is_told() -> None:
    assert settled("chatml")[1] == []
    assert "channel" in settled("gpt-oss")[1][0]
    assert "system" in settled("gemma2")[1][0]


def test_a_response_ends_as_the_template_ends_its_turn() -> None:
    """Gemma's GGUFs name <eos> alone, and their answers would run on over <end_of_turn>."""
    tokenizer = make_tokenizer(BYTE_LEVEL, TEMPLATES["gemma2"])
    assert settle(tokenizer, {})[0].startswith("a system turn")  # no such item: its end stays
    assert tokenizer.eos_token == "</s>"
    tokenizer.add_special_tokens({"additional_special_tokens": ["<end_of_turn>"]})
    assert "'<end_of_turn>', as the template has it, not with '</s>'" in settle(tokenizer, {})[-1]
    assert tokenizer.eos_token == "<end_of_turn>"
    assert answer_ids(tokenizer, "Who?", "0 They are.").count(tokenizer.eos_token_id) == 1
    assert "as the template has it" not in " ".join(settle(tokenizer, {}))


def test_an_argument_reaches_the_prompt_without_being_passed() -> None:
    tokenizer, _ = settled("gpt-oss", reasoning_effort="low")
    assert "Reasoning: low" in render(tokenizer, ASK, add_generation_prompt=True)
    assert "Reasoning: medium" in render(settled("gpt-oss")[0], ASK, add_generation_prompt=True)


@pytest.mark.parametrize("family", ["gemma2", "mistral"])
def test_a_system_turn_begins_the_users_where_there_is_none(family: str) -> None:
    text = render(settled(family)[0], SYSTEM, add_generation_prompt=True)
    assert "Be brief.\n\nWho?" in text


@pytest.mark.parametrize(
    ("family", "arguments", "told"),
    [
        ("deepseek-distill", {}, "ends a prompt with '<think>"),
        ("chatml", {"enable_thinking": False}, "template.enable_thinking: .* no such argument"),
        ("broken", {}, "chat template: TemplateSyntaxError"),
        ("none", {}, "no chat template"),
    ],
)
def test_a_template_that_cannot_be_settled_is_refused(
    family: str, arguments: dict, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        settled(family, **arguments)


@pytest.mark.parametrize("form", ["digits", "nouns", "pronouns"])
def test_sentencepiece_steers_by_the_item_that_the_rows_hold(form: str, gender: Attribute) -> None:
    """After a line break a word has no mark of a space before it; alone it has one."""
    tokenizer = make_tokenizer(SENTENCEPIECE, TEMPLATES["zephyr"])
    settle(tokenizer, {})
    steering = resolve(tokenizer, gender, form)
    for token, item in zip(steering.tokens, steering.ids, strict=True):
        assert answer_ids(tokenizer, "Any?", f"{token} She is.")[0] == item
        assert tokenizer.convert_ids_to_tokens(item) == token
        assert tokenizer.encode(token, add_special_tokens=False) != [item]


def test_sentencepiece_whose_digits_follow_a_mark_of_their_own_is_refused(
    gender: Attribute,
) -> None:
    """After a space, "0" and "1" are two items each, and the first is the same."""
    tokenizer = make_tokenizer(
        SENTENCEPIECE, TEMPLATES["mistral"].replace("{{ m['c", "{{ ' ' + m['c")
    )
    settle(tokenizer, {})
    assert len(set(first_items(tokenizer, ["0", "1"]))) == 1
    with pytest.raises(InputError, match="where an answer begins"):
        resolve(tokenizer, gender, "digits")
    assert resolve(tokenizer, gender, "nouns").tokens == ["man", "woman"]
