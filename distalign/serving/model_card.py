"""The card of a trained policy: what it answers, how well it was measured, what it is not for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from distalign.data.stated import stated_prompt
from distalign.data.wordings import fill
from distalign.models.base_model import PACKAGE_PREFIX
from distalign.models.policy import Policy
from distalign.models.steering import ADDED
from distalign.records.files import write_json
from distalign.records.joined import questions
from distalign.records.schemas import DatasetSpec, InputError
from distalign.report.page import escape_markdown, markdown
from distalign.report.tables import Entry, Table, number

SHOWN = {
    "mae": "mean absolute error of the observed shares",
    "mae_t_low": "its interval of 95 %, from",
    "mae_t_high": "to",
    "floor": "what a perfect sampler's error would be at as many valid rounds",
    "validity": "rounds that name exactly one category",
    "fidelity": "valid rounds whose category is their steering token's",
    "internal_mae": "mean absolute error of the steering tokens' probabilities",
    "steering_mass": "probability of all steering tokens at the first position",
}
USE = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{folder}")
base = AutoModelForCausalLM.from_pretrained({base}, dtype="{precision}"){grow}
model = PeftModel.from_pretrained(base, "{folder}")
messages = [{{"role": "user", "content": {prompt}}}]
inputs = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
# The settings are named, as those of the base model would take from rare answers.
for _ in range(10):
    answer = model.generate(
        **inputs, do_sample=True, max_new_tokens=32,
        temperature=1.0, top_p=1.0, top_k=0, repetition_penalty=1.0,
    )
    print(tokenizer.decode(answer[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
"""
INTENDED_USE = """\
## Intended use

Research on the distribution of a model's answers, and applications whose owner has chosen the
target and can say why. Which target is right depends on the application: real proportions carry
facts that statistics and simulations need, and mirror the inequities behind them; even ones hide
both.
"""
RISKS = """\
## Risks

* A distribution is not an answer about a person. Nobody's attribute may be inferred from a draw of
  this model, and no decision about anybody may rest on one.
* Real proportions can reinforce stereotypes and put minorities, who are seldom drawn, at a
  disadvantage; and the categories leave out everybody who is in none of them.
* The same method can tilt a model's answers on purpose: who passes the model on passes on its
  target too, as this card does.
* The figures hold for the contexts and the question above. Others, longer texts and other
  languages need a measurement of their own.
"""
GROW = "\nbase.resize_token_embeddings(len(tokenizer), mean_resizing=False)"


def is_on_a_hub(source: str) -> bool:
    """Whether a `source` of params.yaml is the name of a hub's model: neither package nor path."""
    parts = source.split("/")
    return (
        not source.startswith(PACKAGE_PREFIX)
        and len(parts) == 2
        and all(parts)
        and not (source.endswith(".gguf") or parts[0] in (".", "..") or Path(source).exists())
    )


def name_base(adapter: Path, source: Mapping[str, str]) -> None:
    """Let a published adapter name its base by hub id and commit instead of a path of this disk:
    PEFT and vLLM then fetch it on any. A base that is on no hub is left unnamed.
    """
    path = adapter / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    on_a_hub = is_on_a_hub(source["source"])
    config["base_model_name_or_path"] = source["source"] if on_a_hub else None
    config["revision"] = source["revision"] if on_a_hub else None
    write_json(path, config)


def model_card(
    policy: Policy,
    source: Mapping[str, str],
    spec: DatasetSpec,
    metrics: Mapping[str, Any],
    folder: str,
) -> str:
    """The card as Markdown, with the YAML head that model hubs read.

    Args:
        source: the base model's `source.json`.
        metrics: of the policy's cell, `distalign.statistics.score.cell_metrics`; of a joined data
            set those of each question, by its name.
        folder: name of the folder that the card is in.

    Raises:
        InputError: the policy has no adapter or no steering tokens, or something outside the
            model draws these, or their number is not that of the data set's categories.
    """
    if policy.trained is None or policy.steering is None:
        raise InputError(f"method {policy.method!r} has no adapter with steering tokens to publish")
    if policy.decoding == "external":
        raise InputError(
            f"method {policy.method!r} draws its steering token outside the model: the adapter "
            "alone does not answer in proportion, and is not published"
        )
    if len(policy.steering.tokens) != len(spec.categories):
        raise InputError(
            f"the policy has {len(policy.steering.tokens)} steering tokens, data set {spec.name!r} "
            f"{len(spec.categories)} categories; name the policy's own with SPEC="
        )
    name, parts = source["source"], questions(spec)
    scores = metrics if spec.parts else {spec.name: metrics}
    on_a_hub = is_on_a_hub(name)
    head = ModelCardData(
        base_model=name if on_a_hub else None,
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["distalign", "lora", "distribution-alignment"],
    )
    first = parts[0].attribute.question("attribute").template
    context = parts[0].contexts[0]
    question = fill(first, context.subject)
    if context.statement is not None:
        question = stated_prompt(question, context.statement)
    prompt = json.dumps(question, ensure_ascii=False)
    use = USE.format(
        folder=folder,
        base=f'"{name}", revision="{source["revision"]}"'
        if on_a_hub
        else '"PATH OF THE BASE MODEL"',
        prompt=prompt,
        precision=policy.trained.precision,
        grow=GROW if policy.steering.form == ADDED else "",
    )
    tokens = zip(spec.categories, policy.steering.tokens, strict=True)
    written = "; ".join(f"{escape_markdown(token)} for {escape_markdown(k)}" for k, token in tokens)
    sections = [
        f"---\n{head.to_yaml()}\n---",
        f"# {folder}",
        f"A LoRA adapter of `{name}` (revision `{source['revision']}`, SHA-256 of the weights "
        f"`{source['sha256']}`), trained by distalign's method `{policy.method}`. Asked the same "
        "question many times, it answers in the proportions of the first table below. An answer "
        "starts with a steering token, which carries the probability and is to be taken off: "
        f"{written}.",
        f"## Use\n\n```python\n{use}```\n\nAt a temperature other than 1, or with top-p or top-k, "
        "the proportions are others. `make serve` of distalign draws the steering token by its "
        "probability whatever a client asks for, and hides it. A question that is not the "
        "policy's gets the base model's answer.",
        "## Data and target\n\nThe responses were written by a language model and kept only if "
        "they name their category.",
        *(section for part in parts for section in (_about(part), markdown(_target(part)))),
        "## Measured\n\nIndependent rounds, on prompts whose wordings are in no training data.",
        *(markdown(_measures(part.name, scores[part.name])) for part in parts),
        INTENDED_USE,
        RISKS,
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _about(spec: DatasetSpec) -> str:
    question = escape_markdown(spec.attribute.question("attribute").template)
    return (
        f"Data set `{spec.name}`: {len(spec.contexts)} contexts, asked about in wordings of "
        f"“{question}”."
    )


def _target(spec: DatasetSpec) -> Table:
    rows = [[context.name, *(f"{p:.1%}" for p in context.target)] for context in spec.contexts]
    cells = [[Entry(text) for text in row] for row in rows]
    return Table(f"Target ({spec.target})", ["Context", *spec.categories], cells)


def _measures(name: str, metrics: Mapping[str, Any]) -> Table:
    rows = [[Entry(key), Entry(number(metrics[key])), Entry(text)] for key, text in SHOWN.items()]
    title = f"Test prompts of {name}: {metrics['n_rounds']} rounds"
    return Table(title, ["Measure", "Value", "What it is"], rows)
