"""The hybrid objective (paper section 3.2, equations 1-5). B rows, V vocabulary, K categories."""

import torch
import torch.nn.functional as F
from torch import Tensor

from distalign.training.methods import KLDomain


def steering_log_probabilities(
    first_logits: Tensor, steering_ids: Tensor, domain: KLDomain
) -> Tensor:
    """log P_θ(τ|x), shape (B, K).

    Args:
        first_logits: (B, V), the position after the prompt.
        steering_ids: (K,).
        domain: normalise over the steering tokens alone or over the whole vocabulary. The
            second is the first plus log(mass on the steering tokens).
    """
    logits = first_logits.float()
    if domain == "steering":
        return logits[:, steering_ids].log_softmax(-1)
    return logits[:, steering_ids] - logits.logsumexp(-1, keepdim=True)


def calibration_loss(
    first_logits: Tensor, steering_ids: Tensor, target: Tensor, domain: KLDomain
) -> Tensor:
    """L_KL = mean over rows of D_KL(P*(.|x) || P_θ(.|x)) (equation 1), a scalar.

    Over the whole vocabulary it also drives the mass on the steering tokens to 1.

    Args:
        target: P*, (B, K).
    """
    log_p = steering_log_probabilities(first_logits, steering_ids, domain)
    return F.kl_div(log_p, target.float(), reduction="none").sum(-1).mean()


def kto_reference_point(policy_logps: Tensor, reference_logps: Tensor) -> Tensor:
    """z_0 (equation 2): mean log-ratio of mismatched pairs (x, y'), detached, at least 0."""
    return (policy_logps - reference_logps).mean().detach().clamp(min=0)


def kto_loss(
    log_ratios: Tensor,
    desirable: Tensor,
    z_0: Tensor,
    beta: float,
    desirable_weight: float,
    undesirable_weight: float,
) -> Tensor:
    """L_KTO (equations 3 and 4) as a mean over rows, a scalar.

    Args:
        log_ratios: R_θ(x, y), (B,).
        desirable: True for y_w, False for y_l, (B,).
    """
    signs = desirable.to(log_ratios.dtype) * 2 - 1
    values = torch.sigmoid(beta * signs * (log_ratios - z_0))
    weights = torch.where(desirable, desirable_weight, undesirable_weight)
    return (weights * (1 - values)).mean()


def dpo_loss(log_ratios: Tensor, desirable: Tensor, beta: float) -> Tensor:
    """L_DPO as a mean over pairs, a scalar; y_w and y_l of a pair come in the same order.

    Args:
        log_ratios: R_θ(x, y), (B,).
        desirable: True for y_w, False for y_l, (B,), as many of one as of the other.
    """
    return -F.logsigmoid(beta * (log_ratios[desirable] - log_ratios[~desirable])).mean()


def text_loss(text_logps: Tensor, lengths: Tensor, desirable: Tensor) -> Tensor:
    """Mean cross-entropy of the tokens of y_w that follow the steering token, a scalar.

    L_KTO has no slope left once a pair is told apart, however likely other texts still are: it does
    not keep a small model from drifting off in the middle of a response. The steering token itself
    is left to L_KL.

    Args:
        text_logps: log π(r|x, τ), (B,).
        lengths: tokens of each r, (B,).
        desirable: True for y_w, False for y_l, (B,).
    """
    return -text_logps[desirable].sum() / lengths[desirable].sum()


def retention_loss(logits: Tensor, base_logits: Tensor, first: Tensor) -> Tensor:
    """D_KL(base || policy) over the whole vocabulary at the tokens of ordinary answers, a scalar.

    The mean over the answers' first tokens plus the mean over the others: at the first it is
    decided whether a request is answered with a steering token, and there are few of them.

    Args:
        logits, base_logits: (N, V) that predict the tokens of the base model's own answers.
        first: (N,) True where an answer begins.
    """
    log_p, log_base = logits.float().log_softmax(-1), base_logits.float().log_softmax(-1)
    divergence = F.kl_div(log_p, log_base, reduction="none", log_target=True).sum(-1)
    begin, rest = divergence[first].mean(), divergence[~first]
    return begin + rest.mean() if len(rest) else begin
