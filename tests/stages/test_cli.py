import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from distalign.data.pair import MixParams, PairParams
from distalign.data.paraphrase import ParaphraseParams
from distalign.data.synthesize import SynthesizeParams
from distalign.data.targets import TargetsParams
from distalign.llm.endpoint import EndpointParams
from distalign.models.base_model import BaseModelParams
from distalign.records.schemas import InputError
from distalign.sampling.rounds import SampleParams
from stages.cli import block, disk_fault, parse, run
from stages.decoding import DecodingParams, read_variants
from tests.support.paths import ROOT

TARGETS = "targets: {{max_contexts: null, datasets: {{d: {{{}: g, contexts: c, target: real}}}}}}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str) -> None:
    Path("params.yaml").write_text(text, encoding="utf-8")


def test_block_is_read() -> None:
    write("mix: {seed: 3}\nbase_model: {m: {source: s, revision: 0.1.2}}\n")
    assert block(MixParams, "mix").seed == 3
    assert block(BaseModelParams, "base_model", "m").revision == "0.1.2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mix: {seed: 1, sead: 2}", r"params.yaml: mix\.sead = 2: .*did you mean 'seed'\?"),
        ("mix: {seed: many}", r"params.yaml: mix\.seed = 'many': .*valid integer"),
        ("mix: {seed: 1.5}", r"params.yaml: mix\.seed = 1\.5: .*valid integer"),
        ("mix: {}", "params.yaml: mix.seed is missing"),
        ("mix:", "params.yaml: mix = None: "),
        ("mixes: {seed: 1}", "params.yaml: mix is missing; did you mean 'mixes'"),
        ("other: {seed: 1}", "params.yaml: mix is missing; known: other"),
        ("- mix", "params.yaml: mix is missing"),
        ("", "params.yaml: mix is missing"),
        ("mix: {seed: 1", r"params.yaml:\d: did not find expected"),
    ],
)
def test_wrong_block_is_named(text: str, message: str) -> None:
    write(text)
    with pytest.raises(InputError, match=message):
        block(MixParams, "mix")


def test_unknown_entry_of_a_block_names_the_nearest() -> None:
    write("base_model: {smollm2: {source: s, revision: null}}")
    with pytest.raises(InputError, match=r"base_model\.smolm2 is missing; did you mean 'smollm2'"):
        block(BaseModelParams, "base_model", "smolm2")


def test_misspelt_key_deep_in_a_block_names_the_nearest() -> None:
    write(TARGETS.format("attribute"))
    assert block(TargetsParams, "targets").dataset("d").attribute == "g"
    write(TARGETS.format("atribute"))
    with pytest.raises(
        InputError, match=r"targets\.datasets\.d\.atribute = .*did you mean 'attribute'\?"
    ):
        block(TargetsParams, "targets")


def test_missing_file_is_named() -> None:
    with pytest.raises(InputError, match="params.yaml: "):
        block(MixParams, "mix")


@pytest.mark.parametrize(
    ("params", "name"),
    [
        (TargetsParams, "targets"),
        (EndpointParams, "llm"),
        (ParaphraseParams, "paraphrase.attribute"),
        (ParaphraseParams, "paraphrase.story"),
        (SynthesizeParams, "synthesize.attribute"),
        (SynthesizeParams, "synthesize.story"),
        (PairParams, "pair"),
        (MixParams, "mix"),
        (SampleParams, "sample"),
        (DecodingParams, "decoding"),
    ],
)
def test_the_projects_own_blocks_are_valid(
    monkeypatch: pytest.MonkeyPatch, params: type[BaseModel], name: str
) -> None:
    monkeypatch.chdir(ROOT)
    assert isinstance(block(params, *name.split(".")), params)


def test_a_blocks_keys_replace_those_of_another() -> None:
    write("mix: {seed: 3}\nother: {seed: 1, sead: 2}")
    default = MixParams(seed=1)
    assert block(MixParams, "mix", over=default).seed == 3
    with pytest.raises(InputError, match=r"other\.sead = 2: .*did you mean 'seed'\?"):
        block(MixParams, "other", over=default)


SAMPLE = """
sample: {seed: 0, engine: vllm, workers: 1, tensor_parallel: 1, shard: 8, n: 2,
         rounds: independent, prompts: one, decoding: method, steering_decoding: true,
         temperature: 1.0, top_p: 1.0, top_k: 0, max_tokens: {attribute: 8}, max_tries: 3}
decoding: {variants: {cold: {temperature: 0.5}, other: {OTHER}}}
"""


def test_variants_replace_keys_of_sample() -> None:
    write(SAMPLE.replace("OTHER", "rounds: coordinated"))
    variants = read_variants()
    assert list(variants) == ["cold", "other"]
    assert (variants["cold"].temperature, variants["cold"].rounds) == (0.5, "independent")
    assert (variants["other"].temperature, variants["other"].rounds) == (1.0, "coordinated")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("temprature: 1", r"decoding\.variants\.other\.temprature = 1: .*'temperature'"),
        ("top_p: 2.0", r"decoding\.variants\.other\.top_p = 2\.0: .*less than or equal to 1"),
        ("engine: transformers", r"decoding\.variants\.other\.engine: .*same engines"),
        ("workers: 2", r"decoding\.variants\.other\.workers: .*same engines"),
    ],
)
def test_wrong_variant_is_named(other: str, message: str) -> None:
    write(SAMPLE.replace("OTHER", other))
    with pytest.raises(InputError, match=message):
        read_variants()


def test_flags_are_required_and_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["stage", "--model", "m", "--out-file", "o"])
    args = parse("doc", model="a name", out_file="a path")
    assert (args.model, args.out_file) == ("m", Path("o"))
    with pytest.raises(SystemExit):
        parse("doc", model="a name", spec="a path")


def test_a_persons_mistake_ends_in_one_message() -> None:
    def main() -> None:
        raise InputError("mend it")

    with pytest.raises(SystemExit) as end:
        run(main)
    assert end.value.code == "error: mend it"


@pytest.mark.parametrize("stage", sorted(path.stem for path in ROOT.glob("stages/[a-z]*.py")))
def test_help_waits_for_no_slow_library(stage: str) -> None:
    slow = "{'torch', 'transformers', 'trl', 'datasets', 'pandas', 'scipy.stats', 'vllm'}"
    code = f"import sys, stages.{stage}; sys.exit(', '.join({slow} & set(sys.modules)) or 0)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_full_disk_is_found_among_the_faults_of_requests_in_flight() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert disk_fault(ExceptionGroup("tasks", [ValueError("x"), full])) == full.strerror
    assert disk_fault(ExceptionGroup("tasks", [ValueError("x")])) is None
