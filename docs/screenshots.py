"""Photograph the page of stories for the documentation: a story in its episodes, two articles compared, and a phone.

python docs/screenshots.py [FOLDER]

Needs Debian's chromium and `pip install playwright pillow`. The pictures are kept in docs/images, since the site is
built where there is no browser; run it again when the page looks different.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

import dedup

EVENT = "kim-russia-2023"
WIDE, NARROW = {"width": 1000, "height": 1180}, {"width": 390, "height": 780}


def story_of(page: Page) -> Page:
    """The top of the page, with a story open."""
    page.locator("h2 > button").first.press("Enter")
    return still(page)


def comparison(page: Page) -> Locator:
    """Two articles of an episode."""
    page.locator(".episodes > li").nth(1).get_by_role("button", name="Compare").nth(2).click()
    page.locator("dialog mark").first.wait_for()
    return page.locator("dialog")


def chapters(page: Page) -> Locator:
    """One story, its episodes folded."""
    fold_episodes(page)
    still(page)
    return page.locator("#stories > li").first


def phone(page: Page) -> Page:
    """The episodes, folded."""
    fold_episodes(page)
    page.locator("h3", has_text="Episodes").evaluate("heading => heading.scrollIntoView()")
    return still(page)


def fold_episodes(page: Page) -> None:
    for button in page.locator("h4 > button").all():
        button.click()


def still(page: Page) -> Page:
    """The page without a focus or a pointer on it."""
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    return page


# Each picture: the size of the window, whether the address names the story, and what leads to what is photographed.
PICTURES: dict[str, tuple[dict[str, int], bool, Callable[[Page], Page | Locator]]] = {
    "page": (WIDE, False, story_of),
    "story": (WIDE, True, chapters),
    "comparison": (WIDE, True, comparison),
    "phone": (NARROW, True, phone),
}


def main() -> None:
    """Write all pictures into a folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images"
    folder.mkdir(parents=True, exist_ok=True)
    stories = dedup.cluster(dedup.sample_articles("fr"))
    visit = next(story for story in stories if any(getattr(a, "event", "") == EVENT for a in story.articles))
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    # Chromium has no sandbox for root.
    sandbox = [] if os.name == "nt" or os.geteuid() else ["--no-sandbox"]
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        path = Path(made) / "stories.html"
        stories.to_html(path)
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        for name, (size, named, act) in PICTURES.items():
            page = browser.new_page(viewport={"width": size["width"], "height": size["height"]}, color_scheme="light")
            page.goto(path.as_uri() + (f"#story-{visit.id}" if named else ""))
            picture = Image.open(BytesIO(act(page).screenshot()))
            # The page has few colours: with 64 of them the files are a third as large, and look the same.
            picture.convert("RGB").quantize(64).save(folder / f"{name}.png", optimize=True)
            print(f"wrote {folder / name}.png, {(folder / f'{name}.png').stat().st_size / 1000:.0f} kB")
        browser.close()


if __name__ == "__main__":
    main()
