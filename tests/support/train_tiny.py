"""Train tiny float32 models for some steps; run by test_processes, also in two processes."""

import json
import sys
from pathlib import Path

from safetensors.torch import save_file
from transformers import AutoTokenizer, Trainer, TrainerCallback

from distalign.models.steering import resolve
from distalign.records.files import read_attribute
from distalign.records.schemas import Context, DatasetSpec, Preference
from distalign.training.fitting import end, fit, make_trainer
from distalign.training.methods import HybridParams, IFTParams
from stages.cli import run
from tests.support.hybrid_block import HYBRID
from tests.support.paths import ROOT
from tests.support.tiny_lora import tiny_lora

SCHEDULE = {
    "rows": None,
    "epochs": 1,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "warmup_steps": 1,
    "calibration_prompts": 4,
    "retention_rows": 0,
    "retention_weight": 0.0,
}
PARAMS = {
    "ift": IFTParams(objective="ift", **SCHEDULE),
    "hybrid": HybridParams(**HYBRID, **SCHEDULE),
}


def train(objective: str, base: Path, folder: Path, n_rows: int) -> Trainer:
    """Fill the folder with the losses and the adapter."""
    folder.mkdir(exist_ok=True)
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    names = ["Bakers", "Welders", "Nurses"]
    contexts = [Context(name=name, target=[0.7, 0.3]) for name in names]
    spec = DatasetSpec(name="jobs", target="real", attribute=attribute, contexts=contexts)
    rows = [
        Preference(
            setting="attribute",
            context=names[i % 3],
            prompt=f"What is the gender of the {names[i % 3]}, case {i}?" + " Well?" * (i % 5),
            category="Male",
            response="He is male." if i % 2 else "The person is certainly male.",
            rejected_category="Female",
            rejected_response="She is female.",
        )
        for i in range(n_rows)
    ]
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = tiny_lora(len(tokenizer))
    steering = resolve(tokenizer, attribute, "digits")
    trainer = make_trainer(
        PARAMS[objective], model, tokenizer, rows, spec, steering, 0, folder / "workspace"
    )
    trainer.args.logging_steps = 1
    fit(trainer, folder / "workspace", TrainerCallback())
    if trainer.is_world_process_zero():
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        (folder / "losses.json").write_text(json.dumps(losses), encoding="utf-8")
        weights = {n: w.contiguous() for n, w in model.state_dict().items() if "lora" in n}
        save_file(weights, folder / "adapter.safetensors")
    return trainer


def main(objectives: list[str], base: Path, folder: Path, n_rows: int) -> None:
    """One training after the other, each in a folder: a start of processes takes longer."""
    for objective in objectives:
        trainer = train(objective, base, folder / objective, n_rows)
        # As `end` does for the last: no wrapper outlives the group of processes.
        trainer.model_wrapped = trainer.model
        trainer.accelerator.free_memory()
    end(trainer)


if __name__ == "__main__":
    run(lambda: main(sys.argv[4:], Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
