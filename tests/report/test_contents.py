"""The stage `report`: all pages of cells that lie in files."""

import json
import re
import sys
from html.parser import HTMLParser
from itertools import product

import pandas as pd
import pytest

from distalign.records.files import write_json, write_jsonl, write_text
from distalign.records.schemas import InputError, Judgement
from distalign.report.cell_files import read_retention
from stages import report
from tests.support.report_cells import (
    CATEGORIES,
    KEPT,
    MATRIX,
    NAMES,
    NOWHERE,
    SPEC,
    cell,
    judged,
    steered,
)


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
        place = f"retention/m/attribute/uk_even/ours/{seed}.json"
        write_json(folder / "metrics" / place, KEPT.model_dump())
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
    flags += ["--paper", "paper.csv", "--out", "report", "--plots", "plots", "--rounds", "pages"]
    monkeypatch.setattr(sys, "argv", ["report", *flags])
    report.main()


@pytest.mark.filterwarnings("ignore:Glyph")
def test_stage_writes_the_whole_report(tmp_path, monkeypatch, capsys):
    ours = steered(judged(6), 0.4, 0.5, 0.6, 0.7)
    cells = {"zero_shot": judged(10), "pe_implicit": [], "ours": ours}
    write_cells(tmp_path, cells)
    run_report(tmp_path, monkeypatch)
    out = capsys.readouterr().out
    assert "Does m, trained on attribute data" in out
    # Its expected MAE decides, and not the drawn one, which luck has left below the floor.
    assert "UK Even: Ours is near the floor: expected MAE 0.157, 1.28 times" in out
    assert "drawn MAE 0.100, below the floor by luck" in out
    assert "5.0 % of 240 unrelated requests, 12.5 % of 80 near misses" in out
    assert "report/results.html" in out

    place = "m_attribute_attribute_uk_even"
    pages = {
        name: Reader((tmp_path / f"report/{name}.html").read_text(encoding="utf-8"))
        for name in ("results", place)
    }
    assert all("script" not in page.tags for page in pages.values())
    assert all(text in pages[place].text for text in (*NAMES, *CATEGORIES))
    # The summary and transfer; by context with intervals, as a map, and the steering tokens.
    assert [len(page.sources) for page in pages.values()] == [2, 3]
    sources = [source for page in pages.values() for source in page.sources]
    assert all(source.startswith("data:image/png;base64,iVBOR") for source in sources)
    kept = sorted(path.name for path in (tmp_path / "report/figures").iterdir())
    assert kept == [f"{place}.png", "summary_m_attribute_attribute.png"]
    link = "../metrics/m/attribute/attribute/uk_even/ours/0.json"
    assert link in (tmp_path / f"report/{place}.md").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "report" / link).read_text())["n_rounds"] == 40

    # The floor of independent rounds stands beside plain decoding alone.
    markdown = (tmp_path / "report/results.md").read_text(encoding="utf-8")
    folder = "../metrics/decoding/m/attribute/attribute/uk_even/ours"
    assert f"| UK Even | Ours | plain | [0.100]({folder}) † | 0.123 |" in markdown
    assert f"| UK Even | Ours | together | [0.100]({folder}) | – | – |" in markdown
    folder = "../metrics/transfer/m/attribute/uk_even_to_us_even/ours"
    assert f"| Ours | UK Even | US Even | [0.100]({folder}) † | 0.123 |" in markdown
    assert "<script" not in markdown.replace("\\<", "")

    # Tables of the paper that these cells have, and none of the others.
    shown = re.findall(r"^\*\*Tables? (\d+)[: ]", markdown, flags=re.MULTILINE)
    assert shown == ["1", "7", "4", "10", "11"]
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


def test_a_damaged_retention_file_is_named(tmp_path, monkeypatch):
    write_cells(tmp_path, {"ours": judged(6)})
    write_json(tmp_path / "metrics/retention/m/attribute/uk_even/ours/7.json", {"perplexity": 1})
    with pytest.raises(InputError, match=r"retention/m/attribute/uk_even/ours/7\.json: not a"):
        run_report(tmp_path, monkeypatch)


def test_the_retention_of_a_method_without_an_adapter_is_empty(tmp_path):
    write_json(tmp_path / "0.json", {})
    assert read_retention(tmp_path / "0") is None
    assert read_retention(tmp_path / "1") is None
