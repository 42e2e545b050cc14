"""Names of any signs go through every stage between the counts and the report, models aside."""

import csv
import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from distalign.machine.provenance import CellProvenance
from distalign.records.files import read_jsonl, read_spec, write_json
from distalign.records.files import write_jsonl as write_rows
from distalign.records.schemas import Judgement, Preference, Prompt, Response, Round
from stages import judge, pair, paraphrase, report, score, synthesize, targets
from tests.support.chat_server import Body, ChatServer
from tests.support.hostile_report import run_stage
from tests.support.paths import ROOT

NAMES = [
    "مهندسون",
    'עורכי "דין"',
    "Zoë’s \u202eevorg\u202c keepers",
    "研究者 👩‍🚒 e\u0301",
    "Line one\nline two",
    "=1+1",
    "@SUM(A1:A9)",
    "-2+3 clerks",
    "{context}",
    "{word} {0} %s $x$ \\n",
    "a | b <script>alert(1)</script> & co.",
    "'quoted', \"twice\"; `ticks`",
    "x" * 10_000,
    ("long name " * 1_000).strip(),
]
FORMULAE = "=@-"
PLACE = "m/attribute/attribute/odd"
N = 4


def write_inputs(base_url: str) -> None:
    with open("odd.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([("occupation", "male_count", "female_count")])
        rows.writerows((name, 1, 1) for name in NAMES)
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    dataset = {"attribute": "gender", "contexts": "odd.csv", "target": "real"}
    params["targets"]["datasets"] = {"odd": dataset}
    params["llm"] |= {"model": "m", "base_url": base_url}
    params["paraphrase"]["attribute"] |= {"per_split": N, "requests_per_wording": 1}
    params["synthesize"]["attribute"] |= {"pool": 8, "requests_per_response": 1}
    params["pair"]["responses"] = N
    params["score"]["resamples"] = 20
    Path("params.yaml").write_text(json.dumps(params), encoding="utf-8")
    scale = yaml.safe_load((ROOT / "scales/default.yaml").read_text(encoding="utf-8"))
    scale |= {
        "base_models": ["m"],
        "models": ["m"],
        "datasets": ["odd"],
        "methods": ["ours"],
        "decoding_methods": [],
    }
    Path("scale.yaml").write_text(json.dumps(scale), encoding="utf-8")
    Path("paper.csv").write_text("table,model,method,dataset,value\n", encoding="utf-8")


def answer(body: Body) -> str:
    """The question in another way, or the sentence that was begun."""
    asked = body["messages"][-1]["content"]
    if asked.startswith("Rewrite: "):
        return asked.replace("Rewrite: What is", "Can you share").removesuffix("?") + "?"
    return asked.removeprefix("Finish the sentence: ").replace("...", "reads the old post.")


class Text(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


@pytest.mark.filterwarnings("ignore:Glyph")
def test_odd_names_go_through_every_stage(
    chat_server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    chat_server.answer = answer
    write_inputs(chat_server.base_url)
    attributes = str(ROOT / "data/attributes")
    run_stage(targets, monkeypatch, dataset="odd", attributes=attributes, out="targets/odd.json")
    spec = {"spec": "targets/odd.json"}
    assert [context.name for context in read_spec(Path(spec["spec"])).contexts] == NAMES

    llm = {"setting": "attribute", "llm": "none", "store": "store", "report": "report.json"}
    run_stage(paraphrase, monkeypatch, **spec, **llm, out="prompts/attribute.jsonl")
    prompts = read_jsonl(Path("prompts/attribute.jsonl"), Prompt)
    assert Counter(row.context for row in prompts) == dict.fromkeys(NAMES, 3 * N)
    assert all(row.context in row.prompt for row in prompts)
    assert any(row.source == "llm" for row in prompts)

    del llm["report"]
    run_stage(synthesize, monkeypatch, **spec, **llm, out="pool/attribute.jsonl")
    pool = read_jsonl(Path("pool/attribute.jsonl"), Response)
    assert any("reads the old post" in row.response for row in pool)

    read = {"prompts": "prompts/attribute.jsonl", "pool": "pool/attribute.jsonl"}
    made = {"base": "base.jsonl", "report": "report.json"}
    made |= {"out": "preferences.jsonl", "validation": "validation.jsonl"}
    run_stage(pair, monkeypatch, **spec, **read, **made)
    base = read_jsonl(Path(made["base"]), Response)
    assert Counter((row.context, row.category) for row in base) == {
        (name, category): N / 2 for name in NAMES for category in ("Male", "Female")
    }
    assert all(len(row.response) < 200 for row in base)
    preferences = read_jsonl(Path("preferences.jsonl"), Preference)
    assert Counter(row.context for row in preferences) == dict.fromkeys(NAMES, N)

    rounds = [
        Round(
            context=name,
            round=i,
            prompt=f"What is the gender of the {name}?",
            text=f"The {name} are {'male' if i % 2 else 'female'}.",
            drawn=None,
            probabilities=None,
            mass=None,
        )
        for name in NAMES
        for i in range(N)
    ]
    write_rows(Path("rounds.jsonl"), rounds)
    judged = f"judgements/{PLACE}/ours/0.jsonl"
    llm = {"setting": "attribute", "llm": "none", "store": "store"}
    run_stage(judge, monkeypatch, **spec, **llm, rounds="rounds.jsonl", out=judged)
    assert [row.category for row in read_jsonl(Path(judged), Judgement)] == [
        category for _ in NAMES for category in ("Female", "Male") * (N // 2)
    ]
    metrics = f"metrics/{PLACE}/ours/0.json"
    run_stage(score, monkeypatch, **spec, judgements=judged, out=metrics)
    assert json.loads(Path(metrics).read_text())["n_valid"] == len(NAMES) * N
    made_with = CellProvenance(trained=None, measured=None)
    write_json(Path(f"metrics/provenance/{PLACE}/ours/0.json"), made_with.model_dump())
    log = Path("logs/m/attribute/odd/ours/0.csv")
    log.parent.mkdir(parents=True)
    log.write_text("step\n")

    inputs = {name: name for name in ("metrics", "judgements", "targets", "logs")}
    run_stage(
        report,
        monkeypatch,
        **inputs,
        paper="paper.csv",
        out="report",
        plots="plots",
        rounds="pages",
    )
    page = Text(Path("report/m_attribute_attribute_odd.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert all(name in page.cells for name in NAMES)
    for file in ("report/contexts.csv", "plots/calibration.csv"):
        cells = pd.read_csv(file, keep_default_na=False)["context"]
        # A spreadsheet takes what follows an apostrophe for text.
        expected = [f"'{name}" if name[0] in FORMULAE else name for name in NAMES]
        assert cells.unique().tolist() == expected
