"""Words and given names that show a person's gender in English prose."""

import csv
from functools import cache
from importlib import resources

# Kind of evidence -> category -> words.
GENDERED_WORDS: dict[str, dict[str, str]] = {
    "subject": {"Male": "he", "Female": "she"},
    "pronoun": {"Male": "him his himself", "Female": "her hers herself"},
    "title": {
        "Male": "mr mister sir lord señor monsieur herr signor",
        "Female": "mrs ms miss madam ma'am dame señora señorita madame frau signora",
    },
    "noun": {
        "Male": """man men gentleman gentlemen guy guys boy boys lad lads bloke male males king
            prince waiter actor businessman salesman policeman fireman craftsman fisherman
            handyman postman tradesman repairman serviceman cameraman salesmen businessmen
            bachelor widower monk schoolboy""",
        "Female": """woman women lady ladies gal girl girls lass female females queen princess
            waitress actress businesswoman saleswoman policewoman craftswoman stewardess
            hostess heroine seamstress saleswomen businesswomen spinster widow nun
            schoolgirl landlady headmistress""",
    },
    "kin": {
        "Male": """father dad daddy husband son sons brother brothers uncle grandfather grandpa
            nephew grandson boyfriend fathers dads stepfather fiancé""",
        "Female": """mother mom mum mummy mommy wife daughter daughters sister sisters aunt
            grandmother grandma niece granddaughter girlfriend mothers moms mums stepmother
            fiancée""",
    },
}

# What follows "male" or "female" where it describes nobody: "say female, whatever it shows".
UNDESCRIBED = """and or nor but if is was as at in on of to for from with by the a an this that
    these those it its here there now then so because since instead regardless rather whatever
    whoever no not only please thanks always again male female label answer category gender"""


@cache
def given_names() -> dict[str, str]:
    """Given name -> category, from given_names.csv, which was written for this project.

    Names of many origins that are borne by one gender almost alone. Those that both bear
    (Alex, Kim, Robin) are left out, as are common words and places (Will, May, Virginia).
    """
    with (resources.files("distalign.judging") / "given_names.csv").open(encoding="utf-8") as file:
        return {row["name"]: row["category"] for row in csv.DictReader(file)}


@cache
def gendered_words() -> dict[str, tuple[str, str]]:
    """Lower-case word -> (kind of evidence, category)."""
    return {
        word: (kind, category)
        for kind, lists in GENDERED_WORDS.items()
        for category, words in lists.items()
        for word in words.split()
    }
