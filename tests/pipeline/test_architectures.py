"""Qwen2 and Llama-3, tiny and of random weights: prompts, training rows, steering, ends."""

import gc
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from distalign.data.pair import Examples
from distalign.engines.engine import Decoding, FirstToken
from distalign.engines.opening import open_engine
from distalign.machine.provenance import here
from distalign.models.base_model import fetch
from distalign.models.chat import chat_ids
from distalign.models.head import head_weight
from distalign.models.policy import (
    LoraParams,
    Policy,
    merged,
    new_adapter,
    read_policy,
    save_policy,
)
from distalign.models.steering import resolve
from distalign.probing.internal_alignment import first_token_shares, internal_metrics
from distalign.records.files import read_attribute, read_source
from distalign.records.schemas import Context, DatasetSpec, InputError, Preference, Prompt
from distalign.sampling.rounds import make_shards, sample_shard
from distalign.training.first_place import check_first_place
from distalign.training.fitting import make_trainer
from distalign.training.methods import DPOParams, HybridParams, Trained, WarmupParams
from distalign.training.own_warmup import warm_up
from distalign.training.run import train
from tests.support.asked import asked
from tests.support.hybrid_block import HYBRID
from tests.support.machine import DTYPE, PRECISION
from tests.support.paths import ROOT
from tests.support.sample_block import SAMPLE
from tests.support.tiny_models import ARCHITECTURES, PADDED, make_source

LORA = LoraParams(r=4, alpha=8, target_modules="all-linear", layers=1)
SCHEDULE = {
    "rows": 96,
    "epochs": 2,
    "batch_size": 8,
    "learning_rate": 1e-2,
    "schedule": "cosine",
    "warmup_steps": 2,
    "calibration_prompts": 9,
    "retention_rows": 0,
    "retention_weight": 0.0,
}
WARMUP = WarmupParams(objective="ift", steering="added", **(SCHEDULE | {"epochs": 4}))
DPO = DPOParams(objective="dpo", decoding="plain", beta=1.0, rejected="paper", **SCHEDULE)
OURS = HybridParams(**(HYBRID | {"kl_weight": 2.0}), **SCHEDULE)
MARGIN = 0.2  # of logits, above the rounding of bfloat16
GREEDY = Decoding(temperature=0.0, top_p=1.0, top_k=0, max_tokens=12)
QUESTION = "What is the gender of the Bakers?"
each_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


@pytest.fixture(autouse=True)
def one_engine_at_a_time() -> Iterator[None]:
    """vLLM's groups of processes end with its engine, whenever that is collected."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def spec() -> DatasetSpec:
    attribute = read_attribute(ROOT / "data/attributes/gender.yaml")
    targets = {"Bakers": [0.9, 0.1], "Welders": [0.6, 0.4], "Nurses": [0.1, 0.9]}
    contexts = [Context(name=name, target=target) for name, target in targets.items()]
    return DatasetSpec(name="jobs", target="real", attribute=attribute, contexts=contexts)


@pytest.fixture(scope="module")
def rows(spec: DatasetSpec) -> list[Preference]:
    words, rng = ("male", "female"), np.random.default_rng(0)
    drawn = []
    for i in range(SCHEDULE["rows"]):
        context = spec.contexts[i % 3]
        k = int(rng.random() > context.target[0])
        drawn.append(
            Preference(
                setting="attribute",
                context=context.name,
                prompt=f"What is the gender of the {context.name}, case {i}?",
                category=spec.categories[k],
                response=f"They are {words[k]}.",
                rejected_category=spec.categories[1 - k],
                rejected_response=f"They are {words[1 - k]}.",
            )
        )
    return drawn


@pytest.fixture(scope="module")
def prompts(spec: DatasetSpec) -> list[Prompt]:
    return asked(
        spec, "Say what the sex of the {context} is, {number}.", range(4), ("validation", "test")
    )


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each architecture as the stage base_model fetches it from a folder."""
    folder = tmp_path_factory.mktemp("bases")
    for name in ARCHITECTURES:
        source = make_source(name, folder / "sources" / name)
        fetch(str(source), None, folder / name)
    return {name: folder / name for name in ARCHITECTURES}


@pytest.fixture(scope="module")
def tokenizers(bases: dict[str, Path]) -> dict[str, PreTrainedTokenizerBase]:
    return {name: AutoTokenizer.from_pretrained(base) for name, base in bases.items()}


@each_architecture
def test_a_fetched_model_keeps_what_tells_its_family(bases, name: str) -> None:
    source, architecture = bases[name].parent / "sources" / name, ARCHITECTURES[name]
    before, after = (AutoTokenizer.from_pretrained(folder) for folder in (source, bases[name]))
    text = f"{QUESTION} 1234 naïve\n\n{' '.join(architecture.special)}"
    assert after(text)["input_ids"] == before(text)["input_ids"]
    assert (after.bos_token, after.eos_token) == (architecture.bos, architecture.ends[0])
    for file in ("config.json", "generation_config.json"):
        ends = json.loads((bases[name] / file).read_text())["eos_token_id"]
        assert ends == json.loads((source / file).read_text())["eos_token_id"]
    weights, kept = (load_file(f / "model.safetensors") for f in (source, bases[name]))
    assert kept.keys() == weights.keys()
    assert all(torch.equal(kept[key], weights[key]) for key in weights)
    assert ("lm_head.weight" in kept) != architecture.tied


@each_architecture
def test_a_prompt_ends_where_the_answer_begins(tokenizers, name: str) -> None:
    """One bos if any; the same on any day, though Llama's template tells the date."""
    tokenizer, architecture = tokenizers[name], ARCHITECTURES[name]
    ids = chat_ids(tokenizer, QUESTION)
    assert tokenizer.decode(ids) == architecture.prompt.format(QUESTION)
    assert ids.count(tokenizer.bos_token_id) == (architecture.bos is not None)


def training_rows(params: Trained, base: Path, rows, spec, folder: Path):
    """(prompt, completion) token ids as TRL has them, and the tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    steering = resolve(tokenizer, spec.attribute, "digits")
    model = new_adapter(base, tokenizer, LORA, steering, PRECISION)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token  # as the warm-up leaves it
    params = params.model_copy(update={"rows": 16})
    data = make_trainer(params, model, tokenizer, rows, spec, steering, 0, folder).train_dataset
    check_first_place(data, tokenizer, rows[:16], steering)
    with pytest.raises(InputError, match="no prompt that is sampled does"):
        check_first_place(data, tokenizer, rows[16:], steering)
    others = steering.model_copy(update={"ids": [0, 0]})
    with pytest.raises(InputError, match="not with a steering token"):
        check_first_place(data, tokenizer, rows[:16], others)
    if "labels" in data.column_names:
        starts = [next(i for i, x in enumerate(row) if x != -100) for row in data["labels"]]
        pairs = [(i[:at], i[at:]) for i, at in zip(data["input_ids"], starts, strict=True)]
    else:
        columns = set(data.column_names) & {"completion_ids", "chosen_ids", "rejected_ids"}
        pairs = [p for c in columns for p in zip(data["prompt_ids"], data[c], strict=True)]
    return pairs, tokenizer, steering


@each_architecture
@pytest.mark.parametrize("params", [WARMUP, DPO, OURS], ids=["ift", "dpo", "hybrid"])
def test_training_rows_are_prompts_as_sampled_and_answers_that_end(
    bases, rows, spec: DatasetSpec, tmp_path: Path, params: Trained, name: str
) -> None:
    pairs, tokenizer, steering = training_rows(params, bases[name], rows, spec, tmp_path)
    asked = {tuple(chat_ids(tokenizer, row.prompt)) for row in rows[:16]}
    assert {tuple(prompt) for prompt, _ in pairs} == asked
    for _, completion in pairs:
        assert completion[0] in steering.ids
        assert completion.count(tokenizer.eos_token_id) == 1
        after = completion[completion.index(tokenizer.eos_token_id) + 1 :]
        assert tokenizer.decode(after).strip() == ""  # ChatML ends a turn with a line break


@pytest.fixture(scope="module")
def policies(bases, rows, prompts, spec, tmp_path_factory) -> dict[str, Path]:
    """Each architecture warmed up and trained with added steering tokens."""
    folder = tmp_path_factory.mktemp("policies")
    validation = [prompt for prompt in prompts if prompt.split == "validation"]
    trained = {}
    for name, base in bases.items():
        own, data = folder / name, (Examples(spec, rows, validation, []), 0, PRECISION)
        tokenizer = AutoTokenizer.from_pretrained(base)
        start = warm_up(WARMUP, base, LORA, tokenizer, *data, own)
        warmed = read_policy(start)
        places = own / "training", own / "ours.csv"
        model = train(OURS, base, start, LORA, tokenizer, warmed.steering, *data, *places)
        trained[name] = own / "ours"
        save_policy(warmed.model_copy(update={"method": "ours"}), model, tokenizer, trained[name])
    return trained


def test_a_warmup_of_ones_own_is_trained_once(policies, bases, rows, spec, monkeypatch) -> None:
    name, policy = next(iter(policies.items()))
    weights = policy.parent / "warmup/adapter_model.safetensors"
    before = weights.stat().st_mtime_ns
    tokenizer = AutoTokenizer.from_pretrained(bases[name])
    examples = Examples(spec, rows, [], [])
    asked = WARMUP, bases[name], LORA, tokenizer, examples, 0, PRECISION, policy.parent
    assert warm_up(*asked) == weights.parent
    assert weights.stat().st_mtime_ns == before
    assert read_policy(weights.parent).steering.form == "added"
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="several processes"):
        warm_up(*asked)


def untrained(base: Path, spec: DatasetSpec, folder: Path) -> Path:
    """A policy as `policies` has them, before the first step."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    steering = resolve(tokenizer, spec.attribute, "added")
    policy = Policy(
        method="ours",
        base_sha256=read_source(base)["sha256"],
        adapter=True,
        steering=steering,
        decoding="two_step",
        trained=here(PRECISION),
    )
    save_policy(policy, new_adapter(base, tokenizer, LORA, steering, PRECISION), tokenizer, folder)
    return folder


@each_architecture
def test_added_tokens_are_trainable_rows_of_embedding_and_output(
    bases, spec: DatasetSpec, name: str
) -> None:
    """In a padded vocabulary their rows were there before."""
    tokenizer = AutoTokenizer.from_pretrained(bases[name])
    n_items = len(tokenizer)
    steering = resolve(tokenizer, spec.attribute, "added")
    assert steering.ids == [n_items, n_items + 1]
    model = new_adapter(bases[name], tokenizer, LORA, steering, PRECISION)
    grown = PADDED if name.startswith("qwen2") else n_items + 2
    found = {
        key.split(".")[-4]: weight
        for key, weight in model.named_parameters()
        if "trainable_tokens_delta" in key and weight.requires_grad
    }
    layers = {"embed_tokens"} if ARCHITECTURES[name].tied else {"embed_tokens", "lm_head"}
    assert found.keys() == layers
    assert all(len(weight) == 2 for weight in found.values())
    assert head_weight(model).shape[0] == grown


def internal_mae(folder: Path, base: Path, spec: DatasetSpec, prompts: list[Prompt]) -> float:
    policy = read_policy(folder)
    with merged(policy, folder, base, PRECISION) as whole:
        engine = open_engine("transformers", whole, PRECISION)
        tokenizer = AutoTokenizer.from_pretrained(whole)
    return internal_metrics(*first_token_shares(engine, tokenizer, policy, spec, prompts), spec)[
        "mae"
    ]


@pytest.mark.slow
@each_architecture
def test_training_moves_added_tokens_towards_the_target(
    policies, bases, prompts, spec: DatasetSpec, tmp_path: Path, name: str
) -> None:
    before = internal_mae(untrained(bases[name], spec, tmp_path), bases[name], spec, prompts)
    after = internal_mae(policies[name], bases[name], spec, prompts)
    assert before > 0.2
    assert after < 0.12
    with (policies[name].parent / "ours.csv").open(encoding="utf-8") as file:
        log = np.genfromtxt(file, delimiter=",", names=True)
    assert log["calibration"][-1] < log["calibration"][0] / 2


@pytest.mark.slow
@each_architecture
def test_the_adapter_is_the_architectures_own_with_rows_of_both_layers(
    policies, bases, name: str
) -> None:
    policy, architecture = read_policy(policies[name]), ARCHITECTURES[name]
    n_items = len(AutoTokenizer.from_pretrained(bases[name]))
    wanted = json.loads((policies[name] / "adapter_config.json").read_text())["target_modules"]
    projections = {f"{x}_proj" for x in ("q", "k", "v", "o", "gate", "up", "down")}
    assert {module.split(".")[-1] for module in wanted} == projections
    with merged(policy, policies[name], bases[name], PRECISION) as whole:
        model = AutoModelForCausalLM.from_pretrained(whole)
        kind = AutoModelForCausalLM.from_pretrained(bases[name])
    assert type(model) is type(kind)
    assert model.config.tie_word_embeddings == architecture.tied
    grown = PADDED if name.startswith("qwen2") else n_items + 2
    for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
        assert len(layer.weight) == grown
        male, female = layer.weight[policy.steering.ids]
        assert (male - female).norm() > 0.1
    for mine, theirs in (
        (model.get_input_embeddings(), kind.get_input_embeddings()),
        (model.get_output_embeddings(), kind.get_output_embeddings()),
    ):
        assert torch.equal(mine.weight[:n_items], theirs.weight[:n_items])


def plain_greedy(folder: Path, ids: list[int], n: int) -> list[int]:
    """The most probable tokens one by one, by the model alone, up to where rounding decides."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=DTYPE)
    n_items, found = len(AutoTokenizer.from_pretrained(folder)), list(ids)
    with torch.no_grad():
        for _ in range(n):
            best = model(torch.tensor([found])).logits[0, -1, :n_items].float().topk(2)
            if best.values[0] - best.values[1] < MARGIN:
                break
            found.append(int(best.indices[0]))
    return found[len(ids) :]


ENGINES = pytest.mark.parametrize(
    "engine", ["transformers", pytest.param("vllm", marks=pytest.mark.slow)]
)


@ENGINES
@each_architecture
def test_an_engine_draws_from_the_model_alone(
    bases, tokenizers, tmp_path: Path, engine: str, name: str
) -> None:
    """The chat settings beside the model (a repetition penalty, top-k) play no part, rows that
    pad the vocabulary are never drawn, and each of the ends ends a response."""
    tokenizer, whole = tokenizers[name], tmp_path / "whole"
    ids = [chat_ids(tokenizer, f"{QUESTION}{' Well?' * i}") for i in range(40)]
    expected = [plain_greedy(bases[name], row, 8) for row in ids]
    longest = max(expected, key=len)
    assert len(longest) >= 3
    assert any(len(set(row)) < len(row) for row in expected)  # where a penalty would show
    shutil.copytree(bases[name], whole)
    # A token that comes third becomes one more end of the model.
    settings = json.loads((whole / "generation_config.json").read_text())
    settings["eos_token_id"].append(end := longest[2])
    (whole / "generation_config.json").write_text(json.dumps(settings))
    drawer = open_engine(engine, whole, PRECISION)
    for answer, row in zip(drawer.generate(ids, GREEDY, 0), expected, strict=True):
        assert end not in answer.token_ids
        if end in row:
            assert answer.token_ids == row[: row.index(end)]
        else:
            assert answer.token_ids[: len(row)] == row
    watched = [len(tokenizer) - 1, 0]
    drawn = drawer.generate(ids * 8, Decoding(1.0, 1.0, 0, 24), 0, FirstToken(watched, None))
    tokens = {token for answer in drawn for token in answer.token_ids}
    assert max(tokens) < len(tokenizer)
    assert tokens.isdisjoint(settings["eos_token_id"])
    assert all(np.isfinite(answer.logps).all() for answer in drawn)


@pytest.mark.slow
@each_architecture
def test_rounds_of_a_trained_policy_are_well_formed(
    policies, bases, prompts, spec: DatasetSpec, name: str
) -> None:
    folder = policies[name].parent / "warmup"  # a few steps of ours unsettle so small a model
    policy = read_policy(folder)
    with merged(policy, folder, bases[name], PRECISION) as whole:
        drawer = open_engine("transformers", whole, PRECISION)
        tokenizer = AutoTokenizer.from_pretrained(whole)
    params = SAMPLE.model_copy(update={"max_tokens": {"attribute": 24}})
    rounds = [
        row
        for shard in make_shards(spec, prompts, params, "tiny", 0)
        for row in sample_shard(drawer, tokenizer, policy, spec, shard)
    ]
    assert len(rounds) == 12
    for row in rounds:
        assert row.drawn in spec.categories
        assert sum(row.probabilities) == pytest.approx(1)
        assert 0.5 < row.mass <= 1.0001
    assert sum(row.text in ("They are male.", "They are female.") for row in rounds) >= 6
