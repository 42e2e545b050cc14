"""Families of models as tiny random ones: architectures, templates and kinds of tokenizers.

    python -m tests.support.families

writes the table of docs/models.md. Templates are the shortest that do what the family's own does
before an answer.
"""

import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, trainers
from tokenizers import pre_tokenizers as pre
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

from distalign.models.base_model import fetch
from distalign.records.schemas import InputError
from tests.support.paths import ROOT

BYTE_LEVEL, SENTENCEPIECE = "byte-level", "SentencePiece"
_CHATML = (
    "{%- for m in messages -%}{{ '<|im_start|>' + m['role'] + '\\n' + BEFOREm['content'] + "
    "'<|im_end|>\\n' }}{%- endfor -%}{%- if add_generation_prompt -%}"
    "{{ '<|im_start|>assistant\\n' }}ASKED{%- endif -%}"
)
_THOUGHT = "('<think>\\n\\n</think>\\n\\n' if m['role'] == 'assistant' else '') + "
_NO_SYSTEM = (
    "{%- if messages[0]['role'] == 'system' -%}{{ raise_exception('no system') }}{%- endif -%}"
)
TEMPLATES = {
    "chatml": _CHATML.replace("BEFORE", "").replace("ASKED", ""),
    "qwen3": _CHATML.replace("BEFORE", _THOUGHT).replace(
        "ASKED",
        "{%- if enable_thinking is defined and enable_thinking is false -%}"
        "{{ '<think>\\n\\n</think>\\n\\n' }}{%- endif -%}",
    ),
    "gpt-oss": "{%- macro head() -%}{%- if reasoning_effort is not defined -%}"
    "{%- set reasoning_effort = 'medium' -%}{%- endif -%}"
    "{{ '<|start|>system<|message|>Reasoning: ' + reasoning_effort + '<|end|>' }}{%- endmacro -%}"
    "{{ head() }}{%- for m in messages -%}{{ '<|start|>' + m['role'] + "
    "('<|channel|>final' if m['role'] == 'assistant' else '') + '<|message|>' + m['content'] + "
    "'<|end|>' }}{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|start|>assistant' }}"
    "{%- endif -%}",
    "glm4": "{%- for m in messages -%}{{ '<|' + m['role'] + '|>\\n' + m['content'] }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}",
    "deepseek-distill": "{%- for m in messages -%}{{ '<|' + m['role'] + '|>' + m['content'] }}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|assistant|><think>\\n' }}{%- endif -%}",
    "gemma2": _NO_SYSTEM
    + "{%- for m in messages -%}{{ '<start_of_turn>' + ('model' if m['role'] == "
    "'assistant' else m['role']) + '\\n' + m['content'] + '<end_of_turn>\\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}",
    "mistral": _NO_SYSTEM + "{%- for m in messages -%}{%- if m['role'] == 'user' -%}"
    "{{ '[INST] ' + m['content'] + ' [/INST]' }}{%- else -%}{{ m['content'] + eos_token }}"
    "{%- endif -%}{%- endfor -%}",
    "zephyr": "{%- for m in messages -%}{{ '<|' + m['role'] + '|>\\n' + m['content'] + eos_token + "
    "'\\n' }}{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|assistant|>\\n' }}{%- endif -%}",
    "broken": "{%- for m in messages -%}",
    "none": "",
}
SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "initializer_range": 0.2,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
}
_DELTA = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "layer_types": ["linear_attention", "full_attention"],
}
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 32}


@dataclass(frozen=True)
class Family:
    """A tiny model of an architecture, and whether it is expected to work (None) or why not."""

    name: str
    kind: str
    template: str = "chatml"
    tokenizer: str = BYTE_LEVEL
    sizes: dict[str, Any] = field(default_factory=dict)
    refused: str | None = None


FAMILIES = [
    Family("Llama 3, SmolLM2", "llama"),
    Family("TinyLlama, Zephyr", "llama", "zephyr", SENTENCEPIECE),
    Family("Qwen2.5", "qwen2"),
    Family("Qwen3", "qwen3", "qwen3"),
    Family("Qwen3 MoE", "qwen3_moe", "qwen3", sizes={"num_experts": 4} | _EXPERTS),
    Family("Gemma", "gemma", "gemma2", SENTENCEPIECE),
    Family(
        "Gemma 2",
        "gemma2",
        "gemma2",
        SENTENCEPIECE,
        {
            "final_logit_softcapping": 3.0,
            "attn_logit_softcapping": 2.0,
            "query_pre_attn_scalar": 16,
        },
    ),
    Family("Gemma 3 (text)", "gemma3_text", "gemma2", SENTENCEPIECE),
    Family("Mistral", "mistral", "mistral", SENTENCEPIECE),
    Family("Mixtral", "mixtral", "mistral", SENTENCEPIECE, {"num_local_experts": 2}),
    Family("Phi", "phi"),
    Family("Phi-3", "phi3", "zephyr", SENTENCEPIECE),
    Family("Granite", "granite", sizes={"logits_scaling": 4.0, "embedding_multiplier": 2.0}),
    Family("Cohere", "cohere", sizes={"logit_scale": 0.25}),
    Family("Cohere 2", "cohere2", sizes={"logit_scale": 0.25}),
    Family("GLM-4", "glm4", "glm4"),
    Family("OLMo 2", "olmo2"),
    Family("SmolLM3", "smollm3", "qwen3"),
    Family("GPT-2", "gpt2"),
    Family("GPT-NeoX", "gpt_neox"),
    Family("StarCoder2", "starcoder2"),
    Family("DeepSeek distills", "qwen2", "deepseek-distill", refused="ends a prompt with"),
    Family("StableLM", "stablelm", refused="does not take our token tree"),
    Family("Nemotron", "nemotron", refused="does not take our token tree"),
    Family(
        "gpt-oss",
        "gpt_oss",
        "gpt-oss",
        sizes={"num_local_experts": 2, "num_experts_per_tok": 1},
        refused="sinks",
    ),
    Family(
        "LFM2", "lfm2", sizes={"layer_types": ["conv", "full_attention"]}, refused="no attention"
    ),
    Family(
        "Falcon-H1",
        "falcon_h1",
        sizes={"mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8},
        refused="no attention",
    ),
    Family(
        "Qwen3-Next",
        "qwen3_next",
        "qwen3",
        sizes={"num_experts": 4, "shared_expert_intermediate_size": 32} | _EXPERTS | _DELTA,
        refused="no attention",
    ),
    Family("Qwen3.5", "qwen3_5_text", "qwen3", sizes=_DELTA, refused="no attention"),
    Family("BLOOM", "bloom", refused="differ from the model's own"),
]


def make_tokenizer(kind: str, template: str) -> PreTrainedTokenizerFast:
    """A tokenizer of some hundred items of the project's own texts, with a chat template."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("data/census/*.csv"))]
    texts += ["They are male. She is a woman, he is a man. What is it? 0 1\n" * 30]
    texts += ["man\nwoman\nhe\nshe\nman man\nhe woman\nshe she\n" * 100]
    special = ["<unk>", "<s>", "</s>"]
    if kind == BYTE_LEVEL:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre.ByteLevel.alphabet()
    else:
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
        # As Llama 2's: a mark before the text and in the place of each space; digits alone.
        tokenizer.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
        )
        tokenizer.pre_tokenizer = pre.Sequence(
            [
                pre.Split(Regex(r"[0-9\n]"), "isolated"),
                pre.Split("▁", "merged_with_next"),
            ]
        )
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
        )
        special += [f"<0x{byte:02X}>" for byte in range(256)]
        alphabet = ["▁", "\n", *"<|>/[]_"]
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="</s>",
        chat_template=template or None,
    )


def make_family(family: Family, folder: Path) -> Path:
    """A folder as a hub would give it, of random weights that no norm or bias leaves out."""
    import torch

    tokenizer = make_tokenizer(family.tokenizer, TEMPLATES[family.template])
    config = AutoConfig.for_model(family.kind, vocab_size=len(tokenizer), **(SIZES | family.sizes))
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 1:
                weight.add_(0.3 * torch.randn_like(weight))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def line(family: Family, folder: Path) -> str:
    """The family's row of the table."""
    from vllm.model_executor.models import ModelRegistry

    source = make_family(family, folder / "source")
    architecture = AutoConfig.from_pretrained(source).architectures[0]
    vllm = "yes" if architecture in ModelRegistry.get_supported_archs() else "no"
    head = f"| {family.name} | `{family.template}` | {family.tokenizer} "
    try:
        found = fetch(str(source), None, folder / "out")
    except InputError as error:
        reason = str(error).split(f"{source}: ")[-1]
        return f"{head}| refused: {reason} | {vllm} |"
    error = re.search(r"within (\S+)", found[-1])[1]
    return f"{head}| {'; '.join([*found[:-1], f'within {error}'])} | {vllm} |"


def main() -> None:
    logging.set_verbosity_error()
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as name:
            sys.stdout.write(line(family, Path(name)) + "\n")


if __name__ == "__main__":
    main()
