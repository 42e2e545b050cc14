"""The verdict's words, on literal numbers."""

from distalign.report.comparisons import Comparison
from distalign.report.verdict import closeness, question, rivals, verdicts
from tests.support.report_cells import MATRIX, metrics_cell

SOUND = {"validity": 0.999, "fidelity": 0.998, "n_valid": 9, "n_rounds": 9}
OURS = SOUND | {"mae": 0.026, "floor": 0.031, "ratio": 0.84}
TOKENS = {
    "expected_mae": 0.0326,
    "expected_ratio": 1.05,
    "expected_floor": 0.031,
    "token_deviation": 0.01,
}
TOKENS |= {"token_deviation_low": 0.008, "token_deviation_high": 0.012, "deviation": 0.0}


def test_the_level_is_without_luck_and_the_luck_is_named():
    assert closeness("Ours", [OURS | TOKENS]) == (
        "Ours is at the floor: expected MAE 0.033, 1.05 times the floor of 0.031; drawn MAE 0.026, "
        "below the floor by luck or unequal prompts; true deviation 0.010 [0.008, 0.012]."
    )


def test_a_method_without_tokens_has_its_drawn_level():
    ift = {"validity": 0.997, "mae": 0.068, "floor": 0.031, "ratio": 2.18, "deviation": 0.062}
    assert closeness("IFT", [ift]) == (
        "IFT is above the floor: drawn MAE 0.068, 2.18 times the floor of 0.031; "
        "true deviation 0.062."
    )
    assert closeness("IFT", [ift | {"ratio": 1.5}]).startswith("IFT is near the floor")
    assert closeness("IFT", [ift | {"ratio": 1.1}]).startswith("IFT is at the floor")


def test_an_unsound_method_is_not_praised():
    text = closeness("Ours", [OURS | {"fidelity": 0.76}])
    assert text == (
        "Ours does not answer soundly (valid 99.9 %, fidelity 76.0 %): its MAE proves nothing."
    )
    certain = SOUND | {"mae": 0.0, "floor": 0.0, "ratio": None}
    assert "no floor to be compared with" in closeness("Ours", [certain])


def test_rivals_are_told_apart_by_the_adjusted_test():
    means = dict.fromkeys(("ours", "ift", "dpo", "without_kl", "swap_dpo"), SOUND)
    means["zero_shot"] = SOUND | {"validity": 0.2}
    tests = [
        Comparison("uk_real", method, 25, difference, p, p)
        for method, difference, p in (
            ("zero_shot", -0.2, 0.0001),
            ("ift", -0.042, 0.0001),
            ("dpo", -0.012, 0.04),
            ("without_kl", 0.001, 0.5),
            ("swap_dpo", 0.01, 0.01),
        )
    ]
    assert rivals(tests, means) == [
        "By the drawn rounds it is closer than DPO (by 0.012, p = 0.040), "
        "IFT (by 0.042, p < 0.001).",
        "By the drawn rounds it is farther from the target than Ours, DPO for KTO "
        "(by 0.010, p = 0.010).",
        "The rounds do not tell it from Ours without KL (by 0.001, p = 0.500).",
        "Not compared, as they do not answer soundly in 90 % of the rounds: Zero-shot.",
    ]
    lucky = rivals(tests, means | {"ours": OURS})[0]
    assert lucky.startswith("By the drawn rounds, with their luck, it is closer than DPO")
    undefined = [Comparison("uk_real", "ift", 1, float("nan"), float("nan"), float("nan"))]
    assert rivals(undefined, means) == []


def test_of_an_unsound_ours_nobody_is_said_to_be_farther():
    ours = metrics_cell("ours", mae=0.1, floor=0.05, ratio=2.0, validity=0.3)
    ift = metrics_cell("ift", mae=0.2, floor=0.05, ratio=4.0, validity=1.0)
    tests = [Comparison("uk_even", "ift", 4, -0.1, 0.001, 0.001)]
    (lines,) = verdicts([ours, ift], MATRIX, tests).values()
    assert lines == ["Ours does not answer soundly (valid 30.0 %): its MAE proves nothing."]


def test_several_trainings_have_the_deviation_of_their_spread():
    two = [OURS | TOKENS | {"token_deviation": d, "token_deviation_low": 0.0} for d in (0.01, 0.05)]
    assert closeness("Ours", two).endswith("true deviation 0.030 ± 0.028.")


def test_the_closest_sound_method_speaks_where_ours_was_not_run():
    cells = [
        metrics_cell("zero_shot", validity=0.2, mae=0.05, floor=0.05, ratio=1.0),
        metrics_cell("ift", validity=1.0, mae=0.08, floor=0.04, ratio=2.0),
        metrics_cell("dpo", validity=1.0, mae=0.16, floor=0.04, ratio=4.0),
    ]
    (lines,) = verdicts(cells, MATRIX, []).values()
    assert len(lines) == 1
    assert lines[0].startswith("IFT is above the floor")
    nothing = [metrics_cell("ours", n_valid=0, validity=0.0)]
    assert verdicts(nothing, MATRIX, []) == {"uk_even": ["No method gave valid answers."]}


def test_the_question_says_what_was_run():
    text = question([metrics_cell("ours"), metrics_cell("ift", n_rounds=0)], MATRIX)
    assert text.endswith("1 data set, 2 methods, 1 training seed, 9 rounds a cell.")
