"""The text of an XML feed -> bytes that feedparser reads exactly, and in time that grows with their length.

feedparser first takes a strict parser, then, for XML that is not well-formed, one that guesses. What most feeds have
wrong is mended here, so that the strict one reads them. It also looks for addresses in the names of people, and for
each category among all others, in time that grows with the square of the length: these elements get names that it does
not know, under which it keeps what they say.
"""

import re
from html import unescape
from html.entities import html5
from xml.sax.saxutils import escape

#: Before the name of a person's element, with its number in the feed: "x3-author".
PERSON = re.compile(r"(?:^|_)x(\d+)-(?:author|creator|name)$")
#: What feedparser calls <media:title> and <media:description>, which it would mix up with those of the entry.
MEDIA_TITLE, MEDIA_TEXT = "media_x-title", "media_x-description"

_KINDS = ("rss", "feed", "rdf", "channel")
_NO_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DOCTYPE_END = re.compile(r"\]\s*>")
_NAMESPACE = re.compile(r"\bxmlns:([\w.-]+)")
_MAX_NAMESPACES = 1_000  # feedparser looks at all of them for each element
_ROOT = re.compile(r"[A-Za-z_][\w.:-]*")
_TOKEN = re.compile(
    r"(?P<kept><!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z))"
    r"|<(?P<close>/?)(?P<prefix>(?:[\w.-]+:)?)(?i:(?P<person>author|creator|name)|(?P<contributor>contributor)"
    r"|(?P<slow>category|keywords|managingeditor|owner|publisher|subject|tags|webmaster)"
    r"|(?<=media:)(?P<media>title|description))(?=[\s/>])(?P<rest>[^<>]*)>"
    r"|&(?!(?:amp|lt|gt|quot|apos);)(?P<entity>(?:\#\d{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]*);)?",
    re.DOTALL,
)


def repaired(text: str) -> bytes:
    """Return XML from its first element on, in UTF-8, with what is said above; raise ValueError when it is no feed."""
    root, start = _root_of(text, text.find("<"))
    kind = _kind_of(root)
    if kind not in _KINDS and (declared := text.find("<?xml", start)) >= 0:  # behind what a program had to say
        behind, place = _root_of(text, declared)
        if _kind_of(behind) in _KINDS:
            root, kind, start = behind, _kind_of(behind), place
    if kind not in _KINDS:
        what = "an HTML page" if kind in ("html", "head", "body") else f"XML that begins with <{root}>"
        raise ValueError(f"it is {what if root else 'no XML'}")
    if len(set(_NAMESPACE.findall(text))) > _MAX_NAMESPACES:
        raise ValueError(f"it has more than {_MAX_NAMESPACES:,} namespaces")
    body = _TOKEN.sub(_Renaming(), _NO_XML.sub("", text[start:]))
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + body.encode("utf-8")


def _kind_of(root: str) -> str:
    return root.rpartition(":")[2].lower()


def _root_of(text: str, place: int) -> tuple[str, int]:
    """Return the name of the first element from a place on, and where it begins; "" and the end if there is none.

    What stands before it is skipped, and with it the declarations of entities: those that stand for others can make
    gigabytes of a page.
    """
    while place >= 0:
        if found := _ROOT.match(text, place + 1):
            return found[0], place
        if text.startswith("<!--", place):
            place = text.find("-->", place)
        elif text.startswith("<?", place):
            place = text.find("?>", place)
        elif text[place : place + 9].lower() == "<!doctype":
            place = _behind_doctype(text, place)
        else:
            place += 1
        place = text.find("<", place) if place >= 0 else place
    return "", len(text)


def _behind_doctype(text: str, place: int) -> int:
    end = text.find(">", place)
    subset = text.find("[", place, end) if end >= 0 else -1
    if subset < 0:
        return end
    found = _DOCTYPE_END.search(text, subset)
    return found.end() if found else -1


class _Renaming:
    """The text that takes the place of a match of `_TOKEN`; it numbers people, and leaves out contributors."""

    def __init__(self) -> None:
        self._count = 0
        self._numbers: dict[str, int] = {}
        self._contributes = False

    def __call__(self, found: re.Match[str]) -> str:
        if found["kept"] is not None:
            return found[0]
        if found["rest"] is None:
            return _character(found["entity"])
        if found["contributor"]:
            self._contributes = not found["close"] and not found["rest"].endswith("/")
            return found[0]
        name = found["person"] or found["media"] or found["slow"]
        mark = "x"
        if found["person"]:
            if self._contributes and name.lower() == "name":
                return found[0]
            if not found["close"]:
                self._count += 1
                self._numbers[name] = self._count
            mark = f"x{self._numbers.get(name, 0)}"
        rest = found["rest"]
        if "xmlns" not in rest:  # with attributes, feedparser would keep these alone
            rest = "/" if rest.endswith("/") else ""
        return f"<{found['close']}{found['prefix']}{mark}-{name.lower()}{rest}>"


def _character(entity: str | None) -> str:
    """Return what an entity of HTML or a number stands for; an ampersand alone stands for itself."""
    if entity is None:
        return "&amp;"
    text = unescape(f"&{entity}") if entity[0] == "#" else html5.get(entity, f"&{entity}")
    return escape(_NO_XML.sub("", text))
