"""The output layer's products, whole and in slices of the vocabulary."""

import pytest
import torch

from distalign.models.head import SLICE, Head


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_slices_of_the_vocabulary_are_the_whole(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(3, 8, generator=generator).to(dtype)
    weight = torch.randn(2 * SLICE + 5, 8, generator=generator).to(dtype)
    head = Head(weight, bias=torch.arange(len(weight)).to(dtype), scale=0.5)
    learnt = hidden.clone().requires_grad_()
    whole, sliced = head.logits(learnt), head.logits(hidden)
    assert sliced.dtype == torch.float32
    assert whole.requires_grad
    torch.testing.assert_close(sliced, whole.detach(), atol=0.02, rtol=1e-2)
    exact = (hidden.double() @ weight.double().T + head.bias.double()) / 2
    torch.testing.assert_close(sliced.double(), exact, atol=0.02, rtol=1e-2)
