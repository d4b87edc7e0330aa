"""The elements of HTML, in use and obsolete, and what they mean for the text of a page."""


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


#: All elements. What stands between < and > and is none of them is a word.
ELEMENTS = _names(
    """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br button
    canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed
    fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe
    img input ins kbd label legend li link main map mark marquee math menu meta meter nav nobr noembed noframes
    noscript object ol optgroup option output p param picture pre progress q rb rp rt rtc ruby s samp script search
    section select small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th
    thead time title tr track tt u ul var video wbr
    """
)

#: Elements with a blank line before and behind them.
PARAGRAPHS = _names("blockquote figure h1 h2 h3 h4 h5 h6 hr p pre")

#: Elements that begin a line, and end one; `br` is a line break itself.
LINES = _names(
    """
    address article aside body caption center dd details dialog dir div dl dt fieldset figcaption footer form frameset
    head header hgroup html legend li main menu nav ol optgroup option search section summary table tbody tfoot thead
    title tr ul
    """
)

#: Elements within a line that are apart from the words beside them: cells, pictures, what a form has.
BLANKS = _names("audio button canvas embed iframe img input object picture select svg td textarea th video")

#: Elements whose content is no text of the page, or is shown only where something else cannot be.
DROPPED = _names(
    """
    audio canvas datalist iframe noembed noframes noscript object rp rt rtc script select style svg template textarea
    video
    """
)
