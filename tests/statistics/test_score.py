"""The numbers of a cell, against ones worked out by hand."""

import json
import math
import sys

import pytest
from pydantic import ValidationError
from scipy import stats
from scipy.spatial.distance import jensenshannon

from distalign.records.files import write_json, write_jsonl
from distalign.records.schemas import (
    Attribute,
    Category,
    Context,
    DatasetSpec,
    InputError,
    Judgement,
)
from distalign.statistics.mae import expected_error
from distalign.statistics.score import ScoreParams, cell_metrics, context_table
from stages import score

PARAMS = ScoreParams(seed=0, resamples=200)


def spec_of(targets: dict[str, list[float]], categories: tuple[str, ...] = ("Male", "Female")):
    return DatasetSpec(
        name="own",
        target="real",
        attribute=Attribute(
            name="own",
            categories=[Category(name=c, words=[c], tokens={"digits": "0"}) for c in categories],
            homonyms=[],
            settings={},
        ),
        contexts=[Context(name=name, target=target) for name, target in targets.items()],
    )


def rounds(context: str, *categories: str | None, **fields) -> list[Judgement]:
    steering = {"drawn": None, "probabilities": None, "mass": None} | fields
    return [
        Judgement(
            context=context,
            round=i,
            prompt="?",
            text="!",
            category=category,
            judge="test",
            **steering,
        )
        for i, category in enumerate(categories)
    ]


def test_errors_floor_and_intervals_by_hand():
    # Chef: 4 of 4 against 0.5, error 0.5. Nurse: 1 of 2 against 0.25, error 0.25.
    # Floors: E|X/4 - 1/2| = 3/16 and E|X/2 - 1/4| = 9/32, their mean 15/64.
    spec = spec_of({"Chef": [0.5, 0.5], "Nurse": [0.25, 0.75]})
    rows = rounds("Chef", *["Male"] * 4, None, None) + rounds("Nurse", "Male", "Female")
    metrics = cell_metrics(rows, spec, PARAMS)
    half = stats.t.ppf(0.975, 1) * 0.125
    assert metrics["mae"] == 0.375
    assert metrics["mae_sd"] == pytest.approx(0.25 / math.sqrt(2), abs=1e-6)
    assert metrics["mae_t_low"] == 0  # 0.375 - half is negative
    assert metrics["mae_t_high"] == pytest.approx(0.375 + half, abs=1e-6)
    assert metrics["floor"] == pytest.approx(15 / 64, abs=1e-6)
    assert metrics["excess"] == pytest.approx(9 / 64, abs=1e-6)
    assert metrics["ratio"] == 1.6
    assert (metrics["n_rounds"], metrics["n_valid"], metrics["validity"]) == (8, 6, 0.75)
    # Two categories: total variation is the MAE. Of six rounds 1/8 against 1/4 proves little.
    assert (metrics["tv"], metrics["tv_floor"]) == (0.375, pytest.approx(15 / 64, abs=1e-6))
    bits = jensenshannon([1, 0], [0.5, 0.5], base=2) ** 2
    bits += jensenshannon([0.5, 0.5], [0.25, 0.75], base=2) ** 2
    assert metrics["js"] == pytest.approx(bits / 2, abs=1e-6)
    assert 0 < metrics["js_floor"] < metrics["js"]
    assert metrics["deviation_low"] == 0 < metrics["deviation"] < metrics["deviation_high"]
    # Resampled, Chef stays at 0.5 and Nurse is at 0.25 or 0.75.
    assert (metrics["mae_ci_low"], metrics["mae_ci_high"]) == (0.375, 0.625)
    assert [*metrics] == [
        *("mae", "mae_sd", "mae_ci_low", "mae_ci_high", "mae_t_low", "mae_t_high"),
        *("floor", "excess", "ratio", "deviation", "deviation_low", "deviation_high"),
        *("tv", "tv_floor", "js", "js_floor", "n_contexts", "n_contexts_empty"),
        *("n_rounds", "n_valid", "validity", "refused", "n_misaligned"),
    ]


def test_ordered_categories_have_a_distance_in_steps():
    spec = spec_of({"Chef": [0.5, 0.25, 0.25]}, ("Low", "Middle", "High"))
    rows = rounds("Chef", "Low", "Low", "Middle", "Middle")
    assert "w1" not in cell_metrics(rows, spec, PARAMS)
    attribute = spec.attribute.model_copy(update={"ordered": True})
    metrics = cell_metrics(rows, spec.model_copy(update={"attribute": attribute}), PARAMS)
    assert metrics["w1"] == 0.125  # a quarter of the answers is one step of two off
    # E|X/4 - 1/2| = 3/16 below the first place, E|X/4 - 3/4| = 81/512 below the second.
    assert metrics["w1_floor"] == pytest.approx((3 / 16 + 81 / 512) / 2, abs=1e-6)


def test_a_cell_that_does_not_apply_has_its_counts_alone():
    metrics = cell_metrics([], spec_of({"Chef": [0.5, 0.5]}), PARAMS)
    assert metrics == {"n_contexts": 0, "n_rounds": 0, "n_valid": 0}


def test_contexts_without_valid_rounds_are_counted_and_left_out():
    spec = spec_of({"Chef": [0.5, 0.5], "Nurse": [0.5, 0.5], "Judge": [0.5, 0.5]})
    rows = rounds("Chef", "Male", "Male", "Male", "Female") + rounds("Nurse", None, None)
    metrics = cell_metrics(rows, spec, PARAMS)
    assert metrics["mae"] == 0.25
    assert (metrics["n_contexts"], metrics["n_contexts_empty"]) == (1, 2)
    assert metrics["mae_sd"] is metrics["mae_t_low"] is None  # one context has no spread


def test_no_valid_round_at_all_leaves_the_errors_undefined():
    metrics = cell_metrics(rounds("Chef", None), spec_of({"Chef": [0.5, 0.5]}), PARAMS)
    assert metrics["mae"] is metrics["floor"] is metrics["n_misaligned"] is None
    assert (metrics["n_contexts"], metrics["n_contexts_empty"], metrics["validity"]) == (0, 1, 0)
    assert json.dumps(metrics, allow_nan=False)


def test_fidelity_counts_texts_that_contradict_their_token():
    spec = spec_of({"Chef": [0.25, 0.75]})
    steering = {"drawn": "Male", "probabilities": [0.5, 0.5], "mass": 0.5}
    rows = rounds("Chef", "Male", "Male", "Female", None, **steering)
    rows += rounds("Chef", "Female", drawn="Female", probabilities=[0.25, 0.75], mass=1.0)
    metrics = cell_metrics(rows, spec, PARAMS)
    assert metrics["fidelity"] == 0.75  # three of the four valid ones
    assert metrics["internal_mae"] == 0.2  # four rounds at 0.25 and one at 0
    assert metrics["steering_mass"] == 0.6


def test_level_of_the_tokens_does_not_depend_on_what_was_drawn():
    spec = spec_of({"Chef": [0.25, 0.75], "Nurse": [0.5, 0.5]})
    even = {"probabilities": [0.5, 0.5], "mass": 1.0}
    lucky, unlucky = (
        rounds("Chef", *[drawn] * 3, drawn=drawn, **even)
        + rounds("Nurse", drawn, drawn=drawn, **even)
        for drawn in ("Female", "Male")
    )
    keys = ("expected_mae", "expected_floor", "expected_ratio", "token_deviation")
    levels = [cell_metrics(rows, spec, PARAMS) for rows in (lucky, unlucky)]
    assert levels[0]["mae"] < levels[1]["mae"]
    # Chef: shares 0, 1/3, 2/3, 1 with 1, 3, 3, 1 eighths: (2 + 2 + 10 + 6) / 64. Nurse: 1/2.
    expected, floor = (20 / 64 + 0.5) / 2, (expected_error([[0.25, 0.75]], [3])[0] + 0.5) / 2
    for level in levels:
        wanted = [expected, floor, expected / floor, 0.125]
        assert [level[key] for key in keys] == pytest.approx(wanted, abs=1e-6)
        assert level["expected_mae_low"] < expected < level["expected_mae_high"]
        assert level["token_deviation_low"] == 0
        half = stats.t.ppf(0.975, 1) * 0.125
        assert level["token_deviation_high"] == pytest.approx(0.125 + half, abs=1e-6)


def test_tokens_that_seldom_begin_an_answer_have_no_level():
    """As in plain decoding: what their probabilities say, the answers do not follow."""
    spec = spec_of({"Chef": [0.5, 0.5]})
    even = {"probabilities": [0.5, 0.5], "mass": 0.5}
    begun = rounds("Chef", *["Male"] * 9, drawn="Male", **even)
    bare = rounds("Chef", "Male", drawn=None, probabilities=[1.0, 0.0], mass=0.1)
    often = cell_metrics(begun + bare, spec, PARAMS)
    assert often["token_deviation"] == 0  # of those that begin with one
    seldom = cell_metrics(begun + bare * 2, spec, PARAMS)
    assert not {"expected_mae", "expected_ratio", "token_deviation"} & set(seldom)
    assert (seldom["fidelity"], seldom["mae"]) == (1.0, 0.5)
    assert seldom["internal_mae"] == pytest.approx(2 * 0.5 / 11, abs=1e-6)


def test_methods_without_tokens_have_no_steering_metrics():
    metrics = cell_metrics(rounds("Chef", "Male"), spec_of({"Chef": [0.5, 0.5]}), PARAMS)
    assert not {"fidelity", "internal_mae", "steering_mass"} & set(metrics)


def test_misaligned_contexts_are_those_beyond_chance():
    spec = spec_of({"Chef": [0.5, 0.5], "Nurse": [0.5, 0.5]})
    rows = rounds("Chef", *["Male"] * 100) + rounds("Nurse", *["Male", "Female"] * 50)
    assert cell_metrics(rows, spec, PARAMS)["n_misaligned"] == 1


def test_same_seed_same_interval_and_another_seed_another():
    spec = spec_of({"Chef": [0.5, 0.5], "Nurse": [0.3, 0.7]})
    rows = rounds("Chef", *["Male", "Female", "Female"] * 9) + rounds("Nurse", *["Male"] * 7)
    params = [ScoreParams(seed=seed, resamples=5) for seed in (0, 0, 1)]
    first, again, other = (cell_metrics(rows, spec, p)["mae_ci_low"] for p in params)
    assert first == again != other


def test_context_table_has_wilson_intervals():
    spec = spec_of({"Köchin": [0.4, 0.6], "研究者": [0.5, 0.5]})
    table = context_table(rounds("Köchin", *["Female"] * 4, None), spec)
    z2 = stats.norm.ppf(0.975) ** 2
    assert table["context"].tolist() == ["Köchin", "Köchin", "研究者", "研究者"]
    assert table["observed"].tolist()[:2] == [0, 1]
    assert table["high"][0] == pytest.approx(z2 / (4 + z2))
    assert table["low"][1] == pytest.approx(4 / (4 + z2))
    assert table["n_valid"].tolist() == [4, 4, 0, 0]
    assert table["n_rounds"].tolist() == [5, 5, 0, 0]
    assert table.loc[2:, ["observed", "low", "high"]].isna().all(axis=None)


@pytest.mark.parametrize("row", [("Nurse", "Male"), ("Chef", "Other")])
def test_rounds_of_another_data_set_are_refused(row):
    with pytest.raises(InputError, match=row[0]):
        cell_metrics(rounds(*row), spec_of({"Chef": [0.5, 0.5]}), PARAMS)


@pytest.mark.parametrize("bad", [{"resamples": 0}, {"samples": 5}])
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ValidationError):
        ScoreParams.model_validate({"seed": 0, "resamples": 5} | bad)


def test_stage_writes_the_metrics_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("score: {seed: 0, resamples: 5}\n")
    spec = spec_of({"Chef": [0.5, 0.5]})
    write_json(tmp_path / "spec.json", spec.model_dump())
    write_jsonl(tmp_path / "rounds.jsonl", rounds("Chef", "Male"))
    flags = ["--spec", "spec.json", "--judgements", "rounds.jsonl", "--out", "out/metrics.json"]
    monkeypatch.setattr(sys, "argv", ["score", *flags])
    score.main()
    assert json.loads((tmp_path / "out/metrics.json").read_text())["mae"] == 0.5


def test_refusals_are_counted_among_the_invalid() -> None:
    rows = rounds("Chef", "Male", "Female", None) + rounds("Chef", None, refused=True)
    metrics = cell_metrics(rows, spec_of({"Chef": [0.5, 0.5]}), PARAMS)
    assert (metrics["refused"], metrics["validity"]) == (0.25, 0.5)
