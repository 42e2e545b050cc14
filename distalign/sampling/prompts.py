"""What each method asks the model, and how the answers of prompted baselines are read.

These bring their own randomness. Each is a method of the matrix with `objective: none`. What
the judge reads, the round's `text`, is the answer alone; the whole output is kept in the
round's `raw`.

external_random: a random generator picks the category by P* and the prompt asks for it. An
    upper bound for what asking can do: what is missing is the model's obedience.
verbalized: the prompt states the target and asks for several answers with a probability each;
    one is drawn by these (verbalized sampling, Zhang et al., arXiv 2510.01171).
seed_of_thought: the prompt states the target and asks for a string of random characters, from
    which the model is to choose its answer (string seed of thought, Misaki and Akiba,
    arXiv 2510.21150).
verbalized_rejection: the prompt states the target, the even shares of a random generator and
    the category that it has proposed, and asks whether to accept it (verbalized rejection
    sampling, Xiao et al., arXiv 2506.09998). `distalign.sampling.rejection` asks again.
"""

import re
from collections.abc import Sequence

import numpy as np

from distalign.records.schemas import Context, DatasetSpec

PE_EXPLICIT = "pe_explicit"
CONSTRAINED_EXPLICIT = "constrained_explicit"
EXTERNAL = "external_random"
VERBALIZED = "verbalized"
SEED_OF_THOUGHT = "seed_of_thought"
REJECTION = "verbalized_rejection"
BASELINES = (EXTERNAL, VERBALIZED, SEED_OF_THOUGHT, REJECTION)
CANDIDATES = 5

Planned = tuple[str, int, str]
"""(context, round, prompt)."""

_LINE = re.compile(
    r"^\W*\d+\s*[.):]\s*(?P<text>.+?)"  # 1. They are male.
    r"[\s|(\[:,;–-]*(?P<p>\d*\.?\d+)\s*(?P<unit>%?)\W*$"  # | 0.25
)
# The line that has the decision, or a line of nothing else.
_DECISION = re.compile(
    r"\bdecision\W+(accept|reject)(?:ed)?\b(?!.*\b(?:accept|reject))"
    r"|^\W*(accept|reject)(?:ed)?\W*$",
    re.IGNORECASE | re.MULTILINE,
)


def turn_of(method: str, row: Planned, asked: int | None, spec: DatasetSpec) -> str:
    """The user's turn of a round; `asked` is the category that an outside generator has picked."""
    name, _, prompt = row
    context = spec.context(name)
    if method == EXTERNAL:
        return external_prompt(prompt, asked, spec)
    if method == VERBALIZED:
        return verbalized_prompt(prompt, context, spec)
    if method == SEED_OF_THOUGHT:
        return seed_of_thought_prompt(prompt, context, spec)
    if method == REJECTION:
        return rejection_prompt(prompt, asked, context, spec)
    return method_prompt(method, prompt, context, spec)


def read_output(method: str, output: str, uniform: float) -> str:
    """The answer in a baseline's output, a candidate drawn with `uniform` if there are several."""
    if method == VERBALIZED:
        return draw_candidate(read_candidates(output), uniform)
    if method == SEED_OF_THOUGHT:
        return read_answer(output)
    return output


def external_prompt(prompt: str, category: int, spec: DatasetSpec) -> str:
    """Ask for one category, in the word that the attribute names first."""
    word = spec.attribute.categories[category].words[0]
    return f"{prompt} In your response the {spec.attribute.name} must be {word}."


def verbalized_prompt(prompt: str, context: Context, spec: DatasetSpec) -> str:
    return (
        f"{prompt} Give {CANDIDATES} possible responses with the probability of each. Over many "
        f"responses, {_shares(context.target, spec)}. Write one response a line, as in:\n"
        "1. response | 0.25"
    )


def seed_of_thought_prompt(prompt: str, context: Context, spec: DatasetSpec) -> str:
    return (
        f"{prompt} Over many responses, {_shares(context.target, spec)}. First write a line "
        '"Seed:" with 12 random letters and digits. Then use the seed as your source of '
        "randomness to choose a response with these probabilities. Write the response alone on "
        'a line that begins with "Answer:".'
    )


def rejection_prompt(prompt: str, category: int, context: Context, spec: DatasetSpec) -> str:
    """Ask for one step of rejection sampling: the proposal's shares are even."""
    word = spec.attribute.categories[category].words[0]
    even = [1 / len(spec.categories)] * len(spec.categories)
    return (
        f"{prompt} Do not answer this yourself: an answer has been proposed, and you decide "
        f"whether it is kept. Wanted over many answers: {_shares(context.target, spec)}. The "
        f"generator of proposals has other shares: {_shares(even, spec)}. It has proposed: {word}. "
        "Do one step of rejection sampling. M is the largest ratio of a wanted share to the "
        "generator's share. Accept the proposal with probability (its wanted share) / (M x the "
        "generator's share of it), at random, else reject it. Think briefly and end with the line "
        '"Decision: accept" or the line "Decision: reject".'
    )


def percentages(target: Sequence[float]) -> list[str]:
    """Shares in percent with at most one decimal, which add up to 100: their sums are rounded."""
    tenths = np.diff(np.round(np.cumsum([0.0, *target]) * 1000))
    return [f"{share / 10:g}%" for share in tenths]


def _shares(target: Sequence[float], spec: DatasetSpec) -> str:
    return ", ".join(
        f"{share} are {category.words[0]}"
        for category, share in zip(spec.attribute.categories, percentages(target), strict=True)
    )


def read_candidates(output: str) -> list[tuple[str, float]]:
    """(response, probability) of every numbered line that holds both; percent are hundredths.

    Probabilities are those written, not normalised; lines without one are left out.
    """
    found = []
    for line in output.splitlines():
        match = _LINE.match(line)
        if match:
            scale = 0.01 if match["unit"] else 1.0
            found.append((match["text"].strip(), scale * float(match["p"])))
    return found


def draw_candidate(candidates: Sequence[tuple[str, float]], uniform: float) -> str:
    """The response in whose share of the total probability the uniform number falls.

    Empty, which no judge reads as a category, where there is no probability to draw by.
    """
    total = sum(p for _, p in candidates)
    reached = 0.0
    for text, p in candidates:
        reached += p
        if reached > uniform * total:
            return text
    return ""


def read_answer(output: str) -> str:
    """What follows the last `Answer:`; empty, an invalid response, where there is none."""
    parts = re.split(r"\banswer\W{0,3}:", output, flags=re.IGNORECASE)
    return parts[-1].strip() if len(parts) > 1 else ""


def read_decision(output: str) -> bool:
    """Whether the last decision in an output is to accept; False where none can be read."""
    said = [found[1] or found[2] for found in _DECISION.finditer(output)]
    return bool(said) and said[-1].lower() == "accept"


def method_prompt(method: str, prompt: str, context: Context, spec: DatasetSpec) -> str:
    """The user's turn for a method: prompt engineering adds an instruction, the rest nothing.

    pe_explicit states the target, pe_implicit only alludes to it (paper section 4, baselines).
    constrained_explicit asks as pe_explicit does, constrained as zero_shot.
    """
    if method in (PE_EXPLICIT, CONSTRAINED_EXPLICIT):
        shares = ", ".join(
            f"{share} are {category}"
            for category, share in zip(spec.categories, percentages(context.target), strict=True)
        )
        return f"{prompt} Generate responses such that, over many responses, {shares}."
    if method == "pe_implicit":
        return f"{prompt} Follow real-world statistics."
    return prompt


def is_applicable(method: str, spec: DatasetSpec) -> bool:
    """False for pe_implicit with an even target: it alludes to statistics that do not apply.

    The paper's table 1 leaves the same cells out.
    """
    return not (method == "pe_implicit" and spec.target == "even")
