"""URLs of articles: the canonical form, which is the same for all forms under which one page comes."""

import re
from functools import lru_cache
from unicodedata import normalize

from dedup.wording import short_repr

# Names of parameters, in lower case, by who adds them. They say how a reader came, or how a page is shown.
_TRACKING = {
    "Google": "_ga _gac _gid _gl dclid gad_source gbraid gclid gclsrc srsltid wbraid",
    "other advertisers": "dicbo epik fbclid igsh igshid irclickid li_fat_id mibextid msclkid oborigurl rdt_cid tblci "
    "ttclid twclid wickedid yclid ysclid zanpid",
    "networks": "__twitter_impression _branch_match_id action_object_map action_ref_map action_type_map hss_channel "
    "trk trkcampaign wprov",
    "newsletters": "__hsfp __hssc __hstc __s _hsenc _hsmi ck_subscriber_id dm_i hsctatracking isfreemail mkt_tok",
    "measurement": "_openstat ef_id mkwid n_cid ncid rb_clickid s_cid s_kwcid scm spm sr_share xtor",
    "publishers": "accesstoken cmp cmpid cmpld cvid embedded-checkout emc eref feedname feedtype ftcamp guccounter hpt "
    "icid intcmp intlink_from_url iref itid ito leadsource maca noredirect ocid partnerref pinned_post_asset_id "
    "pinned_post_locator pinned_post_type recirc ref_src ref_url referringsource reflink rss searchresultposition "
    "sharetype smid smtyp soc_src soc_trk sref srnd ssm taid traffic_source triedredirect tsrc unlocked_article_code "
    "wpisrc wpmm _rss .tsrc",
    "AMP": "_amp amp amp_gsa amp_js_v amphtml isamp noamp nonamp usqp",
    "programs of sites": "doing_wp_cron jsessionid phpsessid replytocom",
}
TRACKING = frozenset(name for names in _TRACKING.values() for name in names.split())

#: The same for all parameters whose name begins like this.
TRACKING_PREFIXES = (
    *("at_", "fb_", "ga_", "gaa_", "guce_", "hsa_", "lmd_", "matomo_", "mc_", "mtm_", "ns_", "oly_"),
    *("piwik_", "pk_", "sara_", "sfmc_", "utm_", "vero_", "wt.", "wt_", "wtmc_"),
)

#: Parameters that may say which page it is: they are left out where the value is a channel or the name of a site.
CHANNEL_PARAMETERS = frozenset(
    (
        *("cid", "from", "feature", "mbid", "medium", "mod", "partner"),
        *("ref", "referer", "referrer", "share", "source", "src", "via"),
    )
)

#: Channels by which readers come, as values say them: alone or before a hyphen or an underscore.
CHANNELS = frozenset(
    (
        *("app", "atom", "email", "feed", "feeds", "mail", "newsletter", "push", "rss", "rss2", "share", "social"),
        *("facebook", "fb", "flipboard", "google", "googlenews", "instagram", "linkedin", "reddit", "telegram"),
        *("threads", "twitter", "whatsapp"),
    )
)

#: Parameters that are left out where the value is "amp".
VIEW_PARAMETERS = frozenset(("format", "layout", "mode", "output", "outputtype", "type", "variant", "view"))

#: Parts of a host, before its last two, that do not tell pages apart.
HOST_LABELS = frozenset(("www", "www1", "www2", "www3", "m", "mobile", "amp", "wap"))

_START = re.compile(r"(?:https?:)?//|(?=www\.)", re.IGNORECASE)
_AUTHORITY = re.compile(r"[^/?#]*")
_HOST = re.compile(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])")
_PORT = re.compile(r":([0-9]{0,5})\Z")
_SITE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}")

# RFC 3986: an escape, or a character that must be one. What is reserved stays as it was written.
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~!$&'()*+,;=:@/?-]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

_AMPERSAND = re.compile(r"\A(?:amp;)+")
_SESSION = re.compile(r";jsessionid=.*", re.IGNORECASE | re.DOTALL)
_INDEX = re.compile(r"(?:index|default)\.(?:html?|php|aspx?|jsp|shtml|cfm)|amp(?:\.?html?)?", re.IGNORECASE)
_AMP_NAMES = frozenset(("amp", "amphtml"))
_AMP_CACHES = (".cdn.ampproject.org", ".bing-amp.com")
# At the end of a file name, and before what else may be there. The lookbehind lets a run be tried once only.
_AMP_ENDS = tuple(re.compile(rf"(?<![.~]amp)(?:[.~]amp)++{end}") for end in (r"\Z", r"(?=\.html?\Z)"))

# Longer hosts, and parts of hosts, are not allowed in DNS.
_LONGEST_AUTHORITY, _LONGEST_LABEL = 255, 63


def canonical_url(url: str) -> str:
    """The form that all URLs of one page have in common.

    Parameters
    ----------
    url : str

    Returns
    -------
    str
        It begins with ``https://``. What is no URL of the web, as it has another scheme or no host, comes back without
        the white space around it.

    Raises
    ------
    TypeError
        For something else than a str.

    Notes
    -----
    ==================  ================================================================================
    part                what is done
    ==================  ================================================================================
    scheme              https for http and for none, before ``//`` or ``www.``
    user, port          left out; other ports than 80 and 443 stay
    host                lower case, in Punycode; without www., m., mobile., amp., wap. and a dot behind it
    AMP caches          of Google, Bing and ampproject.org: the page that they show
    path                without ``/amp``, ``.amp``, ``~amp``, ``index.html``, session ids, dot segments, doubled slashes
                        and the last slash; the case stays
    parameters          without those that say how a reader came (utm_source, fbclid, xtor) and empty ones; by name
    fragment            left out, unless it begins with ``#!`` or ``#/``
    percent-encoding    as short as can be, in capitals; %20 for + among parameters
    ==================  ================================================================================

    The canonical form of a canonical form is itself. ``docs/how-to/urls.md`` has examples, and all names of parameters.

    Examples
    --------
    >>> canonical_url("http://www.example.com/news/Kim-in-Russia/?utm_source=rss&id=7#comments")
    'https://example.com/news/Kim-in-Russia?id=7'
    >>> canonical_url("https://www.google.com/amp/s/amp.example.com/news/Kim-in-Russia.amp.html")
    'https://example.com/news/Kim-in-Russia.html'
    >>> canonical_url(" tag:example.com,2023:7 ")
    'tag:example.com,2023:7'
    """
    if not isinstance(url, str):
        raise TypeError(f"url is {short_repr(url)}; allowed: str")
    stripped = url.strip()
    return _canonical(stripped) or stripped


def _canonical(url: str) -> str | None:
    """The canonical form of a URL of the web; None for what is none."""
    text = url.replace("\n", "").replace("\r", "").replace("\t", "")  # as browsers do
    start = _START.match(text)
    authority = start and _AUTHORITY.match(text, start.end())
    host = authority and _host_of(authority[0])
    if not authority or not host:
        return None
    rest, _, fragment = text[authority.end() :].partition("#")
    path, _, query = rest.partition("?")
    host, segments = _without_beginning(host, _without_end(_segments_of(path)))
    path = "/".join(["", *segments]) or "/"
    query = "&".join(_parameters_of(query))
    fragment = _escaped(fragment) if fragment.startswith(("!", "/")) and fragment.strip("!/") else ""
    return f"https://{host}{path}{query and '?'}{query}{fragment and '#'}{fragment}"


def page_of(source: str | None, url: str | None) -> tuple[str, str] | None:
    """What all versions of one page of a source have in common, and nothing else has: the source and the canonical URL.

    None where the URL identifies no page: without one, for what is no URL of the web, and for the front page of a site.

    Examples
    --------
    >>> page_of("Le Site", "http://m.example.com/kim/?utm_source=rss")
    ('Le Site', 'https://example.com/kim')
    >>> page_of("Le Site", "https://www.example.com/index.html")
    """
    canonical = _canonical(url.strip()) if url else None
    if canonical is None or (canonical.endswith("/") and canonical.count("/") == len("///")):
        return None
    return source or "", canonical


@lru_cache(maxsize=4096)  # a batch has few hosts
def _host_of(authority: str) -> str | None:
    """Host and port of an authority, in their canonical form; None when it has no host that DNS would allow."""
    if len(authority) > _LONGEST_AUTHORITY:
        return None
    name = normalize("NFC", authority.rpartition("@")[2].lower())
    port = _PORT.search(name)
    if port:
        name = name[: port.start()]
    labels = [_in_ascii(label) for label in name.removesuffix(".").split(".")]
    labels = [label for label in labels[:-2] if label not in HOST_LABELS] + labels[-2:]
    name = ".".join(labels)
    if not _HOST.fullmatch(name):
        return None
    number = int(port[1]) if port and port[1] else 443
    return name if number in (80, 443) else f"{name}:{number}"


def _in_ascii(label: str) -> str:
    """A part of a host as DNS has it; one that is too long stays, and is no host's."""
    if label.isascii() or len(label) > _LONGEST_LABEL:
        return label
    return "xn--" + label.encode("punycode").decode("ascii")


def _segments_of(path: str) -> list[str]:
    """The parts of a path between its slashes, without empty ones and dot segments."""
    segments: list[str] = []
    for segment in _escaped(path).split("/"):
        name = _SESSION.sub("", segment) if ";" in segment else segment
        if name == "..":
            del segments[-1:]
        elif name not in ("", "."):
            segments.append(name)
    return segments


def _without_end(segments: list[str]) -> list[str]:
    """A path without last names that stand for their folder, or for the AMP view of their page."""
    left = list(segments)
    while left:
        left[-1] = _without_amp(left[-1])
        if left[-1] not in ("", ".", "..") and not _INDEX.fullmatch(left[-1]):
            break
        left.pop()
    return left


def _without_beginning(host: str, segments: list[str]) -> tuple[str, list[str]]:
    """Host and path without "amp" as a name, and without a cache of AMP pages, of which one may show another."""
    if _AMP_NAMES.isdisjoint(segments) and not f".{host}".endswith(_AMP_CACHES):
        return host, segments  # nearly all
    names = [name for name in segments if name not in _AMP_NAMES]
    pairs = zip(["", *segments], segments, strict=False)
    is_behind_amp = [before in _AMP_NAMES for before, name in pairs if name not in _AMP_NAMES]
    start = 0
    while start < len(names):
        if host.startswith("google.") or host == "bing.com":
            is_cache, at = is_behind_amp[start], start
        else:
            is_cache = f".{host}".endswith(_AMP_CACHES) and names[start] in ("c", "v")
            at = start + 1
        if names[at : at + 1] == ["s"]:
            at += 1
        shown = _host_of(names[at]) if is_cache and at < len(names) else None
        if not shown or "." not in shown:
            break
        host, start = shown, at + 1
    return host, names[start:]


def _without_amp(name: str) -> str:
    """A file name without ".amp" or "~amp", which may have an ending behind it."""
    if "amp" in name:
        for end in _AMP_ENDS:
            name = end.sub("", name)
    return name


def _parameters_of(query: str) -> list[str]:
    """The parameters that tell pages apart, by name."""
    kept = []
    for written in _escaped(query.replace("+", "%20")).split("&"):
        # "&" in HTML is "&amp;", which feeds and scrapers leave in.
        parameter = _AMPERSAND.sub("", written) if written.startswith("amp;") else written
        name, equals, value = parameter.partition("=")
        if name and (value or not equals) and not _is_tracking(name.lower(), value.lower()):
            kept.append((name, parameter))
    kept.sort(key=lambda pair: pair[0])  # stable: the order of values of one name may matter
    return [parameter for _, parameter in kept]


def _is_tracking(name: str, value: str) -> bool:
    """Whether a parameter says how a reader came or how a page is shown, and not which page it is."""
    if name in TRACKING or name.startswith(TRACKING_PREFIXES):
        return True
    if name in VIEW_PARAMETERS:
        return value == "amp"
    if name not in CHANNEL_PARAMETERS:
        return False
    return value.replace("_", "-").partition("-")[0] in CHANNELS or _SITE.fullmatch(value) is not None


def _escaped(text: str) -> str:
    """Text with percent-encoding where it is needed, and only there."""
    return _ESCAPE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    written = found[0]
    if len(written) == 1:
        return "".join(f"%{byte:02X}" for byte in written.encode("utf-8", "surrogatepass"))
    character = chr(int(written[1:], 16))
    return character if character in _UNRESERVED else written.upper()
