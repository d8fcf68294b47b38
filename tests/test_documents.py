"""Documents that are made from declarations are what the declarations say."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def test_the_reference_of_options_is_current():
    spec = importlib.util.spec_from_file_location("options_page", DOCS / "options.py")
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    assert (DOCS / "options.md").read_text(encoding="utf-8") == page.text()
