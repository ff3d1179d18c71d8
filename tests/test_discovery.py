"""What search engines, and those with whom a page is shared, are told: on the built pages."""

import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

import discovery
import pytest
import yaml
from discovery import find_picture, make_tags, shorten

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
CHAPTERS = [TOC["root"], *(one["file"] for part in TOC["parts"] for one in part["chapters"])]
BASE = "https://owner.github.io/name/"
PICTURE = (f"{BASE}_images/a.png", 'A "map"')

chapters = pytest.mark.parametrize("name", CHAPTERS)


@pytest.fixture(scope="module")
def site() -> Path:
    if not (SITE / "index.html").is_file():
        pytest.skip("the book is not built: there is no _build/html")
    return SITE


def tags(page: str) -> dict[str, str]:
    """Return name and content of the tags of a page, each of which it must have once."""
    found = re.findall(r'<meta (?:name|property)="([\w:]+)" content="([^"]*)"', page)
    names = [name for name, _ in found if name not in ("viewport", "robots")]
    assert len(names) == len(set(names))
    return {name: unescape(content) for name, content in found}


def test_tags_of_a_page_whose_address_is_known() -> None:
    found = tags(make_tags("One", "Book", 'Of "flux" & more.', f"{BASE}book/one.html", PICTURE))
    assert found == {
        "description": 'Of "flux" & more.',
        "og:title": "One",
        "og:site_name": "Book",
        "og:type": "article",
        "og:description": 'Of "flux" & more.',
        "og:url": f"{BASE}book/one.html",
        "og:image": f"{BASE}_images/a.png",
        "og:image:alt": 'A "map"',
        "twitter:card": "summary_large_image",
    }


def test_no_address_is_invented() -> None:
    assert "http" not in make_tags("One", "Book", "About.", None, PICTURE)


def test_picture_is_the_first_that_is_stored() -> None:
    found = find_picture(ROOT / "book" / "memories.ipynb")
    assert found is not None
    assert found.content.startswith(b"\x89PNG")
    assert found.alt
    assert find_picture(ROOT / "book" / "how_fast.ipynb") != found
    assert find_picture(ROOT / "book" / "notation.md") is None
    assert (ROOT / "book" / discovery.OWN_PICTURE).is_file()


@pytest.mark.parametrize("longest", [20, 60, 300])
def test_descriptions_are_short(longest: int) -> None:
    text = "One sentence. " * 40
    assert 0 < len(shorten(text.strip(), longest)) <= longest


@chapters
def test_page_is_described(name: str, site: Path) -> None:
    found = tags((site / f"{name}.html").read_text())
    if name != "book/references":
        assert 60 <= len(found["description"]) <= discovery.LONGEST
        assert found["og:description"] == found["description"]
        assert "\\" not in found["description"]
    assert found["og:title"]


def test_descriptions_and_titles_are_of_one_page_each(site: Path) -> None:
    pages = [tags((site / f"{name}.html").read_text()) for name in CHAPTERS]
    for key in ("description", "og:title"):
        used = [page[key] for page in pages if key in page]
        assert len(used) == len(set(used))


@chapters
def test_title_says_the_book_once(name: str, site: Path) -> None:
    (title,) = re.findall(r"<title>(.*?)</title>", (site / f"{name}.html").read_text())
    book = yaml.safe_load((ROOT / "_config.yml").read_text())["title"]
    assert title.count(book) == 1
    assert title.endswith(f" &#8212; {book}")


@chapters
def test_addresses_are_of_one_site(name: str, site: Path) -> None:
    page = (site / f"{name}.html").read_text()
    found = tags(page)
    canonical = re.findall(r'<link rel="canonical" href="([^"]*)"', page)
    if "og:url" not in found:
        assert canonical == []
        assert "og:image" not in found
        return
    assert canonical == [found["og:url"]]
    base = found["og:url"].removesuffix(f"{name}.html")
    assert base.startswith("https://")
    assert base.endswith("/")
    picture = found["og:image"].removeprefix(base)
    assert (site / picture).stat().st_size < 5_000_000


def test_every_page_is_listed_for_crawlers(site: Path) -> None:
    robots = (site / "robots.txt").read_text()
    assert robots.startswith("User-agent: *\nAllow: /\n")
    named = re.findall(r"^Sitemap: (.*)$", robots, flags=re.MULTILINE)
    assert (site / "sitemap.xml").exists() == bool(named)
    if not named:
        return
    base = urljoin(named[0], ".")
    listed = [entry.text for entry in ElementTree.parse(site / "sitemap.xml").iter() if entry.text]
    listed = [one for one in listed if one.strip()]
    assert sorted(listed) == sorted(f"{base}{name}.html" for name in CHAPTERS)


def test_book_is_shared_by_its_own_address(site: Path) -> None:
    first, index = (
        tags((site / name).read_text()) for name in (f"{TOC['root']}.html", "index.html")
    )
    assert index["description"] == first["description"]
    assert index.get("og:image") == first.get("og:image")


def test_page_for_wrong_addresses_works_at_any_depth(site: Path) -> None:
    page = (site / "404.html").read_text()
    links = re.findall(r'href="([^"]*)"', page)
    assert len(links) == 3
    found = tags((site / f"{TOC['root']}.html").read_text()).get("og:url", "")
    base = found.removesuffix(f"{TOC['root']}.html")
    root = urlsplit(base).path
    for link in links:
        assert link.startswith(root)
        assert (site / link.removeprefix(root)).is_file()


@chapters
def test_page_says_its_version_and_day(name: str, site: Path) -> None:
    version = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    page = (site / f"{name}.html").read_text()
    assert re.search(
        rf'<p class="version">Version {re.escape(version)}, 20\d\d-\d\d-\d\d</p>', page
    )


def test_site_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    for named, expected in ((BASE.rstrip("/"), BASE), (None, "")):
        monkeypatch.delenv("FLUX_SITE", raising=False)
        monkeypatch.setenv("FLUX_REPOSITORY", "")
        if named:
            monkeypatch.setenv("FLUX_SITE", named)
        config = SimpleNamespace(html_baseurl="", html_theme_options={})
        discovery._set_options(SimpleNamespace(srcdir=tmp_path), config)
        assert config.html_baseurl == expected
        assert "Version 1.2.3, 20" in config.html_theme_options["extra_footer"]
