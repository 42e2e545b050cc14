"""What D_base's responses are like: how many differ, how long they are, whose they are."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from distalign.data.wordings import normalise
from distalign.records.schemas import Attribute, Response

FOLDS = 5


def response_report(
    base: Sequence[Response], pool: Sequence[Response], attribute: Attribute
) -> dict[str, float | int | None]:
    """Numbers of the rows of D_base, and of the pool's distinct responses.

    Returns:
        n_responses, of the pool; n_rows; distinct: different texts among the rows; words: in the
        mean of a row's response; with_context: share that repeats the context's name; llm_share:
        share to which an LLM has contributed what the grammar does not yield; style_accuracy:
        see there; style_chance: of a guess.
    """
    n = len(base)
    return {
        "n_responses": len(pool),
        "n_rows": n,
        "distinct": len({row.response for row in base}),
        "words": round(sum(len(row.response.split()) for row in base) / n, 2),
        "with_context": round(
            sum(row.context.lower() in row.response.lower() for row in base) / n, 4
        ),
        "llm_share": round(sum(row.source == "llm" for row in base) / n, 4),
        "style_accuracy": style_accuracy(pool, attribute),
        "style_chance": round(1 / len(attribute.categories), 4),
    }


def masked(row: Response, attribute: Attribute) -> str:
    """The response without its context, and without what it may call or name a category by."""
    phrases = [row.context, *(word for c in attribute.categories for word in c.words)]
    called = attribute.question(row.setting).responses.words
    phrases += [word for words in called.values() for word in words]
    text = row.response
    for phrase in sorted(phrases, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", " ", text, flags=re.IGNORECASE)
    return normalise(text)


def style_accuracy(pool: Sequence[Response], attribute: Attribute) -> float | None:
    """How often a bag of words tells the category by all but the category's words.

    Naive Bayes on one part of the contexts, asked about the others, over FOLDS parts; the mean over
    categories of the share that is told right (balanced accuracy). None with fewer contexts.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    contexts = [row.context for row in pool]
    if len(Counter(contexts)) < FOLDS:
        return None
    labels = np.array([row.category for row in pool])
    model = make_pipeline(CountVectorizer(token_pattern=r"\w+"), MultinomialNB())
    texts = [masked(row, attribute) for row in pool]
    found = cross_val_predict(model, texts, labels, groups=contexts, cv=GroupKFold(FOLDS))
    return round(float(balanced_accuracy_score(labels, found)), 4)
