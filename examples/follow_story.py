"""Follow stories over days with an index: what joined what each day, and what a second look moved.

python examples/follow_story.py [--language en] [--index STORIES.db]

Feeds the sample's articles up to the end of September 2023 to an index, one after the other, as they would have come,
and tells of that month what became of those of one language. Among them is Kim Jong Un's trip to Russia, which runs for
two weeks: its phases are episodes of one story. With `--index` the stories are kept in a file, and a second run finds
nothing new.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import groupby

import dedup

FIRST, LAST = datetime(2023, 9, 1, tzinfo=UTC), datetime(2023, 10, 1, tzinfo=UTC)


def days(articles: Iterable[dedup.Article]) -> Iterator[tuple[date, list[dedup.Article]]]:
    """The articles of each day, UTC, by publication."""
    dated = sorted((a.published.astimezone(UTC), a.id, a) for a in articles if a.published)
    for day, group in groupby(dated, key=lambda entry: entry[0].date()):
        yield day, [article for _, _, article in group]


def told(index: dedup.StoryIndex, article: dedup.Article, got: dedup.Assignment) -> str:
    """What became of an article, in a line."""
    if got.outcome == "new_story":
        return f"  {got.story_id:>4} begins with   {article.source}: {article.title}"
    if got.outcome == "near_duplicate":
        return f"  {got.story_id:>4} gets a copy    {article.source}, of {got.near_duplicate_of}"
    if got.outcome == "report":
        merged = f"; {', '.join(got.merged)} went into it" if got.merged else ""
        why = f"{got.similarity:.2f}, now {len(index.story(got.story_id))}{merged}"
        return f"  {got.story_id:>4} is joined by   {article.source}: {article.title} ({why})"
    return f"  {got.story_id:>4} {got.outcome}      {article.source}: {article.title}"


def follow(index: dedup.StoryIndex, articles: Iterable[dedup.Article], language: str) -> None:
    """Add the articles as they came, and look again at the end."""
    for day, todays in days(articles):
        lines = [(article.language, told(index, article, index.add(article))) for article in todays]
        shown = [line for own, line in lines if own == language]
        if shown and day >= FIRST.date():
            print(day, *shown, sep="\n")
    moves = index.refine(FIRST)
    print(f"\nA second look moves {len(moves)}, in all languages")
    for move in moves:
        print(f"  {move.article_id} from {move.before} to {move.after}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Follow the stories of a language, and print those of several articles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", default="en", help="of the sample: de, en, es, fr, pt, ru, zh")
    parser.add_argument("--index", default=":memory:", help="file to keep the stories in")
    given = parser.parse_args(arguments)
    articles = [a for a in dedup.sample_articles() if a.published and a.published < LAST]
    if given.language not in {a.language for a in articles}:
        parser.error(f"--language is {given.language!r}; allowed: de, en, es, fr, pt, ru, zh")
    with dedup.StoryIndex(given.index) as index:
        follow(index, articles, given.language)
        print("\nStories of several articles, the latest first")
        for story in index.stories(since=FIRST, min_size=2):
            if story.representative.language == given.language:
                print(f"  {story.id:>4} {story}")


if __name__ == "__main__":
    main()
