"""The chat template that a model is kept with: the same prompt for every stage, on any day.

What a person asks of a template, and what it lacks, is written into the template itself: trainers,
engines, servers and who loads a published policy render it without knowing.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from distalign.models.chat import QUESTION, REST, answer_ids, turns
from distalign.records.schemas import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Argument = bool | int | float | str
# Some templates tell the model today's date, as Llama 3.2's does: another prompt every day.
DATE = "26 Jul 2024"  # the one that Llama 3's template falls back to
FIXED_DATE = f"{{%- macro strftime_now(format) -%}}{DATE}{{%- endmacro -%}}\n"
# Gemma 2 and Mistral v0.1 know no system turn: its text begins the user's.
FOLDED_SYSTEM = """\
{%- if messages[0]['role'] == 'system' -%}
{%- set messages = [{'role': messages[1]['role'], 'content': messages[0]['content'] + '\\n\\n' \
+ messages[1]['content']}] + messages[2:] -%}
{%- endif -%}
"""
OPENED = "{%- if add_generation_prompt -%}{{- OPENING -}}{%- endif -%}"
SYSTEM = "Answer in one sentence."


def settle(tokenizer: "PreTrainedTokenizerBase", arguments: Mapping[str, Argument]) -> list[str]:
    """Write arguments, a fixed date and what is missing into the tokenizer's chat template.

    A prompt is made to end where an answer's first word stands: Qwen3, gpt-oss and GLM-4 put an
    empty thought, a channel or a line break between.

    Returns:
        What was written beside the arguments, a sentence each.

    Raises:
        InputError: there is no template, it knows no such argument, it cannot be rendered, or an
            answer's turn does not begin as a prompt ends.
    """
    if isinstance(tokenizer.chat_template, dict):  # one for tools, one for documents, ...
        tokenizer.chat_template = tokenizer.chat_template.get("default")
    if not tokenizer.chat_template:
        raise InputError("the tokenizer has no chat template; take an instruct model")
    done = []
    for name in arguments:
        if not re.search(rf"\b{re.escape(name)}\b", tokenizer.chat_template):
            raise InputError(f"template.{name}: the chat template knows no such argument")
    if "strftime_now" in tokenizer.chat_template:
        tokenizer.chat_template = FIXED_DATE + tokenizer.chat_template
        done.append(f"the date is always {DATE}")
    tokenizer.chat_template = _assignments(arguments) + tokenizer.chat_template
    render(tokenizer, turns(QUESTION), add_generation_prompt=True)
    if not _knows_system(tokenizer):
        tokenizer.chat_template = FOLDED_SYSTEM + tokenizer.chat_template
        if not _knows_system(tokenizer):
            raise InputError("chat template: it renders no system turn, nor a user's turn with it")
        done.append("a system turn begins the user's, as the template has none")
    if opening := _opening(tokenizer):
        text = OPENED.replace("OPENING", json.dumps(opening))
        tokenizer.chat_template = tokenizer.chat_template.rstrip() + text
        if _opening(tokenizer):
            raise InputError(f"chat template: {opening!r} stands between a prompt and its answer")
        done.append(f"a prompt ends with {opening!r}, which the template puts before an answer")
    end = _end(tokenizer)
    if end not in (None, tokenizer.eos_token):
        # Of a GGUF, which names one end alone, answers would run on.
        own = tokenizer.eos_token
        done.append(f"a response ends with {end!r}, as the template has it, not with {own!r}")
        tokenizer.eos_token = end
    return done


def _end(tokenizer: "PreTrainedTokenizerBase") -> str | None:
    """The item that the template ends an answer's turn with, where it is one of the vocabulary."""
    after = render(tokenizer, turns(QUESTION, REST)).split(REST)[-1].split()
    item = tokenizer.get_vocab().get(after[0]) if after else None
    return after[0] if item in answer_ids(tokenizer, QUESTION, REST) else None


def _assignments(arguments: Mapping[str, Argument]) -> str:
    return "".join(
        f"{{%- set {name} = {json.dumps(value)} -%}}\n" for name, value in arguments.items()
    )


def _knows_system(tokenizer: "PreTrainedTokenizerBase") -> bool:
    messages = [{"role": "system", "content": SYSTEM}, *turns(QUESTION)]
    try:
        return SYSTEM in render(tokenizer, messages, add_generation_prompt=True)
    except InputError:
        return False


def _opening(tokenizer: "PreTrainedTokenizerBase") -> str:
    """What stands between a prompt's end and its answer; spaces alone belong to the first word."""
    asked = render(tokenizer, turns(QUESTION), add_generation_prompt=True)
    whole = render(tokenizer, turns(QUESTION, REST))
    if not whole.startswith(asked) or REST not in whole[len(asked) :]:
        common = next((i for i, (a, b) in enumerate(zip(asked, whole, strict=False)) if a != b), 0)
        raise InputError(
            f"chat template: it ends a prompt with {asked[common:]!r}, and an answer's turn goes "
            f"on with {whole[common:][:40]!r}: what is trained is not what is asked. Switch "
            "thinking off by an argument (`template: {enable_thinking: false}`), or name a folder "
            "whose chat_template.jinja begins both alike"
        )
    opening = whole[len(asked) :].split(REST)[0]
    return opening if opening.strip(" ") else ""


def render(
    tokenizer: "PreTrainedTokenizerBase", messages: Sequence[Mapping[str, str]], **options: Any
) -> str:
    """The text of a conversation. Raises InputError with what the template says."""
    from jinja2 import TemplateError

    apply: Callable[..., str] = tokenizer.apply_chat_template
    try:
        return apply(messages, tokenize=False, **options)
    except (TemplateError, TypeError, KeyError, ValueError) as error:
        raise InputError(f"chat template: {type(error).__name__}: {error}") from error
