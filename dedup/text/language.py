"""The language of a text: as it is told, or guessed by its stop words."""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import stopwordsiso
from scipy.sparse import csr_array

from dedup.arrays import AnyIntegers, Integers
from dedup.parameters import Fold
from dedup.sorted_keys import SortedKeys
from dedup.text.stopwords import stop_word_hashes
from dedup.text.tokens import Tokens, blocks, tokenize

#: The best language needs this score and must exceed the second by this factor. One word is not enough: Kim is a stop
#: word of Turkish.
_MIN_SCORE, _MIN_LEAD = 1.5, 1.25

#: A text is as long for a guess: its first words tell, and all words of long texts would take long.
_WORDS = 100

#: Numbers of languages have so many bits; 0 is that of an unknown one.
LANGUAGE_BITS = 10

_LETTERS = re.compile(r"\s*([A-Za-z]+)")

# ISO 639-1 codes with those of three letters that mean the same.
_LONG_CODES = """
af:afr am:amh ar:ara az:aze be:bel bg:bul bn:ben br:bre bs:bos ca:cat cs:ces,cze cy:cym,wel da:dan de:deu,ger
el:ell,gre en:eng eo:epo es:spa et:est eu:eus,baq fa:fas,per fi:fin fr:fra,fre ga:gle gl:glg gu:guj ha:hau he:heb
hi:hin hr:hrv hu:hun hy:hye,arm id:ind is:isl,ice it:ita ja:jpn ka:kat,geo kk:kaz km:khm kn:kan ko:kor ku:kur la:lat
lo:lao lt:lit lv:lav mk:mkd,mac ml:mal mn:mon mr:mar ms:msa,may my:mya,bur ne:nep nl:nld,dut no:nor pa:pan pl:pol
ps:pus pt:por ro:ron,rum ru:rus si:sin sk:slk,slo sl:slv so:som sq:sqi,alb sr:srp st:sot sv:swe sw:swa ta:tam te:tel
th:tha tl:tgl,fil tr:tur uk:ukr ur:urd uz:uzb vi:vie yo:yor zh:zho,chi,cmn zu:zul
"""


def guess_languages(texts: Sequence[str], fold: Fold = "unidecode") -> list[str | None]:
    """Return the ISO 639-1 code of each text's language, None where its stop words do not decide.

    A stop word adds 1 / n to the score of each of the n languages that list it.

    Examples
    --------
    >>> guess_languages(["Ким Чен Ын прибыл в Россию, но он не сказал зачем", "The train is on its way", "Kim 2023"])
    ['ru', 'en', None]
    """
    stop_words, codes = SortedKeys(stop_word_hashes(fold), 64), [*_codes(), None]
    found: list[str | None] = []
    for block in blocks(texts):
        tokens = tokenize(texts[block], fold)
        found += [codes[i] for i in _guessed(tokens, stop_words.find(tokens.hashes)).tolist()]
    return found


def language_number(name: str | None) -> int:
    """Return the number of a language by its code of two or three letters; 0 for other names and None.

    Examples
    --------
    >>> language_number("fr") == language_number("fra") == language_number("fr-CA") > 0
    True
    >>> language_number("French"), language_number(None)
    (0, 0)
    """
    letters = _LETTERS.match(name or "")
    code = letters[1].lower() if letters else ""
    code = _short_codes().get(code, code)
    return 1 + 26 * (ord(code[0]) - ord("a")) + ord(code[1]) - ord("a") if len(code) == 2 else 0


def language_numbers(names: Sequence[str | None], tokens: Tokens, stop_words: AnyIntegers) -> Integers:
    """Return the numbers of the languages of a block of texts: of the names, or else as guessed, or else 0.

    `stop_words` has the position of each token among the stop words of all languages, -1 for other tokens.

    Examples
    --------
    >>> tokens = tokenize(["Le train", "Les ministres se sont réunis pour parler de la ville", "Kim"])
    >>> stop_words = SortedKeys(stop_word_hashes(), 64).find(tokens.hashes)
    >>> language_numbers(["fr", None, None], tokens, stop_words).tolist() == [language_number("fr")] * 2 + [0]
    True
    """
    told = np.array([language_number(name) for name in names], dtype=np.int64)
    if told.all():
        return told
    numbers = np.array([*map(language_number, _codes()), 0], dtype=np.int64)
    return np.where(told > 0, told, numbers[_guessed(tokens, stop_words)])


def _guessed(tokens: Tokens, stop_words: AnyIntegers) -> Integers:
    """Position of the language of each text among `_codes`, -1 for an unknown one."""
    sizes = np.minimum(np.diff(tokens.offsets), _WORDS)
    text = np.repeat(np.arange(len(sizes)), sizes)
    words = stop_words[np.arange(len(text)) + (tokens.offsets[:-1] - (np.cumsum(sizes) - sizes))[text]]
    listed = np.flatnonzero(words >= 0)
    weights = _stop_word_weights(tokens.fold)
    cells = (np.ones(len(listed)), (text[listed], words[listed]))
    scores = (csr_array(cells, shape=(len(tokens.offsets) - 1, weights.shape[0])) @ weights).toarray()
    second, best = np.sort(scores, axis=1)[:, -2:].T
    return np.where((best >= _MIN_SCORE) & (best >= _MIN_LEAD * second), scores.argmax(axis=1), -1)


@cache
def _codes() -> list[str]:
    return sorted(stopwordsiso.langs())


@cache
def _short_codes() -> dict[str, str]:
    pairs = (pair.split(":") for pair in _LONG_CODES.split())
    return {long: short for short, codes in pairs for long in codes.split(",")}


@cache
def _stop_word_weights(fold: Fold) -> csr_array:
    """The weight of each stop word of `stop_word_hashes` for each language, shape (n_words, n_languages)."""
    parts = []
    for code in _codes():
        tokens = tokenize(sorted(stopwordsiso.stopwords(code)), fold)
        # Words of a phrase belong to any language, but for characters, of which words consist.
        whole = (np.diff(tokens.offsets)[tokens.text_indices] == 1) | tokens.unspaced
        parts.append(np.unique(tokens.hashes[whole]))
    hashes = stop_word_hashes(fold)
    place = np.searchsorted(hashes, np.concatenate(parts))
    language = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    count = np.bincount(place, minlength=len(hashes))
    return csr_array((1 / count[place], (place, language)), shape=(len(hashes), len(parts)))
