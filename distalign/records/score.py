"""What the stage `score` writes of one cell: every key of a metrics file, and what it means."""

from distalign.records.schemas import Record


class Score(Record):
    """Shares, errors and probabilities in [0, 1]; docs/statistics.md has the formulae.

    A key that does not apply is left out: a cell without rounds has its counts alone, a method
    without steering tokens nothing of them. None stands for what these rounds do not define.
    """

    mae: float | None = None
    """Equation 12, of the answers as read."""
    mae_sd: float | None = None
    """Sample standard deviation over contexts (table 10)."""
    mae_ci_low: float | None = None
    mae_ci_high: float | None = None
    """The paper's percentile interval (appendix A.2.2), which need not cover anything."""
    mae_t_low: float | None = None
    mae_t_high: float | None = None
    """Student's t over contexts: the expected MAE of contexts like these, at as many rounds."""
    floor: float | None = None
    """MAE that a perfect sampler expects at each context's number of valid rounds."""
    excess: float | None = None
    """mae - floor."""
    ratio: float | None = None
    """mae / floor."""
    deviation: float | None = None
    deviation_low: float | None = None
    deviation_high: float | None = None
    """Mean deviation of these contexts with infinitely many rounds, from the answers as read."""
    tv: float | None = None
    tv_floor: float | None = None
    """Total variation, and what a perfect sampler expects."""
    js: float | None = None
    js_floor: float | None = None
    """Jensen-Shannon divergence in bits, and what a perfect sampler expects."""
    w1: float | None = None
    w1_floor: float | None = None
    """Wasserstein-1 distance in steps of the ordered categories, divided by K - 1, and what a
    perfect sampler expects. Only for attributes whose categories are marked as ordered."""
    n_contexts: int
    """Contexts with a valid round."""
    n_contexts_empty: int | None = None
    """Contexts without one."""
    n_rounds: int
    n_valid: int
    validity: float | None = None
    """n_valid / n_rounds."""
    refused: float | None = None
    """Share of the rounds that decline to answer, or hold back; all of them are invalid."""
    n_misaligned: int | None = None
    """Contexts whose goodness of fit is rejected at a false-discovery rate of 0.05."""
    internal_mae: float | None = None
    """Mean over rounds and categories of |P(token | x) - target|."""
    steering_mass: float | None = None
    """Probability of all steering tokens in the whole vocabulary, mean over rounds."""
    fidelity: float | None = None
    """Share of valid answers that express their token."""
    expected_mae: float | None = None
    """MAE that tokens drawn with the rounds' own probabilities expect, without any draw."""
    expected_mae_low: float | None = None
    expected_mae_high: float | None = None
    """95 % of such draws have an MAE between these: the drawn `mae` is one of them."""
    expected_floor: float | None = None
    """`expected_mae` of a perfect sampler, at as many drawn tokens."""
    expected_ratio: float | None = None
    """expected_mae / expected_floor."""
    token_deviation: float | None = None
    """Mean over contexts and categories of |mean over rounds of P(token | x) - target|: the true
    deviation of the tokens, what infinitely many rounds of these prompts would leave."""
    token_deviation_low: float | None = None
    token_deviation_high: float | None = None
    """Student's t over contexts."""
