"""Workers: shards are kept as they are drawn, and who draws them changes nothing."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from transformers import AutoTokenizer

from distalign.models.policy import Policy, save_policy
from distalign.models.steering import resolve
from distalign.records.files import read_attribute, read_source, write_json, write_jsonl
from distalign.records.schemas import Context, DatasetSpec, Prompt, Round
from distalign.sampling.rounds import Shard, make_shards
from distalign.sampling.ways import rounds_of
from distalign.sampling.workers import draw_all, open_workers
from tests.support.machine import PRECISION
from tests.support.paths import ROOT
from tests.support.sample_block import SAMPLE

PARAMS = SAMPLE.model_copy(
    update={"shard": 4, "n": 2, "prompts": "one", "max_tokens": {"attribute": 4}}
)
NAMES = ["Bakers", "Welders", "Judges", "Nurses", "Pilots"]


@pytest.fixture(scope="module")
def spec() -> DatasetSpec:
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    contexts = [Context(name=name, target=[0.5, 0.5]) for name in NAMES]
    return DatasetSpec(name="jobs", target="even", attribute=attribute, contexts=contexts)


@pytest.fixture(scope="module")
def prompts() -> list[Prompt]:
    return [
        Prompt(
            setting="attribute",
            context=name,
            split="test",
            prompt=f"Are {name} men or women?",
            source="grammar",
        )
        for name in NAMES
    ]


@pytest.fixture(scope="module")
def shards(spec: DatasetSpec, prompts: list[Prompt]) -> list[Shard]:
    return make_shards(spec, prompts, PARAMS, "tiny", 0)


@pytest.fixture(scope="module")
def policy(base_model: Path, spec: DatasetSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policy")
    tokenizer = AutoTokenizer.from_pretrained(base_model)
    policy = Policy(
        method="ours",
        base_sha256=read_source(base_model)["sha256"],
        adapter=False,
        steering=resolve(tokenizer, spec.attribute, "digits"),
        decoding="two_step",
        trained=None,
    )
    save_policy(policy, None, None, folder)
    return folder


def test_shards_are_whole_contexts_with_generators_of_their_own(shards: list[Shard]) -> None:
    contexts = [[name for name, _, _ in shard.plan] for shard in shards]
    assert contexts == [["Bakers"] * 2 + ["Welders"] * 2, ["Judges"] * 2 + ["Nurses"] * 2,
                        ["Pilots"] * 2]  # fmt: skip
    assert len({tuple(shard.seeds) for shard in shards}) == 3


def test_a_kept_shard_is_not_drawn_again(shards: list[Shard], tmp_path: Path) -> None:
    def rounds_of(shard: Shard) -> list[Round]:
        return [
            Round(context=name, round=number, prompt=text, text="Male", drawn=None,
                  probabilities=None, mass=None)
            for name, number, text in shard.plan
        ]  # fmt: skip

    drawn: list[int] = []

    def draw(items: Sequence[tuple[int, Shard]]) -> Iterator[tuple[int, list[Round]]]:
        for number, shard in reversed(items):
            drawn.append(number)
            yield number, rounds_of(shard)
            if len(drawn) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_all(draw, shards, tmp_path)
    rows = draw_all(draw, shards, tmp_path)
    assert drawn == [2, 1, 0]
    assert rows == [row for shard in shards for row in rounds_of(shard)]


def kill_a_worker() -> None:
    """kill -9 to one of the processes that Ray has started for this one."""
    for _ in range(600):
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.name().startswith("ray::Worker"):
                    process.kill()
                    return
        time.sleep(0.1)
    raise AssertionError("no worker was started")


def test_two_ray_workers_draw_what_one_does_though_one_is_killed(
    shards: list[Shard], policy: Path, base_model: Path, spec: DatasetSpec, tmp_path: Path
) -> None:
    with open_workers(PARAMS, policy, base_model, spec, PRECISION) as draw:
        alone = draw_all(draw, shards, tmp_path / "one")
    two = PARAMS.model_copy(update={"workers": 2})
    with open_workers(two, policy, base_model, spec, PRECISION) as draw:
        kill_a_worker()
        together = draw_all(draw, shards, tmp_path / "two")
    assert together == alone


def test_each_way_draws_what_it_draws_alone_and_is_kept_until_written(
    spec: DatasetSpec,
    prompts: list[Prompt],
    shards: list[Shard],
    policy: Path,
    base_model: Path,
    tmp_path: Path,
) -> None:
    files = tmp_path / "spec.json", tmp_path / "prompts.jsonl"
    write_json(files[0], spec.model_dump())
    write_jsonl(files[1], prompts)
    ways = {"plain": PARAMS, "cold": PARAMS.model_copy(update={"temperature": 0.1})}
    store = tmp_path / "store"
    asked = ways, PARAMS, policy, base_model, *files, "tiny", 0, PRECISION, store
    with pytest.raises(OSError, match="full"), rounds_of(*asked) as first:
        raise OSError("full")
    kept = {path: path.stat().st_mtime_ns for path in store.rglob("*.jsonl")}
    assert len(kept) == 2 * len(shards)
    with rounds_of(*asked) as again:
        assert again == first
        assert {path: path.stat().st_mtime_ns for path in store.rglob("*.jsonl")} == kept
    assert not list(store.rglob("*.jsonl"))
    with open_workers(PARAMS, policy, base_model, spec, PRECISION) as draw:
        assert again["plain"] == draw_all(draw, shards, tmp_path / "alone")
    assert again["cold"] != again["plain"]
