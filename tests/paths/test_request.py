import json
import subprocess
import sys
from dataclasses import fields, replace
from inspect import signature

import pytest

from molinterp import interpolate
from molinterp.errors import InputError
from molinterp.options import options_of
from molinterp.paths.library import Library
from molinterp.paths.request import Method, Objective, PathRequest, read_config

FULL = PathRequest(
    start="CCO",
    end="CCN",
    via=["CCC"],
    names=("a", "b", "c"),
    keep=["bbb", "logp=1..4"],
    avoid=("ahr",),
    substructure="c1ccccc1",
    max_sa=4,
    alerts=(),
    elements=["C", "N"],
    n_molecules=9,
    objective="short",
    timeout=None,
    method="slerp",
    term_weights={"density": 1, "bbb": 2.5},
    seed=7,
    library="shelf.smi",
)


@pytest.mark.parametrize("request_", [PathRequest(), FULL], ids=["default", "full"])
def test_a_request_travels_as_json_and_as_toml(request_, tmp_path):
    assert PathRequest.from_json(request_.to_json()) == request_
    file = tmp_path / "run.toml"
    file.write_text(request_.to_toml(), encoding="utf-8")
    assert PathRequest.of(**read_config(file)) == request_


def test_only_what_was_asked_is_written():
    assert PathRequest().given() == {}
    assert PathRequest(seed=3).given() == {"seed": 3}


def test_every_field_is_a_declared_option():
    assert list(options_of(PathRequest)) == [f.name for f in fields(PathRequest)]
    for _, declared in options_of(PathRequest).values():
        assert declared.help.endswith(".") and declared.group


def test_interpolate_shows_the_options_of_a_request():
    shown = signature(interpolate).parameters
    assert set(options_of(PathRequest)) - set(shown) == {"n_paths"}
    assert shown["min_step_similarity"].default == PathRequest().min_step_similarity
    assert "epsilon: ε of Q" in interpolate.__doc__


def test_values_take_their_normal_form():
    assert (FULL.method, FULL.objective) == (Method.SLERP, Objective.SHORT)
    assert FULL.keep == ("bbb", "logp=1..4") and FULL.kept == ("bbb", "logp=1..4", "smarts:c1ccccc1")
    assert (FULL.start_name, FULL.end_name) == ("a", "c")


def test_a_library_in_memory_is_written_compound_by_compound():
    asked = PathRequest(library=Library.of(["CCO", "CCN"], ["ethanol", ""]), reference=frozenset({"C", "CC"}))
    assert sorted(asked.library) == [("CCN", ""), ("CCO", "ethanol")]
    assert PathRequest.from_json(asked.to_json()) == asked


def test_a_template_serves_many_pairs():
    one = FULL.between("CCCl", "CCBr", ("x", "y"))
    assert (one.start, one.end, one.via, one.names) == ("CCCl", "CCBr", (), ("x", "y"))
    assert replace(one, start="CCO", end="CCN", via=FULL.via, names=FULL.names) == FULL


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 3}, "`steps` is not an option"),
        ({"n_molecule": 3}, "Did you mean n_molecules?"),
        ({"n_molecules": 1}, "`n_molecules` must be a whole number, at least 2; got 1"),
        ({"n_paths": 0}, "`n_paths` must be a whole number, at least 1"),
        ({"min_step_similarity": 1.0}, r"`min_step_similarity` must be a number in \(0, 1\)"),
        ({"epsilon": 0}, r"`epsilon` must be a number in \(0, 1\)"),
        ({"epsilon": 1.0}, r"`epsilon` must be a number in \(0, 1\)"),
        ({"epsilon": -1.0}, r"`epsilon` must be a number in \(0, 1\)"),
        ({"term_weights": {"bbb": -1.0}}, "`term_weights` must be at least 0 and finite; got -1.0 for bbb"),
        ({"term_weights": {"bbb": "2"}}, "`term_weights` must be at least 0 and finite; got '2' for bbb"),
        ({"term_weights": {"validity": float("inf")}}, "at least 0 and finite; got inf for validity"),
        ({"keep": "bbb"}, r"`keep` must be a list; got 'bbb'\. Write \['bbb'\]"),
        ({"max_sa": 11}, r"`max_sa` must be a number in \[1, 10\]"),
        ({"alerts": ["PAIN"]}, "`alerts` must be among PAINS, BRENK; got 'PAIN'. Did you mean PAINS?"),
        ({"timeout": 0}, "`timeout` must be a number, above 0"),
        ({"objective": "long"}, "`objective` must be one of smooth, short"),
        ({"only_library": True}, "`only_library` must come with a `library`"),
        ({"only_library": True, "library": "a.smi", "pointwise": True}, "without `pointwise`"),
        ({"n_paths": 2, "via": ["C"]}, "`n_paths` goes with two compounds; got way-points"),
        ({"names": ["a"]}, "`names` must be one for each of 2 compounds; got 1"),
        ({"library": 3}, "`library` must be a Library or the name of a file"),
        ({"reference": 3}, "`reference` must be a set of SMILES"),
        ({"seed": None}, r"`seed` must be a whole number in \[0, 4294967295\]"),
    ],
)
def test_what_cannot_be_asked_is_named(options, message):
    with pytest.raises(InputError, match=message):
        PathRequest.of(**options)


@pytest.mark.parametrize("text", ["{", "3"])
def test_json_that_is_no_request_is_named(text):
    with pytest.raises(InputError, match="must be a JSON object"):
        PathRequest.from_json(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [("keep = [", "is not TOML"), ("kep = ['bbb']", "`kep` is not an option. Did you mean keep?")],
)
def test_a_configuration_that_cannot_be_used_is_named(tmp_path, text, message):
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        read_config(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_config(tmp_path / "none.toml")


def test_a_request_needs_neither_torch_nor_rdkit():
    code = (
        "import sys; from molinterp.paths.request import PathRequest; PathRequest(start='C', end='CC');"
        "print(sorted({'torch', 'rdkit', 'pandas'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_json_of_a_request_is_small():
    assert json.loads(PathRequest(start="C", end="CC").to_json()) == {"start": "C", "end": "CC"}
