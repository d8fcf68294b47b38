"""The examples of docs/geometry.md run as they stand."""

import doctest
from pathlib import Path


def test_examples_of_the_page_run():
    page = Path(__file__).parents[2] / "docs" / "geometry.md"
    done = doctest.testfile(str(page), module_relative=False)
    assert done.attempted >= 10 and done.failed == 0
