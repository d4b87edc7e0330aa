"""HTML in texts and titles -> what a reader sees of it."""

import re
from collections.abc import Mapping
from html import unescape
from html.entities import html5
from io import StringIO
from math import inf

from dedup.article.elements import BLANKS, DROPPED, ELEMENTS, LINES, PARAGRAPHS

_NAME, _BREAK_NAME = "([a-z][a-z0-9]*+)", "([bh]r|wbr)"

# What begins a word, the signs before it included, but not the s of "<div>s". What ends a word or a sentence, with a
# quotation mark or without, before the tag itself; and what ends a sentence, with a blank behind it.
_BEGINS = r"""(?!'?s\b)["'“‘«„(\[¿¡&#]*+\w"""
_ENDED = r"""(?:(?<=[\w.!?…:;,)\]”’»%]<)|(?<=[\w.!?…:;,)\]”’»%]["']<))"""
_ENDED_APART = r"""(?:(?<=[.!?…]\s<)|(?<=[.!?…]["'”’»]\s<))"""

# Each alternative begins with a tag, no quantifier gives back what it took, and none reads beyond the next tag: the
# time is linear in the characters.
_TOUCHING = re.compile(
    rf"<(?=/?[a-z])(?:{_NAME}[\s/]++[a-z_:@][\w:.@-]*+\s*+="  # the value of an attribute
    rf"|(?<!\w<){_NAME}\s*+/?>{_BEGINS}"  # not in vector<a>b
    rf"|{_BREAK_NAME}\s*+/?>(?:{_BEGINS}|\s*+<br\b)"
    rf"|{_ENDED}(?:/{_NAME}|{_BREAK_NAME}\s*+/?)\s*+>"
    rf"|{_ENDED_APART}{_BREAK_NAME}\s*+/?>)",
    re.IGNORECASE,
)
_OPENS_LINE = re.compile(rf"^[ \t]*+<{_NAME}\s*+>", re.IGNORECASE | re.MULTILINE)
_CLOSES_LINE = re.compile(rf"</{_NAME}\s*+>[ \t\r]*+$", re.IGNORECASE | re.MULTILINE)
_OPENS_PAGE = re.compile(r"\s*+<(?:!--|!doctype\s|\?xml\s|!\[CDATA\[)", re.IGNORECASE)

_REFERENCE = re.compile(r"&(?:#(?:[0-9]{1,8}|x[0-9a-f]{1,8})|[a-z][a-z0-9]{1,31});", re.IGNORECASE)

# Marks of separators, put before their tags: the file, group and record separator of ASCII, which no page has.
_PARAGRAPH, _LINE, _BREAK = _MARKS = "\x1c\x1d\x1e"

_MARK_OF = dict.fromkeys(PARAGRAPHS, _PARAGRAPH) | dict.fromkeys(LINES, _LINE) | dict.fromkeys(BLANKS, " ")
_MARK_OF["br"] = _BREAK
_TAG = re.compile(r"</?([a-z][a-z0-9]*)(?=[\s/>])", re.IGNORECASE)

_ANY_LINE, _SENTENCE_LINE = re.compile(r"\n"), re.compile(r"""(?<=[.!?…"”»])\n""")
_BLANK_LINE = re.compile(rf"\n{_BREAK}?[ \t\f]*+\n")
_BLANKS = re.compile("  +")
_MARKED = re.compile(rf"[{_MARKS}][ {_MARKS}]*")

#: Elements within each other that a text has at most; browsers stop there too. Others are left as they are: the parser
#: looks through all open elements for each end tag.
_MAX_DEPTH = 512

_CHARACTERS_AT_ONCE = 1 << 16


def plain(text: str) -> str:
    r"""Return a text or title without markup; the very same object where it has none.

    Tags go, and so do scripts, styles, comments and what stands in for a video or a frame. A paragraph is followed by a
    blank line; a block, a list item, a row and `<br>` begin a line. Character references that end with a semicolon are
    read in every text, twice because feeds escape twice; so is HTML all of whose tags are escaped.

    A text is HTML if elements of HTML mark it up. Who speaks of a tag sets it off like a word, by blanks, quotes or
    signs; the tags of a page touch what they mark. So evidence is a tag with the value of an attribute (whole or cut
    off); a tag at once before a word, unless it is within one as in ``List<Object>``; an end tag or `<br>` at once
    behind a word or sentence; an element that fills its lines; and, at the very beginning, a comment, document type,
    XML or CDATA. Everything else stays as it is: ``a < b``, ``<NAME>``, ``List<String>``, "the <div> element".

    Notes
    -----
    Linear time and memory. What has more than 512 elements within each other is no page and stays as it is.

    Examples
    --------
    >>> plain("<p>Kim <b>arrives</b> in R&eacute;union&nbsp;&#8211; by train.</p><p>Putin<br>waits.</p>")
    'Kim arrives in Réunion – by train.\n\nPutin\nwaits.'
    >>> plain("How the <div> element works if a < b"), plain("AT&amp;T"), plain("&lt;b&gt;Kim&lt;/b&gt;")
    ('How the <div> element works if a < b', 'AT&T', 'Kim')
    """
    if not may_be_marked_up(text):
        return text
    if _is_html(text):
        return _read(text)
    once = _without_references(text)
    if once is not text and _is_html(once):
        return _read(once)
    return _without_references(once)


def may_be_marked_up(text: str) -> bool:
    """Whether a text has a character without which it has no markup; nearly all have none."""
    return "<" in text or "&" in text


def plain_line(text: str) -> str:
    """Return a title without markup, in which a line break of HTML is a blank; see `plain`.

    Examples
    --------
    >>> plain_line("<b>Kim</b><br>in Russia")
    'Kim in Russia'
    """
    read = plain(text)
    return read if read is text else " ".join(filter(None, map(str.strip, read.split("\n"))))


def _is_html(text: str) -> bool:
    if "<" not in text:
        return False
    touching = (match[match.lastindex or 0].lower() for match in _TOUCHING.finditer(text))
    return bool(_OPENS_PAGE.match(text)) or not ELEMENTS.isdisjoint(touching) or _fills_lines(text)


def _fills_lines(text: str) -> bool:
    """Whether the start tag of an element begins a line, and a later end tag of one of that name ends one."""
    opened: dict[str, int] = {}
    if "</" not in text:
        return False
    for match in _OPENS_LINE.finditer(text):
        if match[1].lower() in ELEMENTS:
            opened.setdefault(match[1].lower(), match.end())
    closed = _CLOSES_LINE.finditer(text) if opened else iter(())
    return any(opened.get(match[1].lower(), inf) <= match.start() for match in closed)


def _without_references(text: str) -> str:
    """A text with its character references read; the same object if it has none."""
    read = _REFERENCE.sub(_referred, text) if "&" in text else text
    return text if read == text else read


def _referred(reference: re.Match[str]) -> str:
    name = reference[0][1:]
    # A number in the range of windows-1252 is a character of that, as HTML has it.
    return (unescape(reference[0]) if name[0] == "#" else html5.get(name, reference[0])).replace("\xa0", " ")


def _read(text: str) -> str:
    """The text of HTML."""
    from lxml.etree import HTMLParser  # only HTML pays for it

    if not text.isascii():  # UTF-8 has no surrogates: a pair is a character, a lone one is none
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    reader = _Reader()
    # Without a limit of libxml2's own: a comment may be longer.
    parser = HTMLParser(target=reader, encoding="utf-8", huge_tree=True)
    marked = _with_marks(text)
    if not marked:  # which the parser refuses
        return ""
    try:
        for first in range(0, len(marked), _CHARACTERS_AT_ONCE):
            parser.feed(marked[first : first + _CHARACTERS_AT_ONCE].encode())
        read = parser.close()
    except _TooDeepError:
        return text
    return _without_references(_with_lines(read))


def _with_marks(text: str) -> str:
    """HTML with a mark before each tag that separates; those in scripts and comments go with them.

    Marks are put in before parsing, since the parser leaves out end tags that end nothing.
    """
    for mark in _MARKS:
        text = text.replace(mark, " ")
    text = text.replace("<![CDATA[", "").replace("]]>", "").replace("\r\n", "\n").replace("\r", "\n")
    marked = _TAG.sub(lambda tag: _MARK_OF.get(tag[1].lower(), "") + tag[0], text)
    # Line breaks of HTML are blanks. But where no tag breaks lines they are what does; and in plain text with some tags
    # in it, lines that end a sentence and blank lines are what they look like.
    lines = _SENTENCE_LINE if any(mark in marked for mark in _MARKS) else _ANY_LINE
    return _BLANK_LINE.sub(f"\n{_PARAGRAPH}\n", lines.sub(f"\n{_BREAK}", marked))


def _with_lines(read: str) -> str:
    """What the parser read, white space as one blank and marks as lines."""
    for blank in "\t\n\r\f\xa0":
        read = read.replace(blank, " ")
    read = _BLANKS.sub(" ", read)
    for mark in _MARKS:
        read = read.replace(f" {mark}", mark)
    return _MARKED.sub(_lines_of, read).strip()


def _lines_of(marks: re.Match[str]) -> str:
    return "\n\n" if _PARAGRAPH in marks[0] or marks[0].count(_BREAK) > 1 else "\n"


class _TooDeepError(Exception):
    """More elements within each other than any page has."""


class _Reader:
    """Collects the text of HTML as the parser reads it."""

    def __init__(self) -> None:
        self._text = StringIO()  # a list of all pieces would take ten times as much
        self._depth = self._dropped = self._preformatted = 0  # elements that are open

    def start(self, name: str, _: Mapping[str, str]) -> None:
        self._count(name, 1)
        if self._depth > _MAX_DEPTH:
            raise _TooDeepError

    def end(self, name: str) -> None:
        self._count(name, -1)

    def data(self, text: str) -> None:
        if not self._dropped:
            self._text.write(text.replace("\n", _BREAK) if self._preformatted else text)

    def close(self) -> str:
        return self._text.getvalue()

    def _count(self, name: str, step: int) -> None:
        self._depth += step
        self._dropped += step * (name in DROPPED)
        self._preformatted += step * (name == "pre")
