"""Train the adapters of the warm-up, IFT, DPO and the hybrid method with TRL, resumably."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distalign.models.steering import Steering
from distalign.records.schemas import DatasetSpec, InputError, Preference
from distalign.training.methods import DPOParams, IFTParams, Schedule, Trained

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase, Trainer, TrainerCallback, TrainingArguments

CHECKPOINTS = 5
LOGS, RAREST_LOG = 6, 50
"""Of a training at least, and steps between two at most."""
# Of the reference: without a backward pass there is room for more rows at once.
PRECOMPUTED = {"precompute_ref_log_probs": True, "precompute_ref_batch_size": 32}


def n_steps(params: Schedule, n_sequences: int) -> int:
    """Steps of a training on so many sequences."""
    return max(1, int(n_sequences // params.batch_size * params.epochs))


def logging_steps(steps: int) -> int:
    """Steps between two lines of the log."""
    return max(1, min(steps // LOGS, RAREST_LOG))


def common_arguments(
    params: Schedule, seed: int, workspace: Path, n_sequences: int
) -> dict[str, Any]:
    """Arguments of every TRL trainer here. `distalign.models.forward` does the mixed precision.

    Raises:
        InputError: a step's sequences do not divide, in pairs, over the processes.
    """
    import torch

    n_processes = int(os.environ.get("WORLD_SIZE", "1"))  # from accelerate launch
    if params.batch_size % (2 * n_processes):
        raise InputError(
            f"batch_size {params.batch_size} does not divide over {n_processes} processes in pairs "
            "of sequences; change it, or `launch` in params.yaml"
        )
    steps = n_steps(params, n_sequences)
    return {
        "output_dir": str(workspace),
        "per_device_train_batch_size": params.batch_size // n_processes,
        "num_train_epochs": params.epochs,
        "learning_rate": params.learning_rate,
        "lr_scheduler_type": params.schedule,
        "lr_scheduler_kwargs": falling(params, steps),
        "warmup_steps": params.warmup_steps,
        "seed": seed,
        "bf16": False,
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": False,
        "max_length": None,  # TRL would leave out long rows, or their ends, without a word
        "save_strategy": "steps",
        "save_steps": max(1, steps // CHECKPOINTS),
        "save_total_limit": 2,
        "logging_steps": logging_steps(steps),
        "report_to": "none",
        "dataloader_drop_last": True,
    }


def falling(params: Schedule, steps: int) -> dict[str, Any]:
    """What transformers' schedule needs beside its name."""
    if params.schedule != "warmup_stable_decay":
        return {}
    return {"num_decay_steps": steps // 3, "decay_type": "linear"}


def on_disk(data: "Dataset", arguments: "TrainingArguments") -> "Dataset":
    """The rows in the workspace, where every process, and a resumed run, finds what the first
    has computed of them.
    """
    from datasets import Dataset

    folder = Path(arguments.output_dir) / "rows"
    with arguments.main_process_first(local=False):
        if not folder.exists():
            part = folder.with_name("rows.part")  # of a run that was cut off while it wrote
            shutil.rmtree(part, ignore_errors=True)
            data.save_to_disk(part)
            part.rename(folder)
    return Dataset.load_from_disk(folder)


def make_trainer(
    params: Trained,
    model: "PeftModel",
    tokenizer: "PreTrainedTokenizerBase",
    rows: Sequence[Preference],
    spec: DatasetSpec,
    steering: Steering | None,
    seed: int,
    workspace: Path,
) -> "Trainer":
    """The trainer of an objective; `steering` None trains on bare responses (IFT only).

    Raises:
        InputError: more rows are asked for than there are.
    """
    from trl import DPOConfig, KTOConfig, SFTConfig

    from distalign.training.preference_data import asked_rows, dpo_rows, hybrid_rows, ift_rows
    from distalign.training.trainer import HybridTrainer, IFTTrainer, PairTrainer

    if params.rows is not None and params.rows > len(rows):
        raise InputError(f"{params.rows} training rows are asked for, D_pref has {len(rows)}")
    every, rows = rows, rows[: params.rows]
    tokens = dict(zip(spec.categories, steering.tokens, strict=True)) if steering else None
    if isinstance(params, IFTParams):
        data = ift_rows(rows, tokens)
        common = common_arguments(params, seed, workspace, len(data))
        arguments = SFTConfig(**common, completion_only_loss=True)
        data = on_disk(data, arguments)
        return IFTTrainer(model, arguments, train_dataset=data, processing_class=tokenizer)
    if isinstance(params, DPOParams):
        data = dpo_rows(rows, tokens, params.rejected)
        common = common_arguments(params, seed, workspace, len(data))
        arguments = DPOConfig(**common, beta=params.beta, **PRECOMPUTED)
        data = on_disk(data, arguments)
        return PairTrainer(model, None, arguments, train_dataset=data, processing_class=tokenizer)
    data = hybrid_rows(rows, tokens, params.rejected, spec)
    arguments = KTOConfig(
        **common_arguments(params, seed, workspace, len(data)),
        beta=params.beta,
        desirable_weight=params.desirable_weight,
        undesirable_weight=params.undesirable_weight,
        **PRECOMPUTED,
    )
    return HybridTrainer(
        model,
        None,
        arguments,
        train_dataset=on_disk(data, arguments),
        processing_class=tokenizer,
        steering_ids=steering.ids,
        kl_domain=params.kl_domain,
        kl_weight=params.kl_weight,
        preference=params.preference,
        preference_weight=params.preference_weight,
        text_weight=params.text_weight,
        asked=asked_rows(tokenizer, every, spec, params.kl_rows, n_steps(params, len(data)), seed),
    )


def last_checkpoint(workspace: Path) -> Path | None:
    """The newest whole checkpoint; those that a crash cut short are removed."""
    found = sorted(workspace.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    for path in reversed(found):
        try:
            # Written last by transformers, after weights, optimizer and generator states.
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
            return path
        except (OSError, json.JSONDecodeError):
            shutil.rmtree(path)
    return None


def fit(trainer: "Trainer", workspace: Path, callback: "TrainerCallback") -> None:
    """Train to the end, from the last checkpoint of an interrupted run if there is one."""
    checkpoint = last_checkpoint(workspace)
    trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def gather_adapter(model: "PeftModel") -> None:
    """Give every process the whole of the adapter, of which FSDP has left it a part."""
    from torch import nn
    from torch.distributed.tensor import DTensor

    for module in model.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if weight.requires_grad and isinstance(weight, DTensor):
                setattr(module, name, nn.Parameter(weight.full_tensor()))


def end(trainer: "Trainer") -> None:
    """Leave the group of processes.

    The wrapper of DistributedDataParallel goes first: as the last owner of a gloo group it would
    wait, holding Python's lock, for a thread that waits for this lock.
    """
    trainer.model_wrapped = trainer.model
    trainer.accelerator.free_memory()
    trainer.accelerator.end_training()
