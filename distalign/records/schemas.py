"""The records that cross a stage boundary, and the error that a person can mend.

Every hand-off between stages is one JSONL file with one of these records a line, or one
JSON file that holds a `DatasetSpec`. Unknown fields are refused, so a schema has one place.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from distalign.records.stated import Split, Statement, Stating

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Setting = Literal["attribute", "story"]
Source = Literal["llm", "grammar"]


class InputError(ValueError):
    """Something a person can mend: the message names the file, the place and the way out."""


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Category(Record):
    """One value a_k of an attribute."""

    name: str
    words: list[str] = Field(min_length=1)
    """Words or phrases that express the category in an answer."""
    tokens: dict[str, str]
    """Steering token per surface form, e.g. {"digits": "0", "pronouns": "he"}."""


class Writing(Record):
    """How responses that express a given category are written, by an LLM or a grammar."""

    system: str
    ask: str
    """What the LLM is asked for: with {word} a whole response of a category; without it the end
    of the sentence that `begin` starts. May hold {context}."""
    words: dict[str, list[str]]
    """Category -> what it is called in a response or a request, any of them."""
    begin: str = ""
    """Beginning of a sentence about {context}, whose end, a {detail} of the grammar, the LLM
    writes; empty where it writes whole responses."""
    grammar: dict[str, list[str]] = {}
    """Productions of written responses from `root`, with the slots {word}, {context} and
    {detail}; empty where the LLM writes whole responses."""


class Question(Record):
    """What is asked in one setting, and how its wordings are recognised and made."""

    template: str
    """Table 9 of the paper; {context} is the slot."""
    topic: list[str] = Field(min_length=1)
    """A rewording asks the same thing only if it holds one of these words."""
    requests: list[str]
    """Words that may begin a wording that does not end in a question mark."""
    vocabulary: list[str]
    """Words a rewording may use beside those of the grammar: others change what is asked."""
    grammar: dict[str, list[str]]
    """Written productions; `grammar["root"]` is the start, {name} expands another."""
    limit: str
    """Sentence after each wording, as it is: how long the response may be. May be empty."""
    responses: Writing


class Attribute(Record):
    name: str
    story_judge: Literal["gender", "vader"] | None = None
    """What the lexical judge reads from a story; None where it cannot read the attribute."""
    categories: list[Category] = Field(min_length=2)
    ordered: bool = False
    """The categories are steps of a scale, in their order."""
    homonyms: list[str]
    """Phrases that hold a category's word in another sense, as "white-collar" does."""
    settings: dict[Setting, Question]

    def question(self, setting: str) -> Question:
        """Raises InputError that lists the settings there are."""
        if setting not in self.settings:
            raise InputError(
                f"attribute {self.name!r} has no setting {setting!r}; it has {list(self.settings)}"
            )
        return self.settings[setting]


class Context(Record):
    """What a prompt is about, with its target P*(.|c) in the order of the categories."""

    name: str
    target: list[float]
    about: str | None = None
    statement: Statement | None = None
    """What its prompts say of the target, if they do."""

    @property
    def subject(self) -> str:
        """What fills the slot of a wording: `about` where that is not the name."""
        return self.about or self.name


class DatasetSpec(Record):
    """attribute x region x target: everything the later stages know of a dataset."""

    name: str
    target: Literal["real", "even", "stated"]
    attribute: Attribute
    contexts: list[Context] = Field(min_length=1)
    """What is asked about in tests, and in training where `taught` is empty."""
    taught: list[Context] = []
    """What a training is about, where tests are about contexts that it has not seen."""
    stating: Stating | None = None
    """How a training states its rows' targets; a joined data set's questions have their own."""
    parts: list["DatasetSpec"] = []
    """The questions of a joined data set, see `distalign.records.joined`."""

    @model_validator(mode="after")
    def _targets_are_distributions(self) -> "DatasetSpec":
        for context in [*self.contexts, *self.taught]:
            if len(context.target) != len(self.attribute.categories):
                raise ValueError(f"{context.name}: one probability a category is needed")
            if not (min(context.target) >= 0 and abs(sum(context.target) - 1) <= 1e-9):  # nan too
                raise ValueError(f"{context.name}: the target is not a distribution")
        return self

    def for_training(self) -> "DatasetSpec":
        """The data set of the contexts that a training is about, and its questions likewise."""
        taught = {"contexts": self.taught, "parts": [part.for_training() for part in self.parts]}
        return self.model_copy(update=taught) if self.taught else self

    @property
    def categories(self) -> list[str]:
        return [category.name for category in self.attribute.categories]

    @cached_property
    def _by_name(self) -> dict[str, Context]:
        return {context.name: context for context in self.contexts}

    def context(self, name: str) -> Context:
        """Raises KeyError for a name that the data set does not have."""
        return self._by_name[name]

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> "DatasetSpec":
        """As pydantic's, which would keep the names of the old contexts."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("_by_name", None)
        return copied


class Prompt(Record):
    setting: Setting
    context: str
    split: Split
    prompt: str
    source: Source
    """grammar: written, also where an LLM has written the same."""
    target: list[float] | None = None
    """What the prompt states; None: the context's."""


class Response(Record):
    """A row (x, r, a) of D_base (equation 6)."""

    setting: Setting
    context: str
    prompt: str
    response: str
    category: str
    source: Source
    """llm: an LLM has written the response, or its {detail}, and the grammar does not yield it."""


class Preference(Record):
    """A row (x, y_w, y_l) of D_pref (equations 7-9), texts without their steering tokens.

    The sequences are [category; response] (desirable), [rejected_category;
    rejected_response] (the paper's consistent pair) and [category; rejected_response]
    (the mismatched pair, whose token and text contradict each other).
    """

    setting: Setting
    context: str
    prompt: str
    category: str
    response: str
    rejected_category: str
    rejected_response: str
    target: list[float] | None = None
    """What the prompt states; None: the context's."""


class Round(Record):
    """One independent generation."""

    context: str
    round: int = Field(ge=0)
    prompt: str
    text: str
    """The response without its steering token; what the judge reads."""
    raw: str | None = None
    """The whole output of a method whose prompt asks for more than the answer."""
    drawn: str | None
    """Category of the steering token that starts the response, if there is one, or that an
    outside generator has picked and the prompt asks for."""
    probabilities: list[float] | None
    """What the steering token is drawn from, in the order of the categories: P_theta(tau|x)
    restricted to the steering tokens; the target, where a generator outside the model draws it."""
    mass: float | None
    """Probability of all steering tokens together in the whole vocabulary."""


class Judgement(Round):
    category: str | None
    """The category that the text expresses; None is an invalid response."""
    refused: bool = False
    """The response is invalid because it says that it does not, or cannot, tell."""
    judge: str
    why: str = ""
    """What the judge of short answers went by; empty for others."""


class VariantJudgement(Judgement):
    """A judged round of the stage `decoding`."""

    variant: str


class Confusion(Record):
    """What one judge read from the ordinary test texts, true category by read category."""

    judge: str
    categories: list[str]
    counts: list[list[int]]
    """(K + 1, K + 1): true rows by read columns; the last of each stands for invalid."""


class DecodingParams(BaseModel):
    """The `decoding` block of params.yaml."""

    model_config = ConfigDict(extra="forbid")
    variants: dict[str, dict[str, Any]]
    """Name -> keys that replace those of the block `sample`."""
