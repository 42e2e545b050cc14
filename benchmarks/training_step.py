"""Rows a second of the hybrid training step against TRL's stock KTOTrainer, in one run.

Same model, rows, LoRA and precision, both with the reference log-probabilities precomputed.
The stock step has no calibration term: it does less and is the easier opponent.

    python -m benchmarks.training_step --base models/base/smollm2-135m \\
        --spec data/targets/uk_real.json --preferences data/preferences/attribute/uk_real.jsonl
"""

import argparse
import tempfile
import time
from pathlib import Path

import yaml
from transformers import AutoTokenizer
from trl import KTOTrainer
from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference

from distalign.policy import LoraParams, new_adapter
from distalign.records import Preference, read_jsonl, read_spec
from distalign.steering import resolve
from distalign.training import HybridParams, make_trainer

WARM_UP = 2


def seconds_per_step(trainer, compute_loss, batches: list[dict]) -> float:
    """Median time of forward and backward passes after a warm-up."""
    times = []
    for batch in batches:
        start = time.perf_counter()
        compute_loss(trainer.model, batch).backward()
        times.append(time.perf_counter() - start)
    return sorted(times[WARM_UP:])[(len(times) - WARM_UP) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("base", "spec", "preferences"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=10)
    args = parser.parse_args()
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    hybrid = HybridParams(**params["train"]["ours"])
    hybrid = hybrid.model_copy(update={"rows": args.steps * hybrid.batch_size // 2})
    spec, rows = read_spec(args.spec), read_jsonl(args.preferences, Preference)
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    steering = resolve(tokenizer, spec.attribute, params["warmup"]["steering"])
    model = new_adapter(args.base, tokenizer, LoraParams(**params["lora"]), steering)
    with tempfile.TemporaryDirectory() as workspace:
        trainer = make_trainer(hybrid, model, tokenizer, rows, spec, steering, Path(workspace))
        model.train()
        size = hybrid.batch_size
        chunks = [
            [trainer.train_dataset[i] for i in range(start, start + size)]
            for start in range(0, args.steps * size, size)
        ]
        stock_collator = DataCollatorForUnpairedPreference(pad_token_id=tokenizer.pad_token_id)
        stock = [stock_collator([dict(row) for row in chunk]) for chunk in chunks]
        ours = [trainer.data_collator([dict(row) for row in chunk]) for chunk in chunks]
        slow = seconds_per_step(trainer, lambda m, b: KTOTrainer.compute_loss(trainer, m, b), stock)
        fast = seconds_per_step(trainer, trainer.compute_loss, ours)
    print(f"stock KTOTrainer  {slow:6.2f} s a step of {size} rows, {size / slow:6.1f} rows/s")
    print(f"HybridTrainer     {fast:6.2f} s a step of {size} rows, {size / fast:6.1f} rows/s")
    print(f"ratio             {slow / fast:6.2f}")


if __name__ == "__main__":
    main()
