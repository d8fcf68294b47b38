"""The report in a real browser: nothing is fetched, nothing runs but its own script, keys reach all."""

import os
import shutil
from pathlib import Path

import pytest

from molinterp.report.page import page
from molinterp.report.view import view_of
from tests.report.paths import HOSTILE, SMILES, molecule_path

playwright = pytest.importorskip(
    "playwright.sync_api", reason="a browser is driven by Playwright: pip install playwright"
)
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"] if root else [])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """A function that opens the report of a path, and what the browser said and fetched meanwhile."""
    context = browser.new_context(accept_downloads=True)
    tab = context.new_page()
    said, fetched = [], []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: fetched.append(request.url))

    def open_report(path):
        file = tmp_path / "report.html"
        file.write_text(page(view_of(path)), encoding="utf-8")
        tab.goto(file.as_uri())
        return tab

    yield open_report, said, fetched
    context.close()
    assert said == []
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in fetched) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_users_runs(opened, text):
    tab = opened[0](molecule_path(names=(text, text), notes=(text,)))
    assert tab.evaluate("window.hit") is None
    assert tab.inner_text("h1").split() == f"{text} → {text}".split()


def test_the_policy_stops_what_stands_outside_it(opened, tmp_path):
    open_report, said, _ = opened
    tab = open_report(molecule_path())
    html = tab.content().replace(
        "<main>", "<main><script>window.hit=1</script><img src=x onerror='window.hit=1'>"
    )
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    tab.reload()
    assert tab.evaluate("window.hit") is None
    assert any("Content Security Policy" in words for words in said)
    said.clear()
    opened[2][:] = opened[2][:1]


def test_hovering_a_figure_marks_the_step_everywhere(opened):
    tab = opened[0](molecule_path())
    box = tab.locator(".charts svg").first.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.36, box["y"] + 20)
    assert tab.locator(".strip li.chosen code").inner_text() == SMILES[1]
    assert tab.locator("tr.chosen").get_attribute("data-step") == "1"
    assert tab.locator(".scrub output").inner_text() == f"step 1: {SMILES[1]}"
    mw = tab.locator("figure", has_text="mw, g/mol").locator("figcaption span")
    assert mw.inner_text() == "152.1"


def test_the_table_sorts_both_ways_with_empty_cells_last(opened):
    tab = opened[0](molecule_path())
    at = tab.locator("th button").all_inner_texts().index("similarity")
    heading = tab.locator("th").nth(at)

    def column():
        return tab.locator("tbody tr").evaluate_all("(rows, i) => rows.map(r => r.cells[i].textContent)", at)

    for direction, key in (("ascending", False), ("descending", True)):
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") == direction
        values = column()
        assert values[-1] == "" and values[:-1] == sorted(values[:-1], key=float, reverse=key)
    tab.locator("th", has_text="smiles").locator("button").click()
    smiles = tab.locator("tbody td.smiles").all_inner_texts()
    assert smiles == sorted(SMILES)


def test_everything_is_reached_by_keys(opened):
    tab = opened[0](molecule_path())
    reached = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))
    assert {"Download CSV", "Download SDF", "step", "smiles", "similarity to end", "qed"} <= set(reached)
    tab.locator("#step").focus()
    tab.keyboard.press("ArrowRight")
    assert tab.locator(".strip li.chosen code").inner_text() == SMILES[1]


def test_downloads_are_files_of_the_path(opened):
    path = molecule_path()
    tab = opened[0](path)
    for label, text in (("CSV", None), ("SDF", path.to_sdf())):
        with tab.expect_download() as waiting:
            tab.get_by_text(f"Download {label}").press("Enter")
        assert waiting.value.suggested_filename == f"aspirin-ibuprofen.{label.lower()}"
        content = Path(waiting.value.path()).read_text(encoding="utf-8")
        assert content == text if text else content.startswith("step,name,smiles,t,")


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 26)")])
def test_light_and_dark(opened, scheme, paper):
    tab = opened[0](molecule_path())
    tab.emulate_media(color_scheme=scheme)
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == paper
    wide = tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert wide


def test_a_phone_scrolls_in_one_direction(opened):
    tab = opened[0](molecule_path())
    tab.set_viewport_size({"width": 360, "height": 700})
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
