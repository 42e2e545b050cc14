import math

import pytest
import torch

from distalign.training.objective import (
    calibration_loss,
    dpo_loss,
    kto_loss,
    kto_reference_point,
    retention_loss,
    steering_log_probabilities,
    text_loss,
)

IDS = torch.tensor([2, 0])
# Probabilities over a vocabulary of four, shifted by constants that a softmax takes out.
LOGITS = torch.tensor([[0.1, 0.4, 0.3, 0.2], [0.2, 0.1, 0.6, 0.1]]).log() + torch.tensor(
    [[5.0], [-3]]
)


def test_steering_probabilities_by_hand() -> None:
    steering = steering_log_probabilities(LOGITS, IDS, "steering").exp()
    vocabulary = steering_log_probabilities(LOGITS, IDS, "vocabulary").exp()
    torch.testing.assert_close(steering, torch.tensor([[0.75, 0.25], [0.75, 0.25]]))
    torch.testing.assert_close(vocabulary, torch.tensor([[0.3, 0.1], [0.6, 0.2]]))


def test_calibration_loss_by_hand() -> None:
    target = torch.tensor([[0.5, 0.5], [0.9, 0.1]])
    # 0.5 ln(0.5/0.75) + 0.5 ln(0.5/0.25) and 0.9 ln(0.9/0.75) + 0.1 ln(0.1/0.25)
    steering = (0.143841 + 0.072460) / 2
    # 0.5 ln(0.5/0.3) + 0.5 ln(0.5/0.1) and 0.9 ln(0.9/0.6) + 0.1 ln(0.1/0.2)
    vocabulary = (1.060132 + 0.295604) / 2
    for domain, loss in (("steering", steering), ("vocabulary", vocabulary)):
        found = calibration_loss(LOGITS, IDS, target, domain).item()
        assert found == pytest.approx(loss, abs=2e-6)
    # The second is the first minus log(mass): masses 0.4 and 0.8.
    assert vocabulary == pytest.approx(steering - (math.log(0.4) + math.log(0.8)) / 2, abs=2e-6)


def test_calibration_loss_is_zero_at_the_target() -> None:
    target = torch.tensor([[0.75, 0.25]] * 2)
    assert calibration_loss(LOGITS, IDS, target, "steering").item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("domain", ["steering", "vocabulary"])
def test_zero_target_gives_no_nan(domain: str) -> None:
    logits = torch.tensor([[-80.0, 0.0, 80.0, 1.0], [0.0, 0.0, 0.0, 0.0]], requires_grad=True)
    loss = calibration_loss(logits, IDS, torch.tensor([[1.0, 0.0], [0.0, 1.0]]), domain)
    loss.backward()
    expected = math.log(2) / 2 if domain == "steering" else math.log(4) / 2
    assert loss.item() == pytest.approx(expected, abs=1e-6)
    assert torch.isfinite(logits.grad).all()


def test_calibration_gradient_is_the_difference_of_distributions() -> None:
    logits = LOGITS[:1].clone().requires_grad_()
    calibration_loss(logits, IDS, torch.tensor([[0.5, 0.5]]), "vocabulary").backward()
    torch.testing.assert_close(logits.grad, torch.tensor([[0.1 - 0.5, 0.4, 0.3 - 0.5, 0.2]]))


def test_half_precision_logits_are_computed_in_single() -> None:
    loss = calibration_loss(LOGITS.bfloat16(), IDS, torch.tensor([[0.5, 0.5]] * 2), "vocabulary")
    assert loss.dtype == torch.float32


def test_reference_point_is_clamped_and_detached() -> None:
    policy = torch.tensor([-1.0, -2.0], requires_grad=True)
    point = kto_reference_point(policy, torch.tensor([-1.5, -2.1]))
    assert point.item() == pytest.approx(0.3)
    assert not point.requires_grad
    assert kto_reference_point(policy, torch.tensor([-0.5, -2.1])).item() == 0


def test_kto_loss_by_hand() -> None:
    # Values: sigmoid(1) = 0.731059, sigmoid(-3) = 0.047426, sigmoid(1) = 0.731059.
    loss = kto_loss(
        torch.tensor([1.0, -1.0, 0.0]),
        torch.tensor([True, True, False]),
        torch.tensor(0.5),
        beta=2.0,
        desirable_weight=1.0,
        undesirable_weight=3.0,
    )
    assert loss.item() == pytest.approx((0.268941 + 0.952574 + 3 * 0.268941) / 3, abs=1e-6)


def test_kto_loss_raises_the_desirable_and_lowers_the_other() -> None:
    ratios = torch.zeros(2, requires_grad=True)
    desirable = torch.tensor([True, False])
    loss = kto_loss(ratios, desirable, torch.tensor(0.0), 0.1, 1.0, 2.0)
    loss.backward()
    assert loss.item() == pytest.approx(0.75)
    # -(1/2) * weight * beta * sigmoid'(0), sign by desirability
    torch.testing.assert_close(ratios.grad, torch.tensor([-0.0125, 0.025]))


def test_dpo_loss_by_hand() -> None:
    # Margins 1 - 0 and 0.5 - 1 at beta 2: ln(1 + e^-2) and ln(1 + e^1).
    ratios = torch.tensor([1.0, 0.0, 0.5, 1.0])
    desirable = torch.tensor([True, False, True, False])
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(1))) / 2
    assert dpo_loss(ratios, desirable, beta=2.0).item() == pytest.approx(expected)


def test_text_loss_is_the_mean_over_the_tokens_of_desirable_texts() -> None:
    logps = torch.tensor([-6.0, -100.0, -3.0, -50.0], requires_grad=True)
    desirable = torch.tensor([True, False, True, False])
    loss = text_loss(logps, torch.tensor([4, 9, 2, 7]), desirable)
    assert loss.item() == pytest.approx((6 + 3) / (4 + 2))
    loss.backward()
    torch.testing.assert_close(logps.grad, torch.tensor([-1 / 6, 0, -1 / 6, 0]))


def test_retention_is_the_divergence_at_first_tokens_plus_that_at_the_others() -> None:
    base = torch.tensor([[0.5, 0.5], [0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]).log()
    policy = torch.tensor([[0.25, 0.75], [0.9, 0.1], [0.1, 0.9], [0.4, 0.6]]).log() + 3.0
    first = torch.tensor([True, False, True, False])

    def divergence(p: float, q: float) -> float:
        return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))

    at_first = (divergence(0.5, 0.25) + divergence(0.5, 0.1)) / 2
    expected = at_first + (0 + divergence(0.2, 0.4)) / 2
    assert retention_loss(policy, base, first).item() == pytest.approx(expected, abs=1e-6)
    # Answers of one token have no others.
    assert retention_loss(policy[:1], base[:1], first[:1]).item() == pytest.approx(
        divergence(0.5, 0.25), abs=1e-6
    )


def test_the_steering_token_of_mismatched_pairs_cancels_in_dpo() -> None:
    """So that it is the preference loss given a belief (GDPO, Yao et al. 2025)."""
    response = torch.tensor([0.7, -0.4, 0.2, -0.9])
    token = torch.tensor([1.5, 1.5, -2.0, -2.0])
    desirable = torch.tensor([True, False, True, False])
    given_the_token = dpo_loss(response, desirable, 0.1)
    torch.testing.assert_close(dpo_loss(response + token, desirable, 0.1), given_the_token)
    consistent = torch.tensor([1.5, -2.0, -2.0, 1.5])
    assert dpo_loss(response + consistent, desirable, 0.1) != given_the_token
