"""The plain copies of the chapters: no directive or role is left, and they run on Colab."""

import re
from pathlib import Path

import nbformat
import plain
import pytest
from plain import Book, find_numbers, make_plain, plain_text, replace_roles
from pybtex.database import parse_file

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
LITERATURE = parse_file(ROOT / "book" / "references.bib")
BOOK = Book(
    {"eq-a": "(2.1)", "fig-a": "Fig. 2.3", "thm-a": "Theorem 1", "ex-a": "Exercise 4"},
    {"exact_flux": "The exact information flux"},
    LITERATURE,
    "https://owner.github.io/name/",
)
CODE = re.compile(r"^```\w*\n.*?^```|\$\$.*?\$\$|\$[^$]*\$|`[^`{]*`", re.DOTALL | re.MULTILINE)
RAW = re.compile(r"\{[\w:-]+\}`|^ *(?:`{3,}|:{3,})\{|^\([\w-]+\)=|^:\w+:", re.MULTILINE)


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("{eq}`eq-a`", "(2.1)"),
        ("{numref}`fig-a`", "Fig. 2.3"),
        ("{numref}`figure %s <fig-a>`", "figure 2.3"),
        ("{prf:ref}`thm-a`", "Theorem 1"),
        ("{ref}`there <sec-a>`", "there"),
        ("{term}`N-rooks`", "*N-rooks*"),
        ("{term}`networks of rooks <N-rooks>`", "*networks of rooks*"),
        (
            "{doc}`exact_flux`",
            "[The exact information flux](https://owner.github.io/name/book/exact_flux.html)",
        ),
        (
            "{py:func}`flux.exact_flux`",
            "[`flux.exact_flux`](https://owner.github.io/name/book/api.html#flux.exact_flux)",
        ),
        (
            "{cite:t}`metzner2024quantifying`",
            "Metzner et al. ([2024](https://doi.org/10.1162/neco_a_01651))",
        ),
        ("{cite:p}`cover2006elements`", "[Cover and Thomas, 2006]"),
    ],
)
def test_role_says_what_it_says_on_the_site(role: str, said: str) -> None:
    assert replace_roles(f"See {role}.", BOOK) == f"See {said}."


def test_links_need_the_address() -> None:
    assert replace_roles("{doc}`exact_flux`", BOOK._replace(site=None)) == (
        "*The exact information flux*"
    )


def test_unknown_role_stops_the_build() -> None:
    with pytest.raises(ValueError, match="know no role smallcaps"):
        replace_roles("{smallcaps}`x`", BOOK)


def test_equation_has_its_number() -> None:
    text = "As\n\n```{math}\n:label: eq-a\n\nI = H - D\n```\n\nsays."
    assert plain_text(text, BOOK) == "As\n\n$$\nI = H - D \\tag{2.1}\n$$\n\nsays."


def test_equation_in_a_list_stays_in_it() -> None:
    assert plain_text("- one\n\n  ```{math}\n  a \\\\ b\n  ```", BOOK) == (
        "- one\n\n  $$\n  \\begin{aligned}\n  a \\\\ b\n  \\end{aligned}\n  $$"
    )


def test_exercise_and_solution() -> None:
    text = (
        "````{exercise} Half-life\n:label: ex-a\n\nUse\n\n```{math}\nx\n```\n````\n\n"
        "```{solution-start} ex-a\n:class: dropdown\n```"
    )
    assert plain_text(text, BOOK) == (
        "**Exercise 4 (Half-life).**\n\nUse\n\n$$\nx\n$$\n\n**Solution of Exercise 4.**"
    )
    assert plain_text("Done.\n\n```{solution-end}\n```", BOOK) == "Done."


def test_theorem_and_proof() -> None:
    text = "```{prf:theorem} Rooks\n:label: thm-a\nThey win.\n```\n\n"
    text += "```{prf:proof}\nBy {eq}`eq-a`.\n```"
    assert plain_text(text, BOOK) == ("**Theorem 1 (Rooks).**\n\nThey win.\n\n*Proof.* By (2.1). ∎")


def test_code_is_left_alone() -> None:
    text = "```bibtex\n@misc{a,\n  title = {{doc}`x`}\n}\n```"
    assert plain_text(text, BOOK) == text


def test_caption_follows_the_figure() -> None:
    options = {"figure": {"name": "fig-a", "caption": "By {eq}`eq-a`."}, "image": {"alt": "A."}}
    code = nbformat.v4.new_code_cell("draw()", metadata={"mystnb": options})
    notebook = nbformat.v4.new_notebook(cells=[code])
    drawn, caption = make_plain(notebook, BOOK).cells
    assert (drawn.source, drawn.metadata) == ("draw()", {})
    assert caption.source == "**Fig. 2.3.** By (2.1)."
    # the chapter itself is as it was
    assert notebook.cells[0].metadata == {"mystnb": options}


def test_numbers_are_read_from_the_page() -> None:
    page = (
        '<div class="math" id="equation-eq-a">\n<span class="eqno">(7)<a>#</a></span></div>'
        '<figure class="x" id="fig-a"><img><span class="caption-number">Fig. 3 </span></figure>'
        '<div class="proof admonition" id="proof"></div>'
        '<div class="exercise admonition" id="ex-a">'
        '<span class="caption-number">Exercise 4 </span></div>'
    )
    assert find_numbers(page) == {"eq-a": "(7)", "fig-a": "Fig. 3", "ex-a": "Exercise 4"}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_directive_is_left(path: Path) -> None:
    copy = make_plain(nbformat.read(path, as_version=4), BOOK)
    nbformat.validate(copy)
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            assert RAW.findall(CODE.sub("", cell.source)) == []


def test_built_copies(tmp_path: Path) -> None:
    if not (SITE / "index.html").is_file():
        pytest.skip("the book is not built: there is no _build/html")
    assert [path.name for path in sorted((SITE / "notebooks").iterdir())] == [
        path.name for path in CHAPTERS
    ]
    for path in CHAPTERS:
        text = "\n".join(
            cell.source
            for cell in nbformat.read(SITE / "notebooks" / path.name, as_version=4).cells
            if cell.cell_type == "markdown"
        )
        # every label was found on some page
        assert re.findall(r"\b(?:eq|fig|thm|ex)-[a-z]{3}-\w+", text) == []


def test_button_leads_to_the_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "https://colab.research.google.com/github/owner/name/blob/main/book/networks.ipynb"
    copy = "https://colab.research.google.com/github/owner/name/blob/notebooks/networks.ipynb"
    monkeypatch.setenv("FLUX_REPOSITORY", "https://github.com/owner/name")
    for branch, expected in ((None, source), ("notebooks", copy)):
        if branch:
            monkeypatch.setenv("FLUX_NOTEBOOKS", branch)
        else:
            monkeypatch.delenv("FLUX_NOTEBOOKS", raising=False)
        inner = [{"url": source}, {"url": "https://mybinder.org"}]
        context = {"header_buttons": [{"buttons": inner}]}
        plain._point_to_copies(_app(), "book/networks", "page.html", context, None)
        assert [button["url"] for button in inner] == [expected, "https://mybinder.org"]


def _app() -> object:
    class App:
        srcdir = str(ROOT)

    return App()
