"""Whether a model can be trained and measured here: its own forward pass against ours."""

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distalign.models.chat import answer_ids, chat_ids
from distalign.records.schemas import InputError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

TOLERANCE = 1e-4
"""Of a log-probability in float32, relative where it is below -1."""
LAYERS = 6
"""That are run, from the first on: Gemma 3 has a global layer in every six, others are alike."""
ROWS = [("What is it?", "0 They are."), ("What is it, and who are they?", "1 It is one of us.")]
KINDS = {"full_attention", "sliding_attention", "chunked_attention"}


def check_log_probabilities(folder: Path) -> float:
    """The gap difference between a model's own log-probabilities and ours, on two rows.

    Both run the model's first layers with its own output layer, in float32.

    Args:
        folder: safetensors and a tokenizer with a settled chat template.

    Raises:
        InputError: the model has parts that our pass does not know, or the difference is too
            large; says which.
    """
    import torch
    from transformers import AutoConfig, AutoTokenizer

    config = AutoConfig.from_pretrained(folder)
    if fault := config_fault(config):
        raise InputError(fault)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = [chat_ids(tokenizer, prompt) for prompt, _ in ROWS]
    completions = [answer_ids(tokenizer, prompt, answer) for prompt, answer in ROWS]
    with torch.no_grad():
        model = first_layers(folder, config)
        if any(name.split(".")[-1] == "sinks" for name, _ in model.named_parameters()):
            raise InputError("its attention has sinks, which our forward pass leaves out")
        size = model.get_input_embeddings().weight.shape[0]
        if len(tokenizer) > size:
            raise InputError(f"the tokenizer has {len(tokenizer)} items, the model {size} rows")
        expected = [own_logps(model, *row) for row in zip(prompts, completions, strict=True)]
        try:
            found = our_logps(model, prompts, completions)
        except (TypeError, IndexError, RuntimeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{config.model_type}: its attention does not take our token tree "
                f"({type(error).__name__}: {str(error).splitlines()[0]})"
            ) from error
        finally:
            del model
            gc.collect()
    gap = max(
        float(((ours - own).abs() / own.abs().clamp(min=1)).max())
        for ours, own in zip(found, expected, strict=True)
    )
    if not gap <= TOLERANCE:  # nan too
        raise InputError(
            f"{config.model_type}: our log-probabilities differ from the model's own by {gap:.1e}"
            f", {TOLERANCE:.0e} is allowed: it has a part that our forward pass does not know"
        )
    return gap


def config_fault(config: Any) -> str | None:
    """Why no model of such a config can be trained here, as far as it tells."""
    # Qwen's text-only configs have one too, set to None.
    if any(getattr(config, f"{sense}_config", None) for sense in ("vision", "audio")):
        return f"{config.model_type}: reads images or sound too; take a model of text alone"
    if getattr(config, "is_encoder_decoder", False):
        return f"{config.model_type}: an encoder with a decoder; take a causal language model"
    if quantised := getattr(config, "quantization_config", None):
        method = dict(quantised).get("quant_method", "quantised")
        return f"{config.model_type}: weights are {method}; take those in bfloat16, or a GGUF file"
    text = config.get_text_config()
    recurrent = set(getattr(text, "layer_types", None) or []) - KINDS
    recurrent |= {key for key in vars(text) if key.startswith(("mamba_", "ssm_", "conv_kernel"))}
    if recurrent:
        return (
            f"{config.model_type}: has layers that are no attention ({', '.join(sorted(recurrent))}"
            "); prompts cannot share what these remember"
        )
    return None


def first_layers(folder: Path, config: Any) -> "PreTrainedModel":
    """The model cut after its first layers, in float32, with its own attention."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    n_layers = config.num_hidden_layers
    for key, value in list(vars(config).items()):
        if isinstance(value, list) and len(value) == n_layers:
            setattr(config, key, value[:LAYERS])
    config.num_hidden_layers = min(LAYERS, n_layers)
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # the other layers are left out on purpose
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            attn_implementation="eager",
            use_safetensors=True,
            output_loading_info=True,
        )
    finally:
        logging.set_verbosity(level)
    check_whole(str(folder), info)
    return model.eval()


def check_whole(place: str, info: Mapping[str, Any]) -> None:
    """Raises InputError for a model of which weights are not there, and would be random.

    Args:
        place: where it was read, as the error shall say.
        info: what transformers says of loading it.
    """
    if missing := sorted(info["missing_keys"]):
        raise InputError(f"{place}: {len(missing)} weights are not in it, as {missing[0]}")


def own_logps(model: "PreTrainedModel", prompt: list[int], completion: list[int]) -> "Tensor":
    """log p of each of the first tokens' items (V,), and of the completion as one more value."""
    import torch

    logits = model(torch.tensor([prompt + completion], device=model.device), use_cache=False).logits
    logps = logits[0, len(prompt) - 1 : -1].float().log_softmax(-1)
    labels = torch.tensor(completion, device=model.device)
    return torch.cat([logps[0], logps.gather(1, labels[:, None]).sum()[None]])


def our_logps(
    model: "PreTrainedModel", prompts: list[list[int]], completions: list[list[int]]
) -> "list[Tensor]":
    """The same by the pass over a token tree, for each row; and once more from kept keys."""
    import torch

    from distalign.models.forward import score_completions, score_mismatched
    from distalign.models.packing import ATTENTION

    model.set_attn_implementation(ATTENTION)
    scored = score_completions(model, prompts, completions)
    again = score_mismatched(model, scored, completions)
    first = scored.first_logits.log_softmax(-1)
    # What differs more stands for both.
    apart = (again - scored.logps).abs()
    sums = torch.where(apart > TOLERANCE * scored.logps.abs().clamp(min=1), again, scored.logps)
    return [torch.cat([row, total[None]]) for row, total in zip(first, sums, strict=True)]
