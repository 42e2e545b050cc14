"""The report's tables, its page and its figures."""

import json
import re
import sys
from html.parser import HTMLParser
from itertools import product

import pandas as pd
import pytest

from distalign.records.files import write_json, write_jsonl, write_text
from distalign.records.schemas import InputError, Judgement
from distalign.report.comparisons import shares_table
from distalign.report.page import Section, html_page, markdown, markdown_page, plain_text
from distalign.report.tables import (
    Entry,
    Table,
    detail_table,
    distances_table,
    main_table,
    seeds_table,
)
from stages import report
from tests.support.report_cells import (
    ATTACK,
    CATEGORIES,
    MATRIX,
    NAMES,
    NOWHERE,
    SPEC,
    cell,
    judged,
    metrics_cell,
    steered,
    texts,
)


def test_main_table_marks_the_best_and_keeps_the_order_of_the_matrix():
    cells = [
        metrics_cell(
            "ours", mae=0.0461, mae_t_low=0.03, mae_t_high=0.0619, floor=0.0398, ratio=1.1583
        ),
        metrics_cell("zero_shot", mae=0.308, floor=0.0402),
    ]
    table = main_table(cells, MATRIX)
    assert table.columns == ["Method", "UK Even"]
    assert texts(table) == [
        ["Zero-shot", "0.308"],
        ["Ours", "0.046 [0.030, 0.062]"],
        ["Floor of a perfect sampler", "0.040"],
        ["Ours, in floors", "1.158"],
    ]
    assert [row[1].strong for row in table.rows] == [False, True, False, False]


def test_main_table_tells_not_applicable_from_nothing_valid():
    cells = [metrics_cell("zero_shot", n_rounds=0, n_valid=0), metrics_cell("ours", n_valid=0)]
    table = main_table(cells, MATRIX)
    assert [row[1] for row in table.rows] == [
        Entry("–"),
        Entry("none valid"),
        Entry("–"),
        Entry("–"),
    ]


def test_floor_is_a_range_where_valid_rounds_differ():
    cells = [
        metrics_cell("zero_shot", mae=0.1, floor=0.05),
        metrics_cell("ours", mae=0, floor=0.03),
    ]
    assert texts(main_table(cells, MATRIX))[-2][1] == "0.030–0.050"


def test_detail_table_links_the_metrics_file():
    row = detail_table([cell("zero_shot", judged(10))]).rows[0]
    assert row[-1] == Entry("JSON", link="../metrics/zero_shot.json")
    assert [entry.text for entry in row[:4]] == ["UK Even", "Zero-shot", "0", "0.500"]
    assert row[-2].text == "4 of 4"


def test_main_table_averages_data_sets_and_seeds():
    matrix = MATRIX.model_copy(update={"datasets": ["uk_even", "us_even"], "seeds": [0, 1]})
    cells = [
        metrics_cell("ours", dataset, seed, mae=mae, floor=floor, ratio=mae / floor)
        for dataset, seed, mae, floor in (
            *(("uk_even", 0, 0.04, 0.04), ("uk_even", 1, 0.06, 0.04)),
            *(("us_even", 0, 0.03, 0.02), ("us_even", 1, 0.03, 0.02)),
        )
    ]
    cells += [metrics_cell("zero_shot", "uk_even", seed, mae=0.2, floor=0.04) for seed in (0, 1)]
    cells += [metrics_cell("zero_shot", "us_even", seed, n_rounds=0, n_valid=0) for seed in (0, 1)]
    table = main_table(cells, matrix)
    assert table.columns == ["Method", "UK Even", "US Even", "Average"]
    # Of ours: sd of 0.04 and 0.06 is 0.0141; ratios 1.25, 1.5, and 0.04 / 0.03 in all.
    assert texts(table) == [
        ["Zero-shot", "0.200 ± 0.000", "–", "–"],
        ["Ours", "0.050 ± 0.014", "0.030 ± 0.000", "0.040"],
        ["Floor of a perfect sampler", "0.040", "0.020", "0.030"],
        ["Ours, in floors", "1.250", "1.500", "1.333"],
    ]
    assert table.title.endswith("over 2 seeds")


def test_seeds_table_shows_mean_spread_and_range():
    cells = [metrics_cell("ours", seed=i, mae=mae) for i, mae in enumerate((0.02, 0.04, 0.06))]
    cells.append(metrics_cell("pe_implicit", n_rounds=0, n_valid=0))
    row = ["UK Even", "Ours", "3", "0.040 ± 0.020 [0.020, 0.060]", *["–"] * 5]
    assert texts(seeds_table(cells)) == [row]


def test_distances_table_shows_floors_beside():
    row = texts(distances_table([cell("zero_shot", judged(10))]))[0]
    assert row[:3] == ["UK Even", "Zero-shot", "0"]
    # Ten of ten for a target of one half, in four contexts: nothing is left to chance.
    assert row[3] == row[5] == "0.500"
    assert row[6] == "0.123"
    assert row[7] == "0.311"


def test_plain_text_is_aligned():
    table = Table("T", ["a", "long"], [[Entry("xyz"), Entry("1", strong=True)]])
    assert plain_text(table) == "T\na    long\n---  ----\nxyz  1 *"


def test_markdown_escapes_what_would_break_the_table():
    table = Table("T", ["a"], [[Entry("a|b\n<i>", strong=True)], [Entry("x", link="m.json")]])
    assert markdown(table) == "**T**\n\n| a |\n| --- |\n| **a\\|b \\<i\\>** |\n| [x](m.json) |\n"


def test_markdown_links_what_is_best_and_no_name_makes_a_link():
    best = Entry("0.1 [0.0, 0.2]", strong=True, link="m/0.json")
    table = Table("T", ["a"], [[best], [Entry("[x](http://y)")]])
    assert "| **[0.1 [0.0, 0.2]](m/0.json)** |" in markdown(table)
    assert "| [x\\](http://y) |" in markdown(table)


class Reader(HTMLParser):
    """The tags, the images' sources and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.sources, self.text = set(), [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.sources += [value for key, value in attrs if key == "src"]

    def handle_data(self, data):
        self.text += data


def test_names_are_text_in_the_page():
    shares = shares_table([cell("ours", judged(6))])
    page = Reader(html_page([Section(ATTACK, [shares], [])], ATTACK))
    assert "script" not in page.tags
    assert all(name in page.text for name in NAMES)
    # The provenance, the title, a context of two categories, and a category of four contexts.
    assert page.text.count(ATTACK) == 2 + 2 + 4
    assert "<script" not in markdown_page([Section(ATTACK, [shares], [])], ATTACK).replace(
        "\\<", ""
    )


SEEDS = (0, 7)
DECODING = {"variants": {"plain": {}, "together": {"rounds": "coordinated"}}}


PAPER = "table,model,method,dataset,value,sd,ci_low,ci_high\n1,x,ours,uk_even,0.048,,,\n"


def write_cells(folder, methods: dict[str, list[Judgement]]) -> None:
    write_json(folder / "targets/uk_even.json", SPEC.model_dump())
    write_text(folder / "paper.csv", PAPER)
    lists = {**MATRIX.model_dump(), "methods": [*methods], "seeds": [*SEEDS]}
    lists |= {"decoding_methods": ["ours"], "transfer_methods": ["ours"]}
    lists |= {"transfer_trained": ["uk_even"], "transfer_tested": ["us_even"]}
    for seed in SEEDS:
        measured = cell("ours", judged(6)).metrics
        place = f"decoding/m/attribute/attribute/uk_even/ours/{seed}.json"
        write_json(folder / "metrics" / place, {"plain": measured, "together": measured})
        place = f"transfer/m/attribute/uk_even_to_us_even/ours/{seed}.json"
        write_json(folder / "metrics" / place, measured)
    write_json(folder / "scale.yaml", lists)
    write_json(folder / "params.yaml", {"report": {"seed": 0}, "decoding": DECODING})
    for (method, rows), seed in product(methods.items(), SEEDS):
        place = f"m/attribute/attribute/uk_even/{method}/{seed}"
        write_jsonl(folder / f"judgements/{place}.jsonl", rows)
        write_json(folder / f"metrics/{place}.json", cell(method, rows).metrics)
        write_json(folder / f"metrics/provenance/{place}.json", NOWHERE.model_dump())
        log = "step,loss\n10,0.5\n20,0.25\n" if method == "ours" else "step\n"
        write_text(folder / f"logs/m/attribute/uk_even/{method}/{seed}.csv", log)


def run_report(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    names = ["metrics", "judgements", "targets", "logs"]
    flags = [part for name in names for part in (f"--{name}", name)]
    flags += ["--paper", "paper.csv", "--out", "report", "--plots", "plots"]
    monkeypatch.setattr(sys, "argv", ["report", *flags])
    report.main()


@pytest.mark.filterwarnings("ignore:Glyph")
def test_stage_writes_the_whole_report(tmp_path, monkeypatch, capsys):
    ours = steered(judged(6), 0.4, 0.5, 0.6, 0.7)
    cells = {"zero_shot": judged(10), "pe_implicit": [], "ours": ours}
    write_cells(tmp_path, cells)
    run_report(tmp_path, monkeypatch)
    out = capsys.readouterr().out
    assert "Ours                        0.100 ± 0.000" in out
    assert "Over seeds" in out
    assert "report/results.html" in out

    page = Reader((tmp_path / "report/results.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert all(text in page.text for text in (*NAMES, *CATEGORIES))
    # The summary; by context shares as a map and with intervals, and the steering tokens; transfer.
    assert len(page.sources) == 5
    assert all(source.startswith("data:image/png;base64,iVBOR") for source in page.sources)
    link = "../metrics/m/attribute/attribute/uk_even/ours/0.json"
    assert link in (tmp_path / "report/results.md").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "report" / link).read_text())["n_rounds"] == 40

    # The floor of independent rounds stands beside plain decoding alone.
    markdown = (tmp_path / "report/results.md").read_text(encoding="utf-8")
    folder = "../metrics/decoding/m/attribute/attribute/uk_even/ours"
    assert f"| UK Even | Ours | plain | [0.100]({folder}) | 0.123 |" in markdown
    assert f"| UK Even | Ours | together | [0.100]({folder}) | – | – |" in markdown
    folder = "../metrics/transfer/m/attribute/uk_even_to_us_even/ours"
    assert f"| Ours | UK Even | US Even | [0.100]({folder}) | 0.123 |" in markdown
    assert "<script" not in markdown.replace("\\<", "")

    # Tables of the paper that these cells have, and none of the others.
    shown = re.findall(r"^\*\*Tables? (\d+)[: ]", markdown, flags=re.MULTILINE)
    assert shown == ["1", "1", "7", "4", "10", "11"]
    assert "| x (paper) | Ours | 0.048 |" in markdown

    contexts = pd.read_csv(tmp_path / "report/contexts.csv")
    assert contexts["method"].unique().tolist() == ["zero_shot", "ours"]
    assert set(contexts["context"]) == set(NAMES)
    assert contexts["probability"].dropna().tolist()[:2] == pytest.approx([0.4, 0.6])
    training = pd.read_csv(tmp_path / "plots/training.csv")
    assert training.to_dict("list") == {
        "cell": [f"m/attribute/uk_even/ours/{seed}" for seed in SEEDS for _ in range(2)],
        "step": [10, 20] * 2,
        "loss": [0.5, 0.25] * 2,
    }
    calibration = pd.read_csv(tmp_path / "plots/calibration.csv")
    assert [*calibration][-4:] == ["context", "category", "target", "observed"]

    before = {path: path.read_bytes() for path in tmp_path.glob("report/**/*.*")}
    run_report(tmp_path, monkeypatch)
    assert {path: path.read_bytes() for path in tmp_path.glob("report/**/*.*")} == before


def test_stage_names_the_file_that_is_missing(tmp_path, monkeypatch):
    write_cells(tmp_path, {"ours": judged(6)})
    (tmp_path / "metrics/m/attribute/attribute/uk_even/ours/0.json").unlink()
    with pytest.raises(InputError, match=r"metrics/m/attribute/attribute/uk_even/ours/0\.json"):
        run_report(tmp_path, monkeypatch)
