import pytest
from hypothesis import given
from hypothesis import strategies as st

from distalign.judging.words import judge_round, named_categories, read_category
from distalign.records.files import read_attribute
from distalign.records.schemas import Attribute, Category, Round
from tests.support.paths import ROOT


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Male.", "Male"),
        ("They are female.", "Female"),
        ("FEMALE", "Female"),
        ("This is a woman.", "Female"),
        ("She does the work herself.", "Female"),
        ("A gentleman, and men of his kind.", "Male"),
        ("(he)", "Male"),
        ("It's 'male'!", "Male"),
        ("Either male or female.", None),
        ("Men and women.", None),
        ("Unknown.", None),
        ("", None),
        ("The humane mental theme of shellfish and Hermes.", None),
        ("Postmen deliver letters.", None),
        ("Postmen are women.", "Female"),
        ("They are not male.", None),
        ("They aren't men, they are women.", "Female"),
        ("Non-male.", None),
        ("No, they are male.", "Male"),
        ("A male-dominated trade.", "Male"),
        ("Only about 12% of nurses are male.", None),
        ("Less than 10 % of carpenters are women.", None),
        ("Few plumbers are women.", None),
        ("Women are underrepresented in this field.", None),
        ("Women make up only 2% of plumbers.", None),
        ("A nurse does not have to be a woman.", None),
        ("I don't think the nurse is male.", None),
        ("I don't think so, he is male.", "Male"),
        ("Not all nurses and midwives are women.", None),
        ("A few women, and no men.", "Female"),
        ("S/he can be of any gender.", None),
        ("(S)he works here.", None),
        ("s/he is female", "Female"),
        # A denial goes on over "or".
        ("There is no male or female information provided.", None),
        ("It is not a man or a woman.", None),
        ("No man or woman works here.", None),
        ("No male, female or other gender is stated.", None),
        ("There is no clear mention of a woman.", None),
        ("They are not male. Or female?", "Female"),
        ("Not male, female.", "Female"),
        ("Not a man, but a woman or a girl.", "Female"),
        ("Not male or anything; female.", "Female"),
        ("Not male or, rather, female.", "Female"),
        ("It is not a male or a female role: he is male.", "Male"),
        # Whoever is denied, and whatever is little, is not said of them.
        ("None of them are men.", None),
        ("Nobody here is a man.", None),
        ("No nurses are men.", None),
        ("Neither of them is a woman.", None),
        ("Without men.", None),
        ("12% of nurses are male.", None),
        ("Just 5 percent are women.", None),
        ("0% female", None),
        ("One in ten is male.", None),
        ("A small number of them are women.", None),
        ("Less than half are men.", None),
        ("There are fewer women than men.", None),
        ("Men are less common than women.", None),
        ("Male nurses are rare.", None),
        ("Men are the minority.", None),
        ("Not just men.", None),
        # A distribution is no answer of one round.
        ("90% female, 10% male", None),
        ("11.7% Male: 88.3% Female", None),
        ("Male: 28.2%, female: 71.8%", None),
        ("Only 12% are male, most are female.", "Female"),
        ("Female: 90%", "Female"),
        ("Male 100%", "Male"),
        ("65% of them are male.", "Male"),
        ("The majority, 75 percent, are women.", "Female"),
        ("More than 90% are female.", "Female"),
        ("Women make up 90% of nurses.", "Female"),
        ("No one but men.", "Male"),
        ("Without hesitation, male.", "Male"),
        ("Nobody doubts that they are male.", "Male"),
        ("Male? No, female.", "Female"),
        # Of a pronoun it is said that it is no other thing.
        ("She is not a nurse.", "Female"),
        ("A woman is not a man.", "Female"),
        ("Fe-male", "Female"),
        ("Sorry, female.", "Female"),
        # A part ends with its line, and before the signs that close it.
        ("I don't know\nFemale", "Female"),
        ("**I am not sure.** Female", "Female"),
        ('"I cannot say." Female.', "Female"),
        ("Not male\nFemale", "Female"),
    ],
)
def test_whole_words_are_read(gender: Attribute, text: str, category: str | None) -> None:
    assert read_category(text, gender) == category


@pytest.mark.parametrize(
    "text",
    [
        "There is no definitive answer to this question.",
        "There is no way to know.",
        "There is no evidence that tells.",
        "That's a good question. It depends.",
        "I'd be happy to help! Could you tell me more about the nurses?",
    ],
)
@pytest.mark.parametrize("words", [("Yes", "No"), ("Good", "Bad"), ("Happy", "Sad")])
def test_an_idiom_is_no_answer(text: str, words: tuple[str, str]) -> None:
    categories = [Category(name=word, words=[word.lower()], tokens={}) for word in words]
    attribute = Attribute(name="any", categories=categories, homonyms=[], settings={})
    assert read_category(text, attribute) is None


@pytest.mark.parametrize(
    ("text", "context", "category"),
    [
        ("Male nurses are female.", "Male nurses", "Female"),
        ("male NURSES are female.", "Male nurses", "Female"),
        ("Ladies' (all) tailors: men.", "Ladies' (all) tailors", "Male"),
        ("The postmen are male.", "Postmen", "Male"),
        ("Male nurses.", "Male nurses", None),
        ("They are women.", "Men", "Female"),
    ],
)
def test_the_contexts_own_name_is_left_out(
    gender: Attribute, text: str, context: str, category: str | None
) -> None:
    assert read_category(text, gender, context) == category


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("They are White.", "White"),
        ("Caucasian.", "White"),
        ("White-collar workers.", None),
        ("White collar, and Asian.", "Asian"),
        ("Non-white.", None),
        ("Black.", "Black or African American"),
        ("African-American.", "Black or African American"),
        ("Black or African American.", "Black or African American"),
        ("American Indian or Alaska Native.", "American Indian or Alaska Native"),
        ("Native American.", "American Indian or Alaska Native"),
        ("Native.", None),
        ("Indian.", None),
        ("Asian American.", "Asian"),
        ("Asian Indian.", "Asian"),
        ("Asian or Pacific Islander.", None),
        ("Native Hawaiian or Other Pacific Islander.", "Native Hawaiian or Other Pacific Islander"),
        ("Hispanic or Latino.", None),
        ("White, not Hispanic.", "White"),
        ("Neither White nor Black.", None),
        ("White and Asian.", None),
        ("They wear a black belt.", None),
    ],
)
def test_races_are_read(race: Attribute, text: str, category: str | None) -> None:
    assert read_category(text, race) == category


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Their mood is upbeat.", "Positive"),
        ("They are not happy.", None),
        ("They are unhappy.", "Negative"),
        ("It is neither positive nor negative.", "Neutral"),
        ("Neutral, with positive feedback.", "Neutral"),
        ("Positive or negative.", None),
    ],
)
def test_sentiments_are_read(sentiment: Attribute, text: str, category: str | None) -> None:
    assert read_category(text, sentiment) == category


def test_every_category_is_read_from_its_name_and_words(
    gender: Attribute, race: Attribute, sentiment: Attribute
) -> None:
    for attribute in (gender, race, sentiment):
        for category in attribute.categories:
            assert read_category(category.name, attribute) == category.name
            for word in category.words:
                assert read_category(f"They are {word}.", attribute) == category.name


def test_categories_come_in_the_attributes_order(gender: Attribute, sentiment: Attribute) -> None:
    assert named_categories("Women, then men.", gender) == ["Male", "Female"]
    assert named_categories("neutral or positive", sentiment) == ["Positive", "Neutral"]
    assert named_categories("Tell me whether they are not male.", gender) == ["Male"]


def test_judgement_keeps_the_round(gender: Attribute) -> None:
    row = Round(
        context="Male nurses",
        round=3,
        prompt="p",
        text="Male nurses are ladies.",
        drawn="Male",
        probabilities=[0.5, 0.5],
        mass=0.9,
    )
    judged = judge_round(row, gender)
    assert judged.category == "Female"
    assert judged.model_dump(exclude={"category", "refused", "judge", "why"}) == row.model_dump()
    assert judged.judge == "words"
    assert judged.why == "“ladies” (Female) is stated"
    denied = judge_round(row.model_copy(update={"text": "Not male; a lady."}), gender)
    assert denied.why == "“lady” (Female) is stated; “male” (Male) is denied, held back or asked"
    assert (
        judge_round(row.model_copy(update={"text": "Hm."}), gender).why == "no word of a category"
    )


TEXTS = st.text(max_size=200)


@given(text=TEXTS, context=TEXTS.map(str.strip).filter(bool))
def test_any_text_has_one_category_or_none(gender: Attribute, text: str, context: str) -> None:
    named = named_categories(text, gender)
    assert read_category(text, gender) in {*named, None}
    assert read_category(text, gender, context) in {"Male", "Female", None}
    # The whole text is the context's name: nothing is left that could be read.
    assert not text.strip() or read_category(text, gender, text.strip()) is None


@given(
    data=st.data(),
    before=st.sampled_from(["", "They are ", "The answer: ", "“", "(", "*", "…", "的 ", "هم "]),
    after=st.sampled_from(["", ".", "!", "”", ")", "*", "\n", " 。", " — yes", "-dominated"]),
)
def test_a_word_is_read_in_any_case_between_any_signs(
    sentiment: Attribute, data: st.DataObject, before: str, after: str
) -> None:
    category = data.draw(st.sampled_from(sentiment.categories))
    word = data.draw(st.sampled_from(category.words))
    shape = data.draw(st.sampled_from([str.lower, str.upper, str.title]))
    assert read_category(f"{before}{shape(word)}{after}", sentiment) == category.name
    letter = data.draw(st.characters(categories=["Ll", "Nd"]))
    if " " not in word:  # a phrase holds words of its own
        assert read_category(f"{before}{letter}{word}{letter}{after}", sentiment) is None


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Eher, nicht wahr?", "Eher"),
        ("Eher (nicht voll)", "Eher"),
        ("eher-nicht", "Eher nicht"),
        ("Eher skeptisch.", "Eher nicht"),
        ("Nicht unbedingt voll und ganz.", None),
        ("Keineswegs voll und ganz.", None),
        ("Niemand vertraut ihr voll und ganz.", None),
        ("Das Vertrauen ist nicht besonders hoch, eher nicht.", "Eher nicht"),
        ("Überhaupt nicht.", "Überhaupt nicht"),
        ("Voll und ganz.", "Voll und ganz"),
    ],
)
def test_german_answers_are_read(text: str, category: str | None) -> None:
    assert read_category(text, read_attribute(ROOT / "data/attributes/presse.yaml")) == category


@pytest.mark.parametrize(
    ("text", "category"),
    [("Happy? Not at all.", None), ("Not so happy.", None), ("Un-happy.", "Negative")],
)
def test_a_denied_feeling_is_none(text: str, category: str | None) -> None:
    assert read_category(text, read_attribute(ROOT / "data/attributes/sentiment.yaml")) == category
