"""A tiny float32 Llama with LoRA over all its linear layers, the same at each call."""

from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from distalign.models.packing import ATTENTION


def tiny_lora(vocab_size: int, at_zero: bool = False) -> Any:
    """The model with its adapter; `at_zero`: the adapter changes nothing yet."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        attn_implementation=ATTENTION,
    )
    lora = LoraConfig(
        r=2, target_modules="all-linear", init_lora_weights=at_zero, task_type="CAUSAL_LM"
    )
    return get_peft_model(LlamaForCausalLM(config), lora)
