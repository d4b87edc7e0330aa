"""How large the page of 10,000 stories is, and how soon it shows and searches them in Chromium.

python -m benchmarks.story.page [--stories 10000]

Needs Debian's chromium and `pip install playwright`. The articles are random words: 2.5 to a story, 2,500 characters
each.
"""

import random
import shutil
import statistics
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

import dedup
from benchmarks import harness

# Milliseconds from typing words into the search to the next frame.
SEARCH = """(words) => new Promise((resolve) => {
  const field = document.getElementById("search");
  const start = performance.now();
  field.value = words;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
})"""


def random_articles(count: int) -> list[dedup.Article]:
    """Articles of `count` events, each with words of its own."""
    chance = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["".join(chance.choices(letters, k=chance.randint(3, 10))) for _ in range(60_000)]
    articles = []
    for event in range(count):
        about = chance.choices(vocabulary, k=40)
        start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(60 * 24 * 30))
        for report in range(chance.choice((1, 1, 2, 2, 3, 6))):
            words = chance.choices(about, k=150) + chance.choices(vocabulary, k=185)
            chance.shuffle(words)
            title = " ".join(chance.sample(about, 8)).capitalize()
            published = start + timedelta(minutes=37 * report)
            source = f"Outlet {chance.randrange(400)}"
            url = f"https://outlet.example/{event}/{report}"
            articles.append(dedup.Article(f"{event}-{report}", " ".join(words), title, published, source, url, "en"))
    return articles


def search_times(page: Page, words: list[str]) -> list[float]:
    """Milliseconds from the words to the list, for each."""
    return [page.evaluate(SEARCH, word) for word in words]


def open_text(page: Page) -> None:
    page.locator("h2 > button").first.click()
    page.locator("summary").first.click()
    page.wait_for_selector(".text")


def main() -> None:
    parser = harness.parser(__doc__, results=False)
    parser.add_argument("--stories", type=int, default=10_000)
    count = parser.parse_args().stories
    stories = dedup.cluster(random_articles(count))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "stories.html"
        _, seconds = harness.timed(stories.to_html, path)
        print(f"{len(stories.articles):,} articles in {len(stories):,} stories: ", end="")
        print(f"{path.stat().st_size / 1e6:.1f} MB in {seconds:.1f} s")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(path.as_uri(), wait_until="commit")
        page.wait_for_selector("#stories > li")
        first = page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? performance.now()"
        )
        listed = page.evaluate("performance.now()")
        page.wait_for_load_state("load")
        loaded = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        print(f"first paint {first:.0f} ms, first list before {listed:.0f} ms, all loaded {loaded:.0f} ms")
        words = [story.terms[0] for story in stories[:: max(1, len(stories) // 20)]]
        first_search, *others = search_times(page, ["outlet 17", *words])
        print(
            f"first search {first_search:.0f} ms, then {statistics.median(others):.0f} ms, at most {max(others):.0f} ms"
        )
        page.evaluate(SEARCH, "")
        _, seconds = harness.timed(open_text, page)
        print(f"a story and a text opened in {1000 * seconds:.0f} ms, ", end="")
        print(f"{page.locator('*').count():,} elements")
        browser.close()


if __name__ == "__main__":
    main()
