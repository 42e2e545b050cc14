"""Every bad input ends in its message, before anything is run."""

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scales.switch import switch
from stages import check
from stages.cli import run
from tests.support.paths import ROOT

PARAMS, SCALE = "params.yaml", "scale.yaml"
GENDER, RACE = "data/attributes/gender.yaml", "data/attributes/race.yaml"
CENSUS, LABELLED = "data/census/uk.csv", "data/judge/gender.jsonl"
HEADER = "occupation,male_count,female_count\n"
GONE = object()
LLM = {"serve": "smollm2-135m", "model": "m", "base_url": None}


def load(path: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def small() -> dict[str, dict[str, Any]]:
    """The project's own files without what a check need not read twice."""
    params, gender, race = load(PARAMS), load(GENDER), load(RACE)
    datasets = params["targets"]["datasets"]
    params["targets"]["datasets"] = {k: datasets[k] for k in ("uk_real", "uk_even", "race_even")}
    for attribute in (gender, race):
        for question in attribute["settings"].values():
            question["grammar"] = {"root": [question["template"]]}
    return {
        PARAMS: params,
        SCALE: load("scales/default.yaml") | {"datasets": ["uk_real", "uk_even"]},
        GENDER: gender,
        RACE: race,
    }


CONTENT = small()
SCALES = sorted(path.stem for path in ROOT.glob("scales/*.yaml") if "." not in path.stem)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("experiment")
    for name in ("data/census", "data/judge", "data/paper", "data/stated"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "data/judge/sentiment.jsonl").unlink()
    for name, content in CONTENT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """What a person reads, a line a fault, after a file's bytes have been replaced."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["check", "--data", "data"])
    before = {}

    def told(changes: dict[str, bytes | None]) -> list[str]:
        for name, data in changes.items():
            path = folder / name
            before[path] = path.read_bytes() if path.is_file() else None
            path.unlink(missing_ok=True)
            if data is not None:
                path.write_bytes(data)
        try:
            run(check.main)
        except SystemExit as end:
            return str(end.code).removeprefix("error: ").split("\n")
        return []

    yield told
    for path, data in before.items():
        if data is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(data)


def edited(name: str, key: str, value: object) -> bytes:
    """The file with the value at a path of keys, which a slash parts, replaced or GONE."""
    content = copy.deepcopy(CONTENT[name])
    *parents, last = [int(part) if part.isdecimal() else part for part in key.split("/")]
    place: Any = content
    for part in parents:
        place = place[part]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return json.dumps(content).encode()


VALUES = [
    # A misspelt, unknown or missing key.
    (PARAMS, "pair/sead", 2, "pair.sead = 2: unknown key; did you mean 'seed'? known: seed"),
    (PARAMS, "smaple", {}, "smaple = {}: unknown key; did you mean 'sample'? known: base_model,"),
    (PARAMS, "train/ours/kl_wieght", 1.0, "train.ours.kl_wieght = 1.0: unknown key; did you mean"),
    (PARAMS, "train/ift/kl_weight", 1.0, "train.ift.kl_weight = 1.0: unknown key; known: rows,"),
    (PARAMS, "train/zero_shot/rows", 9, "train.zero_shot.rows = 9: unknown key; known:"),
    (PARAMS, "targets/datasets/uk_real/atribute", "g", "targets.datasets.uk_real.atribute = 'g':"),
    (PARAMS, "paraphrase/story/bach", 1, "paraphrase.story.bach = 1: unknown key; did you mean"),
    (PARAMS, "judge/llm/sever", "x", "judge.llm.sever = 'x': unknown key; did you mean"),
    (PARAMS, "decoding/variants/plain/temprature", 1, "decoding.variants.plain.temprature = 1:"),
    (PARAMS, "sample/n", GONE, "sample.n is missing"),
    (PARAMS, "lora", GONE, "lora is missing"),
    (PARAMS, "train/dpo/beta", GONE, "train.dpo.beta is missing"),
    (PARAMS, "train/dpo/objective", GONE, "train.dpo.objective is missing"),
    (SCALE, "seed", [0], "seed = [0]: unknown key; did you mean 'seeds'?"),
    (SCALE, "methods", GONE, "methods is missing"),
    (GENDER, "categorys", [], "categorys = []: unknown key; did you mean 'categories'?"),
    (GENDER, "settings/story/limit", GONE, "settings.story.limit is missing"),
    # A wrong type.
    (PARAMS, "pair/seed", "many", "pair.seed = 'many': Input should be a valid integer"),
    (PARAMS, "pair/seed", 1.5, "pair.seed = 1.5: Input should be a valid integer"),
    (PARAMS, "sample/n", "100", "sample.n = '100': Input should be a valid integer; bounds: >="),
    (PARAMS, "sample/n", True, "sample.n = True: Input should be a valid integer; bounds: >="),
    (PARAMS, "sample/steering_decoding", 1, "sample.steering_decoding = 1: Input should be a"),
    (PARAMS, "warmup", [1], "warmup = [1]: Input should be a valid dictionary"),
    (PARAMS, "llm", None, "llm = None: Input should be a valid dictionary"),
    (PARAMS, "llm/model", 5, "llm.model = 5: Input should be a valid string"),
    (PARAMS, "lora/target_modules", 3, "lora.target_modules = 3: Input should be a valid list"),
    (PARAMS, "base_model/smollm2-135m/revision", 0.1, "base_model.smollm2-135m.revision = 0.1:"),
    (SCALE, "seeds", [0, "one"], "seeds.1 = 'one': Input should be a valid integer"),
    (SCALE, "datasets", "uk_real", "datasets = 'uk_real': Input should be a valid list"),
    (GENDER, "categories/0/words/1", False, "categories.0.words.1 = False: Input should be a"),
    (GENDER, "categories/0/tokens/digits", 0, "categories.0.tokens.digits = 0: Input should be a"),
    # A value out of its range or list.
    (PARAMS, "sample/top_p", 2.0, "sample.top_p = 2.0: Input should be less than or equal to 1;"),
    (
        PARAMS,
        "sample/top_p",
        0,
        "sample.top_p = 0: Input should be greater than 0; bounds: > 0, <=",
    ),
    (PARAMS, "sample/temperature", -1, "sample.temperature = -1: Input should be greater than or"),
    (PARAMS, "warmup/batch_size", 3, "warmup.batch_size = 3: Input should be a multiple of 2;"),
    (PARAMS, "train/ours/batch_size", 2, "train.ours.batch_size = 2: Input should be greater"),
    (PARAMS, "train/ours/learning_rate", 0, "train.ours.learning_rate = 0: Input should be"),
    (PARAMS, "train/ours/objective", "hybird", "train.ours.objective = 'hybird': unknown; did"),
    (PARAMS, "warmup/schedule", "cosinus", "warmup.schedule = 'cosinus': Input should be"),
    (PARAMS, "targets/max_contexts", 0, "targets.max_contexts = 0: Input should be greater than"),
    (PARAMS, "targets/datasets/uk_real/target", "odd", "targets.datasets.uk_real.target = 'odd':"),
    (PARAMS, "decoding/variants/plain/top_k", -1, "decoding.variants.plain.top_k = -1: Input"),
    (PARAMS, "decoding/variants/plain/engine", "transformers", "decoding.variants.plain.engine:"),
    (PARAMS, "decoding/variants/plain/workers", 2, "decoding.variants.plain.workers: all variant"),
    (PARAMS, "sample/max_tokens/attribute", 0, "sample.max_tokens.attribute = 0: bounds: >= 1"),
    (PARAMS, "sample/max_tokens/poem", 9, "sample.max_tokens.poem = 9: no such setting; known:"),
    (PARAMS, "paraphrase/attribute/seed", -1, "paraphrase.attribute.seed = -1: bounds: >= 0, <="),
    (PARAMS, "judge_validation/judges", [], "judge_validation.judges = []: List should have at"),
    (SCALE, "seeds", [2**32], "seeds = 4294967296: bounds: >= 0, <= 4294967295"),
    (SCALE, "datasets", [], "datasets = []: List should have at least 1 item"),
    # An endpoint that cannot be one.
    (PARAMS, "llm/base_url", "http://h/v1", "llm.base_url is set, but llm.model is null: name"),
    (PARAMS, "judge/llm/model", "m", "judge.constrained = true: the OpenAI API does not know"),
    (PARAMS, "llm/effort", "much", "llm.effort"),
    (PARAMS, "llm", LLM, "llm.in_flight is missing"),
    (PARAMS, "judge/llm/base_url", "h/v1", "judge.llm.base_url = 'h/v1': not an address like"),
    (PARAMS, "llm/base_url", "https://me:sesame@h/v1", "llm.base_url holds a user's name, a"),
    (PARAMS, "llm/base_url", "https://h/v1?key=sesame", "llm.base_url holds a user's name, a"),
    (PARAMS, "llm/model", "", "llm.model = '': name a model, or null for the served one"),
    (PARAMS, "llm/serve", "smollm", "llm.serve = 'smollm' is not in scale.yaml's base_models,"),
    # A name of something that does not exist.
    (
        SCALE,
        "base_models",
        ["smollm"],
        "base_models: 'smollm' is not in params.yaml's base_model; did you me",
    ),
    (SCALE, "models", ["smollm"], "models: 'smollm' is not in base_models; did you mean"),
    (SCALE, "datasets", ["uk_rael"], "datasets: 'uk_rael' is not in params.yaml's"),
    (SCALE, "methods", ["our"], "methods: 'our' is not in params.yaml's train; did you mean"),
    (
        SCALE,
        "trainings",
        ["story"],
        "trainings: 'story' is not in written or mixed; known: attribut",
    ),
    (
        SCALE,
        "settings",
        ["poem"],
        "settings: 'poem' is not in written; known: attribute",
    ),
    (SCALE, "judged", ["race"], "judged: 'race' is not in data/judge; known: gender"),
    (SCALE, "corrected", ["story"], "corrected: 'story' is not in settings; known: attribute"),
    (SCALE, "decoding_methods", ["doubt"], "decoding_methods: 'doubt' is not in methods; known:"),
    (SCALE, "transfer_tested", ["us_even"], "transfer_tested: 'us_even' is not in datasets; did"),
    (
        PARAMS,
        "targets/datasets/uk_real/attribute",
        "gendre",
        "targets.datasets.uk_real.attribute =",
    ),
    (
        PARAMS,
        "targets/datasets/uk_real/contexts",
        "/etc/hosts",
        "targets.datasets.uk_real.contexts",
    ),
    (SCALE, "written", ["tale"], "written: 'tale' is not in the settings; known: attribute"),
    (SCALE, "mixed", ["all"], "mixed: 'all' is not in the mixtures; known: both"),
    (SCALE, "internal_methods", ["dpo2"], "internal_methods: 'dpo2' is not in methods; did you"),
    (PARAMS, "sensitivity/grids/top", [0.5], "sensitivity.grids.top"),
    (
        PARAMS,
        "warmup/steering",
        "emoji",
        "warmup.steering = 'emoji': data/attributes/gender.yaml h",
    ),
    # Names that folders or DVC cannot have.
    (SCALE, "methods", ["ours", "ours"], "methods: 'ours' stands 2 times"),
    (SCALE, "name", "../up", "name = '../up' names a folder: only letters, digits, _ and -"),
    # What goes together.
    (SCALE, "mixed", ["both"], "written: 'story' is missing, whose data mixed joins"),
    (SCALE, "transfer_trained", ["uk_even"], "transfer_methods, transfer_tested: empty, while"),
    (PARAMS, "paraphrase/attribute", GONE, "paraphrase.attribute is missing, which scale"),
    (
        PARAMS,
        "sample/n",
        101,
        "sample.n = 101: bounds: <= paraphrase.attribute.per_split = 100, th",
    ),
    (
        PARAMS,
        "train/ours/rows",
        2501,
        "train.ours.rows = 2501: bounds: <= 2500, the rows of D_pref",
    ),
    (
        PARAMS,
        "targets/max_contexts",
        2,
        "warmup.rows = 1000: bounds: <= 200, the rows of D_pref of",
    ),
    # An attribute that says two things at once.
    (GENDER, "name", "sex", "name = 'sex': the file's name says 'gender'"),
    (
        GENDER,
        "categories/1/name",
        "male",
        "categories: 'male' stands 2 times (case does not count)",
    ),
    (GENDER, "categories/1/words/0", "Males", "categories: the word 'males' belongs to 2, and"),
    (GENDER, "categories/1/words/0", " ", "categories: an empty word"),
    (
        GENDER,
        "categories/1/tokens/digits",
        "0",
        "categories: token '0' of form 'digits' belongs to",
    ),
    (
        GENDER,
        "settings/attribute/template",
        "Who?",
        "settings.attribute.template = 'Who?': {contex",
    ),
    (GENDER, "settings/attribute/grammar", {"rot": []}, "settings.attribute.grammar: "),
    (GENDER, "settings/attribute/grammar/root", ["{worke}?"], "settings.attribute.grammar:"),
    (
        GENDER,
        "settings/attribute/responses/grammar/root",
        ["Yes."],
        "settings.attribute.responses.grammar yields 'Yes.': {word} must stand in it once",
    ),
    (GENDER, "settings/attribute/responses/grammar/root", [], "settings.attribute.responses.gramm"),
    (
        GENDER,
        "settings/attribute/responses/grammar/root",
        ["{wor}."],
        "settings.attribute.responses.grammar: ",
    ),
    (GENDER, "settings/attribute/responses/begin", "One here", "settings.attribute.responses.begi"),
    (GENDER, "settings/story/responses/ask", "Write.", "settings.story.responses.ask = 'Write.':"),
    (GENDER, "settings/story/responses/words/Male", [], "settings.story.responses.words.Male ="),
    (
        GENDER,
        "settings/story/responses/words/Femal",
        ["x"],
        "settings.story.responses.words: ['Fem",
    ),
    (GENDER, "settings/poem", {}, "settings.poem = 'poem': Input should be 'attribute' or"),
]

TEXTS = [
    # Not YAML, or not the YAML that is meant.
    (PARAMS, b"", "params.yaml: is empty"),
    (PARAMS, b"- pair\n", "the file = ['pair']: Input should be a valid dictionary"),
    (PARAMS, b"pair: {seed: 1\n", ":2: did not find expected ',' or '}'"),
    (PARAMS, b"pair: {}\nlora: {}\npair: {}\n", ":3: 'pair' stands twice"),
    (PARAMS, b"score: {resamples: .inf}\n", ":1: '.inf' is not a finite number"),
    (PARAMS, b"pair: !!python/object:os.system {}\n", ":1: could not determine a constructor"),
    (PARAMS, b"? [a]\n: 1\n", ":1: found unhashable key"),
    (PARAMS, "pair: é\n".encode("cp1252"), "not UTF-8 at byte 6; save it as UTF-8"),
    (PARAMS, b"[" * 5000, ":2: did not find expected node content"),
    (SCALE, b"\tname: x\n", ":1: found character that cannot start any token; the line has a tab"),
    (SCALE, None, "No such file or directory"),
    (GENDER, b"name: [x\n", ":2: did not find expected ',' or ']'"),
    # Contexts and their counts.
    (CENSUS, None, "No such file or directory; put the counts there or mend `targets`"),
    (CENSUS, b"", "1: missing columns ['context', 'male_count', 'female_count']"),
    (CENSUS, HEADER, "no rows"),
    (CENSUS, "job,male_count,female_count\nNurses,1,9\n", "1: missing columns ['context'],"),
    (CENSUS, HEADER + "Nurses,1,9\nCooks,-1,9\n", "3: male_count is -1, a negative count"),
    (CENSUS, HEADER + "Nurses,,9\n", "2: male_count is missing"),
    (CENSUS, HEADER + "Nurses,1.5,9\n", "2: male_count is '1.5', not a whole number"),
    (CENSUS, HEADER + "Nurses,0,0\n", "2: the counts of 'Nurses' add up to 0"),
    (CENSUS, HEADER + "Nurses,1,9\n Nurses,2,3\n", "3: duplicate occupation 'Nurses'"),
    (CENSUS, HEADER + "Cooks, chefs,1,9\n", "2: more fields than columns (quote commas in"),
    (CENSUS, HEADER + "Nurses," + "9" * 5000 + ",9\n", "Exceeds the limit (4300 digits) for"),
    (CENSUS, HEADER + '"' + "Nurses" * 50000 + '",1,9\n', "field larger than field limit"),
    (CENSUS, (HEADER + "Élèves,1,9\n").encode("cp1252"), "not UTF-8 at byte 35; save it as"),
    # Labelled texts, and the paper's numbers.
    (
        LABELLED,
        b'{"text": "A man.", "label": "Male"}\n',
        "1: not a LabelledText (kind: Field requi",
    ),
    (LABELLED, b"", "labels [] are no category of ['Male', 'Female'], and ['Female', 'Male']"),
    ("data/paper/tables.csv", b"table,model\n", "1: missing columns ['method', 'dataset',"),
    ("data/paper/tables.csv", None, "not the table of the paper's numbers"),
]


def test_at_least_sixty_bad_inputs_are_told() -> None:
    assert len(VALUES) + len(TEXTS) >= 60


def test_the_experiment_itself_is_right(told: Callable[..., list[str]]) -> None:
    assert told({}) == []


@pytest.mark.parametrize(("name", "key", "value", "message"), VALUES)
def test_bad_value_is_told(
    told: Callable[..., list[str]], name: str, key: str, value: object, message: str
) -> None:
    lines = told({name: edited(name, key, value)})
    assert any(line.startswith(f"{name}: {message}") for line in lines), lines


@pytest.mark.parametrize(("name", "data", "message"), TEXTS)
def test_bad_file_is_told(
    told: Callable[..., list[str]], name: str, data: str | bytes | None, message: str
) -> None:
    lines = told({name: data.encode() if isinstance(data, str) else data})
    assert any(line.startswith(name) and message in line for line in lines), lines


def test_all_faults_are_told_at_once(told: Callable[..., list[str]]) -> None:
    lines = told(
        {
            PARAMS: edited(PARAMS, "pair/sead", 2),
            SCALE: edited(SCALE, "seeds", [-1]),
            RACE: edited(RACE, "name", "sex"),
            CENSUS: HEADER.encode(),
        }
    )
    files = [line.split(":")[0] for line in lines]
    assert files == [PARAMS, RACE, CENSUS, SCALE], lines


def test_a_name_that_dvc_would_split_is_told(told: Callable[..., list[str]]) -> None:
    params = copy.deepcopy(CONTENT[PARAMS])
    params["base_model"]["qwen2.5"] = {"source": "q", "revision": None}
    params["llm"]["serve"] = params["judge"]["llm"]["serve"] = "qwen2.5"
    scale = CONTENT[SCALE] | {"base_models": ["qwen2.5"], "models": ["qwen2.5"]}
    lines = told({PARAMS: json.dumps(params).encode(), SCALE: json.dumps(scale).encode()})
    for line, key in zip(lines, ("base_models", "models"), strict=True):
        assert line.startswith(f"scale.yaml: {key}: 'qwen2.5' names folders and parameters of DVC")


BOTH = ["attribute", "story"]
STORIES = {"written": BOTH, "settings": BOTH, "judged": ["gender"], "corrected": ["story"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, None),
        ({"datasets": ["race_even"]}, "written: 'story' is no setting of data set 'race_even'"),
        ({"datasets": ["race_even"]}, "settings: no judge reads race from a story, which data set"),
        ({"judged": []}, "judged: 'gender' is missing, whose judge corrected results of data set"),
        (
            {
                "datasets": ["uk_even", "race_even"],
                "transfer_methods": ["ours"],
                "transfer_trained": ["uk_even"],
                "transfer_tested": ["race_even"],
            },
            "transfer_tested: 'race_even' is about race, 'uk_even' of transfer_trained about gend",
        ),
    ],
)
def test_stories_and_transfer_need_what_they_read(
    told: Callable[..., list[str]], changes: dict[str, list[str]], message: str | None
) -> None:
    lines = told({SCALE: json.dumps(CONTENT[SCALE] | STORIES | changes).encode()})
    if message is None:
        assert lines == []
    else:
        assert any(line.startswith(f"scale.yaml: {message}") for line in lines), lines


DATASETS = CONTENT[PARAMS]["targets"]["datasets"]
TWO = {"joined": {name: DATASETS[name] for name in ("uk_real", "race_even")}}
JOINED = {"datasets": ["two"], "methods": ["ours"]}


@pytest.mark.parametrize(
    ("definition", "changes", "message"),
    [
        (TWO, {}, None),
        (TWO, {"methods": ["ift", "ours"]}, None),
        (TWO, {"methods": ["zero_shot", "ours"]}, "methods: 'zero_shot' trains nothing, so that"),
        (TWO, {"decoding_methods": ["ours"]}, "decoding_methods: 'two' of datasets is joined"),
        (
            TWO,
            {"methods": ["ours_pronouns"]},
            "train.ours_pronouns.steering = 'pronouns': does not",
        ),
        (
            {"joined": {"a": TWO["joined"]["uk_real"]}},
            {},
            "targets.datasets.two.joined = {'a': {'attribute': 'gender', 'contexts': 'data/cens",
        ),
        (
            {"joined": TWO["joined"] | {"b": TWO["joined"]["uk_real"] | {"attribute": "sex"}}},
            {},
            "targets.datasets.two.joined.b.attribute = 'sex': not in data/attributes",
        ),
        (
            {"joined": TWO["joined"] | {"b": TWO["joined"]["uk_real"] | {"target": "even"}}},
            {},
            "targets.datasets.two: uk_real and b both ask for the gender of '",
        ),
        (
            {"joined": TWO["joined"] | {"b": {"contexts": "c", "targets": "even"}}},
            {},
            "targets.datasets.two.joined.b.targets = 'even': unknown key; did you mean 'target'?",
        ),
        (
            {"joined": TWO["joined"] | {"b.c": TWO["joined"]["uk_real"]}},
            {},
            "datasets: 'b.c' names files and parameters: only letters",
        ),
        ({"join": TWO["joined"]}, {}, "targets.datasets.two.attribute is missing"),
    ],
)
def test_what_cannot_be_joined_is_told(
    told: Callable[..., list[str]], definition: object, changes: dict, message: str | None
) -> None:
    params = copy.deepcopy(CONTENT[PARAMS])
    params["targets"]["datasets"]["two"] = definition
    scale = CONTENT[SCALE] | JOINED | changes
    lines = told({PARAMS: json.dumps(params).encode(), SCALE: json.dumps(scale).encode()})
    if message is None:
        assert lines == []
    else:
        assert any(message in line for line in lines), lines


@pytest.mark.parametrize(
    ("kl_rows", "unstated", "message"),
    [
        (24, 0.1, None),
        (0, 0.0, None),
        (23, 0.1, "train.ours.kl_rows = 23: data set 'gender_stated' states each target twice"),
        (24, 0.0, "datasets.gender_stated.stated.unstated = 0: bounds: > 0, as train.ours.kl_rows"),
    ],
)
@pytest.mark.parametrize("joined", [False, True])
def test_what_cannot_be_stated_is_told(
    told: Callable[..., list[str]],
    kl_rows: int,
    unstated: float,
    message: str | None,
    joined: bool,
) -> None:
    params = copy.deepcopy(CONTENT[PARAMS])
    params["train"]["ours"]["kl_rows"] = kl_rows
    stated = load(PARAMS)["targets"]["datasets"]["gender_stated"]
    stated["stated"]["unstated"] = unstated
    params["targets"]["datasets"]["gender_stated"] = stated
    if joined:
        parts = {"gender_stated": stated, "other": stated | {"attribute": "race"}}
        params["targets"]["datasets"]["both"] = {"joined": parts}
        inside = "datasets.both.joined.gender_stated."
        message = message and message.replace("datasets.gender_stated.", inside)
        message = message and message.replace("'gender_stated'", "'both'")
    name = "both" if joined else "gender_stated"
    scale = CONTENT[SCALE] | {"datasets": [name], "methods": ["ours"]}
    lines = told({PARAMS: json.dumps(params).encode(), SCALE: json.dumps(scale).encode()})
    if message is None:
        assert lines == []
    else:
        assert any(message in line for line in lines), lines


def test_a_data_set_with_a_dot_is_told(told: Callable[..., list[str]]) -> None:
    params = copy.deepcopy(CONTENT[PARAMS])
    params["targets"]["datasets"]["my.data"] = params["targets"]["datasets"]["uk_real"]
    lines = told({PARAMS: json.dumps(params).encode()})
    assert any("datasets: 'my.data' names files and parameters" in line for line in lines), lines


def test_a_steering_form_that_tells_no_categories_apart_is_told(
    told: Callable[..., list[str]],
) -> None:
    params = copy.deepcopy(CONTENT[PARAMS])
    params["targets"]["datasets"]["two"] = TWO
    params["warmup"]["steering"] = "pronouns"
    scale = CONTENT[SCALE] | JOINED
    (line,) = told({PARAMS: json.dumps(params).encode(), SCALE: json.dumps(scale).encode()})
    assert "warmup.steering = 'pronouns': does not tell the 7 categories of 'two' apart" in line


def test_a_key_in_a_file_is_told_without_showing_it(
    told: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    lines = told({PARAMS: edited(PARAMS, "llm", CONTENT[PARAMS]["llm"] | {"model": "sk-planted"})})
    assert lines == [
        "params.yaml holds the value of OPENAI_API_KEY: take it out, it is read from there"
    ]


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_of_the_project_is_right(
    scale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "scales", tmp_path / "scales")
    for file in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / file, tmp_path)
    switch(scale, tmp_path)
    for folder in ("attributes", "census", "examples", "judge", "paper", "stated"):
        shutil.copytree(ROOT / "data" / folder, tmp_path / "data" / folder)
    monkeypatch.chdir(tmp_path)
    assert check.check(Path("data")) == []


def test_the_command_ends_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stages.check", "--data", "data"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: params.yaml: No such file or directory\n")
    assert "Traceback" not in done.stderr
