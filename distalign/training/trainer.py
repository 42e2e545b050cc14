"""TRL's trainers on one shared forward pass, and the paper's hybrid objective (equations 1-5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from datasets import Dataset
from torch import Tensor
from transformers import TrainingArguments
from trl import DPOTrainer, KTOTrainer, SFTTrainer
from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference
from trl.trainer.utils import use_adapter

from distalign.models.forward import Completions, Row, score_completions, score_mismatched
from distalign.training.methods import KLDomain, PreferenceLoss
from distalign.training.objective import (
    calibration_loss,
    dpo_loss,
    kto_loss,
    kto_reference_point,
    text_loss,
)
from distalign.training.preference_data import Asked, mismatched_rows
from distalign.training.retention import Retaining
from distalign.training.step_rows import OfSteps

REFERENCE_ADAPTER = "ref"


def score(
    model: Any,
    inputs: dict[str, Any],
    exact: Tensor | None = None,
    kept: Sequence[Row] = (),
    asked: Sequence[Sequence[int]] = (),
) -> Completions:
    """Score a TRL batch with keys input_ids, attention_mask and completion_mask, (B, L).

    Args:
        exact: tokens whose first logits are wanted in float32.
        kept: rows of ordinary requests that are run beside it.
        asked: prompts that are run beside it.
    """
    prompts, completions = [], []
    columns = (inputs[key].tolist() for key in ("input_ids", "attention_mask", "completion_mask"))
    for ids, present, completed in zip(*columns, strict=True):
        start, end = completed.index(1), sum(present)
        prompts.append(ids[:start])
        completions.append(ids[start:end])
    return score_completions(model, prompts, completions, exact, kept, asked)


def reference(trainer: Any, model: Any) -> Any:
    """Context in which the model is the reference: the adapter that training began with."""
    return use_adapter(trainer.accelerator.unwrap_model(model), adapter_name=REFERENCE_ADAPTER)


def drop_reference(trainer: Any) -> None:
    """Delete TRL's copy of the adapter once the reference log-probabilities are computed.

    With two adapters in a checkpoint, transformers restores the copy alone, and a resumed
    run would go on from the warm-up.
    """
    trainer.model.delete_adapter(REFERENCE_ADAPTER)


class IFTTrainer(Retaining, SFTTrainer):
    """Mean cross-entropy over the completion tokens of all processes: SFTTrainer's loss."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        mask = (inputs["labels"] != -100).long()
        kept = self._kept()
        scored = score(model, {**inputs, "completion_mask": mask}, kept=kept)
        counts = self.accelerator.gather(scored.lengths.sum()[None])
        # Gradients are averaged over processes, which hold unequal numbers of tokens.
        loss = -scored.logps.sum() / counts.float().mean()
        return loss + self._retained(model, kept, scored)


class PairTrainer(Retaining, DPOTrainer):
    """The sigmoid loss of DPO: DPOTrainer's default."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        drop_reference(self)

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        with torch.no_grad(), reference(self, model):
            chosen, rejected = score(model, inputs).logps.chunk(2)
        return chosen, rejected

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        kept = self._kept()
        scored = score(model, inputs, kept=kept)
        chosen, rejected = scored.logps.chunk(2)
        margin = chosen - inputs["ref_chosen_logps"] - (rejected - inputs["ref_rejected_logps"])
        loss = -F.logsigmoid(self.beta * margin).mean()
        return loss + self._retained(model, kept, scored)


@dataclass
class HybridCollator(DataCollatorForUnpairedPreference):
    """TRL's collator, with the rows' targets P* (B, K) and mismatched completions, B lists,
    of which those of y_l are empty.
    """

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        mismatched = [example.pop("KL_completion_ids") for example in examples]
        batch = super().torch_call(examples)
        batch["target"] = torch.tensor([example["target"] for example in examples])
        return batch | {"mismatched": mismatched}


class HybridTrainer(Retaining, KTOTrainer):
    """Minimises the weighted sum of L_KTO, L_KL and L_text; all come from one forward pass.

    With `preference` dpo, L_DPO over the pairs is in the place of L_KTO.

    The reference is the adapter that the model carries when the trainer is made (the
    warm-up), of which TRL keeps a frozen copy. Rows need a column `target`.

    Args:
        steering_ids: vocabulary ids of the steering tokens, in the order of the categories.
        asked: more prompts of each step for L_KL alone, which needs no responses.
        kl_domain and the rest: see `distalign.training.objective`.
    """

    def __init__(
        self,
        *args: Any,
        steering_ids: list[int],
        kl_domain: KLDomain,
        kl_weight: float,
        preference: PreferenceLoss,
        preference_weight: float,
        text_weight: float,
        asked: OfSteps[Asked] | None,
        **kwargs: Any,
    ) -> None:
        self._steering_ids = torch.tensor(steering_ids)
        self._kl_domain = kl_domain
        self._kl_weight = kl_weight
        self._preference = preference
        self._preference_weight = preference_weight
        self._text_weight = text_weight
        self._asked = asked
        collator = HybridCollator(pad_token_id=kwargs["processing_class"].pad_token_id)
        super().__init__(*args, data_collator=collator, **kwargs)
        drop_reference(self)

    def _prepare_dataset(
        self, dataset: Dataset, processing_class: Any, args: TrainingArguments, dataset_name: str
    ) -> Dataset:
        dataset = super()._prepare_dataset(dataset, processing_class, args, dataset_name)
        size = args.per_device_train_batch_size * args.world_size
        completions = dataset["completion_ids"]
        mismatched: list[list[int]] = [[] for _ in completions]
        mismatched[::2] = [completions[row] for row in mismatched_rows(len(completions), size)]
        return dataset.remove_columns("KL_completion_ids").add_column(
            "KL_completion_ids", mismatched
        )

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        if "target" not in self._signature_columns:
            self._signature_columns.append("target")

    def compute_ref_log_probs(self, model: Any, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        with torch.no_grad(), reference(self, model):
            scored = score(model, inputs)
            return scored.logps, score_mismatched(model, scored, inputs["mismatched"])

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        steering_ids = self._steering_ids.to(inputs["input_ids"].device)
        kept, asked = self._kept(), self._at(self._asked)
        scored = score(model, inputs, steering_ids, kept, [prompt for prompt, _ in asked])
        desirable = inputs["label"].bool()
        # A pair has one prompt, which counts once.
        first = torch.cat([scored.first_logits[desirable], scored.asked_logits])
        own = inputs["target"][desirable]
        more = own.new_tensor([target for _, target in asked]).view(-1, own.shape[1])
        target = torch.cat([own, more])
        calibration = calibration_loss(first, steering_ids, target, self._kl_domain)
        log_ratios = scored.logps - inputs["ref_logps"]
        if self._preference == "kto":
            preference = self._kto(model, scored, inputs, log_ratios)
        else:
            preference = dpo_loss(log_ratios, desirable, self.beta)
        text = text_loss(scored.logps - scored.first_logps, scored.lengths - 1, desirable)
        self._record(
            calibration=calibration,
            preference=preference,
            text=text,
            reward_desirable=self.beta * log_ratios[desirable].mean(),
            reward_undesirable=self.beta * log_ratios[~desirable].mean(),
        )
        loss = self._preference_weight * preference + self._kl_weight * calibration
        loss = loss + self._text_weight * text
        return loss + self._retained(model, kept, scored)

    def _kto(
        self, model: Any, scored: Completions, inputs: dict[str, Any], log_ratios: Tensor
    ) -> Tensor:
        desirable = inputs["label"].bool()
        mismatched = score_mismatched(model, scored, inputs["mismatched"])
        z_0 = kto_reference_point(
            self.accelerator.gather_for_metrics(mismatched[desirable]),
            self.accelerator.gather_for_metrics(inputs["ref_KL_logps"][desirable]),
        )
        self._record(kl=z_0)
        weights = self.desirable_weight, self.undesirable_weight
        return kto_loss(log_ratios, desirable, z_0, self.beta, *weights)

    def _record(self, **values: Tensor) -> None:
        log = self._metrics["train" if self.model.training else "eval"]
        for name, value in values.items():
            log[name].append(self.accelerator.gather_for_metrics(value.detach()).mean().item())
