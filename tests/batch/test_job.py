import json
from pathlib import Path

import pytest

from molinterp.batch.job import Outcome, Pair, open_compute, plan, template
from molinterp.batch.run import Job, _manifest
from molinterp.errors import InputError
from molinterp.paths.interpolate import reference_of
from molinterp.paths.request import PathRequest
from tests.report.paths import molecule_path

ASKED = {
    "method": "slerp",
    "min_step_similarity": 0.4,
    "objective": "short",
    "timeout": 5.0,
    "max_sa": 4.0,
    "alerts": (),
    "elements": ("C", "O"),
    "library": Path("a.smi"),
}


def test_a_template_travels_as_json_and_comes_back():
    asked = template(ASKED)
    assert PathRequest.of(**json.loads(json.dumps(asked.given(), allow_nan=False))) == asked
    assert asked.library == "a.smi"
    assert template(asked.given()) == asked


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
        ({}, None),
        ({"timeout": None}, None),
        ({"timeout": 5.0}, 5.0),
        ({"objective": "short"}, None),
        (template({"objective": "short"}).given(), None),
    ],
)
def test_the_clock_decides_no_path_unless_it_is_asked_to(monkeypatch, small_bundle, options, timeout):
    asked = []

    def interpolate_many(pairs, request, *_, **__):
        asked.append(request.timeout)
        return [InputError("none")] * len(pairs)

    monkeypatch.setattr("molinterp.paths.interpolate.interpolate_many", interpolate_many)
    (found,) = open_compute(template(options), small_bundle)([("CCO", "CCN")])
    assert found.error == "none" and asked == [timeout]


def test_an_option_out_of_range_is_said_so():
    with pytest.raises(InputError, match="`timeout` must be a number, above 0; got -1.0"):
        template({"timeout": -1.0})


@pytest.mark.parametrize("name", ["start", "end", "via", "names", "n_paths"])
def test_what_belongs_to_a_pair_is_no_option_of_a_batch(name):
    with pytest.raises(InputError, match=f"`{name}` is not an option of a batch"):
        template({name: "C"})


WRONG = [
    ({"keep": ["vebr"]}, "feature 'vebr' is not known. Did you mean 'veber'"),
    ({"avoid": ["logp=4..1"]}, "must have low <= high"),
    ({"keep": ["mw<500", "mw>=600"]}, "got keep mw<500 and keep mw>=600"),
    ({"term_weights": {"densty": 1.0}}, "`term_weights` must name some of"),
    ({"term_weights": {"density": -1.0}}, "`term_weights` must be at least 0"),
    ({"epsilon": 2.0}, r"`epsilon` must be a number in \(0, 1\)"),
    ({"alerts": ["PAIN"]}, "`alerts` must be among PAINS, BRENK"),
    ({"elements": ["C", "Xx"]}, "`elements` must be symbols"),
    ({"max_sa": 11.0}, r"`max_sa` must be a number in \[1, 10\]"),
    ({"method": "straight"}, "`method` must be one of"),
    ({"output_space": "shape"}, "must be one of latent"),
    ({"n_molecules": 1}, "`n_molecules` must be a whole number, at least 2"),
    ({"only_library": True}, "`only_library` must come with"),
]


@pytest.mark.weights
@pytest.mark.parametrize(("options", "message"), WRONG)
def test_an_option_that_no_pair_can_use_is_found_before_the_first(small_bundle, options, message):
    with pytest.raises(InputError, match=message):
        open_compute(template(options), small_bundle)


def test_a_scaffold_is_a_matter_of_each_pair(small_bundle):
    compute = open_compute(template({"keep": ["scaffold"], "pointwise": True}), small_bundle)
    found = compute([("CCO", "CCN"), ("Cc1ccccc1", "Oc1ccccc1")])
    assert "needs a Murcko scaffold that both ends have" in found[0].error and not found[1].is_failed


def test_files_of_compounds_are_read_and_stand_in_the_manifest(tmp_path, saved_bundle):
    file = tmp_path / "known.smi"
    file.write_text("OCC ethanol\n")
    request = template({"model": saved_bundle, "reference": str(file), "library": None})
    assert reference_of(request) == frozenset({"CCO"})
    job = Job([Pair("0", "C", "N")], request)
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
