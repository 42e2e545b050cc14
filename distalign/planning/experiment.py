"""What params.yaml and scale.yaml must say for each other to hold."""

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from distalign.data.targets import JoinedParams
from distalign.planning.names import name_faults
from distalign.planning.params import Params
from distalign.records.checked_yaml import near
from distalign.records.joined import all_categories
from distalign.records.schemas import Attribute, Setting
from distalign.report.cells import Matrix
from distalign.training.methods import HybridParams, PromptedParams, Untrained


def experiment_faults(
    params: Params,
    scale: Matrix,
    attributes: Mapping[str, Attribute],
    labelled: Iterable[str],
    n_contexts: Mapping[str, int],
) -> list[str]:
    """Everything in which the two files, each right in itself, do not go together.

    Args:
        attributes: by the names of their files.
        labelled: attributes of which there are labelled texts.
        n_contexts: contexts of each data set.
    """
    names = name_faults(params, scale, labelled)
    if names:  # what follows looks the names up
        return names
    return [
        *_served(params, scale),
        *_joined(params, scale, attributes),
        *_settings(params, scale, attributes),
        *_stories(params, scale, attributes),
        *_steering(params, scale, attributes),
        *_transfer(params, scale),
        *_stated(params, scale),
        *_amounts(params, scale, n_contexts),
    ]


def _served(params: Params, scale: Matrix) -> Iterator[str]:
    for key, llm in (("llm", params.llm), ("judge.llm", params.judge.llm)):
        if llm.serve not in scale.base_models:
            yield (
                f"params.yaml: {key}.serve = {llm.serve!r} is not in scale.yaml's base_models, "
                f"whose weights are fetched; {near(llm.serve, scale.base_models)}"
            )


def _attributes(params: Params, dataset: str) -> list[str]:
    """Of a data set's questions, each once."""
    parts = params.targets.dataset(dataset).parts(dataset).values()
    return list(dict.fromkeys(part.attribute for part in parts))


def _joined(params: Params, scale: Matrix, attributes: Mapping[str, Attribute]) -> Iterator[str]:
    """A joined data set is trained and sampled; other stages ask one question at a time."""
    names = [d for d in scale.datasets if isinstance(params.targets.datasets[d], JoinedParams)]
    if not names:
        return
    asked = [
        *("decoding_methods", "sensitivity_methods", "internal_methods"),
        *("transfer_methods", "corrected"),
    ]
    for key in asked:
        if getattr(scale, key):
            yield (
                f"scale.yaml: {key}: {names[0]!r} of datasets is joined, and this stage asks one "
                "question at a time; leave the list empty, or run the two in scales of their own"
            )
    for name in names:
        found = all_categories(name, [attributes[own] for own in _attributes(params, name)])
        for where, form in _forms(params, scale):
            if form not in found[0].tokens:
                yield (
                    f"{where} = {form!r}: does not tell the {len(found)} categories of {name!r} "
                    f"apart; {near('', found[0].tokens)}"
                )
    for method in scale.methods:
        if isinstance(params.train[method].root, PromptedParams):
            yield (
                f"scale.yaml: methods: {method!r} trains nothing, so that {names[0]!r} of datasets "
                "has nothing to join; ask its questions by themselves"
            )
    if "story" in scale.settings:
        yield f"scale.yaml: settings: 'story': {names[0]!r} of datasets is joined; leave one out"


def _settings(params: Params, scale: Matrix, attributes: Mapping[str, Attribute]) -> Iterator[str]:
    blocks = {"paraphrase": params.paraphrase, "synthesize": params.synthesize}
    for setting in scale.written:
        for key, block in blocks.items():
            if setting not in block:
                yield f"params.yaml: {key}.{setting} is missing, which scale.yaml's written names"
        for dataset in scale.datasets:
            for name in _attributes(params, dataset):
                there = attributes[name].settings
                if setting not in there:
                    yield (
                        f"scale.yaml: written: {setting!r} is no setting of data set {dataset!r}: "
                        f"data/attributes/{name}.yaml has {', '.join(there)}"
                    )
    for setting in scale.settings:
        if setting not in params.sample.max_tokens:
            yield f"params.yaml: sample.max_tokens.{setting} is missing, a setting of scale.yaml"
    for setting in get_args(Setting) if scale.mixed else ():
        if setting not in scale.written:
            yield f"scale.yaml: written: {setting!r} is missing, whose data mixed joins"


def _stories(params: Params, scale: Matrix, attributes: Mapping[str, Attribute]) -> Iterator[str]:
    used = [(dataset, name) for dataset in scale.datasets for name in _attributes(params, dataset)]
    for dataset, name in used:
        if "story" in scale.settings and attributes[name].story_judge is None:
            yield (
                f"scale.yaml: settings: no judge reads {name} from a story, which data set "
                f"{dataset!r} needs; set story_judge in data/attributes/{name}.yaml"
            )
        if scale.corrected and name not in scale.judged:
            yield (
                f"scale.yaml: judged: {name!r} is missing, whose judge corrected results of "
                f"data set {dataset!r} need"
            )
    if scale.corrected and params.judge.story not in params.judge_validation.judges:
        yield (
            f"params.yaml: judge_validation.judges: {params.judge.story!r} is missing, the judge "
            "(judge.story) whose errors are corrected"
        )


def _forms(params: Params, scale: Matrix) -> list[tuple[str, str]]:
    """(where it stands, form of steering tokens) of the warm-up and of methods with their own."""
    forms = [("params.yaml: warmup.steering", params.warmup.steering)]
    for method in scale.methods:
        own = params.train[method].root
        if isinstance(own, HybridParams) and own.steering is not None:
            forms.append((f"params.yaml: train.{method}.steering", own.steering))
    return forms


def _steering(params: Params, scale: Matrix, attributes: Mapping[str, Attribute]) -> Iterator[str]:
    single = [d for d in scale.datasets if len(_attributes(params, d)) == 1]
    for where, form in _forms(params, scale):
        for name in dict.fromkeys(name for d in single for name in _attributes(params, d)):
            lacking = [c for c in attributes[name].categories if form not in c.tokens]
            if lacking:
                yield (
                    f"{where} = {form!r}: data/attributes/{name}.yaml has no such token for "
                    f"{lacking[0].name!r}; {near(form, lacking[0].tokens)}"
                )


def _transfer(params: Params, scale: Matrix) -> Iterator[str]:
    lists = ["transfer_methods", "transfer_trained", "transfer_tested"]
    empty = [key for key in lists if not getattr(scale, key)]
    if empty and len(empty) < len(lists):
        yield f"scale.yaml: {', '.join(empty)}: empty, while the other transfer lists are not"
    if not empty and "attribute" not in scale.settings:
        yield "scale.yaml: settings: 'attribute' is missing, in which transfer asks"
    attribute = {name: " and ".join(_attributes(params, name)) for name in scale.datasets}
    for trained in scale.transfer_trained:
        for tested in scale.transfer_tested:
            if attribute[trained] != attribute[tested]:
                yield (
                    f"scale.yaml: transfer_tested: {tested!r} is about {attribute[tested]}, "
                    f"{trained!r} of transfer_trained about {attribute[trained]}"
                )


def _stated(params: Params, scale: Matrix) -> Iterator[str]:
    """Prompts that state a target are asked in pairs, beside questions that state none."""
    asking = {
        name: method.kl_rows
        for name in scale.methods
        if isinstance(method := params.train[name].root, HybridParams) and method.kl_rows
    }
    for dataset in scale.datasets:
        own = params.targets.datasets[dataset]
        stated = {name: part.stated for name, part in own.parts(dataset).items() if part.stated}
        if not asking or not stated:
            continue
        for name, how in stated.items():
            if how.unstated == 0:
                yield (
                    f"params.yaml: targets.datasets.{dataset}.{own.keys_of(name)}stated.unstated "
                    f"= 0: bounds: > 0, as train.{next(iter(asking))}.kl_rows adds statements to "
                    "such prompts"
                )
        for method, rows in asking.items():
            if rows % 2:
                yield (
                    f"params.yaml: train.{method}.kl_rows = {rows}: data set {dataset!r} states "
                    "each target twice, with the names exchanged; take an even number"
                )


def _amounts(params: Params, scale: Matrix, n_contexts: Mapping[str, int]) -> Iterator[str]:
    for setting in scale.settings:
        prompts, sample = params.paraphrase.get(setting), params.sample
        if prompts and sample.prompts == "paraphrases" and sample.n > prompts.per_split:
            yield (
                f"params.yaml: sample.n = {sample.n}: bounds: <= paraphrase.{setting}.per_split = "
                f"{prompts.per_split}, the test prompts of a context"
            )
    trained = {f"train.{name}": params.train[name].root for name in scale.methods}
    asked = {key: p.rows for key, p in trained.items() if not isinstance(p, Untrained)}
    asked["warmup"] = params.warmup.rows
    for dataset in scale.datasets:
        for training in scale.trainings:
            settings = scale.written if training in scale.mixed else [training]
            there = n_contexts[dataset] * params.pair.responses * len(settings)
            for key, rows in asked.items():
                if rows is not None and rows > there:
                    yield (
                        f"params.yaml: {key}.rows = {rows}: bounds: <= {there}, the rows of D_pref "
                        f"of data set {dataset!r} and training {training!r}"
                    )
