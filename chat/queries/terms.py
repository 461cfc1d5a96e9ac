"""Words as a search compares them: accents, case, plurals and endings aside.

The stemmer is deliberately light. It mirrors `public.f_pt` (so that a stem is the beginning of a word in the index)
and then drops endings of verbs and nouns: *entrega, entregar, entregam, entregando* all become `entreg`.
"""

import re
import unicodedata
from functools import lru_cache

WORD = re.compile(r"[^\W_]+")

STOP = {
    "pt-br": frozenset(
        """a à ao aos aquela aquele aquilo as às até boa boas bom bons com como da das de dela dele depois dia do dos e
        é ela elas ele eles em então entre era essa esse esta está estão estou este eu fala falar favor foi for gente
        gostaria há isso isto já lá lhe mais mas me mesmo meu minha meus minhas muito na não nas nem no nos nós nossa
        nosso o obrigada obrigado oi olá onde opa os ou para pela pelas pelo pelos poderia por porque posso pode pra
        pro qual quais quando que quem quer quero saber se sei sem ser será seu sua seus suas só sobre sou tá também
        tarde te tem têm tenho ter teu tua ti tinha tudo um uma uns umas vai vão você vocês vou noite queria preciso quanto quanta quantos quantas custa custam
        fazer faz faço fazem algum alguma alguns aí ainda agora alguém aqui""".split()  # noqa: SIM905 — read as a text
    ),
    "en": frozenset(
        """a about am an and any are as at be been but by can could did do does doing don for from get give good had has
        have having hello help hey hi how i if in is it its just know let like me my need no not of on or our out
        please she should so some still tell thank thanks that the their them then there these they this to up us
        want was we were what when where which who why will with would you your""".split()  # noqa: SIM905
    ),
}
# Longest first. What is left has at least three letters.
ENDINGS = {
    "pt-br": sorted(
        """amentos imentos amento imento adoras adores adora ador acoes icoes acao icao cao coes mente avel ivel idades
        idade ancia encia ando endo indo aram eram iram ariam eriam iriam aria eria iria assem essem asse esse amos
        emos imos avam ava ados adas idos idas ado ada ido ida ar er ir am em ou ei iu eu ia a e o""".split(),  # noqa: SIM905
        key=len,
        reverse=True,
    ),
    "en": sorted(
        """ations ation ings ing ments ment edly ed ies ied ly ers er able ible es e y s""".split(),  # noqa: SIM905
        key=len,
        reverse=True,
    ),
}


def language(locale: str) -> str:
    """The language whose words a locale uses."""
    return "en" if locale.lower().startswith("en") else "pt-br"


def fold(text: str) -> str:
    """Small letters without accents, as `public.f_unaccent` makes them."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(one))


def singular(word: str) -> str:
    """A folded word without its plural, as `public.f_pt` makes it."""
    for ending in ("oes", "aes", "aos"):
        if word.endswith(ending):
            return word.removesuffix(ending) + "ao"
    return word.removesuffix("s") if len(word) > 3 else word


@lru_cache(maxsize=65_536)
def stem(word: str, locale: str) -> str:
    """The part of a folded word that its other forms share."""
    if len(word) < 4 or word.isdigit():
        return word
    if locale == "en":
        return _cut(word, "en")
    word = singular(word)
    for ending in ("ai", "al", "ei", "el"):  # especial, especiai(s): one beginning
        if word.endswith(ending) and len(word) > 5:
            return word[:-1]
    if word.endswith(("re", "ze")) and len(word) > 4:  # flore(s), luze(s)
        word = word[:-1]
    if word.endswith("en"):  # image(ns)
        word = word[:-1] + "m"
    return _cut(word, "pt-br")


def _cut(word: str, locale: str) -> str:
    for ending in ENDINGS[locale]:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    if locale == "pt-br" and word.endswith(("gu", "qu")):  # entregue, entregu; fique, fiqu
        word = word[:-1]
    if locale == "en" and len(word) > 3 and word[-1] == word[-2]:  # shipp(ing)
        word = word[:-1]
    return word


STOPPED = {locale: frozenset(fold(word) for word in words) for locale, words in STOP.items()}


def tokens(text: str, locale: str) -> list[str]:
    """Stems of a text in order, without words that say nothing."""
    spoken = language(locale)
    stopped = STOPPED[spoken]
    return [stem(word, spoken) for word in WORD.findall(fold(text)) if word not in stopped and len(word) > 1]


def content(text: str, locale: str) -> list[tuple[str, str]]:
    """Folded words of a question with their stems, each stem once, in order."""
    spoken = language(locale)
    stopped = STOPPED[spoken]
    found: dict[str, str] = {}
    for word in WORD.findall(fold(text)):
        if word not in stopped and len(word) > 1:
            found.setdefault(stem(word, spoken), word)
    return [(word, root) for root, word in found.items()]
