"""Reading helps, in the browser: cards, figures that enlarge, code of a size that can be read."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

# the fixtures that a browser needs
from test_site import (
    NARROW,
    PAGES,
    UNFOLD,
    WIDE,
    Visit,
    address,  # noqa: F401
    browser,  # noqa: F401
    go,
    open_page,
    read_axe,
    site,  # noqa: F401
)

CHAPTER = "book/memories.html"
SMALLEST_CODE = 13.0


@pytest.fixture(scope="module")
def chapter(browser: Browser, address: str) -> Iterator[Visit]:  # noqa: F811
    opened = open_page(browser, address)
    go(opened.page, address + CHAPTER)
    yield opened
    opened.page.close()
    assert opened.faults == []


@pytest.fixture(params=PAGES)
def narrow(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Page]:  # noqa: F811
    page = open_page(browser, address).page
    page.set_viewport_size(NARROW)
    go(page, address + request.param)
    yield page
    page.close()


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_code_is_large_enough(chapter: Visit, size: dict[str, int]) -> None:
    chapter.page.set_viewport_size(size)
    sizes = chapter.page.evaluate(
        "[...document.querySelectorAll('.highlight pre')]"
        ".map((code) => parseFloat(getComputedStyle(code).fontSize))"
    )
    assert min(sizes) >= SMALLEST_CODE
    chapter.page.set_viewport_size(WIDE)


def test_code_fits_the_column(chapter: Visit) -> None:
    chapter.page.evaluate(UNFOLD)
    widths = chapter.page.evaluate(
        "[...document.querySelectorAll('.cell_input .highlight pre')]"
        ".map((code) => code.scrollWidth - code.clientWidth)"
    )
    assert sum(width > 0 for width in widths) <= len(widths) / 20


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("a[href*='#term-attractor']", "A cycle of the zero-noise map"),
        ("a[href*='references.html#']", "Elements of Information Theory"),
        ("a.reference[href='#equation-eq-mem-rooks']", "I_k"),
    ],
)
def test_card_tells_what_is_named(chapter: Visit, link: str, told: str) -> None:
    page = chapter.page
    named, card = page.locator(link).first, page.locator("#card")
    assert not card.is_visible()
    named.hover()
    card.wait_for()
    assert told in card.text_content() or card.locator("mjx-container").count()
    # the pointer may move on to it, and Escape takes it away
    card.hover()
    page.wait_for_timeout(400)
    assert card.is_visible()
    page.keyboard.press("Escape")
    assert not card.is_visible()
    page.mouse.move(0, 0)
    # by keyboard, too
    named.focus()
    assert card.is_visible()
    assert named.get_attribute("aria-describedby") == "card"
    named.blur()
    assert not card.is_visible()


def test_card_stays_on_the_screen(chapter: Visit) -> None:
    page = chapter.page
    page.set_viewport_size(NARROW)
    links = page.locator("a[data-card]")
    for number in range(0, links.count(), 5):
        links.nth(number).focus()
        box = page.locator("#card").bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= NARROW["width"]
        links.nth(number).blur()
    page.set_viewport_size(WIDE)


def test_figure_is_enlarged_on_a_narrow_screen(chapter: Visit) -> None:
    page = chapter.page
    page.set_viewport_size(NARROW)
    page.wait_for_timeout(200)
    figure = page.locator("figure:has(img)").first
    button, image = figure.get_by_role("button", name="Enlarge"), figure.locator("img")
    small = image.bounding_box()
    dialog = page.locator("dialog.enlarged")
    for opener in (button, image):
        opener.click()
        large = dialog.locator("img").bounding_box()
        assert small is not None
        assert large is not None
        assert large["width"] > 1.25 * small["width"]
        page.keyboard.press("Escape")
        assert dialog.count() == 0
    page.set_viewport_size(WIDE)
    page.wait_for_timeout(200)
    wide = page.evaluate(
        "[...document.querySelectorAll('figure:has(button.enlarge:not([hidden])) img')]"
        ".filter((image) => image.clientWidth >= 0.8 * image.naturalWidth).length"
    )
    assert wide == 0


RUN_AXE = """async () => {
  const rules = ["scrollable-region-focusable", "target-size", "empty-table-header"];
  const found = await axe.run({ resultTypes: ["violations"], runOnly: rules });
  // axe does not see that a formula is text
  const isFormula = (node) => document.querySelector(node.target[0]).querySelector("mjx-container");
  return found.violations.flatMap((rule) => rule.nodes
    .filter((node) => rule.id !== "empty-table-header" || !isFormula(node))
    .map((node) => [rule.id, node.target[0], node.html.slice(0, 120)]));
}"""


def test_what_scrolls_on_a_narrow_screen_has_focus(narrow: Page) -> None:
    narrow.evaluate(UNFOLD)
    narrow.wait_for_timeout(300)
    narrow.evaluate(read_axe())
    assert narrow.evaluate(RUN_AXE) == []
