"""An adapted layer by its formula, and against peft's own layer."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from distalign.models.adapted import AdaptedLinear, adapted, with_adapted_layers


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_literal_numbers() -> None:
    x, weight, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([5.0])
    a, b = torch.tensor([[1.0, -1.0]]), torch.tensor([[2.0]])
    # 1 * 3 + 2 * 4 + 5, and 10 * 2 * (1 - 2)
    assert adapted(x, weight, bias, a, b, 10.0).tolist() == [[16.0 - 20.0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_and_gradients_are_those_of_the_formula(dtype: torch.dtype) -> None:
    x, weight, bias = draw(2, 5, 6).to(dtype), draw(7, 6).to(dtype), draw(7).to(dtype)
    a, b = draw(3, 6), draw(7, 3)
    found = [tensor.clone().requires_grad_() for tensor in (x, a, b)]
    wanted = [tensor.clone().double().requires_grad_() for tensor in (x, a.to(dtype), b.to(dtype))]
    y = adapted(found[0], weight, bias, found[1], found[2], 4.0)
    exact = wanted[0] @ weight.double().T + bias.double()
    exact = exact + 4 * (wanted[0] @ wanted[1].T @ wanted[2].T)
    tolerance = {torch.float32: 1e-4, torch.bfloat16: 0.3}[dtype]
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), exact, atol=tolerance, rtol=tolerance / 10)
    gradient = draw(2, 5, 7).to(dtype)
    y.backward(gradient)
    exact.backward(gradient.double())
    for ours, own in zip(found, wanted, strict=True):
        assert ours.grad is not None
        assert own.grad is not None
        assert ours.grad.dtype == ours.dtype
        scale = float(own.grad.abs().max())
        torch.testing.assert_close(
            ours.grad.double(), own.grad, atol=tolerance * scale / 10, rtol=0.0
        )


@pytest.fixture
def layers() -> tuple[nn.Module, nn.Module]:
    """peft's model of two linear layers, and the same with our layers; B is not zero."""
    found = []
    for ours in (False, True):
        torch.manual_seed(0)
        body = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4, bias=False))
        config = LoraConfig(r=2, lora_alpha=8, target_modules=["0", "2"], init_lora_weights=False)
        found.append(get_peft_model(body, with_adapted_layers(config) if ours else config))
    return found[0], found[1]


def test_it_is_pefts_layer_in_all_else(layers: tuple[nn.Module, nn.Module]) -> None:
    own, ours = layers
    assert sum(isinstance(module, AdaptedLinear) for module in ours.modules()) == 2
    x = draw(3, 6)
    torch.testing.assert_close(ours(x), own(x))
    own(x).square().sum().backward()
    ours(x).square().sum().backward()
    gradients = {name: weight.grad for name, weight in own.named_parameters()}
    assert sum(gradient is not None for gradient in gradients.values()) == 4
    for name, weight in ours.named_parameters():
        torch.testing.assert_close(weight.grad, gradients[name])
    with own.disable_adapter(), ours.disable_adapter():
        torch.testing.assert_close(ours(x), own(x))
    assert list(ours.state_dict()) == list(own.state_dict())
    expected = own(x)
    torch.testing.assert_close(ours.merge_and_unload()(x), expected)
