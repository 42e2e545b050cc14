"""Whether the input files are right: attributes, contexts with their counts, labelled texts."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from distalign.data.frames import WORD, frame_groups
from distalign.data.targets import AnyDataset, TargetsParams, dataset_spec
from distalign.data.wordings import SLOT, expand_grammar
from distalign.judging.matching import fold
from distalign.judging.validation import LabelledText, check_labels
from distalign.judging.words import read_category, unreadable_words
from distalign.records.checked_yaml import read_yaml, validate
from distalign.records.files import read_jsonl
from distalign.records.schemas import Attribute, InputError, Question, Writing

PAPER_COLUMNS = ("table", "model", "method", "dataset", "value")


def check_attribute(path: Path) -> Attribute:
    """Read an attribute's file.

    Raises:
        InputError: a line a fault, in the file's form or in what it says.
    """
    attribute = validate(Attribute, read_yaml(path), path)
    faults = [f"{path}: {fault}" for fault in attribute_faults(attribute, path.stem)]
    if faults:
        raise InputError("\n".join(faults))
    return attribute


def attribute_faults(attribute: Attribute, name: str) -> Iterator[str]:
    """What is wrong in an attribute's definition, whose file has this name."""
    if attribute.name != name:
        yield f"name = {attribute.name!r}: the file's name says {name!r}"
    categories = [category.name for category in attribute.categories]
    for category, times in Counter(map(str.lower, categories)).items():
        if times > 1:
            yield f"categories: {category!r} stands {times} times (case does not count)"
    words = Counter(
        word
        for category in attribute.categories
        for word in {" ".join(word.lower().split()) for word in category.words}
    )
    for word, times in words.items():
        if not word:
            yield "categories: an empty word"
        elif times > 1:
            yield f"categories: the word {word!r} belongs to {times}, and none could be read by it"
    if "" not in words and max(words.values()) == 1:
        for category, word, read in unreadable_words(attribute):
            yield (
                f"categories: the word {word!r} of {category!r} is read as "
                f"{repr(read) if read else 'no single category'}; use another, or spell it out"
            )
    for form in dict.fromkeys(form for c in attribute.categories for form in c.tokens):
        tokens = Counter(c.tokens[form] for c in attribute.categories if form in c.tokens)
        for token, times in tokens.items():
            if times > 1:
                yield f"categories: token {token!r} of form {form!r} belongs to {times}"
    for setting, question in attribute.settings.items():
        for fault in _question_faults(question, categories):
            yield f"settings.{setting}.{fault}"


def _question_faults(question: Question, categories: Sequence[str]) -> Iterator[str]:
    if question.template.count(SLOT) != 1:
        yield f"template = {question.template!r}: {SLOT} must stand in it once"
    try:
        if not expand_grammar(question.grammar):
            yield "grammar.root = []: no wording"
    except InputError as error:
        yield str(error)
    writing = question.responses
    if sorted(writing.words) != sorted(categories):
        yield f"responses.words: {sorted(writing.words)} are not the categories {categories}"
    for category, words in writing.words.items():
        if not words:
            yield f"responses.words.{category} = []: name a word"
    if writing.grammar:
        yield from _frame_faults(writing)
    elif "{word}" not in writing.ask:
        yield f"responses.ask = {writing.ask!r}: {{word}} must stand in it, or name a grammar"


def _frame_faults(writing: Writing) -> Iterator[str]:
    """What is wrong in the grammar of responses."""
    try:
        frames = [frame for group in frame_groups(writing) for frame in group]
    except InputError as error:
        yield f"responses.{error}"
        return
    if not frames:
        yield "responses.grammar.root = []: no response"
    for frame in frames:
        if frame.count(WORD) != 1:
            yield f"responses.grammar yields {frame!r}: {{word}} must stand in it once"
            return
    if writing.grammar.get("detail") and SLOT not in writing.begin:
        yield f"responses.begin = {writing.begin!r}: {SLOT} must stand in it, as details are asked"


SEEN = ("census", "examples", "stated")
"""Folders of contexts that the stage `targets` depends on."""


def check_contexts(
    name: str,
    dataset: AnyDataset,
    attributes: Mapping[str, Attribute],
    folder: Path,
    params: TargetsParams,
) -> int:
    """Number of the contexts that a training on the data set is about.

    Args:
        folder: that has the folders SEEN, in one of which the file must lie.

    Raises:
        InputError: the file lies outside them, or is not right.
    """
    files = {}
    for part_name, part in dataset.parts(name).items():
        files[f"{dataset.keys_of(part_name)}contexts"] = part.contexts
        if part.stated is not None:
            files |= {f"stated.{key}": getattr(part.stated, key) for key in ("phrasings", "tested")}
    for key, file in files.items():
        places = [(folder / place).resolve() for place in SEEN]
        if not any(Path(file).resolve().is_relative_to(place) for place in places):
            raise InputError(
                f"params.yaml: targets.datasets.{name}.{key} = {file!r}: changes are seen in "
                f"{', '.join(SEEN)} of {folder} alone; put the file into one of them"
            )
    try:
        spec = dataset_spec(name, attributes, dataset, Path(), params.max_contexts)
    except InputError:
        raise
    except (csv.Error, ValueError) as error:  # a field, or a number, of a hundred thousand signs
        raise InputError(f"{', '.join(files.values())}: {error}") from error
    for part_name, part in dataset.parts(name).items():
        own = dataset_spec(part_name, attributes, part, Path(), params.max_contexts)
        asked = [context.subject for context in [*own.contexts, *own.taught]]
        check_names(own.attribute, asked, part.contexts)
    return len(spec.for_training().contexts)


def check_names(attribute: Attribute, contexts: Iterable[str], file: str) -> None:
    """Raises InputError naming contexts that are a category's word as well: an answer's words that
    name its context count for nothing, so that no answer about them could be read as the category.
    """
    words = {fold(word): (c.name, word) for c in attribute.categories for word in c.words}
    faults = []
    for name in contexts:
        category, word = words.get(fold(name), ("", ""))
        if category and read_category(word, attribute, name) != category:
            faults.append(
                f"{file}: context {name!r} is a word of category {category!r} too, and in answers "
                f"about it the word counts for nothing; name it otherwise, as {f'{name} group'!r}"
            )
    if faults:
        raise InputError("\n".join(faults))


def check_labelled(path: Path, attribute: Attribute) -> None:
    """Raises InputError naming file, and line or labels."""
    check_labels(read_jsonl(path, LabelledText, "correct the line"), attribute)


def check_paper(path: Path) -> None:
    """Raises InputError if the table of the paper's numbers lacks a column."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not the table of the paper's numbers ({error})") from error
    missing = [column for column in PAPER_COLUMNS if column not in header]
    if missing:
        raise InputError(f"{path}:1: missing columns {missing} in {header}")
