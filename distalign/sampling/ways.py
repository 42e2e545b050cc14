"""One policy asked in one or several ways by the same engines: its model is loaded once."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from distalign.machine.precision import Precision
from distalign.records.files import read_jsonl, read_spec
from distalign.records.schemas import Prompt, Round
from distalign.records.workspace import workspace_of
from distalign.sampling.rounds import SampleParams, make_shards
from distalign.sampling.workers import draw_all, open_workers

Way = TypeVar("Way")


@contextlib.contextmanager
def rounds_of(
    ways: Mapping[Way, SampleParams],
    sample: SampleParams,
    policy: Path,
    base: Path,
    spec: Path,
    prompts: Path,
    who: str,
    seed: int,
    precision: Precision,
    checkpoints: Path,
) -> Iterator[dict[Way, list[Round]]]:
    """The rounds of each way, in order.

    They are kept under `checkpoints` until the block ends without an error, so that an
    interrupted run does not draw them again.

    Args:
        sample: says which engines draw, for all ways.
        policy: its folder.
        spec: file of the data set that is asked about.
        prompts: file of its prompts, of which the test split is used.
        who: name that no other policy has, see `streams.policy_name`.
        seed: of the policy's training.

    Raises:
        InputError: the policy belongs to another base model, or a file is not valid.
    """
    asked, rows = read_spec(spec), read_jsonl(prompts, Prompt)
    inputs = [base, policy, spec, prompts]
    store = workspace_of(checkpoints / who, [sample, *ways.values()], precision, seed, inputs)
    store.mkdir(parents=True, exist_ok=True)
    rounds = {}
    with open_workers(sample, policy, base, asked, precision) as draw:
        for number, (way, params) in enumerate(ways.items()):
            shards = make_shards(asked, rows, params, who, seed)
            rounds[way] = draw_all(draw, shards, store / f"{number}")
    yield rounds
    shutil.rmtree(store)
