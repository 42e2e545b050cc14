"""What params.yaml says of the jobs of a scale."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from distalign.data.pair import PairParams
from distalign.data.paraphrase import ParaphraseParams
from distalign.data.requests import RequestsParams
from distalign.data.synthesize import SynthesizeParams
from distalign.data.targets import TargetsParams, dataset_spec
from distalign.judging.stories import JudgeParams
from distalign.llm.endpoint import EndpointParams
from distalign.machine.precision import Precision
from distalign.models.policy import LoraParams
from distalign.planning.forecast import Experiment
from distalign.planning.hardware import Rates
from distalign.records.files import read_attribute
from distalign.records.schemas import DecodingParams, InputError
from distalign.sampling.grids import SensitivityParams
from distalign.sampling.rounds import SampleParams
from distalign.statistics.story_metrics import StoriesParams
from distalign.training.methods import MethodParams, WarmupParams
from stages.cli import block


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def read_experiment(
    root: Path, rates: Rates, scale: Mapping[str, Any], precision: Precision
) -> Experiment:
    """What params.yaml and the sources under `root` say of a scale's jobs.

    Raises:
        InputError: a block of params.yaml is not valid, or names what there is not.
    """
    file = root / "params.yaml"
    targets = block(TargetsParams, "targets", file=file)
    sample = block(SampleParams, "sample", file=file)
    specs, sources = {}, {}
    for name in scale["datasets"]:
        known = targets.dataset(name)
        attributes = {
            part.attribute: read_attribute(root / f"data/attributes/{part.attribute}.yaml")
            for part in known.parts(name).values()
        }
        specs[name] = dataset_spec(name, attributes, known, root, targets.max_contexts)
        sources[name] = known
    methods = [*scale["methods"], *scale["decoding_methods"], *scale["transfer_methods"]]
    return Experiment(
        rates=rates,
        precision=precision,
        lora=block(LoraParams, "lora", file=file),
        specs=specs,
        sources=sources,
        trainings={
            name: scale["written"] if name in scale["mixed"] else [name]
            for name in scale["trainings"]
        },
        requests=block(RequestsParams, "requests", file=file),
        methods={name: block(MethodParams, "train", name, file=file).root for name in methods},
        warmup=block(WarmupParams, "warmup", file=file),
        sample=sample,
        variants={
            name: block(SampleParams, "decoding", "variants", name, over=sample, file=file)
            for name in block(DecodingParams, "decoding", file=file).variants
        },
        paraphrase={
            setting: block(ParaphraseParams, "paraphrase", setting, file=file)
            for setting in rates.lengths
        },
        sensitivity=block(SensitivityParams, "sensitivity", file=file),
        synthesize={
            setting: block(SynthesizeParams, "synthesize", setting, file=file)
            for setting in rates.lengths
        },
        pair=block(PairParams, "pair", file=file),
        llm=block(EndpointParams, "llm", file=file),
        judge=block(JudgeParams, "judge", file=file),
        stories=block(StoriesParams, "stories", file=file),
    )


def read_rates(path: Path) -> Rates:
    """Raises InputError where the file is not as `Rates` says."""
    try:
        return Rates.model_validate(read_yaml(path))
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error
