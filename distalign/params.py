"""The whole of params.yaml."""

from pydantic import BaseModel, ConfigDict, Field

from distalign.base_model import BaseModelParams
from distalign.capabilities import CapabilitiesParams
from distalign.comparisons import ReportParams
from distalign.endpoint import EndpointParams
from distalign.judge_validation import JudgeValidationParams
from distalign.methods import MethodParams, WarmupParams
from distalign.pair import PairParams
from distalign.paraphrase import ParaphraseParams
from distalign.policy import LoraParams
from distalign.precision import PrecisionParams
from distalign.records import Setting
from distalign.sampling import DecodingParams, SampleParams
from distalign.score import ScoreParams
from distalign.sensitivity import SensitivityParams
from distalign.story_judge import JudgeParams
from distalign.story_metrics import StoriesParams
from distalign.synthesize import SynthesizeParams
from distalign.targets import TargetsParams


class Params(BaseModel):
    """params.yaml: a block a stage, and what several stages share."""

    model_config = ConfigDict(extra="forbid")
    base_model: dict[str, BaseModelParams]
    targets: TargetsParams
    llm: EndpointParams
    paraphrase: dict[Setting, ParaphraseParams]
    synthesize: dict[Setting, SynthesizeParams]
    pair: PairParams
    mix: PairParams
    launch: str = Field(min_length=1)
    precision: PrecisionParams
    lora: LoraParams
    warmup: WarmupParams
    train: dict[str, MethodParams]
    sample: SampleParams
    judge: JudgeParams
    judge_validation: JudgeValidationParams
    decoding: DecodingParams
    sensitivity: SensitivityParams
    capabilities: CapabilitiesParams
    score: ScoreParams
    stories: StoriesParams
    report: ReportParams
