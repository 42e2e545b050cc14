"""What a processor without bfloat16 costs: the pipeline's own work in both precisions, in one run.

*native* is bfloat16 on the processor at hand; *AVX2* the same processor in float32, with torch and
oneDNN held to AVX2. Each is a process of its own, and the two take turns, so that a disturbance
meets both. Three kinds of work, with the parameters of params.yaml:

* a step of the warm-up, and one of `ours`: loss and gradient, with their ordinary requests
* sampling: two-step rounds of the policy with the engine of transformers

    OMP_NUM_THREADS=1 taskset -c 0 python -m benchmarks.processors

It prints the median of the turns, and their ratio, as rows of a Markdown table.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

from distalign.machine.precision import Precision
from distalign.machine.provenance import here
from distalign.models.policy import LoraParams, merged, new_adapter, read_policy
from distalign.models.steering import resolve
from distalign.records.files import read_jsonl, read_spec
from distalign.records.requests import Request
from distalign.records.schemas import Preference, Prompt
from distalign.training.methods import HybridParams, IFTParams, WarmupParams

HELD = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
SIDES: dict[str, tuple[Precision, dict[str, str]]] = {
    "native": ("bfloat16", {}),
    "AVX2": ("float32", HELD),
}
ROUNDS = 50
"""Of a turn of sampling."""
UNMEASURED = 1
"""First turns, in which memory is taken and kernels are made."""
WORK = {
    "warmup": "s a step of the warm-up",
    "ours": "s a step of `ours`",
    "sampling": f"s for {ROUNDS} two-step rounds",
}


def steps(
    kind: str, places: argparse.Namespace, precision: Precision, folder: Path
) -> Iterator[None]:
    """One loss with its gradient for each item."""
    from transformers import AutoTokenizer

    from distalign.training.fitting import make_trainer
    from distalign.training.retention import Retention, answered_rows, to_hold
    from distalign.training.step_rows import StepRows

    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    warmup = WarmupParams(**params["warmup"])
    trained: IFTParams | HybridParams = warmup
    if kind == "ours":
        trained = HybridParams(**params["train"]["ours"])
    size = trained.batch_size
    trained = trained.model_copy(update={"rows": places.turns * size})
    spec, rows = read_spec(places.spec), read_jsonl(places.preferences, Preference)
    requests = read_jsonl(places.requests, Request) + read_jsonl(places.near_misses, Request)
    tokenizer = AutoTokenizer.from_pretrained(places.base)
    steering = resolve(tokenizer, spec.attribute, warmup.steering)
    lora = LoraParams(**params["lora"])
    model = new_adapter(places.base, tokenizer, lora, steering, precision)
    trainer = make_trainer(trained, model, tokenizer, rows, spec, steering, 0, folder)
    answered = answered_rows(tokenizer, to_hold(requests, rows, "train"))
    held = StepRows(answered, trained.retention_rows, 0)
    trainer.retention = Retention(held, trained.retention_weight)
    trainer.model.train()
    for step in range(places.turns):
        chunk = range(step * size, (step + 1) * size)
        batch = trainer.data_collator([dict(trainer.train_dataset[i]) for i in chunk])
        trainer.state.global_step = step  # which says which requests are held
        trainer.compute_loss(trainer.model, batch).backward()
        yield


def sampling(places: argparse.Namespace, precision: Precision) -> Iterator[None]:
    """ROUNDS rounds for each item."""
    from transformers import AutoTokenizer

    from benchmarks.sampling import run_engine
    from distalign.engines.opening import open_engine
    from distalign.models.chat import chat_ids

    policy = read_policy(places.policy)
    prompts = [p.prompt for p in read_jsonl(places.prompts, Prompt) if p.split == "test"]
    rng = np.random.default_rng(0)
    with merged(policy, places.policy, places.base, precision) as whole:
        tokenizer = AutoTokenizer.from_pretrained(whole)
        engine = open_engine("transformers", whole, precision)
        for _ in range(places.turns):
            chosen = sorted(rng.choice(len(prompts), ROUNDS, replace=False))
            ids = [chat_ids(tokenizer, prompts[i]) for i in chosen]
            run_engine(engine, ids, policy.steering.ids)
            yield


def serve_turns(kind: str, side: str, places: argparse.Namespace) -> None:
    """For each line that comes in, do one turn and print its seconds."""
    precision, _ = SIDES[side]
    with tempfile.TemporaryDirectory() as name:
        turns = (
            sampling(places, precision)
            if kind == "sampling"
            else steps(kind, places, precision, Path(name))
        )
        print(here(precision).processor, flush=True)
        for _ in sys.stdin:
            start = time.perf_counter()
            next(turns)
            print(time.perf_counter() - start, flush=True)


def measure(kind: str, arguments: list[str], turns: int) -> dict[str, list[float]]:
    """Seconds of each side's turns, which alternate. The first ones are left out."""
    children = {
        side: subprocess.Popen(
            [sys.executable, "-m", "benchmarks.processors", *arguments, "--child", kind, side],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for side, (_, environment) in SIDES.items()
    }
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    for side, child in children.items():
        print(f"{kind}, {side}: {child.stdout.readline().strip()}", file=sys.stderr)
    for _ in range(turns):
        for side, child in children.items():
            child.stdin.write("go\n")
            child.stdin.flush()
            times[side].append(float(child.stdout.readline()))
    for child in children.values():
        child.stdin.close()
        child.wait()
    return {side: values[UNMEASURED:] for side, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    model, dataset = "smollm2-135m", "uk_real"
    for name, path in {
        "base": f"models/base/{model}",
        "policy": f"models/policy/{model}/attribute/{dataset}/ours/0",
        "spec": f"data/targets/{dataset}.json",
        "prompts": f"data/prompts/{dataset}/attribute.jsonl",
        "preferences": f"data/preferences/attribute/{dataset}.jsonl",
        "requests": f"data/answered/{model}/ordinary.jsonl",
        "near-misses": f"data/answered/{model}/{dataset}.jsonl",
    }.items():
        parser.add_argument(f"--{name}", type=Path, default=path, help=f"default: {path}")
    parser.add_argument("--turns", type=int, default=11, help="of each side and kind of work")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        serve_turns(*args.child, args)
        return
    print("| | bfloat16, native | float32, AVX2 | ratio |\n|---|---|---|---|")
    for kind, label in WORK.items():
        times = measure(kind, sys.argv[1:], args.turns)
        native, held = (statistics.median(times[side]) for side in SIDES)
        print(f"| {label} | {native:.2f} | {held:.2f} | {held / native:.2f} |", flush=True)


if __name__ == "__main__":
    main()
