"""Whether a model learns to read the target that a prompt states: the KL term alone.

The prompts of each step are those that the pipeline's training draws beside its pairs
(`distalign.training.stated_steps`): every statement twice, with the categories' names exchanged, in
phrasings that widen. The rate falls in the last third of the steps. Printed are the loss, and the
mean |P(token) - target| on occupations, shares and wordings that training did not show, in
phrasings that it has shown and in others.

    python -m benchmarks.stated --base models/base/smollm2-135m --form nouns
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, get_scheduler

from distalign.data.stated import draw_shares, read_phrasings, state, stated_prompt
from distalign.machine.precision import PrecisionParams, native_bfloat16
from distalign.models.chat import chat_ids
from distalign.models.forward import first_logits
from distalign.models.policy import LoraParams, new_adapter
from distalign.models.steering import resolve
from distalign.records.files import read_attribute
from distalign.records.rows import read_rows
from distalign.records.schemas import Attribute, Context, DatasetSpec
from distalign.records.stated import PhrasingFile, Split, Stating
from distalign.training.objective import calibration_loss, steering_log_probabilities
from distalign.training.stated_steps import StatedSteps
from stages.cli import run

Row = tuple[str, list[float], str]
"""A prompt, its target (2,), and the kind of its statement."""
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
WARMUP, BATCH, EVERY, MEASURED = 20, 24, 20, 160


def to_test(
    names: Sequence[str],
    attribute: Attribute,
    phrasings: PhrasingFile,
    split: Split,
    rng: np.random.Generator,
) -> list[Row]:
    """Ten questions with twelve statements each."""
    rows: list[Row] = []
    for _ in range(10):
        name = names[rng.integers(len(names))].lower()
        question = ASKED[rng.integers(len(ASKED))].format(name)
        for _ in range(12):
            target, said = state(draw_shares(1.0, 2, rng), attribute, phrasings, split, rng)
            rows.append((stated_prompt(question, said), target, said.kind))
    return rows


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
    parser.add_argument("--layers", type=float, default=1.0, help="share of them, from the last")
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--prompts", type=int, default=24, help="a step")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    attribute = read_attribute(args.data / "attributes/gender.yaml")
    phrasings = read_phrasings(args.data / "stated/phrasings.yaml")
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

    rng = np.random.default_rng(args.seed + 1)
    tests = {
        name: to_test(tested, attribute, phrasings, split, rng)
        for name, split in (("known", "train"), ("unseen", "test"))
    }
    contexts = [Context(name=name, target=[0.5, 0.5]) for name in taught]
    spec = DatasetSpec(name="stated", target="stated", attribute=attribute, contexts=contexts)
    stating = Stating(alpha=1.0, unstated=0.0, phrasings=phrasings)
    questions = [question.format(name.lower()) for name in taught for question in QUESTIONS]
    held = StatedSteps(tokenizer, questions, spec, stating, args.prompts, args.steps, args.seed)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=args.rate, weight_decay=0.0)
    course = get_scheduler(
        "warmup_stable_decay",
        optimiser,
        WARMUP,
        args.steps,
        {"num_decay_steps": args.steps // 3, "decay_type": "linear"},
    )
    losses, start = [], time.perf_counter()
    for step in range(args.steps):
        prompts, targets = zip(*held.at(step, 0, 1), strict=True)
        predicted = first_logits(model, prompts, ids)
        loss = calibration_loss(predicted, ids, torch.tensor(targets), "vocabulary")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        course.step()
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
