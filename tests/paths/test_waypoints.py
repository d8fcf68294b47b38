import numpy as np
import pytest
from rdkit import Chem

from molinterp.chem.similarity import tanimoto
from molinterp.errors import InputError
from molinterp.paths.interpolate import interpolate
from molinterp.paths.request import PathRequest
from molinterp.paths.waypoints import legs
from molinterp.report.formats import render
from molinterp.report.view import read_view
from tests.tolerances import EXACT

pytestmark = pytest.mark.weights
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
IBUPROFEN = "CC(C)Cc1ccc(C(C)C(=O)O)cc1"
LAST = "CC(C)Cc1ccccc1"


@pytest.mark.weights
def test_a_path_by_way_of_a_compound_is_its_two_legs():
    parts = [interpolate(ASPIRIN, IBUPROFEN, hybrids=False), interpolate(IBUPROFEN, LAST, hybrids=False)]
    found = interpolate(ASPIRIN, LAST, via=[IBUPROFEN], hybrids=False)
    assert found.smiles == parts[0].smiles + parts[1].smiles[1:]
    t = [s.t for s in found]
    assert t == sorted(t) and t[0] == 0.0 and t[-1] == pytest.approx(1.0)
    assert found.length == pytest.approx(parts[0].length + parts[1].length)
    assert found.length**2 <= 2 * found.energy * (1 + EXACT)
    ends = (Chem.MolFromSmiles(ASPIRIN), Chem.MolFromSmiles(LAST))
    assert found.molecules[0].similarity_to_end == tanimoto(*ends)
    points = np.concatenate([parts[0].curve.points, parts[1].curve.points[1:]])
    np.testing.assert_array_equal(found.curve.points, points)


@pytest.mark.weights
def test_the_compounds_on_the_way_keep_their_names(tmp_path):
    names = ["aspirin", "ibuprofen", ""]
    found = interpolate(ASPIRIN, LAST, via=[IBUPROFEN], names=names, n_molecules=2, pointwise=True)
    assert found.to_frame()["name"].tolist() == names
    file = tmp_path / "path.json"
    file.write_text(render(found, ".json"), encoding="utf-8")
    assert read_view(file).table["name"].tolist() == names
    unnamed = interpolate(ASPIRIN, LAST, via=[IBUPROFEN], n_molecules=2, pointwise=True)
    assert unnamed.to_frame()["name"].tolist() == ["", "", ""]


@pytest.mark.weights
def test_stereoisomers_stand_apart_though_they_are_similar():
    threonines = ["C[C@@H](O)[C@H](N)C(=O)O", "C[C@H](O)[C@H](N)C(=O)O", "C[C@H](O)[C@@H](N)C(=O)O"]
    found = interpolate(threonines[0], threonines[2], via=threonines[1:2], n_molecules=2)
    assert [s.t for s in found] == [0.0, 0.5, 1.0] and found.length == 0.0


@pytest.mark.weights
def test_a_note_says_which_legs_it_is_of():
    found = interpolate(ASPIRIN, LAST, via=[IBUPROFEN], n_molecules=2, keep=["smarts:C(=O)O"])
    leg = interpolate(IBUPROFEN, LAST, n_molecules=2, keep=["smarts:C(=O)O"])
    broken = "keep smarts:C(=O)O: broken at step 1"
    assert broken in leg.notes
    assert f"leg 2: {broken}" in found.notes and f"leg 1: {broken}" not in found.notes
    assert all(note.startswith(("leg 1: ", "leg 2: ", "every leg: ")) for note in found.notes)


def test_each_compound_has_a_name_or_none_has():
    with pytest.raises(InputError, match="`names` must be one for each of 3 compounds; got 2"):
        interpolate(ASPIRIN, LAST, via=[IBUPROFEN], names=["a", "b"])


def test_legs_ask_for_what_was_asked_between_neighbours():
    request = PathRequest(
        start="C", end="N", via=("O", "S"), names=("c", "o", "s", "n"), keep=("bbb",), seed=3
    )
    pairs = [(leg.start, leg.end, leg.names) for leg in legs(request)]
    assert pairs == [("C", "O", ("c", "o")), ("O", "S", ("o", "s")), ("S", "N", ("s", "n"))]
    assert all((leg.keep, leg.seed, leg.via) == (("bbb",), 3, ()) for leg in legs(request))
