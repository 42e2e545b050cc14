"""Figures of a number a row: what is drawn of literal numbers, and that it is drawn."""

import pytest

from distalign.report.bars import (
    Bar,
    capability_bars,
    draw_bars,
    first_token_bars,
    mae_bar,
    surface_bars,
    transfer_bars,
)
from distalign.report.cells import Measured
from tests.support.report_cells import metrics_cell

SIZE = {"n_rounds": 9, "n_valid": 9, "n_contexts": 3, "n_contexts_empty": 0}
N = "3 contexts × 3 rounds"
CELL = SIZE | {"mae": 0.1, "mae_t_low": 0.05, "mae_t_high": 0.15}


def measured(*seeds: dict) -> Measured:
    return Measured([*seeds], "link")


def test_a_cell_without_a_number_says_why() -> None:
    assert mae_bar(CELL | {"floor": 0.03}) == Bar(0.1, 0.05, 0.15, 0.03)
    assert mae_bar({"n_rounds": 9, "n_valid": 0}).remark == "no valid response"
    assert mae_bar({"n_rounds": 0, "n_valid": 0}).remark == "does not apply"


def test_unseen_contexts_have_a_panel_a_pair_and_a_row_a_method() -> None:
    other = CELL | {"mae": 0.2, "mae_t_low": 0.15, "mae_t_high": 0.25}
    bars = transfer_bars(
        {
            ("ift", "uk_real", "us_real"): measured(CELL, other),
            ("ours", "uk_real", "us_real"): measured(CELL),
            ("ours", "us_even", "uk_even"): measured(CELL),
        }
    )
    assert [*bars] == [f"UK Real → US Real\n{N}", f"US Even → UK Even\n{N}"]
    assert [*bars[f"UK Real → US Real\n{N}"]] == ["IFT", "Ours"]
    mean = bars[f"UK Real → US Real\n{N}"]["IFT"]
    assert (mean.value, mean.low, mean.high) == pytest.approx((0.15, 0.1, 0.2))


def test_the_main_cells_of_ours_are_the_digits_form() -> None:
    cells = [metrics_cell("zero_shot", mae=0.9), metrics_cell("ours", mae=0.1)]
    assert surface_bars(cells) == {}
    cells += [metrics_cell("ours_nouns", mae=0.2), metrics_cell("ours_added", mae=0.3)]
    bars = surface_bars(cells)
    assert {row: bar.value for row, bar in bars[f"UK Even\n{N}"].items()} == {
        "Ours (0/1)": 0.1,
        "Token (man/woman)": 0.2,
        "Token (newly added)": 0.3,
    }
    assert [*surface_bars(cells[2:])[f"UK Even\n{N}"]][0] == "Token (man/woman)"


def test_a_row_that_one_panel_lacks_is_drawn_as_not_run() -> None:
    bar, not_run = mae_bar(CELL), Bar(None, None, None, remark="not run")
    gaps = {"p": {"a": bar}, "q": {"b": bar}}
    said = {"p": {"a": bar, "b": not_run}, "q": {"a": not_run, "b": bar}}
    drawn = [draw_bars(groups, "label", "x", "title") for groups in (gaps, said)]
    assert drawn[0] == drawn[1]


def test_first_token_and_capabilities_have_their_spread() -> None:
    bars = first_token_bars(
        {
            ("uk_real", "ours"): measured({"mae": 0.01, "mae_sd": 0.004}),
            ("uk_real", "pe_implicit"): measured({"mae": None, "mae_sd": None}),
        }
    )
    assert bars["UK Real"]["Ours"] == Bar(0.01, pytest.approx(0.006), pytest.approx(0.014))
    assert bars["UK Real"]["PE-Implicit"].remark == "does not apply"
    tasks = {"facts": {"acc": 0.5, "acc_stderr": 0.1}, "text": {"word_perplexity": 30.0}}
    capabilities = capability_bars({("uk_real", "ours"): measured(tasks)})
    assert capabilities == {
        "facts: acc": {"Ours": Bar(0.5, 0.4, 0.6)},
        "text: word_perplexity": {"Ours": Bar(30.0, 30.0, 30.0)},
    }
    two = capability_bars(
        {("uk_real", "ours"): measured(tasks), ("uk_even", "ours"): measured(tasks)}
    )
    assert [*two["facts: acc"]] == ["Ours, UK Real", "Ours, UK Even"]
    assert (
        transfer_bars({}) == capability_bars({}) == first_token_bars({}) == surface_bars([]) == {}
    )


def test_a_figure_is_as_high_as_its_rows_and_the_same_each_time() -> None:
    rows = {"a $x$": Bar(0.1, 0.05, 0.2, 0.03), "b": Bar(None, None, None, remark="does not apply")}
    one, again = (draw_bars({"<b>": rows}, "label", "x", "title") for _ in range(2))
    assert one == again
    eight = draw_bars({"p": rows | dict.fromkeys("cdefgh", rows["b"])}, "l", "x", "t")
    heights = [int.from_bytes(data[20:24]) for data in (one, eight)]
    assert heights[1] - heights[0] == pytest.approx(6 * 0.32 * 100, abs=2)


def test_what_a_number_is_without_luck_is_drawn_beside_it() -> None:
    assert mae_bar(CELL | {"expected_mae": 0.04}).expected == 0.04
    with_it = Bar(0.1, 0.05, 0.15, 0.03, expected=0.04)
    plain = Bar(0.1, 0.05, 0.15, 0.03)
    assert draw_bars({"p": {"a": with_it}}, "l", "x", "t") != draw_bars(
        {"p": {"a": plain}}, "l", "x", "t"
    )
