"""The report's tables, its page and its figures."""

import json
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest

from distalign.page import Section, html_page, markdown, markdown_page, plain_text
from distalign.records import (
    Attribute,
    Category,
    Context,
    DatasetSpec,
    InputError,
    Judgement,
    write_json,
    write_jsonl,
    write_text,
)
from distalign.score import ScoreParams, cell_metrics, context_table
from distalign.tables import (
    Cell,
    Entry,
    Matrix,
    ReportParams,
    Table,
    comparison_table,
    context_errors,
    detail_table,
    main_table,
    paper_table,
    shares_table,
)
from stages import report

ATTACK = "<script>alert(1)</script>"
NAMES = ["Köchin", "研究者 | $x$", ATTACK, "Chef"]
SPEC = DatasetSpec(
    name="uk_even",
    target="even",
    attribute=Attribute(
        name="gender",
        categories=[Category(name=c, words=[c], tokens={}) for c in ("Male", "Female")],
        homonyms=[],
        settings={},
    ),
    contexts=[Context(name=name, target=[0.5, 0.5]) for name in NAMES],
)
MATRIX = Matrix(
    models=["m"], settings=["attribute"], datasets=["uk_even"], methods=["zero_shot", "ours"]
)


def judged(n_male: int, n: int = 10) -> list[Judgement]:
    """n valid rounds in every context, n_male of them Male."""
    return [
        Judgement(
            context=context,
            round=i,
            prompt="?",
            text="!",
            drawn=None,
            probabilities=None,
            mass=None,
            category="Male" if i < n_male else "Female",
            judge="test",
        )
        for context in NAMES
        for i in range(n)
    ]


def cell(method: str, rows: list[Judgement]) -> Cell:
    metrics = cell_metrics(rows, SPEC, ScoreParams(seed=0, resamples=20))
    contexts = context_table(rows, SPEC)
    return Cell("m", "attribute", "uk_even", method, metrics, contexts, f"../metrics/{method}.json")


def texts(table: Table) -> list[list[str]]:
    return [[entry.text for entry in row] for row in table.rows]


def metrics_cell(method: str, **metrics) -> Cell:
    metrics = {"n_rounds": 9, "n_valid": 9} | metrics
    return Cell("m", "attribute", "uk_even", method, metrics, pd.DataFrame(), "")


def test_main_table_marks_the_best_and_keeps_the_order_of_the_matrix():
    cells = [
        metrics_cell("ours", mae=0.0461, mae_t_low=0.03, mae_t_high=0.0619, floor=0.0398),
        metrics_cell("zero_shot", mae=0.308, floor=0.0402),
    ]
    table = main_table(cells, MATRIX)
    assert table.columns == ["Method", "UK Even"]
    assert texts(table) == [
        ["Zero-shot", "0.308"],
        ["Ours", "0.046 [0.030, 0.062]"],
        ["Floor of a perfect sampler", "0.040"],
    ]
    assert [row[1].strong for row in table.rows] == [False, True, False]


def test_main_table_tells_not_applicable_from_nothing_valid():
    cells = [metrics_cell("zero_shot", n_rounds=0, n_valid=0), metrics_cell("ours", n_valid=0)]
    table = main_table(cells, MATRIX)
    assert [row[1] for row in table.rows] == [Entry("–"), Entry("none valid"), Entry("–")]


def test_floor_is_a_range_where_valid_rounds_differ():
    cells = [
        metrics_cell("zero_shot", mae=0.1, floor=0.05),
        metrics_cell("ours", mae=0, floor=0.03),
    ]
    assert texts(main_table(cells, MATRIX))[-1][1] == "0.030–0.050"


def test_paper_numbers_keep_their_digits_and_their_cells():
    columns = ["table", "model", "method", "dataset", "value"]
    rows = [
        ("1", "llama-3.2-1b", "ours", "uk_even", "0.101"),
        ("1", "llama-3.2-1b", "ours", "uk_real", "0.099"),
        ("2", "llama-3.2-1b", "zero_shot", "uk_even", "0.30"),
        ("3", "llama-3.2-1b", "ours", "uk_even", "0.10"),
    ]
    paper = pd.DataFrame(rows, columns=columns)
    attribute = paper_table(paper, "attribute", MATRIX)
    assert texts(attribute) == [
        ["Llama-3.2-1B", "Zero-shot", "–"],
        ["Llama-3.2-1B", "Ours", "0.101"],
    ]
    assert attribute.title.endswith("its own models (table 1)")
    assert texts(paper_table(paper, "story", MATRIX))[0][2] == "0.30"
    assert paper_table(paper, "own setting", MATRIX) is None


def test_comparison_is_paired_by_context():
    # All four differences are -0.4; of the 16 sign flips two are as extreme: p = 2 / 16.
    cells = [cell("zero_shot", judged(10)), cell("ours", judged(6))]
    rows = texts(comparison_table(cells, ReportParams(seed=0)))
    assert rows == [["UK Even", "Ours - Zero-shot", "4", "-0.400", "0.125"]]


def test_comparison_leaves_out_what_does_not_apply_or_cannot_be_paired():
    ours = cell("ours", judged(6))
    assert comparison_table([cell("pe_implicit", []), ours], ReportParams(seed=0)).rows == []
    one_context = cell("ift", judged(7)[:10])
    rows = texts(comparison_table([one_context, ours], ReportParams(seed=0)))
    assert rows == [["UK Even", "Ours - IFT", "1", "–", "–"]]


def test_context_errors_are_equation_12():
    errors = context_errors(cell("ours", judged(7)[:10]))
    assert errors["Köchin"] == pytest.approx(0.2)
    assert errors[NAMES[1:]].isna().all()


def test_detail_table_links_the_metrics_file():
    row = detail_table([cell("zero_shot", judged(10))]).rows[0]
    assert row[-1] == Entry("JSON", link="../metrics/zero_shot.json")
    assert [entry.text for entry in row[:4]] == ["UK Even", "Zero-shot", "0.500", "0.000"]
    assert row[-2].text == "4 of 4"


def test_plain_text_is_aligned():
    table = Table("T", ["a", "long"], [[Entry("xyz"), Entry("1", strong=True)]])
    assert plain_text(table) == "T\na    long\n---  ----\nxyz  1 *"


def test_markdown_escapes_what_would_break_the_table():
    table = Table("T", ["a"], [[Entry("a|b\n<i>", strong=True)], [Entry("x", link="m.json")]])
    assert markdown(table) == "**T**\n\n| a |\n| --- |\n| **a\\|b \\<i\\>** |\n| [x](m.json) |\n"


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
    page = Reader(html_page([Section(ATTACK, [shares], [])]))
    assert "script" not in page.tags
    assert all(name in page.text for name in NAMES)
    assert page.text.count(ATTACK) == 2
    assert "<script" not in markdown_page([Section(ATTACK, [], [])]).replace("\\<", "")


def write_cells(folder, methods: dict[str, list[Judgement]]) -> None:
    write_json(folder / "targets/uk_even.json", SPEC.model_dump())
    write_text(folder / "paper.csv", "table,model,method,dataset,value\n1,x,ours,uk_even,0.048\n")
    lists = {"models": ["m"], "settings": ["attribute"], "datasets": ["uk_even"]}
    lists |= {"methods": [*methods], "report": {"seed": 0}, "other_stage": {"seed": 1}}
    write_json(folder / "params.yaml", lists)
    for method, rows in methods.items():
        place = f"m/attribute/uk_even/{method}"
        write_jsonl(folder / f"judgements/{place}.jsonl", rows)
        write_json(folder / f"metrics/{place}.json", cell(method, rows).metrics)
        log = "step,loss\n10,0.5\n20,0.25\n" if method == "ours" else "step\n"
        write_text(folder / f"logs/{place}.csv", log)


def run_report(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    names = ["metrics", "judgements", "targets", "logs"]
    flags = [part for name in names for part in (f"--{name}", name)]
    flags += ["--paper", "paper.csv", "--out", "report", "--plots", "plots"]
    monkeypatch.setattr(sys, "argv", ["report", *flags])
    report.main()


@pytest.mark.filterwarnings("ignore:Glyph")
def test_stage_writes_the_whole_report(tmp_path, monkeypatch, capsys):
    cells = {"zero_shot": judged(10), "pe_implicit": [], "ours": judged(6)}
    write_cells(tmp_path, cells)
    run_report(tmp_path, monkeypatch)
    out = capsys.readouterr().out
    assert "Ours                        0.100" in out
    assert "report/results.html" in out

    page = Reader((tmp_path / "report/results.html").read_text(encoding="utf-8"))
    assert len(page.sources) == 2
    assert all(source.startswith("data:image/png;base64,iVBOR") for source in page.sources)
    link = "../metrics/m/attribute/uk_even/ours.json"
    assert link in (tmp_path / "report/results.md").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "report" / link).read_text())["n_rounds"] == 40

    contexts = pd.read_csv(tmp_path / "report/contexts.csv")
    assert contexts["method"].unique().tolist() == ["zero_shot", "ours"]
    assert set(contexts["context"]) == set(NAMES)
    training = pd.read_csv(tmp_path / "plots/training.csv")
    assert training.to_dict("list") == {
        "cell": ["m/attribute/uk_even/ours"] * 2,
        "step": [10, 20],
        "loss": [0.5, 0.25],
    }
    calibration = pd.read_csv(tmp_path / "plots/calibration.csv")
    assert [*calibration][-4:] == ["context", "category", "target", "observed"]

    before = {path: path.read_bytes() for path in tmp_path.glob("report/**/*.*")}
    run_report(tmp_path, monkeypatch)
    assert {path: path.read_bytes() for path in tmp_path.glob("report/**/*.*")} == before


def test_stage_names_the_file_that_is_missing(tmp_path, monkeypatch):
    write_cells(tmp_path, {"ours": judged(6)})
    (tmp_path / "metrics/m/attribute/uk_even/ours.json").unlink()
    with pytest.raises(InputError, match=r"metrics/m/attribute/uk_even/ours\.json"):
        run_report(tmp_path, monkeypatch)
