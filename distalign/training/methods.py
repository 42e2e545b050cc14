"""What a method is: the entries of the `train` block, and the `warmup` block, of params.yaml."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

TrainedDecoding = Literal["plain", "two_step"]
KLDomain = Literal["steering", "vocabulary"]
"""Normalise P_θ(τ|x) over the steering tokens alone, or over the whole vocabulary."""
RejectedForm = Literal["paper", "mismatched"]
"""y_l = [τ_neg; r_neg] (paper) or [τ_a; r_neg] (mismatched)."""

PreferenceLoss = Literal["kto", "dpo"]
"""What binds the response to the token: unpaired (the paper), or over pairs (table 3)."""


class Schedule(BaseModel):
    """What every trained method has: data, passes and the learning rate's course."""

    model_config = ConfigDict(extra="forbid")
    rows: int | None = Field(ge=1)
    """Rows of D_pref, from its start: every prefix keeps contexts and shares balanced; null:
    all rows."""
    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=2, multiple_of=2)
    """Sequences a step; a row of D_pref is two of them in the hybrid method."""
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "cosine", "linear", "warmup_stable_decay"]
    """The last one stays, and falls in the last third of the steps."""
    warmup_steps: int = Field(ge=0)
    calibration_prompts: int = Field(ge=1)
    """Validation prompts on which calibration is logged."""
    retention_rows: int = Field(ge=0)
    """Ordinary requests a step, with the base model's answers."""
    retention_weight: float = Field(ge=0)
    """Of the divergence from the base model on them; 0 leaves them out."""


class IFTParams(Schedule):
    objective: Literal["ift"]


class WarmupParams(IFTParams):
    """The `warmup` block of params.yaml."""

    steering: str
    """Form of the steering tokens, a key of the attribute's `tokens`."""


class DPOParams(Schedule):
    objective: Literal["dpo"]
    decoding: TrainedDecoding
    beta: float = Field(gt=0)
    rejected: RejectedForm


class HybridParams(Schedule):
    objective: Literal["hybrid"]
    decoding: TrainedDecoding
    warmup: bool
    """Begin at the warm-up's adapter, or at a fresh one."""
    steering: str | None = None
    """Form of the steering tokens, a key of the attribute's `tokens`, with a warm-up of its own;
    None: those of the stage `warmup`."""
    batch_size: int = Field(ge=4, multiple_of=2)
    """At least two pairs: the mismatched response of z_0 is another pair's."""
    beta: float = Field(gt=0)
    desirable_weight: float = Field(ge=0)
    undesirable_weight: float = Field(ge=0)
    kl_weight: float = Field(ge=0)
    kl_rows: int = Field(ge=0)
    """Prompts of D_pref a step for L_KL alone, beside those of the pairs; 0: the paper's. Where
    prompts state their targets, statements that each step draws anew, in pairs."""
    preference: PreferenceLoss
    preference_weight: float = Field(ge=0)
    text_weight: float = Field(ge=0)
    """Of the cross-entropy of y_w's text; 0: the paper's objective."""
    kl_domain: KLDomain
    rejected: RejectedForm


class WarmupPolicyParams(BaseModel):
    """The warm-up's adapter as it is: a method that trains nothing after it."""

    model_config = ConfigDict(extra="forbid")
    objective: Literal["warmup"]
    decoding: Literal["plain", "two_step", "external"]


class PromptedParams(BaseModel):
    """A method that trains nothing."""

    model_config = ConfigDict(extra="forbid")
    objective: Literal["none"]
    decoding: Literal["plain", "constrained"] = "plain"
    max_tokens: int | None = Field(default=None, ge=1)
    """Of a response, instead of `sample.max_tokens`."""


Trained = IFTParams | DPOParams | HybridParams
Untrained = WarmupPolicyParams | PromptedParams


class MethodParams(RootModel[Annotated[Trained | Untrained, Field(discriminator="objective")]]):
    """One entry of the `train` block of params.yaml."""
