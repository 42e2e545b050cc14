"""One request to an endpoint, until there is an answer or it is clear that none will come."""

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from distalign.llm.faults import (
    EMPTY,
    FILTERED,
    SPENT,
    Faults,
    NoAnswerError,
    counting_client,
    read_text,
    reason,
)
from distalign.records.schemas import InputError

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion

MAX_RETRIES = 8
TIMEOUT_S = 300
KEY_VARIABLE = "OPENAI_API_KEY"
OPENAI_URL = "https://api.openai.com/v1"
TRIES = 4
"""Of a request whose answers hold no text; each with a seed of its own."""
IN_A_ROW = 20
"""So many answers without a text, whatever was asked, and nothing more is asked."""
PAUSE_S = 0.5
"""Before the second try; twice as long before each that follows."""
TEMPERATURE_REFUSED = "temperature refused"
LIMIT_UNKNOWN, OLDER_LIMIT, SLACK = "max_completion_tokens unknown", "max_tokens", 4
_PROBE = "distalign"


class AskingParams(BaseModel):
    """What decides an endpoint's answers, in the blocks of params.yaml that name one."""

    model_config = ConfigDict(extra="forbid")
    model: str | None
    """Name of a model at `base_url`; its key comes from OPENAI_API_KEY."""
    base_url: str | None
    """Null is the OpenAI API, whatever OPENAI_BASE_URL says."""
    in_flight: int = Field(ge=1)
    temperature: float | None = Field(ge=0)
    """Null sends none; it is left out, too, where the endpoint refuses it."""
    seeded: bool
    """Send a seed with each request; endpoints that refuse it need false."""
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    """Of a model that thinks before it answers; null sends none."""
    thinking_tokens: int = Field(default=0, ge=0)
    """What a model may think, beside the length of each answer."""

    @property
    def url(self) -> str:
        return self.base_url or OPENAI_URL


class Request(BaseModel):
    """One chat completion; `seed` tells rounds apart that are otherwise alike."""

    messages: list[dict[str, str]]
    max_tokens: int
    seed: int
    top_p: float | None = None
    choices: list[str] | None = None
    """The only answers allowed, for an endpoint that knows vLLM's structured outputs."""


def read_key() -> str:
    """The endpoint's key. Raises InputError if there is none, or none that could be one."""
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        raise InputError(
            f"the model of an endpoint is set: export its key as {KEY_VARIABLE}, or any text where "
            "the server asks for none"
        )
    if not (key.isascii() and key.isprintable()):
        raise InputError(f"{KEY_VARIABLE} holds a line break or a sign that no key has")
    return key


def open_client(url: str, api_key: str, faults: Faults) -> "AsyncOpenAI":
    from openai import AsyncOpenAI

    return AsyncOpenAI(
        base_url=url,
        api_key=api_key,
        max_retries=MAX_RETRIES,
        timeout=TIMEOUT_S,
        http_client=counting_client(faults, url),
    )


def _written(answer: "ChatCompletion") -> int:
    """Tokens that an answer took, as far as the endpoint says so."""
    usage = getattr(answer, "usage", None)
    tokens = getattr(usage, "completion_tokens", None)
    return tokens if isinstance(tokens, int) else 0


class Asker:
    """Asks one model for as long as answers come; what goes wrong is counted in `faults`.

    Args:
        temperature: that of `params`, or None where it is known to be refused.
    """

    def __init__(
        self,
        client: "AsyncOpenAI",
        model: str,
        params: AskingParams,
        faults: Faults,
        temperature: float | None,
    ) -> None:
        self._client = client
        self._model = model
        self._params = params
        self._faults = faults
        self.temperature = temperature
        self._limit = "max_completion_tokens"
        self._in_a_row = 0

    async def ask(self, request: Request) -> str | None:
        """The answer; None where a filter, or the model with an empty text, gives none.

        Raises:
            NoAnswerError: every try brought another non-answer, or `IN_A_ROW` did.
            OpenAIError: the endpoint refused, or kept failing after retries with back-off.
            UnexpectedAnswerError: it answers with something else than chat completions.
        """
        for number in range(TRIES):
            try:
                text = await self._try(request, number)
            except NoAnswerError as error:
                self._faults[error.kind] += 1
                self._in_a_row += 1
                last = error
                if self._in_a_row >= IN_A_ROW:
                    raise NoAnswerError(
                        error.kind, f"{IN_A_ROW} answers in a row held no text; {error}"
                    ) from error
                if number < TRIES - 1 and error.kind not in (EMPTY, FILTERED, SPENT):
                    await asyncio.sleep(PAUSE_S * 2**number)
            else:
                self._in_a_row = 0
                return text
        if last.kind in (EMPTY, FILTERED):
            return None
        raise NoAnswerError(last.kind, f"in all {TRIES} tries of a request; {last}")

    async def _try(self, request: Request, number: int) -> str:
        try:
            answer = await self._send(request, (request.seed + number * 1_000_003) % 2**31)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise NoAnswerError("truncated JSON") from error
        return read_text(answer, request.max_tokens, self._faults)

    async def _send(self, request: Request, seed: int) -> "ChatCompletion":
        """An answer within the request's tokens. Some servers know their limit by its older name
        alone, and refuse the newer one, or write on without one.
        """
        from openai import BadRequestError

        limit, most = self._limit, request.max_tokens + self._params.thinking_tokens
        try:
            answer = await self._complete(request, seed, {limit: most})
            if limit == OLDER_LIMIT or _written(answer) <= most + SLACK:
                return answer
        except BadRequestError as error:
            if limit == OLDER_LIMIT or limit not in str(error):
                raise
        self._limit = OLDER_LIMIT
        self._faults[LIMIT_UNKNOWN] += 1
        return await self._complete(request, seed, {OLDER_LIMIT: most})

    async def _complete(
        self, request: Request, seed: int, limit: dict[str, int]
    ) -> "ChatCompletion":
        from openai import BadRequestError, omit

        options: dict[str, Any] = {
            "model": self._model,
            "messages": request.messages,
            **limit,
            "seed": seed if self._params.seeded else omit,
            "top_p": omit if request.top_p is None else request.top_p,
            "reasoning_effort": self._params.effort or omit,
            "extra_body": request.choices and {"structured_outputs": {"choice": request.choices}},
        }
        if self.temperature is None:
            return await self._client.chat.completions.create(**options)
        try:
            return await self._client.chat.completions.create(
                temperature=self.temperature, **options
            )
        except BadRequestError as error:
            if "temperature" not in str(error).lower():
                raise
            self.temperature = None
            self._faults[TEMPERATURE_REFUSED] += 1
            return await self._client.chat.completions.create(**options)

    async def check_choices(self) -> None:
        """Ask for an answer that only an endpoint can give which is held to the choices.

        Raises:
            InputError: the endpoint refuses them, or does not know them.
        """
        from openai import BadRequestError

        message = {"role": "user", "content": "Answer yes or no: is water wet?"}
        probe = Request(messages=[message], max_tokens=16, seed=0, choices=[_PROBE])
        try:
            answer = await self.ask(probe)
        except BadRequestError as error:
            answer = reason(error, self._client.api_key)[:200]
        if (answer or "").strip() != _PROBE:
            raise InputError(
                f"{self._params.url} does not hold answers to the labels (it answered {answer!r} "
                f"where {_PROBE!r} alone was allowed): set judge.constrained to false"
            )
