from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from distalign.models.steering import Split, resolve, split_response, steered
from distalign.records.schemas import Attribute, InputError


@pytest.fixture
def tokenizer(base_model: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(base_model)


def with_tokens(attribute: Attribute, form: str, tokens: list[str]) -> Attribute:
    categories = [
        category.model_copy(update={"tokens": {form: token}})
        for category, token in zip(attribute.categories, tokens, strict=True)
    ]
    return attribute.model_copy(update={"categories": categories})


@pytest.mark.parametrize(
    ("form", "tokens"),
    [("digits", ["0", "1"]), ("nouns", ["man", "woman"]), ("pronouns", ["he", "she"])],
)
def test_words_are_single_items_of_the_vocabulary(
    tokenizer: PreTrainedTokenizerBase, gender: Attribute, form: str, tokens: list[str]
) -> None:
    size = len(tokenizer)
    steering = resolve(tokenizer, gender, form)
    assert steering.tokens == tokens
    assert steering.form == form
    assert [tokenizer.decode([index]) for index in steering.ids] == tokens
    assert len(tokenizer) == size


def test_added_tokens_are_new_and_ordinary(
    tokenizer: PreTrainedTokenizerBase, gender: Attribute
) -> None:
    size = len(tokenizer)
    steering = resolve(tokenizer, gender, "added")
    assert steering.ids == [size, size + 1]
    text = steered("<|female|>", "They are women.")
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert resolve(tokenizer, gender, "added") == steering


@pytest.mark.parametrize("form", ["digits", "nouns", "pronouns", "added"])
def test_steered_response_is_split_where_it_was_joined(
    tokenizer: PreTrainedTokenizerBase, gender: Attribute, form: str
) -> None:
    steering = resolve(tokenizer, gender, form)
    for k, token in enumerate(steering.tokens):
        ids = tokenizer.encode(steered(token, "They are 0 or 1."), add_special_tokens=False)
        split = split_response(ids, steering)
        assert split.category == k
        assert tokenizer.decode(split.token_ids).strip() == "They are 0 or 1."


def test_only_a_first_token_steers(tokenizer: PreTrainedTokenizerBase, gender: Attribute) -> None:
    steering = resolve(tokenizer, gender, "digits")
    zero, one = steering.ids
    assert split_response([one, zero, one], steering) == Split(1, [zero, one])
    assert split_response([7, zero], steering) == Split(None, [7, zero])
    assert split_response([], steering) == Split(None, [])


@pytest.mark.parametrize(
    ("tokens", "named"),
    [(["man", "gentlewoman"], "gentlewoman"), (["man", "man"], "man"), (["man", ""], "''")],
)
def test_token_that_cannot_steer_is_named(
    tokenizer: PreTrainedTokenizerBase, gender: Attribute, tokens: list[str], named: str
) -> None:
    with pytest.raises(InputError, match=f"'gender': steering tokens .*{named}"):
        resolve(tokenizer, with_tokens(gender, "words", tokens), "words")


def test_unknown_form_lists_those_there_are(
    tokenizer: PreTrainedTokenizerBase, gender: Attribute
) -> None:
    with pytest.raises(InputError, match="Male has no steering token of form 'emoji'.*'digits'"):
        resolve(tokenizer, gender, "emoji")
