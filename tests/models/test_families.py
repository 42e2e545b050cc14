"""Every family is checked where it enters: it works, or is refused with the reason."""

import re
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from distalign.models.base_model import fetch
from distalign.models.chat import QUESTION, REST, answer_ids, chat_ids
from distalign.models.forward import score_completions
from distalign.models.policy import LoraParams, new_adapter
from distalign.records.schemas import InputError
from tests.support.families import FAMILIES, Family, make_family

QUICK = {"Gemma 2", "Granite", "Phi", "gpt-oss"}


@pytest.mark.parametrize(
    "family",
    [
        pytest.param(f, id=f.name, marks=[] if f.name in QUICK else pytest.mark.slow)
        for f in FAMILIES
    ],
)
def test_a_family_works_or_is_refused(family: Family, tmp_path: Path) -> None:
    source = make_family(family, tmp_path / "source")
    if family.refused is not None:
        with pytest.raises(InputError, match=family.refused):
            fetch(str(source), None, tmp_path / "out")
        return
    found = fetch(str(source), None, tmp_path / "out")
    assert "of the model's own" in found[-1]
    check_learns(tmp_path / "out")


def check_learns(base: Path) -> None:
    """The adapter of the pipeline has a place in its last layers alone, and a step moves it."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    lora = LoraParams(r=2, alpha=4, target_modules="all-linear", layers=0.5)
    model = new_adapter(base, tokenizer, lora, None, "float32")
    prompts = [chat_ids(tokenizer, QUESTION)]
    scored = score_completions(model, prompts, [answer_ids(tokenizer, QUESTION, REST)])
    scored.logps.sum().backward()
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert {re.search(r"\.(\d+)\.", name)[1] for name in trained} == {"1"}  # of two layers
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in trained.values())
