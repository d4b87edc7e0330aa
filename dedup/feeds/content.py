"""What users have a feed in -> its bytes, and those -> text."""

import codecs
import gzip
import io
import os
import re
import zlib
from typing import Any

from dedup.wording import short_repr

#: Most bytes of a feed, unpacked. A feed of a day's news has a hundredth; larger inputs come as lines of JSON.
MAX_BYTES = 100_000_000
ALLOWED = "allowed: RSS, RDF, Atom, JSON Feed, or JSON with a list of articles"

_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = ((b"<\0\0\0", "utf-32-le"), (b"\0\0\0<", "utf-32-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\bencoding\s*=\s*['"]([A-Za-z][\w.:-]*)['"]""")
# Python knows others, of which some ("punycode") need time that grows with the square of the length.
_KNOWN = re.compile(
    r"(x-)?(ascii|big5|cp\d|euc|gb|iso-?2022|iso-?8859|koi8|latin|mac|shift|sjis|tis|us-ascii|utf-?(8|16|32)|windows)"
    r"[\w.:-]*",
    re.IGNORECASE,
)


def content_of(feed: Any) -> tuple[str, bytes]:
    """Return what messages call a feed, and its bytes, unpacked when they are gzipped.

    Raise OSError for a file that cannot be read, TypeError or ValueError for what is not allowed.
    """
    if isinstance(feed, bytes | bytearray | memoryview):
        name, data = "the feed", bytes(feed)
    elif isinstance(feed, str | os.PathLike):
        name = os.fsdecode(feed)
        _require_path(name)
        with open(feed, "rb") as file:
            data = _read(file, name)
    elif hasattr(feed, "read"):
        own = getattr(feed, "name", None)
        name = own if isinstance(own, str) else "the feed"
        data = _read(feed, name)
    else:
        allowed = "allowed: a path, bytes, a file opened as binary, or what feedparser or json made of one"
        raise TypeError(f"feed is {short_repr(feed)}; {allowed}")
    if data[:2] == _GZIP:
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = _read(packed, name)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{name}: it is gzipped and cannot be unpacked: {error}") from error
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name}: it has more than {MAX_BYTES:,} bytes; allowed: at most so many")
    return name, data


def _require_path(name: str) -> None:
    if re.match(r"\s*[<{\[]", name):
        raise ValueError(f"feed is {short_repr(name)}; allowed: a path; a feed itself as bytes, as feed.encode()")
    if re.match(r"https?://", name, re.IGNORECASE):
        fetched = "as urllib.request.urlopen(...).read(); examples/rss_ingest.py does more"
        raise ValueError(
            f"feed is {short_repr(name)}; allowed: a path; what is at a URL is for you to fetch, {fetched}"
        )


def _read(file: Any, name: str) -> bytes:
    """Read a file to its end, or to where it is too long."""
    pieces, length = [], 0
    while length <= MAX_BYTES and (piece := file.read(1 << 20)):
        if not isinstance(piece, bytes):
            raise TypeError(f"{name}: it is opened as text; allowed: a file opened as binary")
        pieces.append(piece)
        length += len(piece)
    return b"".join(pieces)


def text_of(data: bytes) -> str:
    """Decode XML: by its mark, as UTF-8 if that is what it is, as it says itself, or with replacements."""
    for marks in (_MARKS, _UNMARKED):
        for mark, encoding in marks:
            if data.startswith(mark):
                return data.decode(encoding, "replace").removeprefix("\ufeff")
    found = _DECLARED.match(data[:1024])
    declared = found[1].decode("ascii", "replace") if found else "utf-8"
    # Feeds that are UTF-8 and say otherwise are common. No other text happens to be UTF-8, save what has seven bits.
    seven_bits = declared.lower().startswith("iso-2022")
    for encoding in (declared, "utf-8") if seven_bits else ("utf-8", declared):
        if _KNOWN.fullmatch(encoding):
            try:
                return data.decode(encoding)
            except (UnicodeError, LookupError):
                continue
    text = data.decode("utf-8", "replace")
    others = len(text) - len(text.encode("ascii", "ignore"))
    return text if 2 * text.count("\ufffd") < others else data.decode("windows-1252", "replace")
