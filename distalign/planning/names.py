"""Whether scale.yaml names what is there, by names that can be used."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from distalign.planning.params import Params
from distalign.records.checked_yaml import near
from distalign.records.schemas import Setting
from distalign.report.cells import Matrix

# Folders and files that lie beside those of models under metrics/, of methods under data/training/
# and of data sets under data/answered/.
TAKEN = {
    "models": {
        *("capabilities", "data", "decoding", "internal", "judge"),
        *("provenance", "retention", "sensitivity", "stories", "transfer"),
    },
    "methods": {"warmup"},
    "datasets": {"ordinary"},
}
# Of the data of both settings (the stage mix).
MIXED = ("both",)


def name_faults(params: Params, scale: Matrix, labelled: Iterable[str]) -> list[str]:
    """Names that are not there, or that folders and parameters cannot have.

    Args:
        labelled: attributes of which there are labelled texts.
    """
    return [*_unknown_names(params, scale, [*labelled]), *_unusable_names(scale)]


def _unknown_names(params: Params, scale: Matrix, labelled: list[str]) -> Iterator[str]:
    known = {
        "base_models": (params.base_model, "params.yaml's base_model"),
        "models": (scale.base_models, "base_models"),
        "written": (get_args(Setting), "the settings"),
        "mixed": (MIXED, "the mixtures"),
        "trainings": ([*scale.written, *scale.mixed], "written or mixed"),
        "settings": (scale.written, "written"),
        "datasets": (params.targets.datasets, "params.yaml's targets.datasets"),
        "methods": (params.train, "params.yaml's train"),
        "judged": (labelled, "data/judge"),
        "corrected": (scale.settings, "settings"),
        "decoding_methods": (scale.methods, "methods"),
        "transfer_methods": (scale.methods, "methods"),
        "transfer_trained": (scale.datasets, "datasets"),
        "transfer_tested": (scale.datasets, "datasets"),
        "sensitivity_methods": (scale.methods, "methods"),
        "internal_methods": (scale.methods, "methods"),
        "capability_datasets": (scale.datasets, "datasets"),
        "capability_methods": (scale.methods, "methods"),
    }
    for key, (there, where) in known.items():
        for name in getattr(scale, key):
            if name not in there:
                yield f"scale.yaml: {key}: {name!r} is not in {where}; {near(name, there)}"


def _unusable_names(scale: Matrix) -> Iterator[str]:
    for key, values in scale.model_dump(exclude={"name"}).items():
        for name, times in Counter(values).items():
            if times > 1:
                yield f"scale.yaml: {key}: {name!r} stands {times} times"
            if name in TAKEN.get(key, ()):
                yield f"scale.yaml: {key}: {name!r} is a folder of the pipeline; rename it"
            if key != "seeds" and not re.fullmatch(r"\w[\w-]*", name, re.ASCII):
                yield (
                    f"scale.yaml: {key}: {name!r} names folders and parameters of DVC: only "
                    "letters, digits, _ and - (a dot would lead into a block)"
                )
    if not re.fullmatch(r"\w[\w-]*", scale.name, re.ASCII):
        yield f"scale.yaml: name = {scale.name!r} names a folder: only letters, digits, _ and -"
