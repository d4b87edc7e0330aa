"""What must hold for any articles at all, from bytes that a fuzzer or hypothesis makes up."""

import unicodedata

import numpy as np

import dedup
import dedup.clusterer
import dedup.index
from dedup.article import of_plain, read_articles
from dedup.near.shingles import shingle_hashes
from dedup.text.tokens import tokenize

THRESHOLD = 0.7
CODECS = ("utf-8", "utf-16-le", "utf-32-le", "latin-1")  # any but the last let surrogates through
NEXT_ARTICLE, END_OF_TITLE, AGAIN = "\x1e", "\x1f", "\x1d"
MAX_ARTICLES, MAX_REPEATS = 8, 300


def articles_of(data):
    """Up to eight articles: the first byte says how the others are read, and three controls structure them.

    ``AGAIN`` and a character repeat what stands before, as often as the character's number says; an article that is
    nothing but ``AGAIN`` is the one before it.
    """
    codec = CODECS[data[0] % len(CODECS)] if data else "utf-8"
    text = _decoded(data[1:], codec)
    articles = []
    for number, part in enumerate(text.split(NEXT_ARTICLE)[:MAX_ARTICLES]):
        if part == AGAIN and articles:
            articles.append(articles[-1] | {"id": str(number)})
            continue
        title, _, body = part.rpartition(END_OF_TITLE)
        before, again, behind = body.partition(AGAIN)
        body = before * (ord(behind[0]) % MAX_REPEATS) + behind[1:] if again and behind else before
        articles.append({"id": str(number), "text": body, "title": title})
    return articles


def _decoded(data, codec):
    if codec == "latin-1":
        return data.decode(codec)
    try:
        return data.decode(codec, "surrogatepass")
    except UnicodeDecodeError:
        return data.decode(codec, "ignore")


def check(articles):
    """Run the whole text front over articles with ids; an AssertionError or any other error is a finding."""
    batch = read_articles(articles)
    texts = [article.full_text for article in batch.articles]
    blank = check_tokens(texts)
    check_near_duplicates(articles, texts, blank)
    check_stories(articles, texts, blank)
    check_index(articles, texts, blank)


def check_tokens(texts):
    """Which texts are blank, once tokens and shingles have been looked at."""
    tokens = tokenize(texts)
    assert len(tokens.starts) == len(tokens.stops) == len(tokens.hashes) == tokens.offsets[-1]
    assert (tokens.starts < tokens.stops).all()
    assert (np.diff(tokens.starts) > 0).all()
    shingles = shingle_hashes(tokens, 5)
    for i, text in enumerate(texts):
        own = slice(*tokens.offsets[i : i + 2])
        alone = tokenize([text])
        assert alone.hashes.tolist() == tokens.hashes[own].tolist()
        assert shingle_hashes(alone, 5).tolist() == shingles[own].tolist()
    return [not len(tokenize([json_text(text)]).hashes) and not any(map(is_visible, json_text(text))) for text in texts]


def is_visible(character):
    """Whether a character tells texts without words apart: punctuation, symbols, what is unassigned, tags of flags."""
    category = unicodedata.category(character)
    return category[0] in "PS" or category in {"Co", "Cn"} or "\U000e0020" <= character <= "\U000e007f"


def check_near_duplicates(articles, texts, blank):
    found = dedup.near_duplicates(articles, threshold=THRESHOLD, n_jobs=1)
    check_labels(found.labels, len(texts))
    assert (found.pairs[:, 0] < found.pairs[:, 1]).all()
    assert ((found.jaccard >= THRESHOLD) & (found.jaccard <= 1)).all()
    check_copies(found.labels.tolist(), texts, blank)
    turned = dedup.near_duplicates(articles[::-1], threshold=THRESHOLD, n_jobs=1)
    assert groups(turned.labels[::-1]) == groups(found.labels)
    # What is cut is what was read of a text: cut before, HTML has other characters, and may be none.
    cut = dedup.near_duplicates([of_plain(dedup.Article(str(i), text[:20])) for i, text in enumerate(texts)], n_jobs=1)
    assert dedup.near_duplicates(articles, max_chars=20, n_jobs=1).pairs.tolist() == cut.pairs.tolist()
    for options in ({"containment": 0.8}, {"compare_numbers": True}):
        check_copies(dedup.near_duplicates(articles, n_jobs=1, **options).labels.tolist(), texts, blank)


def check_stories(articles, texts, blank):
    stories = dedup.cluster(articles, n_jobs=1)
    check_labels(stories.near_duplicate_labels, len(texts))
    check_copies(stories.near_duplicate_labels.tolist(), texts, blank)
    sizes = np.bincount(stories.labels, minlength=len(stories)).tolist()
    assert sizes == [len(story) for story in stories] == sorted(sizes, reverse=True)
    assert ((stories.membership >= 0) & (stories.membership <= 1)).all()
    for number, story in enumerate(stories):
        assert stories.labels[stories.representative_indices[number]] == number
        check_story(story)
        if len(story) > 1:
            assert not any(blank[int(article.id)] for article in story.articles)
    turned = dedup.cluster(articles[::-1], n_jobs=1)
    assert turned.labels[::-1].tolist() == stories.labels.tolist()
    assert [story.reason for story in turned] == [story.reason for story in stories]


def check_index(articles, texts, blank):
    with dedup.StoryIndex(":memory:") as index:
        assignments = index.add_many(articles)
        for i, assignment in enumerate(assignments):
            if not blank[i] and texts[i] in texts[:i]:
                assert (assignment.outcome, assignment.similarity) == ("near_duplicate", 1.0)
            assert not (blank[i] and assignment.outcome != "new_story")
        assert {assignment.outcome for assignment in index.add_many(articles)} == {"unchanged"}
        stories = index.stories()
        kept = {article.id: article for story in stories for article in story.articles}
        assert {name: article.text for name, article in kept.items()} == {
            article["id"]: json_text(article["text"]) for article in articles
        }
        for story in stories:
            check_story(story)
        index.similar(articles[0])
        assert all(index.remove(article["id"]) for article in articles)
        assert len(index) == 0


def json_text(text):
    """What JSON keeps of a text: a pair of surrogates comes back as the character that it stands for."""
    paired = []
    for character in text:
        if paired and "\ud800" <= paired[-1] <= "\udbff" and "\udc00" <= character <= "\udfff":
            paired[-1] = chr(0x10000 + ((ord(paired[-1]) - 0xD800) << 10) + ord(character) - 0xDC00)
        else:
            paired.append(character)
    return "".join(paired)


def check_story(story):
    assert story.reason
    assert len(story.headline) <= 120
    assert repr(story).encode()
    assert len(story.terms) <= 8
    assert all(0 < len(term) <= 128 for term in story.terms)


def check_labels(labels, count):
    """Numbered by first member, without a gap."""
    assert labels.dtype == np.int64
    assert len(labels) == count
    assert list(dict.fromkeys(labels.tolist())) == list(range(int(labels.max(initial=-1)) + 1))


def check_copies(labels, texts, blank):
    """Equal texts have one label, and a blank one has its own."""
    for i, text in enumerate(texts):
        if blank[i]:
            assert labels.count(labels[i]) == 1
        else:
            assert labels[texts.index(text)] == labels[i]


def groups(labels):
    members = {}
    for i, label in enumerate(labels.tolist()):
        members.setdefault(label, []).append(i)
    return sorted(members.values())
