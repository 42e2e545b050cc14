"""Check params.yaml, scale.yaml and every input file before anything is run.

All faults are told at once; whether the files go together, once each is right in itself.

    distalign-check --data data

`make repro` does it first. It writes nothing.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from distalign.records.checked_yaml import near
from distalign.records.schemas import InputError
from stages.cli import PARAMS, SCALE, block, parse, run
from stages.decoding import read_variants

T = TypeVar("T")


def check(data: Path) -> list[str]:
    """Every fault, a line each.

    Args:
        data: folder with attributes/, judge/, paper/ and the contexts.
    """
    # Slow to import: not before flags are read.
    from distalign.data.targets import TargetsParams
    from distalign.llm.asking import KEY_VARIABLE
    from distalign.planning import bounds, inputs
    from distalign.planning.experiment import experiment_faults
    from distalign.planning.params import Params
    from distalign.report.cells import Matrix

    faults: list[str] = []

    def attempt(read: Callable[..., T], *arguments: object) -> T | None:
        try:
            return read(*arguments)
        except InputError as error:
            faults.extend(str(error).split("\n"))
            return None

    params = attempt(block, Params)
    scale = attempt(lambda: block(Matrix, file=SCALE))
    paths = sorted(data.glob("attributes/*.yaml"))
    attributes = {path.stem: attempt(inputs.check_attribute, path) for path in paths}
    labelled = sorted(data.glob("judge/*.jsonl"))
    for path in labelled:
        if attribute := attributes.get(path.stem):
            attempt(inputs.check_labelled, path, attribute)
    attempt(inputs.check_paper, data / "paper/tables.csv")

    targets, n_contexts = None, {}
    with contextlib.suppress(InputError):  # told above
        targets = block(TargetsParams, "targets")
    for name, dataset in targets.datasets.items() if targets else ():
        parts = dataset.parts(name)
        for key, part in parts.items():
            if part.attribute not in attributes:
                faults.append(
                    f"{PARAMS}: targets.datasets.{name}.{dataset.keys_of(key)}attribute = "
                    f"{part.attribute!r}: not in {data / 'attributes'}; "
                    f"{near(part.attribute, attributes)}"
                )
        named = {part.attribute for part in parts.values()}
        known = {key: found for key in named if (found := attributes.get(key)) is not None}
        if known.keys() == named:
            n_contexts[name] = attempt(inputs.check_contexts, name, dataset, known, data, targets)

    for file, whole in ((PARAMS, params), (SCALE, scale)):
        if whole is not None:
            secret = os.environ.get(KEY_VARIABLE)
            faults += bounds.key_faults(file, file.read_text(encoding="utf-8"), secret)
            faults += [f"{file}: {fault}" for fault in bounds.seed_faults("", whole.model_dump())]
    if params is not None:
        attempt(read_variants)
        faults += [f"{PARAMS}: {fault}" for fault in bounds.params_faults(params)]
    if not faults:
        names = [path.stem for path in labelled]
        faults = experiment_faults(params, scale, attributes, names, n_contexts)
    return faults


def check_capabilities(data: Path) -> None:
    """Load the tasks of the scale, if it has any. Raises InputError, see `check_tasks`."""
    from distalign.probing.capabilities import CapabilitiesParams, check_tasks
    from distalign.report.cells import Matrix

    scale = block(Matrix, file=SCALE)
    if scale.capability_datasets and scale.capability_methods:
        check_tasks(block(CapabilitiesParams, "capabilities").tasks, data / "capabilities")


def main() -> None:
    args = parse(__doc__, data="folder with attributes, judge, paper and the contexts' files")
    if faults := check(args.data):
        raise InputError("\n".join(dict.fromkeys(faults)))
    check_capabilities(args.data)


def command() -> None:
    """As a console command."""
    run(main)


if __name__ == "__main__":
    command()
