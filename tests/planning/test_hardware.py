"""The rates of the processor at hand, from those of its blocks: by hand."""

import pytest

from distalign.planning.hardware import (
    HERE,
    MeasuredRates,
    MeasuredStep,
    Rates,
    at_hand,
    seconds,
)
from distalign.planning.work import Work
from distalign.records.schemas import InputError
from scales.experiment import read_rates
from tests.support.paths import ROOT

STEPS = {
    "ift": MeasuredStep(rows=8, seconds=0.4),
    "kto": MeasuredStep(rows=16, seconds=0.6),
}
BLOCKS = MeasuredRates(steps=STEPS, forward=2000, prefill=3000, decode=1000)


@pytest.fixture
def rates() -> Rates:
    rates = read_rates(ROOT / "data/rates.yaml")
    share = {"ift": 0.8, "kto": 0.75, "forward": 0.6, "prefill": 0.5, "decode": 1.25}
    share["served"] = 0.5
    start_up = {"train": 10.0, "sample": 12.0, "retention": 14.0, "paraphrase": 20.0}
    other = {"rest": 3.0}
    here = {"share": share, "python": 0.02, "start_up": start_up, "other": other}
    return rates.model_copy(update={"here": type(rates.here).model_validate(here)})


def test_a_model_reaches_a_share_of_its_blocks_speed(rates: Rates) -> None:
    measured = at_hand(rates, "smollm2-135m", BLOCKS, 0.02).hardware[HERE].rates
    assert measured.steps["ift"].seconds == pytest.approx(0.4 / 0.8)
    assert measured.steps["kto"].seconds == pytest.approx(0.6 / 0.75)
    assert (measured.forward, measured.prefill, measured.decode) == (1200, 1500, 1250)


def test_each_kind_of_work_has_its_rate(rates: Rates) -> None:
    here = at_hand(rates, "smollm2-135m", BLOCKS, 0.02)
    shape = rates.shape("smollm2-135m")
    compared = Work(forward=2400 * 2 * (shape.body + shape.adapter(8)))
    assert seconds("retention", compared, here, HERE) == pytest.approx(14 + 2400 / 1200)
    # A server has half of the sampling rates.
    written = Work(decoded=2500 * 2 * (shape.body + shape.head), written=2500, served=True)
    assert seconds("paraphrase", written, here, HERE) == pytest.approx(20 + 2 * 2500 / 1250)
    # A step was measured with its ordinary requests: 24 + 8 * (23 + 19.4) + 4 * (20 + 8) tokens,
    # 8 * 19.4 + 4 * 8 positions, and 24 + 112 tokens of the base model.
    step = 4 * 475.2 * (shape.body + shape.adapter(8)) + 2 * 475.2 * shape.adapter(8)
    step += 4 * 187.2 * shape.head + 2 * 136 * shape.body + 2 * 32 * shape.head
    trained = Work("ift", steps=6, trained=6 * step)
    assert seconds("train", trained, here, HERE) == pytest.approx(10 + 6 * 0.5)


def test_jobs_start_as_much_slower_as_python_is(rates: Rates) -> None:
    slower = at_hand(rates, "smollm2-135m", BLOCKS, 0.03)
    assert seconds("targets", Work(), slower, HERE) == pytest.approx(3 * 1.5)
    # Two operations a token and weight of the reference, of which 1,500 tokens a second are read.
    read = Work(prefilled=4500 * 2 * rates.shape("smollm2-135m").body, read=4500)
    assert seconds("sample", read, slower, HERE) == pytest.approx(12 * 1.5 + 4500 / 1500)


def test_another_model_is_slower_by_its_operations(rates: Rates) -> None:
    small = at_hand(rates, "smollm2-135m", BLOCKS, 0.02)
    large = at_hand(rates, "qwen2_5-1_5b", BLOCKS, 0.02)
    work = Work(prefilled=1e15, read=1)
    spent = [seconds("sample", work, measured, HERE) - 12 for measured in (small, large)]
    ratio = rates.shape("qwen2_5-1_5b").body / rates.shape("smollm2-135m").body
    assert spent[0] / spent[1] == pytest.approx(ratio)


def test_a_models_sizes_have_to_be_known(rates: Rates) -> None:
    with pytest.raises(InputError, match="shapes has no gpt-2"):
        rates.shape("gpt-2")
