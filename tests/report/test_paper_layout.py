"""Our rows and the paper's in one layout, on literal numbers."""

import pandas as pd

from distalign.report.cells import Measured
from distalign.report.paper_layout import Layout, Line, layout_table
from tests.support.report_cells import texts

PAPER = pd.DataFrame(
    [
        ("1", "llama-3.2-1b", "ours", "uk_real", "0.099", None, None, None),
        ("1", "llama-3.2-1b", "ours", "uk_even", "0.10", None, None, None),
        ("1", "llama-3.2-1b", "ours", "avg", "0.0995", None, None, None),
        ("1", "llama-3.2-1b", "dpo", "uk_even", "0.500", None, None, None),
        ("10", "llama-3.2-1b", "ours", "uk_even", "0.101", "0.079", None, None),
        ("11", "llama-3.2-1b", "ours", "uk_even", "0.101", None, "0.09", "0.13"),
    ],
    columns=["table", "model", "method", "dataset", "value", "sd", "ci_low", "ci_high"],
)
COLUMNS = {"uk_real": "UK Real", "uk_even": "UK Even"}
VALUES = {
    ("uk_real", "ours"): Measured([{"mae": 0.03, "n": 1}], "m/uk_real.json"),
    ("uk_even", "ours"): Measured([{"mae": 0.04, "n": 2}, {"mae": 0.06, "n": 3}], "m/uk_even"),
    ("uk_real", "ift"): Measured([{"mae": None}], "m/ift.json"),
    ("uk_even", "ift"): Measured([{}], "m/ift.json"),
}
MAE = Line("mae", lambda seeds: f"of {len(seeds)}")


def layout(table: str = "1", columns: dict = COLUMNS, methods: tuple = ("ift", "ours")) -> Layout:
    return Layout("T", table, "m", methods, columns, PAPER)


def test_ours_come_first_and_the_papers_average_where_all_its_data_sets_are():
    table = layout_table(layout(), VALUES, [MAE])
    assert table.columns == ["Model", "Method", "UK Real", "UK Even", "Average of 2"]
    # A method that was not run, or without any number, has no row; digits are as printed.
    assert texts(table) == [
        ["m", "Ours", "0.030 of 1", "0.050 of 2", "0.040"],
        ["Llama-3.2-1B (paper)", "Ours", "0.099", "0.10", "0.0995"],
    ]
    assert [entry.link for entry in table.rows[0]] == ["", "", "m/uk_real.json", "m/uk_even", ""]
    one = layout_table(layout(columns={"uk_real": "UK Real"}), VALUES, [MAE])
    assert one.columns[2:] == ["UK Real"]
    assert texts(one)[1] == ["Llama-3.2-1B (paper)", "Ours", "0.099"]


def test_lines_are_told_apart_and_the_paper_has_those_it_prints():
    lines = [Line("mae", lambda _: "", "MAE"), Line("n", lambda _: "", "N", printed=False)]
    table = layout_table(layout("11"), VALUES, lines)
    assert table.columns == ["Model", "Method", "Shown", "UK Real", "UK Even"]
    assert texts(table) == [
        ["m", "Ours", "MAE", "0.030", "0.050"],
        ["m", "Ours", "N", "1.000", "2.500"],
        ["Llama-3.2-1B (paper)", "Ours", "MAE", "–", "0.101 [0.09, 0.13]"],
    ]


def test_there_is_no_table_without_a_number_of_ours():
    assert layout_table(layout(methods=("ift",)), VALUES, [MAE]) is None
