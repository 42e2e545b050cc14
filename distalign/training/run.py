"""One training run from data to adapter: seeded, logged, and resumed where it was cut off."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from distalign.data.pair import Examples
from distalign.machine.precision import Precision
from distalign.models.policy import LoraParams, load_adapter, new_adapter
from distalign.models.steering import Steering
from distalign.records.files import write_text
from distalign.training.first_place import check_first_place
from distalign.training.fitting import end, fit, gather_adapter, make_trainer
from distalign.training.methods import Trained

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase


def train(
    params: Trained,
    base: Path,
    start: Path | None,
    lora: LoraParams,
    tokenizer: "PreTrainedTokenizerBase",
    steering: Steering | None,
    examples: Examples,
    seed: int,
    precision: Precision,
    workspace: Path,
    log: Path,
) -> "PeftModel | None":
    """Train an adapter and write its log.

    Under `accelerate launch` all processes call it; it returns None in all but the first, which
    alone writes.

    Args:
        start: adapter to go on from, which is also the reference; None for a fresh one.
        steering: None trains on bare responses.
        workspace: checkpoints, to be removed once the adapter is saved.
        log: CSV file to write, a row a logged step.

    Raises:
        InputError: see `first_place.check_first_place`.
    """
    from transformers import set_seed

    from distalign.training.calibration import Calibration, LiveCallback
    from distalign.training.retention import Retention, answered_rows, to_hold
    from distalign.training.step_rows import StepRows

    set_seed(seed)
    spec, rows = examples.spec, examples.rows
    if start is None:
        model = new_adapter(base, tokenizer, lora, steering, precision)
    else:
        model = load_adapter(base, start, tokenizer, precision, trainable=True)
    calibration = None
    if steering is not None:
        n_prompts = params.calibration_prompts
        calibration = Calibration(tokenizer, steering, examples.validation, spec, n_prompts)
    live = workspace / "live"
    trainer = make_trainer(params, model, tokenizer, rows, spec, steering, seed, workspace)
    check_first_place(trainer.train_dataset, tokenizer, rows, steering)
    if params.retention_weight > 0 and params.retention_rows > 0:
        held = to_hold(examples.requests, rows, "train")
        answered = StepRows(answered_rows(tokenizer, held), params.retention_rows, seed)
        trainer.retention = Retention(answered, params.retention_weight)
    fit(trainer, workspace, LiveCallback(live, calibration))
    gather_adapter(trainer.model)
    first = trainer.is_world_process_zero()
    end(trainer)
    if not first:
        return None
    write_text(log, training_table(live))
    return trainer.model


def training_table(live: Path) -> str:
    """DVCLive's one file a metric as one CSV text, a column a metric and a row a step."""
    steps: dict[int, dict[str, str]] = {}
    files = sorted((live / "plots" / "metrics").glob("**/*.tsv"))
    for path in files:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                steps.setdefault(int(row["step"]), {})[path.stem] = row[path.stem]
    lines = [",".join(["step", *(path.stem for path in files)])]
    for step, values in sorted(steps.items()):
        lines.append(",".join([str(step), *(values.get(path.stem, "") for path in files)]))
    return "\n".join(lines) + "\n"
