"""What the report says of its terms, at the end of each page."""

LEGEND = {
    "Verdict": (
        "a method is at the floor up to 1.1 times it, near it up to 1.5 times, else above. The "
        "measure is the expected MAE where the method draws steering tokens, else the drawn MAE. "
        "Closer, farther and not told apart are by the paired tests, adjusted p below 0.05. "
        "Methods whose validity or fidelity is under 90 % are not compared."
    ),
    "Expected MAE": (
        "the MAE that draws at the stored probabilities of the steering tokens have in the mean, "
        "in as many rounds: no draw, so no luck. In brackets: the same in floors. It says nothing "
        "of the text, so read it with validity and fidelity. Draws within: "
        "95 % of such draws lie there."
    ),
    "External draw": (
        "a generator outside the model draws the category by the target. Its probabilities are "
        "the target, so its expected MAE is the floor by construction. It needs the target of "
        "the context at hand, and does not work in plain decoding."
    ),
    "True deviation": (
        "what infinitely many rounds would leave of the MAE in these very contexts. Where tokens "
        "are drawn it is the mean of |mean probability - target share|, with Student's t over "
        "contexts (over several training seeds their standard deviation). Elsewhere, and as read, "
        "it is the middle of bounds that hold for every shape of deviation, and its interval "
        "starts at 0 where the rounds prove none."
    ),
    "Kept of the base model": (
        "perplexity of ordinary text, with the base model's in brackets; KL(base || policy) in "
        "nats a token on the base model's own answers to ordinary requests; the share of "
        "unrelated requests, and of near misses (a context is named, the attribute not asked "
        "for), where the steering tokens hold more than half of the first token's probability; "
        "steering mass is the mean of that probability. None of these requests was trained on. A "
        "dash: nothing was trained, it was not measured, or the policy has no steering tokens."
    ),
    "Tables and figures of the paper": (
        "a title such as Table 4 or figure 5 names the one of the paper whose layout it has. Rows "
        "marked (paper) are what the paper prints. The measure, N = 100 rounds and the targets are "
        "the same; models, training data, judge and learning rates are not, so such a row is "
        "context and no comparison. An average of N is over the data sets of the paper's table, "
        "and shown where all of them were run."
    ),
    "Links": (
        "a linked number leads to the metrics file from which it was read, or to the folder of its "
        "seeds' files. The file contexts.csv beside this page has every share, interval, "
        "probability and internal error by context."
    ),
    "MAE": (
        "mean over categories of |observed share - target share|, then mean over contexts "
        "(equation 12 of the paper). 0 is perfect. The interval in brackets is Student's t over "
        "contexts, 95 %: it covers the MAE that contexts like these would show in as many rounds. "
        "With several training seeds it gives way to their standard deviation. Bold is the least "
        "expected MAE, or drawn MAE where there is none, of the cells whose validity and fidelity "
        "reach 90 %. A dash: the method does not apply, or there is nothing to measure."
    ),
    "Floor": (
        "the MAE that a perfect sampler expects in as many valid rounds. Methods with few valid "
        "rounds have a higher one, so excess (MAE - floor) and ratio (MAE / floor) compare them. "
        "A single draw may fall below its floor by luck. Where the prompts of a context have "
        "unequal probabilities, draws vary less than those of one perfect sampler, and fall below "
        "it more often; so do rounds that are not independent."
    ),
    "Percentile interval": (
        "the bootstrap of the paper's appendix A.2.2. It is biased upward, because |.| is not "
        "smooth at 0, and may exclude its own MAE. It is shown for comparison."
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
        "contexts whose shares differ from the target by more than chance (multinomial goodness "
        "of fit, false-discovery rate 0.05)."
    ),
    "Paired tests": (
        "p is that of each test alone. The adjusted p holds the false-discovery rate over the "
        "tests of its data set: reading all those below 0.05 as differences, at most 5 % of them "
        "are expected to be none. A dash: one of the two has a validity or fidelity under 90 %, or "
        "there are too few contexts."
    ),
    "Over seeds": (
        "each seed is a training of its own, with its own rounds: the standard deviation holds "
        "both. Where a mean over seeds has an interval in another table, its bounds are the means "
        "of theirs. Figures by context show the first seed."
    ),
    "Rounds needed": (
        "by Pearson's chi-squared test, where every context deviates by as much, in the way that "
        "is hardest to see."
    ),
}
