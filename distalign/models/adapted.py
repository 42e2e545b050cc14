"""A linear layer with its LoRA adapter as one step of autograd.

The adapter's products are narrow, r columns of some hundred tokens. Their own time is small. What
costs is what stands around them: scaled copies, sums as large as the layer's output, and gradients
that are formed along the long side. Here the adapter's part is added within a product, and each
gradient is formed with its short side first, which is several times faster on a CPU.
"""

from typing import Any

import torch
import torch.nn.functional as F
from peft import LoraConfig
from peft.tuners.lora import Linear
from torch import Tensor, nn


class _Adapted(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
    ) -> Tensor:
        flat, a, b = x.flatten(0, -2), a.to(weight.dtype), b.to(weight.dtype)
        low = (a @ flat.T).T
        y = F.linear(flat, weight, bias).addmm_(low, b.T, alpha=scale)
        ctx.save_for_backward(flat, low, weight, a, b)
        ctx.scale = scale
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, low, weight, a, b = ctx.saved_tensors
        flat = gradient.flatten(0, -2)
        of_low = (b.T @ flat.T).T
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (flat @ weight).addmm_(of_low, a, alpha=ctx.scale)
            of_x = of_x.view(*gradient.shape[:-1], -1)
        of_a = (of_low.T @ x).float() * ctx.scale
        of_b = (low.T @ flat).T.float() * ctx.scale
        return of_x, None, None, of_a, of_b, None


def adapted(
    x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float
) -> Tensor:
    """y = x Wᵀ + bias + s · (x Aᵀ) Bᵀ, (…, out), in the precision of W.

    Args:
        x: (…, in).
        weight, bias: (out, in), (out,); frozen.
        a, b: (r, in), (out, r), in float32; they are rounded as W is, their gradients are not.
    """
    return _Adapted.apply(x, weight, bias, a, b, scale)


class AdaptedLinear(Linear):
    """peft's own layer, with another forward pass where one adapter is on and none is merged."""

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        active = [name for name in self.active_adapters if name in self.lora_A]
        if self.disable_adapters or self.merged or len(active) != 1:
            return super().forward(x, *args, **kwargs)
        (name,) = active
        base, scale = self.get_base_layer(), self.scaling[name]
        low, high = self.lora_A[name].weight, self.lora_B[name].weight
        return adapted(x, base.weight, base.bias, low, high, scale)


def with_adapted_layers(config: LoraConfig) -> LoraConfig:
    """The configuration, by which peft makes an AdaptedLinear of a linear layer."""
    config._register_custom_module({nn.Linear: AdaptedLinear})
    return config
