"""The URL of a database, which may hold a password: whether a path means one, and what messages call it."""

import os
import re
from pathlib import Path

_ALLOWED = (
    "allowed: a file, or postgresql://user:password@host:port/database, where other characters than letters, digits, "
    "'-', '.', '_' and '~' are percent-encoded in user and password, as / by %2F and @ by %40"
)
_SCHEMES = ("postgresql", "postgres")

# A drive of Windows is no scheme.
_LIKE_A_URL = re.compile(r"\s*(?![A-Za-z]:[\\/])([A-Za-z][A-Za-z0-9+.-]*):(//|.*@)", re.DOTALL)
_LIKE_OURS = re.compile(rf"\s*({'|'.join(_SCHEMES)})\s*:", re.IGNORECASE)

# libpq reads more than this, and its errors quote what it takes for a host, a port or a database: of a password with a
# plain "/" or "@", parts of it.
_PART, _HOST = r"[\w.~%!$&'()*+,;=-]*", r"([\w.%-]*|\[[0-9A-Fa-f:.]+\])(:\d*)?"
_URL = re.compile(
    rf"({'|'.join(_SCHEMES)})://({_PART}(:[\w.~%!$&'()*+,;=:-]*)?@)?{_HOST}(,{_HOST})*(/[^/?@#\s]*)?(\?[^#\s]*)?"
)


def is_url(path: str | Path) -> bool:
    """Return whether it is the URL of a database; refuse what looks like one and is none, without quoting it.

    Examples
    --------
    >>> is_url("postgresql://localhost/news"), is_url("stories.db")
    (True, False)
    """
    if not isinstance(path, str):
        return False
    looks = _LIKE_A_URL.match(path)
    if looks is None and _LIKE_OURS.match(path) is None:
        return False
    if looks and looks[2] == "//" and looks[1].lower() not in _SCHEMES and "@" not in looks[1]:
        raise ValueError(f"the path begins with '{looks[1]}://'; {_ALLOWED}")
    if _URL.fullmatch(path) is None:
        raise ValueError(f"the path looks like the URL of a database and is none; {_ALLOWED}")
    return True


def name_of(url: str) -> str:
    """Return what messages call a database; what the URL leaves out is that of libpq: a service, the environment.

    Examples
    --------
    >>> name_of("postgresql://ingest:secret@db.example.org/news")
    "PostgreSQL database 'news' on db.example.org"
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:  # its message may quote a password that was not encoded
        raise ValueError(f"the path is no PostgreSQL URL; {_ALLOWED}") from None
    service = parts.get("service") or os.environ.get("PGSERVICE")
    if service and not parts.get("dbname"):
        return f"PostgreSQL database of the service {service!r}"
    database = parts.get("dbname") or os.environ.get("PGDATABASE", "")
    return f"PostgreSQL database {database!r} on {parts.get('host') or os.environ.get('PGHOST') or 'this machine'}"
