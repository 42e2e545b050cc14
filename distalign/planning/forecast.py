"""What a job of the pipeline does: its operations, tokens and memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from distalign.data.pair import PairParams
from distalign.data.paraphrase import MAX_TOKENS, ParaphraseParams
from distalign.data.requests import RequestsParams
from distalign.data.synthesize import SynthesizeParams
from distalign.data.targets import AnyDataset, is_transfer
from distalign.judging.stories import JudgeParams
from distalign.llm.endpoint import EndpointParams
from distalign.machine.precision import Precision
from distalign.models.policy import LoraParams
from distalign.planning.cost import (
    Objective,
    Retained,
    Shape,
    forward_operations,
    mean_lengths,
    reference_operations,
    step_operations,
    training_memory,
    tree,
)
from distalign.planning.hardware import Rates
from distalign.planning.work import Work, answering, comparison, generation, requests_to_write
from distalign.records.joined import questions
from distalign.records.schemas import DatasetSpec, Split
from distalign.sampling.grids import SensitivityParams, grid_points
from distalign.sampling.prompts import REJECTION, is_applicable
from distalign.sampling.rejection import expected_tries
from distalign.sampling.rounds import SampleParams
from distalign.statistics.story_metrics import StoriesParams
from distalign.training.fitting import logging_steps
from distalign.training.methods import HybridParams, IFTParams, PromptedParams, Trained, Untrained

STATEMENT = 14  # tokens of a statement in a prompt, about
Item = Mapping[str, str]
"""A job's place in its stage's matrix: model, training, setting, dataset, method …"""


@dataclass(frozen=True)
class Experiment:
    """Everything that decides what the jobs of a scale do.

    Attributes:
        precision: of the models, where they run.
        sources: of each data set; those of one attribute and contexts share an LLM's answers.
        methods: name -> its block of `train`.
        variants: of the stage `decoding`.
        lora: the adapters.
    """

    rates: Rates
    precision: Precision
    lora: LoraParams
    specs: Mapping[str, DatasetSpec]
    sources: Mapping[str, AnyDataset]
    trainings: Mapping[str, Sequence[str]]
    requests: RequestsParams
    methods: Mapping[str, Trained | Untrained]
    warmup: IFTParams
    sample: SampleParams
    variants: Mapping[str, SampleParams]
    sensitivity: SensitivityParams
    paraphrase: Mapping[str, ParaphraseParams]
    synthesize: Mapping[str, SynthesizeParams]
    pair: PairParams
    llm: EndpointParams
    judge: JudgeParams
    stories: StoriesParams

    def work(self, stage: str, item: Item) -> Work:
        """What the job of a stage does; a stage without a model does next to nothing."""
        match stage:
            case "paraphrase" | "synthesize":
                return self._writing(stage, item)
            case "requests":
                own = self.requests.own
                return self._answering([self.requests.written, own], sum(own.values()), item)
            case "near_misses":
                return self._answering([self.requests.near_misses], 0, item)
            case "warmup":
                return self._training(self.warmup, item)
            case "train":
                return self._method(self.methods[item["method"]], item)
            case "retention":
                return self._comparison(item)
            case "sample":
                return self._sampling([self.sample], item)
            case "decoding":
                return self._sampling(list(self.variants.values()), item)
            case "transfer":
                if not is_transfer(self.sources[item["trained"]], self.sources[item["tested"]]):
                    return Work()
                asked = {"dataset": item["tested"], "setting": "attribute"}
                return self._sampling([self.sample], {**item, **asked})
            case "sensitivity":
                points = grid_points(self.sensitivity, self.sample).values()
                return self._sampling([params for seeds in points for params in seeds], item)
            case "internal_alignment":
                return self._first_tokens(item)
            case "judge" if item["setting"] == "story" and self.judge.story == "llm":
                return self._judging(item)
            case "stories":
                return self._perplexity(item)
        return Work()

    def _method(self, params: Trained | Untrained, item: Item) -> Work:
        """Where a method's steering tokens are its own, its warm-up too."""
        own = self._training(params, item)
        if not isinstance(params, HybridParams) or params.steering is None:
            return own
        before = self._training(self.warmup, item)
        return replace(
            own,
            steps=own.steps + before.steps,
            trained=own.trained + before.trained,
            forward=own.forward + before.forward,
            read=own.read + before.read,
            memory=max(own.memory, before.memory),
        )

    def _training(self, params: Trained | Untrained, item: Item) -> Work:
        if isinstance(params, Untrained):
            return Work()
        objective: Objective = "kto" if isinstance(params, HybridParams) else params.objective
        settings, spec = self.trainings[item["training"]], self.specs[item["dataset"]]
        lengths = mean_lengths([self.rates.lengths[setting] for setting in settings])
        written = self.pair.responses * len(settings)
        rows = params.rows or len(spec.for_training().contexts) * written
        if objective == "kto":
            rows *= 2
        shape = self._adapted(item["model"])
        retained = Retained(
            rows=params.retention_rows if params.retention_weight else 0,
            prompt=self.rates.requests.prompt,
            answer=self.requests.max_tokens["train"],
        )
        if spec.target == "stated":
            lengths = lengths.model_copy(update={"prompt": lengths.prompt + STATEMENT})
        step = tree(objective, params.batch_size, lengths, retained)
        if isinstance(params, HybridParams):
            step = tree(objective, params.batch_size, lengths, retained, params.kl_rows)
            step = replace(step, mismatched=(0, 0)) if params.preference == "dpo" else step
        steps = rows // params.batch_size * params.epochs
        prompts = steps // logging_steps(int(steps)) * params.calibration_prompts
        seen = prompts * lengths.prompt
        forward = reference_operations(shape, self.lora.r, objective, rows, lengths)
        forward += forward_operations(shape, self.lora.r, seen, prompts)
        return Work(
            objective,
            steps,
            trained=steps * step_operations(shape, self.lora.r, step),
            forward=forward,
            read=steps * step.tokens + seen,
            memory=training_memory(shape, self.lora.r, step, self.precision),
        )

    def _adapted(self, model: str) -> Shape:
        return self.rates.shape(model).model_copy(update={"adapted": self.lora.layers})

    def _sampling(self, variants: Sequence[SampleParams], item: Item) -> Work:
        """An untrained model writes up to the limit, a trained one as long as it was shown."""
        spec, setting, method = self.specs[item["dataset"]], item["setting"], item["method"]
        if not is_applicable(method, spec):
            return Work()
        params, lengths = self.methods[method], self.rates.lengths[setting]
        prompt, length = lengths.header + lengths.prompt, lengths.response
        tries = 1.0
        if method == REJECTION:
            tries = fmean(expected_tries(c.target, self.sample.max_tries) for c in spec.contexts)
        if isinstance(params, PromptedParams):
            length = params.max_tokens or self.sample.max_tokens[setting]
        read = written = 0.0
        for variant in variants:
            rounds = variant.n * len(spec.contexts) * tries
            # Coordinated rounds read the prompts once more, to draw all steering tokens before.
            read += rounds * prompt * (2 if variant.rounds == "coordinated" else 1)
            written += rounds * length
        return self._generation(self.rates.shape(item["model"]), read, written, prompt + length)

    def _first_tokens(self, item: Item) -> Work:
        lengths = self.rates.lengths[item["setting"]]
        prompts = self.paraphrase[item["setting"]].per_split
        rounds = prompts * len(self.specs[item["dataset"]].contexts)
        prompt = lengths.header + lengths.prompt
        return self._generation(self.rates.shape(item["model"]), rounds * prompt, rounds, prompt)

    def _generation(self, shape: Shape, read: float, written: float, longest: float) -> Work:
        return generation(shape, self.precision, self.rates.sequences, read, written, longest)

    def _answering(self, asked: Sequence[dict[Split, int]], own: int, item: Item) -> Work:
        rates, shape = self.rates, self.rates.shape(item["model"])
        sizes = shape, self.precision, rates.sequences, rates.lengths["attribute"].header
        return answering(*sizes, rates.requests, self.requests, asked, own)

    def _comparison(self, item: Item) -> Work:
        """A method without an adapter changes nothing, and is not measured."""
        if isinstance(self.methods[item["method"]], PromptedParams):
            return Work()
        rates, shape = self.rates, self._adapted(item["model"])
        sizes = shape, self.lora.r, self.precision, rates.lengths["attribute"].header
        return comparison(*sizes, rates.requests, self.requests)

    def _writing(self, stage: str, item: Item) -> Work:
        dataset, setting = item["dataset"], item["setting"]
        first: dict[tuple[str, str], tuple[str, str]] = {}
        for other, sources in self.sources.items():
            for name, source in sources.parts(other).items():
                first.setdefault((source.attribute, source.contexts), (other, name))
        written = self.paraphrase[setting] if stage == "paraphrase" else self.synthesize[setting]
        per_response = self.rates.writing.requests_per_response
        requests = sum(
            requests_to_write(part.for_training(), setting, written, per_response)
            for part in questions(self.specs[dataset])
            if (dataset, part.name) in first.values()  # others are answered from what is stored
        )
        length = self.rates.lengths[setting].response
        if stage == "paraphrase":
            length = min(self.rates.lengths[setting].prompt, MAX_TOKENS)
        if not requests:
            return Work()
        read, new = requests * self.rates.writing.prompt, requests * length
        if self.llm.model is not None:
            return Work(requests=requests, in_flight=self.llm.in_flight, read=read, written=new)
        shape = self.rates.shape(self.llm.serve)
        work = self._generation(shape, read, new, self.rates.writing.prompt + length)
        return replace(work, served=True)

    def _judging(self, item: Item) -> Work:
        rounds = self.sample.n * len(self.specs[item["dataset"]].contexts)
        read = rounds * self.rates.lengths["story"].response
        if self.judge.llm.model is not None:
            at_once = self.judge.llm.in_flight
            return Work(requests=rounds, in_flight=at_once, read=read, written=rounds)
        work = self._generation(self.rates.shape(self.judge.llm.serve), read, rounds, read / rounds)
        return replace(work, served=True)

    def _perplexity(self, item: Item) -> Work:
        spec, lengths = self.specs[item["dataset"]], self.rates.lengths[item["setting"]]
        if not is_applicable(item["method"], spec):
            return Work()
        rounds = min(self.stories.perplexity_rounds, self.sample.n) * len(spec.contexts)
        written = rounds * lengths.response
        read = rounds * lengths.prompt + written
        operations = forward_operations(self.rates.shape(item["model"]), 0, read, written)
        return Work(prefilled=operations, read=read)
