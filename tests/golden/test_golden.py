"""Paths are the same bytes as recorded, as CSV and as JSON."""

from __future__ import annotations

import json

import pytest

from tests.golden.record import CASES, HERE, answers, versions

pytestmark = pytest.mark.weights

RECORDED = json.loads((HERE / "versions.json").read_text(encoding="utf-8"))


@pytest.mark.skipif(versions() != RECORDED, reason=f"recorded with {RECORDED}")
@pytest.mark.parametrize("case", CASES)
def test_same_bytes(case, tmp_path):
    for suffix, text in answers(case, tmp_path).items():
        assert text == (HERE / f"{case}{suffix}").read_text(encoding="utf-8")
