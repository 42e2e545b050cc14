"""What the report says of its terms, below its tables."""

LEGEND = {
    "Tables and figures of the paper": (
        "a title such as Table 4 or figure 5 names the one of the paper whose layout it has. Rows "
        "marked (paper) are what the paper prints for its own models, for context only. An average "
        "of N is over the data sets of the paper's table, and shown where all of them were run."
    ),
    "Links": (
        "a linked number leads to the metrics file from which it was read, or to the folder of its "
        "seeds' files. The file contexts.csv beside this page has every share, interval, "
        "probability and internal error by context."
    ),
    "MAE": (
        "mean over categories of |observed share - target share|, then mean over contexts "
        "(equation 12 of the paper). 0 is perfect, the best is in bold. The interval in brackets "
        "is Student's t over contexts, 95 %: it covers the MAE that contexts like these would show "
        "in as many rounds. With several training seeds it gives way to their standard deviation. "
        "A dash: the method does not apply, or there is nothing to measure."
    ),
    "Floor": (
        "the MAE that a perfect sampler would have with as many valid rounds. Excess is "
        "MAE - floor, ratio is MAE / floor. An MAE well below its floor means that the rounds are "
        "not independent."
    ),
    "Percentile interval": (
        "the bootstrap of the paper's appendix A.2.2. It is biased upward, because |.| is not "
        "smooth at 0, and may exclude its own MAE. It is shown for comparison."
    ),
    "True deviation": (
        "what would remain of the MAE with infinitely many rounds: the mean of |probability - "
        "target share| in these very contexts, estimated without the floor. Its 95 % interval "
        "covers that number, and starts at 0 where the rounds do not prove any deviation. In "
        "simulations it holds what it promises, but where only a few contexts deviate it covers "
        "90-97 % and misses by being too high."
    ),
    "Total variation and Jensen-Shannon": (
        "half the sum over categories of |observed share - target share|, and the divergence in "
        "bits, means over contexts. Their floors are the exact means of a perfect sampler."
    ),
    "Valid": (
        "share of rounds from which exactly one category can be read. The others are left out of "
        "the observed shares."
    ),
    "Internal MAE and steering mass": (
        "the MAE of the steering tokens' probabilities at the first step, and how much of the "
        "whole vocabulary's probability they hold. Only for methods that draw a steering token, "
        "as is fidelity: the paper also has the probabilities of two words for zero-shot and IFT. "
        "The interval is Student's t over contexts."
    ),
    "Slope and r": (
        "of the line through the points of figure 5, by least squares; 95 % intervals from "
        "leaving out whole contexts. 1 is a response that always follows its token; r is below 1 "
        "even then, by the noise of the rounds. Where all targets are equal the probabilities "
        "hardly differ, and neither number says much."
    ),
    "Coordinated": (
        "the steering tokens of a context's rounds are drawn together, so that their counts are "
        "the calibrated probabilities' to within one. Each round alone still has its exact "
        "probabilities, but rounds are not independent: this is a sample made to have the right "
        "shares. It says nothing of one more answer, and has no floor to be compared with."
    ),
    "Fidelity": "share of valid responses that express the category of their steering token.",
    "Stories": (
        "corrected: for the errors that the judge made on labelled texts, with their uncertainty. "
        "Least and greatest: what the MAE as read could be, had every story been read that was "
        "not. Perplexity: the base model's, of the first rounds of each context (stories."
        "perplexity_rounds in params.yaml). Distinct-n: distinct n-grams of words over all. Words: "
        "mean a story; a few say that no story was written."
    ),
    "Misaligned": (
        "contexts whose shares differ from the target by more than chance (Monte-Carlo "
        "multinomial goodness of fit, false-discovery rate 0.05)."
    ),
    "Paired tests": (
        "p is that of each test alone. The adjusted p holds the false-discovery rate over the "
        "tests of its table: reading all those below 0.05 as differences, at most 5 % of them "
        "are expected to be none."
    ),
    "Over seeds": (
        "each seed is a training of its own, with its own rounds: the standard deviation holds "
        "both. Intervals in other tables are those of one training, figures by context show the "
        "first seed."
    ),
    "Rounds needed": (
        "by Pearson's chi-squared test, where every context deviates by as much, in the way that "
        "is hardest to see."
    ),
}
