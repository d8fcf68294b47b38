import json
from pathlib import Path

import pytest

from molinterp.batch.job import NO_TIMEOUT, Outcome, Pair, Setup, arguments, open_compute, plan, portable
from molinterp.batch.run import Job, _manifest
from molinterp.chem.filters import Limits
from molinterp.errors import InputError
from molinterp.paths.search import Search
from tests.report.paths import molecule_path

ASKED = {
    "method": "slerp",
    "search": Search(min_step_similarity=0.4, objective="short", timeout=5.0),
    "limits": Limits(max_sa_score=4.0, catalogues=(), elements=("C", "O")),
    "library": None,
}


def test_options_travel_as_json_and_come_back():
    assert arguments(json.loads(json.dumps(portable(ASKED)))) == ASKED
    assert portable({"library": Path("a.smi")}) == {"library": "a.smi"}
    assert arguments(ASKED) == ASKED


@pytest.mark.parametrize("size", [1, 2, 3, 8, 16])
def test_a_plan_holds_every_pair_once_in_order_and_begins_with_one(size):
    long = plan(200, size)
    assert [i for shard in long for i in shard] == list(range(200))
    sizes = [len(shard) for shard in long]
    assert sizes[0] == 1 and max(sizes) == size and sizes[:-1] == sorted(sizes[:-1])
    assert plan(0, size) == []
    for n in (1, 2, 7, 50, 199):
        short = plan(n, size)
        # More pairs behind change no shard before.
        assert short[:-1] == long[: len(short) - 1] and short[-1].start == long[len(short) - 1].start


@pytest.mark.parametrize(
    ("options", "timeout"),
    [
        ({}, NO_TIMEOUT),
        ({"search": None}, NO_TIMEOUT),
        ({"search": {"timeout": 5.0}}, 5.0),
        ({"search": Search(objective="short")}, NO_TIMEOUT),
        (portable({"search": Search(objective="short")}), NO_TIMEOUT),
    ],
)
def test_the_clock_decides_no_path_unless_it_is_asked_to(monkeypatch, small_bundle, options, timeout):
    asked = []

    def interpolate_many(pairs, **given):
        asked.append(given["search"].timeout)
        return [InputError("none")] * len(pairs)

    monkeypatch.setattr("molinterp.paths.interpolate.interpolate_many", interpolate_many)
    (found,) = open_compute(Setup(options=options), small_bundle)([("CCO", "CCN")])
    assert found.error == "none" and asked == [timeout]


def test_an_option_out_of_range_is_said_so():
    with pytest.raises(InputError, match="`timeout` must be positive"):
        arguments({"search": {"timeout": -1.0}})


WRONG = [
    ({"keep": ["bbbb"]}, "feature 'bbbb' is not known. Did you mean 'bbb'"),
    ({"avoid": ["logp=4..1"]}, "must have low <= high"),
    ({"keep": ["mw<500", "mw>=600"]}, "got keep mw<500 and keep mw>=600"),
    ({"weights": {"densty": 1.0}}, "`weights` must name some of"),
    ({"weights": {"density": -1.0}}, "`weights` must be at least 0"),
    ({"epsilon": 2.0}, "`epsilon` must be in"),
    ({"limits": {"catalogues": ["PAIN"]}}, "`catalogues` must be among PAINS, BRENK"),
    ({"limits": {"elements": ["C", "Xx"]}}, "`elements` must be symbols"),
    ({"limits": {"max_sa_score": 11.0}}, "`max_sa_score` must be in"),
    ({"method": "straight"}, "`method` must be one of"),
    ({"output_space": "shape"}, "must be one of latent"),
    ({"steps": 1}, "`steps` must be at least 2"),
    ({"only_library": True}, "`only_library` must come with"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_an_option_that_no_pair_can_use_is_found_before_the_first(small_bundle, options, message):
    with pytest.raises(InputError, match=message):
        open_compute(Setup(options=options), small_bundle)


def test_a_scaffold_is_a_matter_of_each_pair(small_bundle):
    compute = open_compute(Setup(options={"keep": ["scaffold"], "pointwise": True}), small_bundle)
    found = compute([("CCO", "CCN"), ("Cc1ccccc1", "Oc1ccccc1")])
    assert "needs a Murcko scaffold that both ends have" in found[0].error and not found[1].is_failed


def test_files_of_compounds_are_read_and_stand_in_the_manifest(tmp_path):
    file = tmp_path / "known.smi"
    file.write_text("OCC ethanol\n")
    assert arguments({"reference": str(file)}) == {"reference": frozenset({"CCO"})}
    job = Job([Pair("0", "C", "N")], Setup(options={"reference": str(file), "library": None}))
    before = _manifest(job)
    file.write_text("CCN amine\n")
    after = _manifest(job)
    assert {k for k in before if before[k] != after[k]} == {"files"}


def test_an_outcome_holds_the_table_of_a_path_in_plain_values():
    path = molecule_path(notes=("start: salt or solvent left out: Cl", "bbb: broken at step 2"))
    outcome = Outcome.of(path)
    assert outcome.note == "start: salt or solvent left out: Cl; bbb: broken at step 2"
    assert outcome.columns == tuple(c for c in path.to_frame() if c != "name")
    assert [row[outcome.columns.index("smiles")] for row in outcome.rows] == path.smiles
    assert outcome.rows[0][outcome.columns.index("similarity")] is None
    assert Outcome.from_json(json.loads(json.dumps(outcome.to_json(), allow_nan=False))) == outcome
    failed = Outcome.of(InputError("two\nlines"))
    assert failed.is_failed and failed.error == "two lines"
