"""Cluster the sample articles and print every story.

python examples/sample_stories.py [LANGUAGE ...]
"""

import sys

import dedup


def show(story: dedup.Story) -> None:
    """Print one story: representative, reason, outlets, times, copies."""
    print(f"\n{story.headline}")
    print(f"  shown        {story.representative.source}, {story.representative.published:%Y-%m-%d %H:%M %z}")
    print(f"  reason       {story.reason}")
    print(f"  about        {', '.join(story.terms)}")
    print(f"  outlets      {', '.join(story.sources)}")
    print(f"  published    {story.first:%Y-%m-%d %H:%M %z} to {story.last:%Y-%m-%d %H:%M %z}")
    for article in story.articles:
        print(f"  {article.published:%m-%d %H:%M}  {article.source}: {article.title}")
    for copies in story.near_duplicates:
        print(f"  copies       {', '.join(f'{article.id} ({article.source})' for article in copies)}")


def main() -> None:
    """Cluster the samples of the named languages, or of all."""
    articles = dedup.sample_articles(*sys.argv[1:])
    stories = dedup.cluster(articles)
    for story in stories:
        show(story)
    print(f"\n{len(articles)} articles in {len(stories)} stories")


if __name__ == "__main__":
    main()
