"""The whole of params.yaml."""

from pydantic import BaseModel, ConfigDict, Field

from distalign.data.pair import MixParams, PairParams
from distalign.data.paraphrase import ParaphraseParams
from distalign.data.requests import RequestsParams
from distalign.data.synthesize import SynthesizeParams
from distalign.data.targets import TargetsParams
from distalign.judging.stories import JudgeParams
from distalign.judging.validation import JudgeValidationParams
from distalign.llm.endpoint import EndpointParams
from distalign.machine.precision import PrecisionParams
from distalign.models.base_model import BaseModelParams
from distalign.models.policy import LoraParams
from distalign.probing.capabilities import CapabilitiesParams
from distalign.records.schemas import DecodingParams, Setting
from distalign.report.comparisons import ReportParams
from distalign.sampling.grids import SensitivityParams
from distalign.sampling.remote import RemoteParams
from distalign.sampling.rounds import SampleParams
from distalign.statistics.score import ScoreParams
from distalign.statistics.story_metrics import StoriesParams
from distalign.training.methods import MethodParams, WarmupParams


class Params(BaseModel):
    """params.yaml: a block a stage, and what several stages share."""

    model_config = ConfigDict(extra="forbid")
    base_model: dict[str, BaseModelParams]
    targets: TargetsParams
    llm: EndpointParams
    paraphrase: dict[Setting, ParaphraseParams]
    synthesize: dict[Setting, SynthesizeParams]
    pair: PairParams
    mix: MixParams
    requests: RequestsParams
    launch: str = Field(min_length=1)
    precision: PrecisionParams
    lora: LoraParams
    warmup: WarmupParams
    train: dict[str, MethodParams]
    sample: SampleParams
    audit: RemoteParams
    judge: JudgeParams
    judge_validation: JudgeValidationParams
    decoding: DecodingParams
    sensitivity: SensitivityParams
    capabilities: CapabilitiesParams
    score: ScoreParams
    stories: StoriesParams
    report: ReportParams
