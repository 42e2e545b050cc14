"""Ask a trained policy one question many times, and see the shares of its answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distalign.data.requests import named_settings
from distalign.engines.engine import Decoding, EngineName, FirstToken
from distalign.engines.opening import open_engine
from distalign.judging.words import judge_round
from distalign.machine.precision import Precision, PrecisionParams, Wanted, native_bfloat16
from distalign.models.chat import chat_ids
from distalign.models.policy import merged, read_policy
from distalign.models.steering import ADDED, STEERED_MASS, Steering
from distalign.records.files import read_spec
from distalign.records.joined import padded, questions
from distalign.records.schemas import Context, DatasetSpec, Judgement
from distalign.sampling.rounds import SampleParams, Shard
from distalign.sampling.workers import open_workers
from distalign.serving.stating import stated_target

WIDTH = 40
SHOWN = 3
MAX_TRIES = 20
SETTING = "attribute"


@dataclass(frozen=True)
class Plain:
    """What is answered to a prompt that is no question of the policy's, at temperature 0.

    Attributes:
        added: probability of the steering tokens beyond what the base model gives them, under
            STEERED_MASS.
    """

    added: float
    policy: str
    base: str


@dataclass(frozen=True)
class Answers:
    """Judged answers to one prompt, and the target where the prompt states it or names a context.

    Attributes:
        plain: of a question that the server would leave to the base model. No steering token is
            then to be drawn; the rounds show what one would lead to.
    """

    spec: DatasetSpec
    target: list[float] | None
    rounds: Sequence[Judgement]
    plain: Plain | None = None

    def shares(self) -> dict[str, tuple[float, float, float]]:
        """Category -> share of the valid answers, with its Wilson interval of 95 %."""
        from scipy import stats

        counts = Counter(row.category for row in self.rounds)
        n = sum(counts[name] for name in self.spec.categories)
        if n == 0:
            return {}
        found = {}
        for name in self.spec.categories:
            interval = stats.binomtest(counts[name], n).proportion_ci(method="wilson")
            found[name] = (counts[name] / n, float(interval.low), float(interval.high))
        return found

    def chart(self) -> str:
        """Bars of the shares, a mark `|` at the target, and some of the answers; or the plain
        answers, where the question is not the policy's.
        """
        if self.plain is not None:
            return (
                "not the policy's question: training has added "
                f"{self.plain.added:.3f} to the probability of its steering tokens, "
                f"under {STEERED_MASS}\n\n"
                f"policy      {self.plain.policy!r}\nbase model  {self.plain.base!r}"
            )
        shares = self.shares()
        n_valid = sum(row.category is not None for row in self.rounds)
        lines = [f"{n_valid} of {len(self.rounds)} answers name one category", ""]
        width = max(map(len, self.spec.categories))
        for k, (name, (share, low, high)) in enumerate(shares.items()):
            bar = list("█" * round(share * WIDTH) + "·" * (WIDTH - round(share * WIDTH)))
            text = f"{share:5.1%} [{low:5.1%}, {high:6.1%}]"
            if self.target is not None:
                bar[min(round(self.target[k] * WIDTH), WIDTH - 1)] = "|"
                text += f"  target {self.target[k]:5.1%}"
            lines.append(f"{name:{width}} {''.join(bar)} {text}")
        examples = dict.fromkeys(row.text for row in self.rounds)
        return "\n".join([*lines, "", *(f"  {text!r}" for text in list(examples)[:SHOWN])])


def ask(
    prompt: str,
    policy: str | Path,
    base: str | Path,
    spec: str | Path,
    n: int = 100,
    seed: int = 0,
    max_tokens: int = 32,
    engine: EngineName = "auto",
    precision: Wanted = "auto",
) -> Answers:
    """n independent answers of a policy to one prompt, at temperature 1.

    Args:
        policy, base: folders of the policy and of its base model.
        spec: file of the data set that the policy was trained on, in data/targets.

    Raises:
        InputError: no policy in the folder, or one of another base model.
    """
    whole = read_spec(Path(spec))
    trained = question_in(whole, prompt)
    named = [c for c in trained.contexts if c.name.casefold() in prompt.casefold()]
    target = max(named, key=lambda c: len(c.name)).target if named else None
    if trained.stating is not None:
        target = stated_target(prompt, trained.attribute, trained.stating.phrasings) or target
    even = [1 / len(trained.categories)] * len(trained.categories)
    wanted = padded(target or even, trained.categories, whole.categories)
    asked = whole.model_copy(update={"contexts": [Context(name=prompt, target=wanted)]})
    params = SampleParams(
        seed=seed,
        engine=engine,
        workers=1,
        tensor_parallel=1,
        shard=n,
        n=n,
        rounds="independent",
        prompts="one",
        decoding="method",
        steering_decoding=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        max_tokens={SETTING: max_tokens},
        max_tries=MAX_TRIES,
    )
    used = PrecisionParams(precision).resolve(native_bfloat16())
    plan = [(prompt, number, prompt) for number in range(n)]
    with open_workers(params, Path(policy), Path(base), asked, used) as draw:
        ((_, rounds),) = draw([(0, Shard(plan, SETTING, params, [seed]))])
    # Words that name the context count for nothing, as in the pipeline.
    about = {"context": context_in(trained, prompt)}
    judged = [judge_round(row.model_copy(update=about), trained.attribute) for row in rounds]
    if rounds[0].mass is None:  # a method without steering tokens
        return Answers(trained, target, judged)
    plain = _plain(prompt, rounds[0].mass, Path(policy), Path(base), used, max_tokens)
    return Answers(trained, target, judged, plain)


def question_in(spec: DatasetSpec, prompt: str) -> DatasetSpec:
    """The question of a joined data set that a prompt asks, by its words; the first if none."""
    parts = questions(spec)
    asked = [part for part in parts if SETTING in named_settings(prompt, part.attribute)]
    return (asked or parts)[0]


def context_in(spec: DatasetSpec, prompt: str) -> str:
    """The longest name of what the data set asks about that a prompt has; empty if it has none."""
    names = (context.subject for context in spec.contexts)
    return max((n for n in names if n.casefold() in prompt.casefold()), key=len, default="")


def _plain(
    prompt: str, mass: float, folder: Path, base: Path, precision: Precision, max_tokens: int
) -> Plain | None:
    """Both models' answers where what training has added to the mass is under STEERED_MASS."""
    policy = read_policy(folder)
    own = _likeliest(prompt, base, precision, max_tokens, policy.steering)
    added = mass - own.mass
    if added >= STEERED_MASS:
        return None
    with merged(policy, folder, base, precision) as whole:
        answer = _likeliest(prompt, whole, precision, max_tokens, policy.steering)
    return Plain(added, answer.text, own.text)


@dataclass(frozen=True)
class _Likeliest:
    text: str
    mass: float


def _likeliest(
    prompt: str, folder: Path, precision: Precision, max_tokens: int, steering: Steering
) -> _Likeliest:
    """A model's answer at temperature 0, nothing drawn, and its mass of the steering tokens."""
    # vLLM would want a GPU's memory for itself, which the rounds' engine still has.
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    engine = open_engine("transformers", folder, precision)
    decoding = Decoding(temperature=0.0, top_p=1.0, top_k=0, max_tokens=max_tokens)
    # The base model has no rows of tokens that were added for the policy.
    first = None if steering.form == ADDED else FirstToken(steering.ids, None)
    (answer,) = engine.generate([chat_ids(tokenizer, prompt)], decoding, 0, first)
    text = tokenizer.decode(answer.token_ids, skip_special_tokens=True).strip()
    return _Likeliest(text, 0.0 if answer.logps is None else float(np.exp(answer.logps).sum()))
