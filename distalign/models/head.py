"""The output layer of a causal language model: from hidden states to its own logits."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from peft import PeftModel
from peft.utils.other import TrainableTokensWrapper
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

if TYPE_CHECKING:
    from transformers import PreTrainedModel


SLICE = 1024
"""Items of the vocabulary whose products a CPU forms at once: their weights stay in the cache."""


@dataclass(frozen=True)
class Head:
    """logits = cap · tanh(z / cap), z = scale · (hidden weightᵀ + bias).

    Attributes:
        weight: (V, H).
        bias: (V,), if there is one.
        scale: Granite divides its logits, Cohere and Falcon-H1 multiply them.
        cap: Gemma's soft cap; None without one.
    """

    weight: Tensor
    bias: Tensor | None = None
    scale: float = 1.0
    cap: float | None = None

    def at(self, ids: Tensor) -> "Head":
        """The rows of some tokens (K,) alone, in float32."""
        bias = None if self.bias is None else self.bias[ids].float()
        return Head(self.weight[ids].float(), bias, self.scale, self.cap)

    def logits(self, hidden: Tensor) -> Tensor:
        """(N, V) in float32 from (N, H), which is rounded as the weight is."""
        z = self._products(hidden.to(self.weight.dtype))
        if self.bias is not None:
            z = z + self.bias.float()
        if self.scale != 1.0:
            z = z * self.scale
        return z if self.cap is None else self.cap * torch.tanh(z / self.cap)

    def _products(self, hidden: Tensor) -> Tensor:
        """hidden weightᵀ in float32, (N, V)."""
        learns = torch.is_grad_enabled() and (hidden.requires_grad or self.weight.requires_grad)
        if learns or not self.weight.is_cpu:
            return (hidden @ self.weight.T).float()
        z = hidden.new_empty(len(hidden), len(self.weight), dtype=torch.float32)
        for part, items in zip(z.split(SLICE, 1), self.weight.split(SLICE), strict=True):
            part.copy_(hidden @ items.T)
        return z

    def slope(self, logits: Tensor) -> Tensor | float | None:
        """d logits / d products with the weight, (N, V) or one number; None where it is 1."""
        if self.cap is not None:
            return self.scale * (1 - (logits / self.cap) ** 2)
        return None if self.scale == 1.0 else self.scale


def causal_lm(model: nn.Module) -> "PreTrainedModel":
    """The language model inside the wrappers of accelerate and peft."""
    if isinstance(model, DistributedDataParallel):
        model = model.module
    return model.get_base_model() if isinstance(model, PeftModel) else model


def head_weight(model: nn.Module) -> Tensor:
    """Weight (V, H) of the output layer, with the trained rows of added tokens."""
    head = causal_lm(model).get_output_embeddings()
    if isinstance(head, TrainableTokensWrapper):
        return head.token_adapter.get_merged_weights(head.token_adapter.active_adapters)
    return whole(head.weight)


def output_head(model: nn.Module) -> Head:
    """The output layer with all that the model does to its products."""
    inner = causal_lm(model)
    bias = getattr(inner.get_output_embeddings(), "bias", None)
    config = inner.config.get_text_config()
    scale = getattr(config, "logit_scale", None) or getattr(config, "lm_head_multiplier", None)
    if divisor := getattr(config, "logits_scaling", None):
        scale = 1 / divisor
    cap = getattr(config, "final_logit_softcapping", None)
    return Head(head_weight(model), None if bias is None else whole(bias), scale or 1.0, cap)


def whole(weight: Tensor) -> Tensor:
    """A weight of which FSDP may have left this process a part; all processes ask for it."""
    return weight.full_tensor() if isinstance(weight, DTensor) else weight
