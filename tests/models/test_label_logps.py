"""Label log-probabilities by blocks: values and gradients are those of torch's cross-entropy."""

import pytest
import torch
import torch.nn.functional as F

from distalign.models import label_logps as module
from distalign.models.head import Head
from distalign.models.label_logps import label_logps


@pytest.mark.parametrize("block", [1, 3, 64])
def test_values_and_gradients_equal_cross_entropy(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(7, 5, generator=generator, requires_grad=True)
    weight = torch.randn(11, 5, generator=generator, requires_grad=True)
    labels = torch.tensor([0, 10, 3, 3, 7, 1, 2])
    upstream = torch.randn(7, generator=generator)
    expected = -F.cross_entropy(hidden @ weight.T, labels, reduction="none")
    expected_gradients = torch.autograd.grad(expected @ upstream, (hidden, weight))
    found = label_logps(hidden, Head(weight), labels)
    torch.testing.assert_close(found, expected)
    for a, b in zip(
        torch.autograd.grad(found @ upstream, (hidden, weight)), expected_gradients, strict=True
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("scale", "cap"), [(0.25, None), (1.0, 2.0), (3.0, 2.0)])
def test_scale_bias_and_cap_of_the_head_count(scale: float, cap: float | None) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(7, 5, generator=generator, requires_grad=True)
    weight = torch.randn(11, 5, generator=generator, requires_grad=True)
    bias, labels = torch.randn(11, generator=generator), torch.arange(7)
    z = scale * (hidden @ weight.T + bias)
    logits = z if cap is None else cap * (z / cap).tanh()
    expected = -F.cross_entropy(logits, labels, reduction="none")
    head = Head(weight, bias, scale, cap)
    found = label_logps(hidden, head, labels)
    torch.testing.assert_close(found, expected)
    few = torch.tensor([4, 2])
    torch.testing.assert_close(head.at(few).logits(hidden), logits[:, few])
    upstream = torch.arange(1.0, 8.0)
    for a, b in zip(
        torch.autograd.grad(found @ upstream, (hidden, weight)),
        torch.autograd.grad(expected @ upstream, (hidden, weight)),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_gradient_by_hand() -> None:
    """Two words, logits h and 0: d log p(0) / dh = 1 - sigmoid(h)."""
    hidden = torch.tensor([[2.0]], requires_grad=True)
    label_logps(hidden, Head(torch.tensor([[1.0], [0.0]])), torch.tensor([0])).backward()
    assert hidden.grad.item() == pytest.approx(1 - 1 / (1 + 2.718281828**-2))


def test_frozen_weight_gets_no_gradient_and_no_position_is_fine() -> None:
    weight = torch.randn(4, 3)
    hidden = torch.randn(0, 3, requires_grad=True)
    found = label_logps(hidden, Head(weight), torch.zeros(0, dtype=torch.long))
    assert found.shape == (0,)
    found.sum().backward()
    assert weight.grad is None
