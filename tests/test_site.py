"""The built book in a browser that reaches no other host: every page, as a reader has it.

It is the book in _build/html, which the first of the README's commands makes.
"""

import gzip
import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

import pytest
import yaml
from fontTools.ttLib import TTFont
from playwright.sync_api import Browser, Page, TimeoutError, ViewportSize, sync_playwright
from selfcontained import Package, fetch

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
NO_OTHER_HOST = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
HEAVIEST = {False: 700_000, True: 1_500_000}
"""Bytes of a page without and with widgets."""
NARROW: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1300, "height": 900}

AXE = Package(
    "axe-core",
    "4.14.1",
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    ("axe.min.js",),
)
# rule and selector of what is not the book's to mend, and why it does no harm
EXCUSED = {
    # "Search" is in the visible text, followed by the keys Ctrl+K
    ("label-content-name-mismatch", ".search-button__button"),
    # the theme's button shows an icon; the names of its three states are hidden
    ("label-content-name-mismatch", ".theme-switch-button"),
}


def list_pages() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [f"{name}.html" for name in [toc["root"], *chapters, "search", "genindex", "prf-prf"]]


PAGES = list_pages()


class Visit(NamedTuple):
    """A page in the browser, and what went wrong while it was there."""

    page: Page
    faults: list[str]


@pytest.fixture(scope="module")
def site() -> Path:
    if not (SITE / "index.html").is_file():
        miss("the book is not built: there is no _build/html")
    return SITE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        found = [path for name in BROWSERS if (path := shutil.which(name))]
        found += [path for path in [driver.chromium.executable_path] if Path(path).exists()]
        if not found:
            miss("no Chromium or Chrome is installed")
        browser = driver.chromium.launch(executable_path=found[0], args=[NO_OTHER_HOST])
        yield browser
        browser.close()


def miss(reason: str) -> None:
    """Skip, except where these tests must not be passed over."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Serve the book on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def open_page(browser: Browser, base: str) -> Visit:
    """Return an empty page that notes every fault, and every request for what is not at `base`."""
    page = browser.new_page(viewport=WIDE, color_scheme="light")
    faults: list[str] = []
    local = (base, "data:", "blob:")

    def note(text: str, is_fault: bool = True) -> None:
        if is_fault:
            faults.append(text)

    page.on("console", lambda message: note(f"console: {message.text}", message.type == "error"))
    page.on("pageerror", lambda error: note(f"error: {error}"))
    page.on("request", lambda sent: note(f"asked: {sent.url}", not sent.url.startswith(local)))
    # a request is aborted when the reader goes on to another page
    page.on(
        "requestfailed", lambda sent: note(f"failed: {sent.url}", "ABORTED" not in sent.failure)
    )
    page.on("response", lambda got: note(f"{got.status}: {got.url}", got.status >= 400))
    return Visit(page, faults)


def go(page: Page, url: str) -> None:
    """Open a page, and wait until its formulas and widgets are there."""
    page.goto(url)
    # colours on their way from one to another have any contrast
    page.add_style_tag(content="* { transition: none !important; animation: none !important; }")
    page.evaluate("window.MathJax?.startup.promise.then(() => document.fonts.ready)")
    # those further down come when they are scrolled to
    page.evaluate("[...document.images].forEach((image) => { image.loading = 'eager'; })")
    with suppress(TimeoutError):
        page.wait_for_function("[...document.images].every((image) => image.complete)")
    shown = "document.querySelectorAll('.widget-subarea > :not(:empty)').length"
    stored = "document.querySelectorAll('script[type$=\"widget-view+json\"]').length"
    # what does not come is found by widget_faults
    with suppress(TimeoutError):
        page.wait_for_function(f"{shown} >= {stored}", timeout=10_000)


@pytest.fixture(scope="module", params=PAGES)
def visit(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Visit]:
    opened = open_page(browser, address)
    go(opened.page, address + request.param)
    yield opened
    opened.page.close()


@pytest.fixture(scope="module", params=PAGES)
def visit_as_file(request: pytest.FixtureRequest, browser: Browser, site: Path) -> Iterator[Visit]:
    opened = open_page(browser, f"{site.as_uri()}/")
    go(opened.page, f"{site.as_uri()}/{request.param}")
    yield opened
    opened.page.close()


def test_built_pages_are_the_books_own(site: Path) -> None:
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    built = {page for page in built if not page.startswith("_static/")}
    assert built == {*PAGES, "index.html", "404.html"}


UNRENDERED = """() => [...document.querySelectorAll(".math")]
  .filter((math) => !math.querySelector("mjx-container")).map((math) => math.textContent)"""
# MathJax writes an unknown command in red
WRONG_TEX = """() =>
  [...document.querySelectorAll("mjx-merror, mjx-container [style*='color: red']")]
    .map((math) => math.closest("mjx-container").textContent)"""
LOST_FONTS = """() => [...document.fonts]
  .filter((font) => font.status === "error").map((font) => font.family)"""
RAW_TEXT = r"""() => {
  const raw = /\$|\\[a-zA-Z([]|\{[\w:]+\}`|\{\{|:::/;
  const apart = "script, style, noscript, pre, code, mjx-container";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (raw.test(text.data) && !text.parentElement.closest(apart)) found.push(text.data.trim());
  }
  return found;
}"""


def math_faults(page: Page) -> list[str]:
    return [
        f"{name}: {found}"
        for name, script in [
            ("not rendered", UNRENDERED),
            ("wrong TeX", WRONG_TEX),
            ("font not loaded", LOST_FONTS),
            ("raw", RAW_TEXT),
        ]
        for found in page.evaluate(script)
    ]


def test_mathematics_is_rendered(visit: Visit) -> None:
    assert math_faults(visit.page) == []


IMAGE_FAULTS = """() => [...document.images].map((image) => {
  const source = image.getAttribute("src");
  if (!image.complete || image.naturalWidth === 0) return `not loaded: ${source}`;
  const alt = image.alt.trim();
  if (!alt || source.includes(alt.split("/").pop())) return `no alt text: ${source}`;
}).filter(Boolean)"""
FIGURE_GROUNDS = """() => [...document.querySelectorAll("figure img")]
  .map((image) => getComputedStyle(image).backgroundColor)"""


def test_images_are_there_and_described(visit: Visit) -> None:
    assert visit.page.evaluate(IMAGE_FAULTS) == []


def test_figures_are_readable_on_dark_pages(visit: Visit) -> None:
    choose_theme(visit.page, "dark")
    # their ink is dark
    assert set(visit.page.evaluate(FIGURE_GROUNDS)) <= {"rgb(255, 255, 255)"}


def choose_theme(page: Page, theme: str) -> None:
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")


# what reaches over the edge, unless it scrolls by itself
TOO_WIDE = """() => {
  const scrolls = (e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
  const isInside = (e) => e && (scrolls(e) || isInside(e.parentElement));
  const found = [...document.querySelectorAll(".bd-article *:not(mjx-container *)")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !isInside(e.parentElement))
    .filter((e) => !scrolls(e) || e.getBoundingClientRect().left < innerWidth)
    .map((e) => e.outerHTML.slice(0, 100));
  const page = document.documentElement.scrollWidth;
  return page > innerWidth ? [`the page is ${page} wide`, ...found] : found;
}"""


def test_narrow_screen(visit: Visit) -> None:
    visit.page.set_viewport_size(NARROW)
    visit.page.wait_for_timeout(100)
    assert visit.page.evaluate(TOO_WIDE) == []
    visit.page.set_viewport_size(WIDE)


# a widget's looks: its elements, and the pixels of its canvases
LOOKS = """(widget) => [widget.innerHTML,
  ...[...widget.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL())].join()"""
CONTROLS = "input, select, button, [tabindex='0']"


def widget_faults(page: Page) -> Iterator[str]:
    """Yield what is wrong with the widgets of a page: each must answer to the keyboard."""
    stored = page.locator('script[type$="widget-view+json"]').count()
    widgets = page.locator(".widget-subarea").all()
    if len(widgets) != stored:
        yield f"{len(widgets)} widgets are shown, {stored} stored"
    for number, widget in enumerate(widgets):
        control = widget.locator(CONTROLS).first
        if control.count() == 0:
            yield f"widget {number} has nothing to control it by"
            continue
        control.scroll_into_view_if_needed()
        control.focus()
        before = widget.evaluate(LOOKS)
        page.wait_for_timeout(200)
        if widget.evaluate(LOOKS) != before:
            yield f"widget {number} moves by itself"
        if not any(answers(page, widget, key, before) for key in ["ArrowRight", "ArrowLeft", " "]):
            yield f"widget {number} does not answer to its first control"


def answers(page: Page, widget: Any, key: str, before: str) -> bool:
    page.keyboard.press(key)
    for _ in range(20):
        if widget.evaluate(LOOKS) != before:
            return True
        page.wait_for_timeout(50)
    return False


def test_widgets_answer(visit: Visit) -> None:
    assert list(widget_faults(visit.page)) == []


# what is folded away counts, too
UNFOLD = """() => {
  document.querySelectorAll("details").forEach((folded) => { folded.open = true; });
  document.querySelectorAll(".toggle-hidden").forEach((e) => e.classList.remove("toggle-hidden"));
}"""
CUT_FORMULAS = """(may_scroll) => {
  const is_whole = (e) => e.clientWidth > 0 && e.scrollWidth <= e.clientWidth;
  const scrolls = (e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX)
    && e.getBoundingClientRect().right <= innerWidth;
  return [...document.querySelectorAll("mjx-container[display]")]
    .filter((e) => !is_whole(e) && !(may_scroll && scrolls(e)))
    .map((e) => `${e.closest("[id]").id}: ${e.scrollWidth} wide in ${e.clientWidth}`);
}"""


@pytest.mark.parametrize(("size", "may_scroll"), [(WIDE, False), (NARROW, True)])
def test_displayed_formulas_can_be_read(visit: Visit, size: ViewportSize, may_scroll: bool) -> None:
    """On a desk they are seen whole, and on a phone they are, or scroll by themselves."""
    visit.page.evaluate(UNFOLD)
    visit.page.set_viewport_size(size)
    visit.page.wait_for_timeout(100)
    assert visit.page.evaluate(CUT_FORMULAS, may_scroll) == []
    visit.page.set_viewport_size(WIDE)


# A formula has the colour of its text, and one word of each kind in the code is enough: without the
# rest a page takes half the time, but this must come last.
SHORTEN = """() => {
  document.querySelectorAll("mjx-container").forEach((formula) => formula.remove());
  const seen = new Set();
  const again = [...document.querySelectorAll(".highlight span[class]")].filter((word) => {
    const kind = `${word.className} on ${getComputedStyle(word.closest("pre")).backgroundColor}`;
    return seen.size === seen.add(kind).size;
  });
  again.forEach((word) => word.replaceWith(...word.childNodes));
}"""
RUN_AXE = """async (rules) => {
  const options = { resultTypes: ["violations"], ...(rules && { runOnly: rules }) };
  const found = await axe.run(options);
  return found.violations.filter((rule) => ["serious", "critical"].includes(rule.impact)).flatMap(
    (rule) => rule.nodes.map((node) => [rule.id, node.target[0], node.failureSummary]));
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(visit: Visit, theme: str) -> None:
    page = visit.page
    choose_theme(page, theme)
    page.evaluate(UNFOLD)
    page.evaluate(SHORTEN)
    page.evaluate(read_axe())
    violations = page.evaluate(RUN_AXE, ["color-contrast"] if theme == "dark" else None)
    assert [found for found in violations if not is_excused(page, *found[:2])] == []


@cache
def read_axe() -> str:
    with tarfile.open(fileobj=io.BytesIO(fetch(AXE))) as archive:
        script = archive.extractfile(f"package/{AXE.needed[0]}")
        assert script is not None
        return script.read().decode()


def is_excused(page: Page, rule: str, target: str) -> bool:
    element = page.locator(target).first
    return any(
        rule == excused and element.evaluate("(e, selector) => e.matches(selector)", selector)
        for excused, selector in EXCUSED
    )


def test_nothing_failed(visit: Visit) -> None:
    """After all that was done to the page above."""
    assert visit.faults == []


def test_page_opened_as_a_file(visit_as_file: Visit) -> None:
    page, faults = visit_as_file
    assert math_faults(page) == []
    assert page.evaluate(IMAGE_FAULTS) == []
    assert list(widget_faults(page)) == []
    assert faults == []


def test_widgets_are_mounted_where_there_are_any(visit: Visit) -> None:
    has_widgets = visit.page.locator('script[type$="widget-state+json"]').count() > 0
    assert visit.page.locator('script[src*="/widgets.js"]').count() == has_widgets


def test_icons_are_in_the_fonts(visit: Visit, site: Path) -> None:
    shown = visit.page.evaluate("""[...document.querySelectorAll("[class*='fa-']")]
      .map((icon) => getComputedStyle(icon, "::before").content)""")
    folder = site / "_static" / "vendor" / "fontawesome" / "webfonts"
    glyphs = set().union(*(TTFont(font).getBestCmap() for font in folder.glob("*.woff")))
    drawn = {ord(content[1]) for content in shown if content != "none"}
    assert drawn
    assert drawn <= glyphs
    assert len(glyphs) < 100


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_light(name: str, browser: Browser, address: str) -> None:
    """What a first visit loads, as a server that compresses sends it."""
    page = browser.new_context(viewport=WIDE).new_page()
    sent: dict[str, bytes] = {}
    page.on("response", lambda response: sent.setdefault(response.url, response.body()))
    page.goto(address + name, wait_until="networkidle")
    page.evaluate("window.MathJax?.startup.promise.then(() => document.fonts.ready)")
    has_widgets = page.locator('script[type$="widget-state+json"]').count() > 0
    page.context.close()
    assert len(sent) > 5
    assert sum(len(gzip.compress(body)) for body in sent.values()) < HEAVIEST[has_widgets]


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search(scheme: str, browser: Browser, address: str, site: Path) -> None:
    base = address if scheme == "http" else f"{site.as_uri()}/"
    page, faults = open_page(browser, base)
    go(page, base + PAGES[1])
    page.keyboard.press("Control+k")
    page.keyboard.type("rooks")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=rooks*")
    links = page.locator("#search-results li a")
    # they appear one after the other, and show some lines of the pages they name
    links.nth(3).wait_for()
    page.wait_for_load_state("networkidle")
    links.first.click()
    page.wait_for_url("**/book/*.html*")
    assert faults == []
    page.close()


def test_first_page_leads_to_the_preface(browser: Browser, address: str) -> None:
    page, faults = open_page(browser, address)
    page.goto(address)
    page.wait_for_url(f"{address}{PAGES[0]}")
    assert faults == []
    page.close()


class Anchors(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.ids: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id" and value:
                self.ids.add(value)
            if name == "href" and tag == "a" and value:
                self.links.add(value)


@cache
def read_anchors(page: Path) -> Anchors:
    return Anchors(page.read_text())


@pytest.mark.parametrize("name", PAGES)
def test_links(name: str, site: Path) -> None:
    here = (site / name).as_uri()
    broken = []
    for link in read_anchors(site / name).links:
        target, anchor = urldefrag(urljoin(here, link))
        if not target.startswith("file:"):
            assert re.match(r"https://|mailto:", target), f"{link} is no address"
            continue
        path = Path(unquote(target.removeprefix("file://")))
        is_page = path.suffix == ".html"
        if not path.is_file() or (is_page and unquote(anchor) not in read_anchors(path).ids):
            broken.append(link)
    assert broken == []
