"""Answers limited to the categories' words: decoded token by token, all other tokens masked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from distalign.engines.engine import Continuation, Decoding, Engine, FirstToken
from distalign.models.chat import QUESTION, answer_ids
from distalign.records.schemas import Attribute
from distalign.sampling.drawing import decoded, draw_independent

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Branches = Mapping[tuple[int, ...], Sequence[int]]
"""What has been written of an answer -> the tokens that may follow, in ascending order."""


def allowed_answers(attribute: Attribute) -> list[str]:
    """The first word of each category, as it is listed and with capital letters."""
    words = [category.words[0] for category in attribute.categories]
    forms = [form(word) for word in words for form in (str, str.capitalize, str.title)]
    return list(dict.fromkeys(forms))


def answer_branches(answers: Sequence[str], tokenizer: "PreTrainedTokenizerBase") -> Branches:
    """The tree of the answers' tokens, each followed by the token that ends a response.

    They are those of the answer in its turn: SentencePiece writes a word alone in another way.
    """
    found: dict[tuple[int, ...], set[int]] = {}
    end = tokenizer.eos_token_id
    for answer in answers:
        ids = [*answer_ids(tokenizer, QUESTION, answer), end]  # a template may end no turn
        whole = ids[: ids.index(end) + 1]
        for place, token in enumerate(whole):
            found.setdefault(tuple(whole[:place]), set()).add(token)
    return {written: sorted(tokens) for written, tokens in found.items()}


def draw_answers(
    engine: Engine,
    prompts: Sequence[list[int]],
    branches: Branches,
    end: int,
    decoding: Decoding,
    rng: np.random.Generator,
) -> list[Continuation]:
    """One of the answers a prompt: each token from the model's probabilities of those allowed.

    It is what an engine does whose output is held to a choice of texts. An answer that is the
    beginning of another is told from it by the token that ends it.

    Args:
        end: the token that ends a response.
    """
    answers: list[tuple[int, ...]] = [() for _ in prompts]
    going = list(range(len(prompts)))
    while going:
        for row in going:
            while len(branches[answers[row]]) == 1 and branches[answers[row]][0] != end:
                answers[row] += tuple(branches[answers[row]])
        going = [row for row in going if list(branches[answers[row]]) != [end]]
        if not going:
            break
        ids = sorted({token for row in going for token in branches[answers[row]]})
        asked = [[*prompts[row], *answers[row]] for row in going]
        one = replace(decoding, max_tokens=1)
        seen = engine.generate(asked, one, 0, FirstToken(ids, None))
        for row, answer, uniform in zip(list(going), seen, rng.random(len(going)), strict=True):
            places = [ids.index(token) for token in branches[answers[row]]]
            p = np.exp(answer.logps[places] - answer.logps[places].max())
            token = ids[places[draw_independent(decoded(p / p.sum(), decoding), uniform)]]
            if token == end:
                going.remove(row)
            else:
                answers[row] += (token,)
    return [Continuation(list(answer), None) for answer in answers]
