"""Log-probabilities of labels from hidden states, without keeping logits over the vocabulary."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from distalign.models.head import Head

# Positions whose logits exist at once.
BLOCK = 64


class _LabelLogps(torch.autograd.Function):
    """d log p(y|h) / dh = W[y] - sum_v p_v W[v] is known as soon as the logits are; a scale and a
    cap of the logits enter by the chain rule. The head's bias is frozen.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, head: Head, labels: Tensor) -> Tensor:
        logps = torch.empty(len(labels), dtype=torch.float32, device=hidden.device)
        slope = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for at in range(0, len(labels), BLOCK):
            rows = slice(at, at + BLOCK)
            logps[rows], residual = _block(hidden[rows], head, labels[rows])
            if slope is not None:
                slope[rows] = residual.to(weight.dtype) @ weight
        ctx.save_for_backward(hidden, weight, labels, slope)
        ctx.head = head
        return logps

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        hidden, weight, labels, slope = ctx.saved_tensors
        of_hidden = of_weight = None
        if slope is not None:
            of_hidden = (gradient[:, None] * slope).to(hidden.dtype)
        if ctx.needs_input_grad[1]:
            of_weight = torch.zeros_like(weight, dtype=torch.float32)
            for at in range(0, len(labels), BLOCK):
                rows = slice(at, at + BLOCK)
                _, residual = _block(hidden[rows], replace(ctx.head, weight=weight), labels[rows])
                of_weight += (residual * gradient[rows, None]).T @ hidden[rows].float()
            of_weight = of_weight.to(weight.dtype)
        return of_hidden, of_weight, None, None


def _block(hidden: Tensor, head: Head, labels: Tensor) -> tuple[Tensor, Tensor]:
    """log p(label) (N,), and its slope by the head's products: [v = label] - p(v), (N, V), where
    the logits are these products.
    """
    logits = head.logits(hidden)
    slope = head.slope(logits)
    # The likeliest item has a probability that can be divided by, and softmax takes one pass.
    most, likeliest = logits.max(-1, keepdim=True)
    residual = logits.softmax(-1)
    normaliser = most - residual.gather(1, likeliest).log()
    logps = logits.gather(1, labels[:, None]) - normaliser
    residual.neg_()
    residual.scatter_add_(1, labels[:, None], torch.ones_like(logps))
    return logps[:, 0], residual if slope is None else residual * slope


def label_logps(hidden: Tensor, head: Head, labels: Tensor) -> Tensor:
    """log p(label | hidden) (N,) in float32, differentiable.

    Logits of all N positions at once, and their gradient, would be most of a training step's
    memory traffic: here they live for a block of positions at a time.

    Args:
        hidden: (N, H).
        head: the output layer, of V items.
        labels: (N,) ids in the vocabulary.
    """
    return _LabelLogps.apply(hidden, head.weight, head, labels)
