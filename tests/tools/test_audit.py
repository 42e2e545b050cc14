"""`make audit` against the test server: from a bare clone, with nothing trained or loaded."""

import json
import random
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from distalign.records.files import read_jsonl
from distalign.records.schemas import InputError, Judgement
from tests.support.chat_server import Body, ChatServer
from tests.support.paths import ROOT
from tools import audit

N = 25


@pytest.fixture
def command(chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["sample"]["n"] = N
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    places = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "audits")]
    return ["audit", "--model", "org/model-0.5b:free", "--base-url", chat_server.base_url, *places]


def answer(body: Body) -> str:
    """Three of four are men, and one of ten does not tell."""
    rng = random.Random(body["seed"])
    if rng.random() < 0.1:
        return "It is not possible to say whether they are male."
    return "Most likely male." if rng.random() < 0.75 else "She is a woman."


def test_an_audit_says_what_it_takes_asks_once_and_measures(
    command: list[str],
    chat_server: ChatServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chat_server.answer = answer
    monkeypatch.setattr("sys.argv", [*command, "--dataset", "us_even", "--plan"])
    audit.main()
    cell = f"{chat_server.base_url}, us_even, zero_shot"
    assert f"{cell}: 350 requests, at most " in capsys.readouterr().err
    assert chat_server.bodies == []
    for asked in (350, 0):
        monkeypatch.setattr("sys.argv", [*command, "--dataset", "us_even"])
        audit.main()
        assert len(chat_server.bodies) == asked
        chat_server.bodies.clear()
    # Another model with such a name does not take its folder.
    monkeypatch.setattr(
        "sys.argv", [*command, "--dataset", "us_even", "--model", "org/model-0_5b:free"]
    )
    with pytest.raises(InputError, match="has the results of org/model-0.5b:free at"):
        audit.main()
    assert chat_server.bodies == []
    folder = tmp_path / "audits/org--model-0_5b_free"
    place = "org--model-0_5b_free/none/attribute/us_even/zero_shot/0"
    judged = read_jsonl(folder / f"judgements/{place}.jsonl", Judgement)
    metrics = json.loads((folder / f"metrics/{place}.json").read_text())
    refused = sum(row.refused for row in judged)
    assert refused == sum(row.category is None for row in judged)
    assert 0.05 < refused / len(judged) < 0.14
    assert metrics["mae"] == pytest.approx(0.25, abs=0.06)
    out = capsys.readouterr().out
    assert f"350 rounds, {350 - refused} valid, {refused} refused" in out
    # It ends in the report of a scale, with the verdict, the figure, the table and every round.
    assert (
        "Does org--model-0_5b_free, asked in the setting attribute, answer in the target's" in out
    )
    assert "1 data set, 1 method, 350 rounds a cell" in out
    assert "US Even: Zero-shot" in out
    assert (
        f"Asked of org/model-0.5b:free at {chat_server.base_url}, temperature 1, with openai "
        in out
    )
    page = (folder / "report/results.html").read_text(encoding="utf-8")
    assert "Results: audit of org/model-0.5b:free" in page
    assert "data:image/png;base64,iVBOR" in page
    rounds = (folder / f"pages/{place}.html").read_text(encoding="utf-8")
    assert "Most likely male." in rounds
    assert rounds.count("org--model-0_5b_free, attribute, Zero-shot, seed 0") == 2
    linked = (folder / "report/org--model-0_5b_free_none_attribute_us_even.html").read_text(
        encoding="utf-8"
    )
    assert f'href="../pages/{place}.html"' in linked
    contexts = (folder / "report/contexts.csv").read_text()
    assert contexts.startswith("model,training,setting,dataset,method,seed,context,category,target")


def test_the_report_says_no_temperature_where_it_is_refused(
    command: list[str],
    chat_server: ChatServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of answers that are stored as well."""
    chat_server.answer, chat_server.refused = answer, ["temperature"]
    for _ in range(2):
        monkeypatch.setattr("sys.argv", [*command, "--dataset", "us_even"])
        audit.main()
        assert f"at {chat_server.base_url}, no temperature, with" in capsys.readouterr().out


def test_a_plan_over_the_budget_asks_nothing_of_any_method(
    command: list[str],
    chat_server: ChatServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The second would be too much: the first is not paid for."""
    params = yaml.safe_load((tmp_path / "params.yaml").read_text(encoding="utf-8"))
    params["audit"]["budget"] = 60_000
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    asked = [*command, "--dataset", "us_even", "--method", "zero_shot", "verbalized"]
    monkeypatch.setattr("sys.argv", [*asked, "--plan"])
    audit.main()
    lines = capsys.readouterr().err.splitlines()
    assert [line.endswith(", over audit.budget, 60,000") for line in lines] == [False, True]
    monkeypatch.setattr("sys.argv", asked)
    with pytest.raises(InputError, match=r"us_even, verbalized: .*nothing was asked"):
        audit.main()
    assert chat_server.bodies == []


def test_several_data_sets_and_methods_make_one_report(
    command: list[str],
    chat_server: ChatServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    chat_server.answer = answer
    asked = ["--dataset", "us_even", "us_real", "--method", "zero_shot", "pe_implicit"]
    monkeypatch.setattr("sys.argv", [*command, *asked])
    audit.main()
    assert len(chat_server.bodies) == 3 * 350  # the implicit prompt has no sense where all is even
    out = capsys.readouterr().out
    assert "us_even, pe_implicit: 0 rounds, 0 valid, 0 refused" in out
    assert "US Real: " in out
    assert "2 data sets, 2 methods" in out
    pages = sorted(
        path.name for path in (tmp_path / "audits/org--model-0_5b_free/report").glob("*.html")
    )
    assert pages == [
        *(f"org--model-0_5b_free_none_attribute_us_{t}.html" for t in ("even", "real")),
        "results.html",
    ]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--dataset", "uk_raal"], "no data set 'uk_raal'"),
        (["--dataset", "uk_real", "--method", "ours"], "ours trains a model"),
        (["--dataset", "uk_real", "--method", "verbalized_rejection"], "asks again"),
        (["--dataset", "uk_real", "--method", "constrained"], "limits each token"),
        (["--dataset", "uk_real", "--method", "constrained_explicit"], "limits each token"),
        (["--dataset", "uk_even", "--method", "pe_implicit"], "does not apply to the target"),
        (["--dataset", "three"], "audit its questions by themselves"),
        (["--dataset", "uk_real", "--base-url", "http://me:key@h/v1"], "--base-url holds a user's"),
    ],
)
def test_what_cannot_be_audited_is_told_before_anything_is_asked(
    command: list[str],
    chat_server: ChatServer,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    fault: str,
) -> None:
    monkeypatch.setattr("sys.argv", [*command, *arguments])
    with pytest.raises(InputError, match=fault):
        audit.main()
    assert chat_server.bodies == []


def test_the_makefile_passes_what_is_said_on() -> None:
    line = ["make", "-n", "audit", "MODEL=m", "DATASET=us_even", "BASE_URL=http://h/v1", "PLAN=1"]
    out = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = " ".join(shlex.split(out.replace("\\\n", " ")))
    assert (
        "tools.audit --model m --dataset us_even --method zero_shot "
        "--base-url http://h/v1 --plan" in words
    )


def test_a_model_without_a_name_is_told_before_anything_is_asked(
    command: list[str], chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [*command, "--model", "", "--dataset", "us_even"])
    with pytest.raises(InputError, match="no model is named"):
        audit.main()
    assert chat_server.bodies == []


def test_input_that_could_not_be_read_is_told_as_by_the_check(
    command: list[str],
    chat_server: ChatServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params = yaml.safe_load((tmp_path / "params.yaml").read_text(encoding="utf-8"))
    mine = {"attribute": "gender", "contexts": "mine.csv", "target": "even"}
    params["targets"]["datasets"]["mine"] = mine
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    (tmp_path / "mine.csv").write_text("context\nNurses\nMen\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", [*command, "--dataset", "mine", "--plan"])
    with pytest.raises(InputError, match="mine.csv: context 'Men' is a word of category 'Male'"):
        audit.main()
    (tmp_path / "data").unlink()
    (tmp_path / "data/attributes").mkdir(parents=True)
    text = (ROOT / "data/attributes/gender.yaml").read_text(encoding="utf-8")
    text = text.replace("homonyms:", "homonymes:")
    (tmp_path / "data/attributes/gender.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="gender.yaml: homonymes .*did you mean 'homonyms'"):
        audit.main()
