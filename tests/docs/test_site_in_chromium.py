"""The built documentation in a browser: tables fit, figures can be read in the dark, and names lead to their pages."""

import os
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

import dedup

SITE = Path(dedup.__file__).parents[1] / "site"

pytestmark = pytest.mark.slow

# Of each table: its width, that of what it is in, and whether that scrolls.
TABLES = """() => [...document.querySelectorAll('.md-typeset table:not([class])')].map(table => {
  const box = table.closest('.md-typeset__scrollwrap')
  return [table.scrollWidth, box.clientWidth, getComputedStyle(box).overflowX, table.innerText.slice(0, 40)]
})"""


@pytest.fixture(scope="module")
def browser():
    if not (SITE / "index.html").exists():
        pytest.skip("the documentation is not built: make docs")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium on the PATH")
        pytest.skip("no chromium on the PATH: apt-get install chromium")
    with api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.mark.parametrize("width", [1280, 375])
def test_tables_fit_and_no_page_scrolls_sideways(browser, width):
    page, count = browser.new_page(viewport={"width": width, "height": 900}), 0
    for path in sorted(SITE.rglob("index.html")):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        for table, box, overflow, begin in page.evaluate(TABLES):
            count += 1
            assert table <= box + 1 or (width < 1280 and overflow in ("auto", "scroll")), (path, begin, table, box)
    page.close()
    assert count > 30


def test_figures_are_light_on_dark_in_the_dark(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.goto((SITE / "index.html").as_uri())
    page.wait_for_function("""document.querySelector('.md-typeset img[src$=".svg"]').complete""")
    dark = brightness(page)
    page.close()
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.goto((SITE / "index.html").as_uri())
    light = brightness(page)
    page.close()
    # Most of a figure is its background; what is drawn stands out from it.
    assert dark[0] < 60
    assert dark[1] > 200
    assert light[0] > 240
    assert light[1] < 60


def brightness(page):
    """The brightness of the background of the first figure, and of what stands out most from it."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    data = page.locator('.md-typeset img[src$=".svg"]').first.screenshot()
    grey = np.asarray(image.open(BytesIO(data)).convert("L")).astype(float)
    ground = float(np.median(grey))
    return ground, float(grey.flat[np.argmax(np.abs(grey - ground))])


def test_names_lead_to_their_documentation(browser):
    page = browser.new_page()
    page.goto((SITE / "how-to" / "parameters" / "index.html").as_uri())
    links = page.locator("a.api")
    assert links.count() > 5
    for path in ("api/index.html", "api/archive/index.html", "how-to/copies/index.html"):
        page.goto((SITE / path).as_uri())
        found = page.eval_on_selector_all("a.api, .md-typeset td a", "all => all.map(link => link.href)")
        assert found
        for link in found:
            target, _, anchor = link.removeprefix("file://").partition("#")
            home = Path(target) / "index.html" if Path(target).is_dir() else Path(target)
            if link.startswith("file:") and anchor:
                assert f'id="{anchor}"' in home.read_text("utf-8"), link
    page.close()
