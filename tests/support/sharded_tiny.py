"""A step of a tiny model that FSDP divides between processes; run by test_sharded, also in one.

accelerate starts FSDP on GPUs alone; this divides the model as it does (`fsdp2_prepare_model`), on
CPU. Each process takes its share of the rows.
"""

import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from peft import LoraConfig, get_peft_model
from torch.distributed.fsdp import fully_shard
from transformers import LlamaConfig, LlamaForCausalLM

from distalign.models.forward import first_logits, score_completions, score_mismatched
from distalign.models.packing import ATTENTION
from distalign.training.fitting import gather_adapter

WORDS = 97
SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}
HEADER = [1, 2, 3]
PROMPTS = [[*HEADER, 10 + i % 3, 20 + i % 3] for i in range(8)]
COMPLETIONS = [[30 + i, 40, *range(50, 50 + i % 3)] for i in range(8)]


def shard(model) -> None:
    """Blocks, then head with embedding, then the rest, as accelerate does."""
    inner = model.get_base_model()
    for block in inner.model.layers:
        fully_shard(block)
    tail = [inner.model.norm, inner.get_input_embeddings(), inner.get_output_embeddings()]
    fully_shard(tail, reshard_after_forward=False)
    fully_shard(model)


def train(tied: bool, dtype: torch.dtype, folder: Path) -> None:
    """Fill the folder with values of two steps and the adapter."""
    rank, n = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=WORDS, tie_word_embeddings=tied, attn_implementation=ATTENTION, **SIZES
    )
    lora = LoraConfig(
        r=2, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
    )
    base = LlamaForCausalLM(config).to(dtype)
    model = get_peft_model(base, lora)
    if n > 1:
        shard(model)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=10.0)
    others = [*COMPLETIONS[2:], *COMPLETIONS[:2]]
    values = []
    for _ in range(2):
        scored = score_completions(model, PROMPTS[rank::n], COMPLETIONS[rank::n])
        mismatched = score_mismatched(model, scored, others[rank::n])
        loss = -scored.logps.mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        for value in (loss.detach(), mismatched.mean()):
            dist.all_reduce(value)
            values.append(value.item() / n)
    with torch.no_grad():
        logits = first_logits(model.get_base_model(), PROMPTS, torch.tensor([5]))
    values.append(logits.logsumexp(-1).sum().item())
    gather_adapter(model)
    if rank == 0:
        model.save_pretrained(folder)
        (folder / "values.json").write_text(json.dumps(values), encoding="utf-8")


def main(names: list[str], folder: Path) -> None:
    """A model for each name, as `tied-float32`, one after the other: a start takes longer."""
    dist.init_process_group("gloo")
    for name in names:
        tied, dtype = name.split("-")
        train(tied == "tied", getattr(torch, dtype), folder / name)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[2:], Path(sys.argv[1]))
