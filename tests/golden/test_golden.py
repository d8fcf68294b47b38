"""The redesign changes no path: the same bytes as recorded, as CSV and as JSON."""

from __future__ import annotations

import json

import pytest

from tests.golden.record import CASES, HERE, answers, versions

pytestmark = pytest.mark.weights

RENAMED = {"steps": "molecules", "figures": "metrics"}
"""Keys of the JSON that the redesign calls otherwise."""
ASKED = ("method", "bundle", "seed")
"""Keys that the request took in."""
RECORDED = json.loads((HERE / "versions.json").read_text(encoding="utf-8"))


@pytest.mark.weights
@pytest.mark.skipif(versions() != RECORDED, reason=f"recorded with {RECORDED}")
@pytest.mark.parametrize("case", CASES)
def test_same_bytes(case, tmp_path):
    for suffix, text in answers(case, tmp_path).items():
        recorded = (HERE / f"{case}{suffix}").read_text(encoding="utf-8")
        if suffix == ".json":
            # The answer gained what was asked; what it had before is the same.
            for old, new in zip(json.loads(recorded), json.loads(text), strict=True):
                assert {k: new[RENAMED.get(k, k)] for k in old if k not in ASKED} == {
                    k: v for k, v in old.items() if k not in ASKED
                }
        else:
            assert text == recorded
