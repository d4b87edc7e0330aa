"""Plain texts -> HTML that says the same, as feeds write it."""

from html import escape

# What feeds put around and between paragraphs, of which nothing is text of the article.
BESIDE = (
    '<script async src="https://ads.example/a.js?x=1&y=2">if (a<b) document.write("<p>Ad</p>");</script>',
    '<img src="https://img.example/1.jpg" alt="Kim waves" width="600"/>',
    '<!-- wp:paragraph {"dropCap":true} --><style>p > a { color: red }</style>',
    '<iframe src="https://video.example/1" /><noscript>Please enable JavaScript.</noscript>',
)
NAMED = {
    "é": "&eacute;",
    "É": "&Eacute;",
    "ü": "&uuml;",
    "—": "&mdash;",
    "’": "&rsquo;",
    "“": "&#8220;",
    "”": "&#x201d;",
}


def as_html(text, number=0):
    """HTML of which `dedup.article.markup.plain` is the text again, but for no-break spaces."""
    paragraphs = []
    for place, paragraph in enumerate(text.split("\n\n"), number):
        words = escape(paragraph, quote=False).replace("\n", "<br />").split(" ")
        if len(words) > 3:
            words[1] = f'<a href="https://site.example/?a=1&copy=2" title="a > b">{words[1]}</a>'
            words[-2] = f"<STRONG>{words[-2]}</STRONG>"
        inner = "&nbsp;".join(words[:2]) + "\n  " + " ".join(words[2:]) if len(words) > 3 else " ".join(words)
        inner = "".join(NAMED.get(character, character) for character in inner)
        paragraphs.append(f'<p class="c{place}">{inner}</p>{BESIDE[place % len(BESIDE)]}')
    return "<div>\n" + "\n".join(paragraphs) + "\n</div>"
