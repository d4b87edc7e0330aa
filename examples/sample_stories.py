"""Cluster the sample articles, print the ten largest stories, and write all of them as a page.

python examples/sample_stories.py [LANGUAGE ...]
"""

import sys
from pathlib import Path

import dedup

#: Stories that are printed.
SHOWN = 10

PAGE = Path("stories.html")


def show(story: dedup.Story) -> None:
    """Print one story: size, days and headline; then outlets, copies and terms."""
    copies = sum(len(group) - 1 for group in story.near_duplicates)
    counts = f"{len(story.sources)} outlets, {copies} {'copy' if copies == 1 else 'copies'}"
    print(f"{len(story):>3} articles  {story.first:%Y-%m-%d} to {story.last:%Y-%m-%d}  {story.headline[:78]}")
    print(f"{'':14}{counts}; about {', '.join(story.terms[:6])}")


def main() -> None:
    """Cluster the samples of the named languages, or of all."""
    articles = dedup.sample_articles(*sys.argv[1:])
    stories = dedup.cluster(articles)
    for story in stories[:SHOWN]:
        show(story)
    stories.to_html(PAGE)
    print(f"\n{len(articles)} articles in {len(stories)} stories; the {SHOWN} largest are above.")
    print(f"All of them, to search and compare in a browser: {PAGE.resolve()}")


if __name__ == "__main__":
    main()
