"""What goes wrong at an LLM endpoint: counted by kind, retried or reported as what it is."""

import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from openai import DefaultAsyncHttpxClient

Faults = Counter[str]
# No token of a known vocabulary is nearly as long: what is cut is no answer to the request.
CHARACTERS_A_TOKEN = 1000
LONGEST_REASON = 500
# What a model thinks, where its server does not take it out. The beginning may be missing: it
# stands in the prompt then.
_THOUGHT = re.compile(
    r"\A(?:\s*<(think|thinking|thought|reasoning)>.*?</\1>|.*</(?:think|thinking)>)", re.DOTALL
)
_UNFINISHED = re.compile(r"\A\s*<(?:think|thinking|thought|reasoning)>")

ERROR, NO_CHOICE, NO_TEXT = "error in a 200", "no choice", "no text"
FILTERED, EMPTY = "content filter", "empty text"
SPENT = "budget spent before an answer (see thinking_tokens)"


class UnexpectedAnswerError(Exception):
    """The endpoint answered with something else than a chat completion."""


def is_loopback(url: str | None) -> bool:
    host = urlsplit(url or "").hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")


class NoAnswerError(Exception):
    """A chat completion without an answer in it.

    Args:
        kind: what there is instead, as it is counted.
        detail: what the endpoint says.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind


def counting_client(faults: Faults, base_url: str | None) -> "DefaultAsyncHttpxClient":
    """The OpenAI library's own HTTP client; each try that failed is counted, and then retried
    by the library as ever: its status, or the name of the error of the connection.

    A proxy of the environment is passed by where the endpoint is on this machine's loopback.
    """
    from openai import DefaultAsyncHttpxClient

    class CountingClient(DefaultAsyncHttpxClient):
        async def send(self, *args: Any, **kwargs: Any) -> Any:
            try:
                response = await super().send(*args, **kwargs)
            except Exception as error:
                faults[type(error).__name__] += 1
                raise
            if response.is_error:
                faults[f"{response.status_code} {response.reason_phrase}"] += 1
            return response

    return CountingClient(trust_env=not is_loopback(base_url))


def read_text(answer: Any, max_tokens: int, faults: Faults) -> str:
    """The text of a chat completion, without what the model thought; a refusal is one too.

    The OpenAI library checks no types: any field may be missing or of another type. What is far
    longer than was asked for is cut, and half a surrogate pair becomes a question mark.

    Raises:
        UnexpectedAnswerError: the answer is no chat completion.
        NoAnswerError: it holds no text: an error, a filter, or a budget that thinking used up.
    """
    from openai.types.chat import ChatCompletion

    if not isinstance(answer, ChatCompletion):
        raise UnexpectedAnswerError(f"not a chat completion: {str(answer)[:200]!r}")
    choice = answer.choices[0] if answer.choices else None
    for part in (answer, choice):
        if error := getattr(part, "error", None):
            raise NoAnswerError(ERROR, str(error)[:200])
    message = getattr(choice, "message", None)
    if message is None:
        raise NoAnswerError(NO_CHOICE)
    reason = getattr(choice, "finish_reason", None)
    if reason in ("content_filter", "error"):
        raise NoAnswerError(FILTERED if reason == "content_filter" else ERROR)
    text = _without_thought(_joined(getattr(message, "content", None)))
    if not text and reason != "length":
        text = getattr(message, "refusal", None) or text
    if not text:
        kind = SPENT if reason == "length" else NO_TEXT if text is None else EMPTY
        raise NoAnswerError(kind)
    if not isinstance(text, str):
        raise UnexpectedAnswerError(f"the message's content is no text: {str(text)[:200]!r}")
    if len(text) > max_tokens * CHARACTERS_A_TOKEN:
        faults["far too long"] += 1
        text = text[: max_tokens * CHARACTERS_A_TOKEN]
    return text.encode("utf-8", "replace").decode("utf-8")


def _joined(content: Any) -> Any:
    """Content that comes in parts as one text: those of the answer, not of what was thought."""
    if not isinstance(content, list):
        return content
    parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
    return "".join(str(part.get("text", "")) for part in parts)


def _without_thought(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    text, n_thoughts = _THOUGHT.subn("", text)
    return "" if _UNFINISHED.match(text) else text.lstrip() if n_thoughts else text


def reason(error: Exception, api_key: str) -> str:
    """What an error says, in short; an endpoint may quote the key, which is left out."""
    return f"{type(error).__name__}: {error}".replace(api_key, "…")[:LONGEST_REASON]


def summary(n_answers: int, faults: Faults) -> str:
    """One line: how many answers came, and how many faults of each kind."""
    kinds = ", ".join(f"{times} x {kind}" for kind, times in faults.most_common())
    return f"{n_answers} answers; on the way: {kinds or 'nothing went wrong'}"
