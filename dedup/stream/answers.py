"""What an index says when it is asked: a story, and the reports similar to an article."""

import numpy as np

from dedup.article import Article
from dedup.assembly import tell
from dedup.representative import Chooser
from dedup.store.records import Row
from dedup.stories import Story
from dedup.stream.arrival import find_neighbours, read_all
from dedup.stream.door import is_storable
from dedup.stream.ledger import Ledger
from dedup.stream.reading import count_words
from dedup.stream.records import decoded, story_name
from dedup.text.limit import readable_texts


def row_of(ledger: Ledger, article_id: str) -> Row | None:
    """The live article of that id."""
    is_id = isinstance(article_id, str) and is_storable(article_id)
    return ledger.store.by_id(article_id) if is_id else None


def story_of(ledger: Ledger, number: int, rule: str | Chooser) -> Story | None:
    """The story of that number; None when it has no articles."""
    rows = sorted(ledger.store.of_story(number), key=lambda row: (row.day is None, row.day or 0.0, row.id))
    if not rows:
        return None
    articles, settings = [decoded(row.fields) for row in rows], ledger.settings
    copies = np.array([row.speaker for row in rows])
    speakers, place = np.unique(copies, return_inverse=True)
    totals = np.asarray(ledger.graph(speakers).sum(axis=1)).ravel()
    membership = totals / (len(speakers) - 1) if len(speakers) > 1 else np.ones(1)
    words = count_words(readable_texts(articles, settings.max_chars), settings.fold).tolist()
    scores = membership[place], settings.story_threshold
    return tell(articles, copies, words, *scores, rule, ledger.live, story_name(number))[0]


def most_similar(ledger: Ledger, article: Article) -> list[tuple[Row, float]]:
    """The live reports that an article is similar to, and how much, most similar first."""
    readings = read_all(ledger, ledger.sites.set_aside([article]))
    weighed = ledger.live.weigh(readings, np.zeros(1, dtype=np.bool_))
    limit = np.array([ledger.next_node])
    ((nodes, similarities),) = find_neighbours(ledger, weighed, np.array([article.day]), limit)
    rows = ledger.store.rows(nodes.tolist())
    order = np.lexsort((nodes, -similarities)).tolist()
    return [(rows[int(nodes[i])], float(similarities[i])) for i in order]
