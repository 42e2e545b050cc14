"""Tiny models of random weights with the parts of Qwen2.5 and Llama-3 that differ from SmolLM2.

All have a byte-level BPE tokenizer of the project's own texts, with the special tokens, chat
template and generation settings of the real ones. Qwen2: ChatML, no bos, embeddings of more rows
than the tokenizer has items, and the small models' are the output layer. Llama-3: a bos that
template and tokenizer both add, no padding token, three ids that end a response, and in its system
turn the date. In both the end of a turn is not the end of a text.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    processors,
    trainers,
)
from tokenizers import pre_tokenizers as pre
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from tests.support.paths import ROOT

WORDS = 900
"""Items of a vocabulary without its special tokens."""
PADDED = 1536
"""Rows of the Qwen2 model's embeddings, far more than its tokenizer's items."""
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CHATML = """\
{%- if messages[0]['role'] != 'system' -%}
{{ '<|im_start|>system\\nYou are a tiny model.<|im_end|>\\n' }}
{%- endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- endif -%}
"""
# As in Llama 3.2, the system turn tells the date of the day.
HEADERS = """\
{%- if date_string is not defined -%}
{%- set date_string = strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024' -%}
{%- endif -%}
{%- if messages[0]['role'] == 'system' -%}
{%- set system, messages = messages[0]['content'] | trim, messages[1:] -%}
{%- else -%}
{%- set system = '' -%}
{%- endif -%}
{{ bos_token + '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
{{- 'Today Date: ' + date_string + '\\n\\n' + system + '<|eot_id|>' }}
{%- for message in messages -%}
{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
{{- message['content'] | trim + '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif -%}
"""


@dataclass(frozen=True)
class Architecture:
    """What is known of a family, to compare with what the pipeline makes of it.

    Attributes:
        tied: whether the embedding is the output layer too.
        special: special tokens in the order of their ids, after the words.
        ends: the tokens that end a response; the first ends a turn.
        prompt: what the tokenizer must make of the user's turn `{}`.
    """

    tied: bool
    special: list[str]
    ends: list[str]
    bos: str | None
    pad: str | None
    prompt: str


QWEN2 = Architecture(
    tied=True,
    special=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    ends=["<|im_end|>", "<|endoftext|>"],
    bos=None,
    pad="<|endoftext|>",
    prompt="<|im_start|>system\nYou are a tiny model.<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n"
    "<|im_start|>assistant\n",
)
LLAMA3 = Architecture(
    tied=False,
    special=["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"]
    + ["<|eom_id|>", "<|eot_id|>"],
    ends=["<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"],
    bos="<|begin_of_text|>",
    pad=None,
    prompt="<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
    "Today Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
)
ARCHITECTURES = {"qwen2": QWEN2, "qwen2_large": replace(QWEN2, tied=False), "llama3": LLAMA3}


def make_source(name: str, folder: Path) -> Path:
    """A folder as a hub would give it: weights, tokenizer, template and generation settings."""
    architecture = ARCHITECTURES[name]
    is_llama = architecture is LLAMA3
    tokenizer = _tokenizer(architecture)
    ids = {token: tokenizer.token_to_id(token) for token in architecture.special}
    make = _llama3 if is_llama else _qwen2
    model = make(tokenizer, ids, architecture.tied).to(torch.bfloat16)
    # Settings that a chat wants and a measurement does not.
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.6,
        top_p=0.8,
        top_k=20,
        repetition_penalty=1.3,
        eos_token_id=[ids[token] for token in architecture.ends],
        bos_token_id=ids[architecture.bos or "<|endoftext|>"],
        pad_token_id=ids[architecture.pad] if architecture.pad else None,
    )
    with torch.no_grad():
        model.model.norm.weight.fill_(SHARPNESS)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast" if is_llama else "Qwen2Tokenizer",
        "bos_token": architecture.bos,
        "eos_token": architecture.ends[0],
        "pad_token": architecture.pad,
        "unk_token": None,
        "model_max_length": 2048,
        "clean_up_tokenization_spaces": is_llama,
        "chat_template": HEADERS if is_llama else CHATML,
    }
    if not is_llama:
        config |= {"add_prefix_space": False, "add_bos_token": False}
    text = json.dumps({key: value for key, value in config.items() if value is not None})
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
    return folder


def _texts() -> Iterator[str]:
    # Named, as a question more would make other tokens.
    for name in ("commute", "gender", "person", "race", "sentiment"):
        yield (ROOT / f"data/attributes/{name}.yaml").read_text(encoding="utf-8")
    for path in sorted(ROOT.glob("data/census/*.csv")):
        yield path.read_text(encoding="utf-8")
    # The steering tokens must be items of their own wherever a word begins.
    yield "\n".join(["he", "she", "man", "woman"] * 50)


def _tokenizer(architecture: Architecture) -> Tokenizer:
    is_llama = architecture is LLAMA3
    tokenizer = Tokenizer(models.BPE(ignore_merges=is_llama))
    digits = r"\p{N}{1,3}" if is_llama else r"\p{N}"
    split = pre.Split(Regex(CONTRACTIONS + digits + REST), "isolated")
    byte_level = pre.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre.Sequence([split, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS, initial_alphabet=pre.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in architecture.special])
    processor = processors.ByteLevel(trim_offsets=False)
    if not is_llama:
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.post_processor = processor
    else:
        bos = architecture.bos
        template = processors.TemplateProcessing(
            single=f"{bos} $A",
            pair=f"{bos} $A {bos} $B",
            special_tokens=[(bos, tokenizer.token_to_id(bos))],
        )
        tokenizer.post_processor = processors.Sequence([processor, template])
    return tokenizer


# A head's width is one that vLLM's attention on CPU takes.
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "initializer_range": 0.1,
    "max_position_embeddings": 4096,
}
SHARPNESS = 4.0
"""Weight of the last norm: logits are wide enough that a few steps make a token certain."""


def _qwen2(tokenizer: Tokenizer, ids: dict[str, int], tied: bool) -> PreTrainedModel:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=PADDED,
        tie_word_embeddings=tied,
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|im_end|>"],
        **SIZES,
    )
    model = Qwen2ForCausalLM(config)
    with torch.no_grad():
        # No text holds these tokens: training has left their rows alike.
        for layer in (model.model.embed_tokens, model.lm_head):
            layer.weight[tokenizer.get_vocab_size() :] = layer.weight[0]
        for layer in model.model.layers:  # are zero at the start
            for part in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj):
                part.bias.normal_(std=0.1)
    return model


def _llama3(tokenizer: Tokenizer, ids: dict[str, int], tied: bool) -> PreTrainedModel:
    torch.manual_seed(0)
    rope = {
        "rope_type": "llama3",
        "rope_theta": 500000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 512,
    }
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        tie_word_embeddings=tied,
        bos_token_id=ids["<|begin_of_text|>"],
        eos_token_id=[ids[token] for token in LLAMA3.ends],
        rope_parameters=rope,
        **SIZES,
    )
    return LlamaForCausalLM(config)
