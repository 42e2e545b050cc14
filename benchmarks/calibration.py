"""Rows and seconds of training until the steering tokens are calibrated on unseen prompts.

The default recipe against the plain one (constant learning rate, the paper's rejected
responses), from the same warm-up, on the same rows, in one run. Calibrated means: the mean
error of P_theta(token | validation prompt) is at most --error for the rest of the run.
Measuring is left out of the seconds.

    python -m benchmarks.calibration --base models/base/smollm2-135m \\
        --warmup models/warmup/smollm2-135m/attribute/uk_real/0 --spec data/targets/uk_real.json \\
        --preferences data/preferences/attribute/uk_real.jsonl \\
        --validation data/validation/attribute/uk_real.jsonl
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, get_args

import yaml
from transformers import AutoTokenizer, TrainerCallback

from distalign.machine.precision import PrecisionParams, Wanted, native_bfloat16
from distalign.models.policy import load_adapter, read_policy
from distalign.records.files import read_jsonl, read_spec
from distalign.records.schemas import Preference, Prompt
from distalign.training.calibration import Calibration
from distalign.training.fitting import make_trainer
from distalign.training.methods import HybridParams

PLAIN = {"schedule": "constant", "rejected": "paper"}


class Stopwatch(TrainerCallback):
    """Measures every few steps; `points` holds (rows, seconds, error, mass)."""

    def __init__(self, calibration: Calibration, every: int) -> None:
        self._calibration, self._every = calibration, every
        self._seconds = self._mark = 0.0
        self.points: list[tuple[int, float, float, float]] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._mark = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any, **_: Any) -> None:
        self._seconds += time.perf_counter() - self._mark
        if state.global_step % self._every == 0:
            rows = state.global_step * args.per_device_train_batch_size
            measured = self._calibration.measure(model)
            self.points.append((rows, self._seconds, *measured.values()))


def calibrated_at(
    points: list[tuple[int, float, float, float]], error: float
) -> tuple[int, float] | None:
    """(rows, seconds) from which on the error stays at or below the bound; None if never."""
    found = None
    for rows, seconds, value, _ in reversed(points):
        if value > error:
            break
        found = rows, seconds
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("base", "warmup", "spec", "preferences", "validation"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--error", type=float, default=0.02)
    parser.add_argument("--every", type=int, default=10, help="steps between measurements")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change the default recipe"
    )
    parser.add_argument("--precision", choices=get_args(Wanted), default="auto")
    args = parser.parse_args()
    precision = PrecisionParams(args.precision).resolve(native_bfloat16())
    ours = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["train"]["ours"]
    ours |= {key: yaml.safe_load(value) for key, value in (item.split("=") for item in args.set)}
    spec, rows = read_spec(args.spec), read_jsonl(args.preferences, Preference)
    unseen = read_jsonl(args.validation, Prompt)
    tokenizer = AutoTokenizer.from_pretrained(args.warmup)
    steering = read_policy(args.warmup).steering
    for name, recipe in (("default recipe", ours), ("plain recipe", ours | PLAIN)):
        params = HybridParams(**recipe)
        model = load_adapter(args.base, args.warmup, tokenizer, precision, trainable=True)
        calibration = Calibration(tokenizer, steering, unseen, spec, params.calibration_prompts)
        stopwatch = Stopwatch(calibration, args.every)
        with tempfile.TemporaryDirectory() as folder:
            trainer = make_trainer(params, model, tokenizer, rows, spec, steering, 0, Path(folder))
            trainer.add_callback(stopwatch)
            trainer.train()
        reached = calibrated_at(stopwatch.points, args.error)
        rows_seen, seconds, error, mass = stopwatch.points[-1]
        said = f"{reached[0]} rows, {reached[1]:.0f} s" if reached else "never"
        print(f"{name:15} internal MAE at most {args.error}: {said}; at the end ", end="")
        print(f"({rows_seen} rows, {seconds:.0f} s) {error:.4f}, steering mass {mass:.4f}")


if __name__ == "__main__":
    main()
