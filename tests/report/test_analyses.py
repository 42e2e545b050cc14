"""Means over seeds, and no floor beside coordinated rounds, on literal numbers."""

from distalign.report.analyses import (
    capabilities_table,
    decoding_table,
    stories_table,
    transfer_table,
)
from distalign.report.cells import Measured
from tests.support.report_cells import texts

FIRST = {"mae": 0.04, "floor": 0.03, "ratio": 1.333, "validity": 1.0, "fidelity": 0.9}
SECOND = {"mae": 0.02, "floor": 0.03, "ratio": 0.667, "validity": 0.9, "fidelity": None}


def test_each_variant_has_its_row_and_coordinated_ones_no_floor():
    seeds = [{"plain": FIRST, "joint": FIRST}, {"plain": SECOND, "joint": SECOND}]
    table = decoding_table({("uk_even", "ours"): Measured(seeds, "m/ours")}, {"joint"})
    assert texts(table) == [
        ["UK Even", "Ours", "plain", "0.030", "0.030", "1.000", "0.950", "0.900", "–"],
        ["UK Even", "Ours", "joint", "0.030", "–", "–", "0.950", "0.900", "–"],
    ]
    assert [entry.link for entry in table.rows[0]] == ["", "", "", "m/ours", *[""] * 5]


def test_transfer_names_where_a_policy_was_trained_and_what_it_was_asked():
    table = transfer_table({("ours", "uk_even", "us_even"): Measured([FIRST], "m/0.json")})
    assert texts(table) == [
        ["Ours", "UK Even", "US Even", "0.040", "0.030", "1.333", "1.000", "0.900", "–"]
    ]


def test_stories_show_the_corrected_error_and_the_language():
    first = {"corrected_mae": 0.1, "corrected_low": 0.05, "corrected_high": 0.15, "perplexity": 8}
    second = {"corrected_mae": 0.2, "corrected_low": 0.15, "corrected_high": 0.25, "perplexity": 9}
    ours, other = Measured([first, second], "s/ours"), Measured([{}], "s/0.json")
    table = stories_table({("uk_real", "ours"): ours, ("uk_even", "pe"): other})
    assert [row[2].link for row in table.rows] == ["s/ours", "s/0.json"]
    assert [row[:5] + row[7:8] for row in texts(table)] == [
        ["UK Real", "Ours", "0.150", "[0.100, 0.200]", "–", "8.500"],
        ["UK Even", "pe", "–", "–", "–", "–"],
    ]


def test_capabilities_have_a_column_a_metric_with_its_standard_error():
    first = {
        "sums": {"exact_match,last": 0.5, "exact_match_stderr,last": 0.1},
        "text": {"word_perplexity": 60.0},
    }
    second = {
        "sums": {"exact_match,last": 0.7, "exact_match_stderr,last": 0.1},
        "text": {"word_perplexity": 80.0},
    }
    table = capabilities_table({("uk_real", "ours"): Measured([first, second], "c/ours")})
    assert table.columns[2:] == ["sums: exact_match,last", "text: word_perplexity"]
    assert texts(table) == [["UK Real", "Ours", "0.600 ± 0.100", "70.000"]]
