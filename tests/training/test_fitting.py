"""Real training steps: the losses against TRL's own, three steps each, and a resumed run."""

import contextlib
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, TrainerCallback
from trl import DPOTrainer, KTOTrainer, SFTTrainer
from trl.trainer.kto_trainer import DataCollatorForUnpairedPreference

from distalign.models.packing import ATTENTION
from distalign.models.steering import Steering, resolve
from distalign.records.files import read_attribute
from distalign.records.schemas import Context, DatasetSpec, InputError, Preference, Prompt
from distalign.training.calibration import Calibration, LiveCallback
from distalign.training.fitting import fit, last_checkpoint, make_trainer
from distalign.training.methods import DPOParams, HybridParams, IFTParams
from distalign.training.objective import kto_reference_point, steering_log_probabilities
from distalign.training.preference_data import asked_rows, mismatched_rows
from distalign.training.run import training_table
from distalign.training.trainer import score
from tests.support.hybrid_block import HYBRID as HYBRID_SETTINGS
from tests.support.paths import ROOT
from tests.support.tiny_lora import tiny_lora

SCHEDULE = {
    "rows": 12,
    "epochs": 1,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "warmup_steps": 1,
    "calibration_prompts": 4,
    "retention_rows": 0,
    "retention_weight": 0.0,
}
IFT = IFTParams(objective="ift", **SCHEDULE)
DPO = DPOParams(objective="dpo", decoding="plain", beta=0.1, rejected="paper", **SCHEDULE)
HYBRID = HybridParams(**HYBRID_SETTINGS, **SCHEDULE)


@pytest.fixture(scope="module")
def spec() -> DatasetSpec:
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    contexts = [Context(name=n, target=[0.7, 0.3]) for n in ("Bakers", "Welders", "Nurses")]
    return DatasetSpec(name="jobs", target="real", attribute=attribute, contexts=contexts)


@pytest.fixture(scope="module")
def rows(spec: DatasetSpec) -> list[Preference]:
    return [
        Preference(
            setting="attribute",
            context=spec.contexts[i % 3].name,
            prompt=f"What is the gender of the {spec.contexts[i % 3].name}, case {i}?",
            category="Male",
            response="He is male." if i % 2 else "The person is male.",
            rejected_category="Female",
            rejected_response="She is female.",
        )
        for i in range(12)
    ]


@pytest.fixture
def policy(base_model: Path, spec: DatasetSpec):
    """A small float32 model over the real tokenizer, with a LoRA that is not at zero."""
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    return tiny_lora(len(tokenizer)), tokenizer, resolve(tokenizer, spec.attribute, "digits")


@contextlib.contextmanager
def plain_attention(model):
    """Let the model run as TRL runs it, without a token tree."""
    model.get_base_model().set_attn_implementation("eager")
    yield
    model.get_base_model().set_attn_implementation(ATTENTION)


def first_batch(trainer):
    return next(iter(trainer.get_train_dataloader()))


def move_from_reference(model) -> None:
    """Change the trained adapter, so that no log-ratio is zero."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B.default" in name:
                weight.add_(0.3 * torch.randn(weight.shape, generator=generator))


def test_without_calibration_the_loss_is_trls_own(policy, rows, spec, tmp_path: Path) -> None:
    params = HYBRID.model_copy(update={"kl_weight": 0.0, "desirable_weight": 1.3})
    trainer = make_trainer(params, *policy[:2], rows, spec, policy[2], 0, tmp_path)
    examples = [trainer.train_dataset[i] for i in range(4)]
    for desirable, other in zip(examples[::2], examples[1::2], strict=True):
        # TRL wants a y' of each row: those of y_w twice have the same mean.
        other |= {key: desirable[key] for key in ("KL_completion_ids", "ref_KL_logps")}
    collator = DataCollatorForUnpairedPreference(pad_token_id=policy[1].pad_token_id)
    move_from_reference(trainer.model)
    with plain_attention(trainer.model):
        trl = KTOTrainer.compute_loss(trainer, trainer.model, collator(examples))
    ours = trainer.compute_loss(trainer.model, trainer.data_collator(examples))
    torch.testing.assert_close(ours, trl, atol=1e-5, rtol=0)
    # At the reference itself every value is 1/2 and the loss (1.3 + 1) / 4.
    assert abs(ours.item() - 0.575) > 1e-3


def test_precomputed_reference_is_the_model_that_training_began_with(
    policy, rows, spec, tmp_path: Path
) -> None:
    trainer = make_trainer(HYBRID, *policy[:2], rows, spec, policy[2], 0, tmp_path)
    batch = first_batch(trainer)
    scored = score(trainer.model, batch)
    torch.testing.assert_close(batch["ref_logps"], scored.logps.detach(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("domain", ["steering", "vocabulary"])
def test_without_kto_the_loss_is_the_divergence_by_hand(
    policy, rows, spec, tmp_path: Path, domain: str
) -> None:
    model, tokenizer, steering = policy
    params = HYBRID.model_copy(update={"preference_weight": 0.0, "kl_domain": domain})
    trainer = make_trainer(params, model, tokenizer, rows, spec, steering, 0, tmp_path)
    batch = first_batch(trainer)
    loss = trainer.compute_loss(model, dict(batch)).item()
    expected = 0.0
    for ids, mask in zip(batch["input_ids"], batch["completion_mask"], strict=True):
        prompt = ids[: int(mask.argmax())]
        with plain_attention(model):
            logits = model(prompt[None]).logits[0, -1].detach()
        if domain == "steering":
            logits = logits[steering.ids]
            male, female = logits.log_softmax(0).tolist()
        else:
            male, female = logits.log_softmax(0)[steering.ids].tolist()
        target = (0.7, 0.3)
        expected += sum(
            p * (torch.tensor(p).log().item() - q)
            for p, q in zip(target, (male, female), strict=True)
        )
    assert loss == pytest.approx(expected / len(batch["input_ids"]), abs=1e-5)


def test_the_text_loss_leaves_the_steering_token_out(policy, rows, spec, tmp_path: Path) -> None:
    model, tokenizer, steering = policy
    weights = {"preference_weight": 0.0, "kl_weight": 0.0, "text_weight": 2.0}
    params = HYBRID.model_copy(update=weights)
    trainer = make_trainer(params, model, tokenizer, rows, spec, steering, 0, tmp_path)
    move_from_reference(model)
    batch = first_batch(trainer)
    loss = trainer.compute_loss(model, dict(batch)).item()
    columns = ("input_ids", "attention_mask", "completion_mask", "label")
    total, n_tokens = 0.0, 0
    for ids, present, completed, desirable in zip(*map(batch.get, columns), strict=True):
        if not desirable:
            continue
        start, end = int(completed.argmax()) + 1, int(present.sum())
        assert ids[start - 1] in steering.ids
        with plain_attention(model):
            logps = model(ids[None, :end]).logits[0].detach().log_softmax(-1)
        total += float(logps[range(start - 1, end - 1), ids[start:end]].sum())
        n_tokens += end - start
    assert loss == pytest.approx(-2 * total / n_tokens, rel=1e-5)


def test_swapped_for_dpo_the_preference_loss_is_trls_own(
    policy, rows, spec, tmp_path: Path
) -> None:
    model, tokenizer, steering = policy
    params = HYBRID.model_copy(update={"preference": "dpo", "kl_weight": 0.0, "beta": DPO.beta})
    swapped = make_trainer(params, model, tokenizer, rows, spec, steering, 0, tmp_path / "swap")
    rejected = DPO.model_copy(update={"rejected": params.rejected})
    dpo = make_trainer(rejected, model, tokenizer, rows, spec, steering, 0, tmp_path / "dpo")
    unpaired = first_batch(swapped)
    n_pairs = len(unpaired["input_ids"]) // 2
    pairs = dpo.data_collator([dict(dpo.train_dataset[i]) for i in range(n_pairs)])
    move_from_reference(model)
    ours = swapped.compute_loss(model, dict(unpaired))
    with plain_attention(model):
        trl = DPOTrainer.compute_loss(dpo, model, pairs)
    torch.testing.assert_close(ours, trl, atol=1e-5, rtol=0)


def test_ift_loss_is_trls_own(policy, rows, spec, tmp_path: Path) -> None:
    model, tokenizer, steering = policy
    ift = make_trainer(IFT, model, tokenizer, rows, spec, steering, 0, tmp_path)
    batch = first_batch(ift)
    ours = ift.compute_loss(model, dict(batch))
    with plain_attention(model):
        trl = SFTTrainer.compute_loss(ift, model, dict(batch))
    torch.testing.assert_close(ours, trl, atol=1e-5, rtol=0)


def test_more_prompts_count_like_those_of_the_pairs(policy, rows, spec, tmp_path: Path) -> None:
    """The mean divergence over the step's 2 pairs and 3 other prompts, by the steps of each."""
    model, tokenizer, steering = policy
    alone = HYBRID.model_copy(update={"preference_weight": 0.0})
    more = alone.model_copy(update={"kl_rows": 3})
    trainers = [
        make_trainer(params, model, tokenizer, rows, spec, steering, 0, tmp_path / str(place))
        for place, params in enumerate((alone, more))
    ]
    batch = first_batch(trainers[0])
    pairs, both = (trainer.compute_loss(model, dict(batch)).item() for trainer in trainers)
    asked = asked_rows(tokenizer, rows, spec, 3, 6, seed=0).at(0, 0, 1)
    assert len({tuple(prompt) for prompt, _ in asked}) == 3
    divergences = []
    for prompt, target in asked:
        with plain_attention(model):
            logits = model(torch.tensor([prompt])).logits[0, -1].detach()
        p = logits.log_softmax(0)[steering.ids]
        target = torch.tensor(target)
        divergences.append((target * (target.log() - p)).sum().item())
    assert both == pytest.approx((2 * pairs + sum(divergences)) / 5, abs=1e-5)


def test_dpo_loss_is_trls_own(policy, rows, spec, tmp_path: Path) -> None:
    model, tokenizer, steering = policy
    dpo = make_trainer(DPO, model, tokenizer, rows, spec, steering, 0, tmp_path)
    batch = first_batch(dpo)
    move_from_reference(dpo.model)
    ours = dpo.compute_loss(dpo.model, dict(batch))
    with plain_attention(dpo.model):
        trl = DPOTrainer.compute_loss(dpo, dpo.model, dict(batch))
    torch.testing.assert_close(ours, trl, atol=1e-5, rtol=0)


def test_mismatched_rows_by_hand() -> None:
    # Rows 0, 2, 4, ... are y_w; the second step of the first has one pair, its own.
    assert mismatched_rows(6, 4) == [2, 0, 4]
    assert mismatched_rows(6, 6) == [4, 0, 2]
    assert mismatched_rows(8, 8) == [6, 0, 2, 4]


def test_y_w_of_other_prompts_give_equation_2_an_effect() -> None:
    """Log-ratios of y_w that rise by 1, of y_l that fall by 3, after whatever prompt."""
    policy, before = torch.tensor([-9.0, -13.0] * 4), torch.full((8,), -10.0)
    rows = mismatched_rows(8, 8)
    assert kto_reference_point(policy[rows], before[rows]).item() == 1.0
    # Were half of the y' y_l, z_0 would be clamped.
    assert kto_reference_point(policy, before).item() == 0.0


def test_mismatched_completions_are_y_w_of_other_pairs_of_the_step(
    policy, rows, spec, tmp_path: Path
) -> None:
    params = HYBRID.model_copy(update={"batch_size": 6})
    data = make_trainer(params, *policy[:2], rows, spec, policy[2], 0, tmp_path).train_dataset
    for row, other in ((0, 4), (2, 0), (4, 2)):
        assert data[row]["KL_completion_ids"] == data[other]["completion_ids"]
        assert data[row + 1]["KL_completion_ids"] == []
    assert [data[row]["label"] for row in range(4)] == [True, False, True, False]
    assert data[0]["prompt_ids"] == data[1]["prompt_ids"] != data[2]["prompt_ids"]


@pytest.mark.parametrize("params", [IFT, DPO, HYBRID])
def test_long_rows_and_what_a_crash_left_change_nothing(
    policy, rows, spec, tmp_path: Path, params
) -> None:
    long = [row.model_copy(update={"prompt": "Who is it? " * 400}) for row in rows]
    (tmp_path / "rows.part").mkdir()
    (tmp_path / "rows.part/half.arrow").write_bytes(b"half")
    trainer = make_trainer(params, *policy[:2], long, spec, policy[2], 0, tmp_path)
    assert len(trainer.train_dataset) == 12 * (2 if params is HYBRID else 1)
    assert not (tmp_path / "rows.part").exists()
    batch = next(iter(trainer.get_train_dataloader()))
    ids = batch["input_ids"]
    assert ids.shape[1] > 1024


def test_more_rows_than_there_are(policy, rows, spec, tmp_path: Path) -> None:
    params = IFT.model_copy(update={"rows": 13})
    with pytest.raises(InputError, match="13 training rows are asked for, D_pref has 12"):
        make_trainer(params, *policy[:2], rows, spec, policy[2], 0, tmp_path)


class StopAt(TrainerCallback):
    """A run that is cut off after a checkpoint."""

    def on_save(self, args, state, control, **kwargs) -> None:
        raise KeyboardInterrupt


def trained(policy_factory, rows, spec, workspace: Path, cut: bool) -> dict[str, torch.Tensor]:
    params = HYBRID.model_copy(update={"epochs": 2.0, "kl_rows": 2})
    model, tokenizer, steering = policy_factory()
    prompts = [
        Prompt(
            setting="attribute",
            context="Bakers",
            split="validation",
            prompt="Who?",
            source="grammar",
        )
    ]
    calibration = Calibration(tokenizer, steering, prompts, spec, 1)
    if cut:
        trainer = make_trainer(params, model, tokenizer, rows, spec, steering, 0, workspace)
        trainer.add_callback(StopAt())
        with pytest.raises(KeyboardInterrupt):
            fit(trainer, workspace, LiveCallback(workspace / "live", calibration))
        assert last_checkpoint(workspace) is not None
        model, tokenizer, steering = policy_factory()
    trainer = make_trainer(params, model, tokenizer, rows, spec, steering, 0, workspace)
    fit(trainer, workspace, LiveCallback(workspace / "live", calibration))
    return {
        name: weight.detach().clone()
        for name, weight in trainer.model.named_parameters()
        if ".default." in name
    }


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(
    base_model: Path, spec: DatasetSpec, rows, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def fresh():
        return policy.__wrapped__(base_model, spec)

    whole = trained(fresh, rows, spec, tmp_path / "whole", cut=False)
    resumed = trained(fresh, rows, spec, tmp_path / "cut", cut=True)
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight, atol=1e-6, rtol=0)
    table = training_table(tmp_path / "cut" / "live").splitlines()
    assert {"step", "loss", "calibration", "internal_mae"} <= set(table[0].split(","))
    assert len(table) == len(training_table(tmp_path / "whole" / "live").splitlines())


def test_a_checkpoint_cut_short_is_passed_over(tmp_path: Path) -> None:
    for name, state in (("checkpoint-2", "{}"), ("checkpoint-4", '{"half')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trainer_state.json").write_text(state, encoding="utf-8")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-2"
    assert not (tmp_path / "checkpoint-4").exists()


def test_steps_reduce_the_calibration_loss(policy, rows, spec, tmp_path: Path) -> None:
    model, tokenizer, steering = policy
    params = HYBRID.model_copy(update={"learning_rate": 1e-2})
    trainer = make_trainer(params, model, tokenizer, rows, spec, steering, 0, tmp_path)
    batch = first_batch(trainer)

    def error() -> float:
        ids = torch.tensor(steering.ids)
        scored = score(trainer.model, batch, ids)
        p = steering_log_probabilities(scored.first_logits, ids, "vocabulary").exp()
        return (p - batch["target"]).abs().mean().item()

    before = error()
    trainer.train()
    assert error() < before


def test_steering_is_required_beyond_ift(policy, rows, spec, tmp_path: Path) -> None:
    assert isinstance(policy[2], Steering)
    trainer = make_trainer(IFT, *policy[:2], rows, spec, None, 0, tmp_path)
    text = trainer.processing_class.decode(first_batch(trainer)["input_ids"][0])
    assert "assistant\nHe is" in text or "assistant\nThe person" in text
