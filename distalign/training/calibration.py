"""How well P_θ(τ|x) matches P* on prompts that training has not seen, logged as it trains."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from dvclive import Live
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from distalign.models.chat import chat_ids
from distalign.models.forward import first_logits
from distalign.models.steering import Steering
from distalign.records.schemas import DatasetSpec, Prompt
from distalign.training.objective import steering_log_probabilities

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

BATCH_SIZE = 32


def internal_error(probabilities: Any, targets: Any) -> float:
    """Mean over prompts of mean_k |P_θ(τ_k|x) - P*_k|; both arguments are (prompts, K)."""
    return float(np.abs(np.asarray(probabilities) - np.asarray(targets)).mean())


class Calibration:
    """Measures a model on a fixed set of prompts.

    Args:
        n_prompts: taken from `prompts` in turn over the contexts.
    """

    def __init__(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        steering: Steering,
        prompts: Sequence[Prompt],
        spec: DatasetSpec,
        n_prompts: int,
    ) -> None:
        by_context: dict[str, list[Prompt]] = {}
        for prompt in prompts:
            by_context.setdefault(prompt.context, []).append(prompt)
        # Another wording for each context, so that few prompts still cover many wordings.
        turns = max(len(group) for group in by_context.values())
        chosen = [
            group[(turn + place * 7) % len(group)]
            for turn in range(turns)
            for place, group in enumerate(by_context.values())
        ][:n_prompts]
        target = {context.name: context.target for context in spec.contexts}
        self._ids = [chat_ids(tokenizer, prompt.prompt) for prompt in chosen]
        self._targets = [prompt.target or target[prompt.context] for prompt in chosen]
        self._steering_ids = torch.tensor(steering.ids)

    def measure(self, model: "PeftModel") -> dict[str, float]:
        """`internal_mae` of the restricted distribution, and the `steering_mass`."""
        rows = []
        with torch.no_grad():
            for start in range(0, len(self._ids), BATCH_SIZE):
                ids = self._steering_ids.to(model.device)
                batch = self._ids[start : start + BATCH_SIZE]
                logits = first_logits(model.get_base_model(), batch, ids)
                rows.append(steering_log_probabilities(logits, ids, "vocabulary").exp().cpu())
        mass = torch.cat(rows).double().numpy()
        total = mass.sum(-1, keepdims=True)
        return {
            "internal_mae": internal_error(mass / total, self._targets),
            "steering_mass": float(total.mean()),
        }


class LiveCallback(TrainerCallback):
    """Logs losses, speed and validation calibration with DVCLive, one file a metric.

    Args:
        folder: DVCLive's folder; an interrupted log is continued.
        calibration: measured at each log, if the method has steering tokens.
    """

    _live: Live  # of the process that logs

    def __init__(self, folder: Path, calibration: Calibration | None) -> None:
        self._folder = folder
        self._calibration = calibration
        self._mark = (0, 0.0)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        resumes = state.global_step > 0
        folder = self._folder.resolve()
        # Within a repository DVCLive asks git for the last commit, and fails where there is none.
        with contextlib.chdir(folder.anchor):
            self._live = Live(
                str(folder), resume=resumes, report=None, dvcyaml=None, save_dvc_exp=False
            )
        self._mark = (state.global_step, time.monotonic())

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float],
        model: Any,
        **_: Any,
    ) -> None:
        if "loss" not in logs:
            return
        step, now = state.global_step, time.monotonic()
        measured = {key: value for key, value in logs.items() if np.isfinite(value)}
        if self._calibration is not None:  # by all processes: each may hold a part of the model
            measured |= self._calibration.measure(model)
        if not state.is_world_process_zero:
            return
        size = args.per_device_train_batch_size * args.world_size
        rows = (step - self._mark[0]) * size
        measured["rows_per_second"] = rows / max(now - self._mark[1], 1e-9)
        self._live.step = step
        for key, value in measured.items():
            self._live.log_metric(key, float(value), timestamp=False)
        self._live.make_summary()
        self._mark = (step, time.monotonic())

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.is_world_process_zero:
            self._live.end()
