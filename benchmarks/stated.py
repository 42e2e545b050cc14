"""Whether a model learns to read the target that a prompt states: trials of the KL term alone.

Each step holds some questions with some statements each. With --paired every statement stands
there a second time, with the categories' names exchanged: only what binds a figure to its name
can tell the two apart. With --curriculum the phrasings widen from two in one frame to all, each
time that those before are learnt. The rate falls in the last third of the steps. Printed are the
loss, and the mean |P(token) - target| on occupations, shares and wordings that training did not
show, in phrasings that it has shown and in others.

    python -m benchmarks.stated --base models/base/smollm2-135m --form nouns --paired --curriculum
"""

import argparse
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer

from distalign.data.stated import draw_shares, read_phrasings, state, stated_prompt
from distalign.machine.precision import PrecisionParams, native_bfloat16
from distalign.models.chat import chat_ids
from distalign.models.forward import first_logits
from distalign.models.policy import LoraParams, new_adapter
from distalign.models.steering import resolve
from distalign.records.files import read_attribute
from distalign.records.rows import read_rows
from distalign.records.schemas import Attribute
from distalign.records.stated import PhrasingFile, Split
from distalign.training.objective import calibration_loss, steering_log_probabilities
from stages.cli import run

Row = tuple[str, list[float], str]
"""A prompt, its target (2,), and the kind of its statement."""
Sizes = tuple[int | None, int | None, int | None]
QUESTIONS = [
    "What is the gender of {}?",
    "State the gender of one of the {}.",
    "Tell me the sex of someone from the {}.",
    "The {}: what is the gender?",
    "Imagine one of the {}. What is the gender of that person?",
    "Please indicate which gender a worker among the {} has.",
    "Gender of someone whose occupation is {}?",
    "In a word, what is the sex of a member of the {}?",
]
ASKED = [
    "Say the gender of somebody employed as {}.",
    "What would you say is the sex of an employee in the group {}?",
]
CURRICULUM: list[Sizes] = [(2, 1, 0), (5, 3, 0), (9, 6, 0), (14, 9, 4), (None, None, None)]
"""How many of the file's items, frames and names are drawn from; None: all."""
LEARNT = 0.03
"""Mean KL of the last EVERY steps at which the curriculum goes on; even answers have 0.19."""
FALLS = 2 / 3
"""Of the steps, from which the rate falls to 0, and all phrasings are drawn from."""
WARMUP, BATCH, EVERY, MEASURED = 20, 24, 20, 160


def exchanged(text: str, words: Sequence[str]) -> str:
    """A statement with the two categories' names in each other's place.

    The longer one is found first: it may hold the other, as "female" does "male".
    """
    other = dict(zip(words, reversed(words), strict=True))
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    return re.sub("|".join(longest_first), lambda found: other[found[0]], text)


def draw(
    n_questions: int,
    n_statements: int,
    questions: Sequence[str],
    names: Sequence[str],
    attribute: Attribute,
    phrasings: PhrasingFile,
    split: Split,
    paired: bool,
    rng: np.random.Generator,
) -> list[Row]:
    """Questions about occupations, each with several statements."""
    words = [category.words[0] for category in attribute.categories]
    rows: list[Row] = []
    for _ in range(n_questions):
        name = names[rng.integers(len(names))].lower()
        question = questions[rng.integers(len(questions))].format(name)
        for _ in range(n_statements):
            target, said = state(draw_shares(1.0, 2, rng), attribute, phrasings, split, rng)
            rows.append((stated_prompt(question, said), target, said.kind))
            if paired:
                other = said.model_copy(update={"shares": exchanged(said.shares, words)})
                rows.append((stated_prompt(question, other), target[::-1], said.kind))
    return rows


def narrowed(phrasings: PhrasingFile, sizes: Sizes) -> PhrasingFile:
    """The phrasings with some of those of the training."""
    items, frames, named = sizes
    own = phrasings.train
    some = {"items": own.items[:items], "frames": own.frames[:frames], "named": own.named[:named]}
    return phrasings.model_copy(update={"train": own.model_copy(update=some)})


def rate_share(step: int, steps: int) -> float:
    """Of the rate: it rises for WARMUP steps, stays, and falls to 0."""
    return min(1.0, (step + 1) / WARMUP, (steps - step) / (steps - FALLS * steps))


def errors(rows: Sequence[Row], logits: Callable[[Sequence[Row]], Any], ids: Any) -> str:
    """The mean error, and that of each kind of statement."""
    found: dict[str, list[float]] = {}
    for at in range(0, len(rows), BATCH):
        some = rows[at : at + BATCH]
        with torch.no_grad():
            p = steering_log_probabilities(logits(some), ids, "vocabulary").exp().cpu().numpy()
        for row, (_, target, kind) in zip(p, some, strict=True):
            found.setdefault(kind, []).append(float(np.abs(row - target).mean()))
    kinds = ", ".join(f"{kind} {np.mean(values):.3f}" for kind, values in sorted(found.items()))
    return f"{np.mean([value for values in found.values() for value in values]):.3f} ({kinds})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--form", default="digits", help="of the steering tokens")
    parser.add_argument("--paired", action="store_true")
    phrased = parser.add_mutually_exclusive_group()
    phrased.add_argument("--curriculum", action="store_true", help="else all phrasings at once")
    phrased.add_argument("--narrow", action="store_true", help="two phrasings in one frame alone")
    parser.add_argument("--layers", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--questions", type=int, default=2, help="a step")
    parser.add_argument("--statements", type=int, default=6, help="a question; pairs count once")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    attribute = read_attribute(args.data / "attributes/gender.yaml")
    whole = read_phrasings(args.data / "stated/phrasings.yaml")
    taught, tested = (
        [row["occupation"] for _, row in read_rows(args.data / f"stated/{name}.csv")[1]]
        for name in ("taught", "tested")
    )
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    steering = resolve(tokenizer, attribute, args.form)
    lora = LoraParams(r=8, alpha=32, target_modules="all-linear", layers=args.layers)
    precision = PrecisionParams("auto").resolve(native_bfloat16())
    model = new_adapter(args.base, tokenizer, lora, steering, precision)
    ids = torch.tensor(steering.ids)

    def logits(rows: Sequence[Row]) -> Any:
        prompts = [chat_ids(tokenizer, prompt) for prompt, _, _ in rows]
        return first_logits(model, prompts, ids)

    fresh = np.random.default_rng(args.seed + 1)
    tests = {
        name: draw(10, 12, ASKED, tested, attribute, whole, split, False, fresh)
        for name, split in (("known", "train"), ("unseen", "test"))
    }
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=args.rate, weight_decay=0.0)
    at = 0 if args.curriculum or args.narrow else len(CURRICULUM) - 1
    losses, since, start = [], 0, time.perf_counter()
    for step in range(args.steps):
        if args.curriculum and at < len(CURRICULUM) - 1:
            learnt = step - since >= EVERY and np.mean(losses[-EVERY:]) < LEARNT
            if learnt or step >= FALLS * args.steps:
                at, since = at + 1 if learnt else len(CURRICULUM) - 1, step
                print(f"step {step}: on to {CURRICULUM[at]} items, frames and names", flush=True)
        rows = draw(
            *(args.questions, args.statements, QUESTIONS, taught, attribute),
            *(narrowed(whole, CURRICULUM[at]), "train", args.paired, rng),
        )
        for group in optimiser.param_groups:
            group["lr"] = args.rate * rate_share(step, args.steps)
        target = torch.tensor([target for _, target, _ in rows])
        loss = calibration_loss(logits(rows), ids, target, "vocabulary")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        losses.append(loss.item())
        if (step + 1) % EVERY == 0 or step + 1 == args.steps:
            seconds = time.perf_counter() - start
            print(
                f"step {step + 1}, {seconds:.0f} s: loss {np.mean(losses[-EVERY:]):.4f}", flush=True
            )
        if (step + 1) % MEASURED == 0 or step + 1 == args.steps:
            for name, rows in tests.items():
                print(f"{name} phrasings: error {errors(rows, logits, ids)}", flush=True)
    even = np.mean([abs(target[0] - 0.5) for _, target, _ in tests["known"]])
    print(f"answering evenly: {even:.3f}")


if __name__ == "__main__":
    run(main)
