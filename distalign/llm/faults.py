"""What goes wrong at an LLM endpoint: counted by kind, retried or reported as what it is."""

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from openai import DefaultAsyncHttpxClient

Faults = Counter[str]
# No token of a known vocabulary is nearly as long: what is cut is no answer to the request.
CHARACTERS_A_TOKEN = 1000
LONGEST_REASON = 500


class UnexpectedAnswerError(Exception):
    """The endpoint answered with something else than a chat completion."""


def is_loopback(url: str | None) -> bool:
    host = urlsplit(url or "").hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")


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
    """The text of a chat completion; empty without one.

    The OpenAI library checks no types: any field may be missing or of another type. What is far
    longer than was asked for is cut, and half a surrogate pair becomes a question mark.

    Raises:
        UnexpectedAnswerError: the answer is no chat completion.
    """
    from openai.types.chat import ChatCompletion

    if not isinstance(answer, ChatCompletion):
        raise UnexpectedAnswerError(f"not a chat completion: {str(answer)[:200]!r}")
    message = answer.choices[0].message if answer.choices else None
    text = getattr(message, "content", None)
    if text is None or text == "":
        faults["no choice" if message is None else "no text"] += 1
        return ""
    if not isinstance(text, str):
        raise UnexpectedAnswerError(f"the message's content is no text: {str(text)[:200]!r}")
    if len(text) > max_tokens * CHARACTERS_A_TOKEN:
        faults["far too long"] += 1
        text = text[: max_tokens * CHARACTERS_A_TOKEN]
    return text.encode("utf-8", "replace").decode("utf-8")


def reason(error: Exception, api_key: str) -> str:
    """What an error says, in short; an endpoint may quote the key, which is left out."""
    return f"{type(error).__name__}: {error}".replace(api_key, "…")[:LONGEST_REASON]


def summary(n_answers: int, faults: Faults) -> str:
    """One line: how many answers came, and how many faults of each kind."""
    kinds = ", ".join(f"{times} x {kind}" for kind, times in faults.most_common())
    return f"{n_answers} answers; on the way: {kinds or 'nothing went wrong'}"
