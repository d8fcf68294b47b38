import re

import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor

from molinterp.report import drawings
from molinterp.report.drawings import draw_path


def test_what_changed_is_counted():
    counts = [d.n_changed for d in draw_path(["c1ccccc1", "Cc1ccccc1", "Cc1ccccc1C", "C", "CC"])]
    assert counts == [None, 1, 1, 0, 1]


def test_a_mirror_image_is_a_change_of_its_centre_alone():
    assert [d.n_changed for d in draw_path(["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"])] == [None, 1]


def test_the_first_has_no_mark_and_others_do():
    first, second = draw_path(["c1ccccc1", "Cc1ccccc1"])
    assert "molinterp-changed" not in first.svg and "molinterp-changed" in second.svg


def test_atoms_in_common_lie_where_they_lay():
    before, after = (Chem.MolFromSmiles(s) for s in ("Clc1ccc(CC(=O)O)cc1", "O=C(O)Cc1ccc(Br)cc1"))
    rdDepictor.Compute2DCoords(before)
    rdDepictor.Compute2DCoords(after)
    drawings._align(after, before)
    core = Chem.MolFromSmarts("c1ccc(CC(=O)O)cc1")
    places = [
        [tuple(m.GetConformer().GetAtomPosition(i))[:2] for i in m.GetSubstructMatch(core)]
        for m in (before, after)
    ]
    centred = [[(x - p[0][0], y - p[0][1]) for x, y in p] for p in places]
    flat = [[v for point in p for v in point] for p in centred]
    assert flat[1] == pytest.approx(flat[0], abs=0.2)


def test_atoms_do_not_overlap_where_a_free_drawing_has_room():
    before, after = (Chem.MolFromSmiles(s) for s in ("COc1ccc(COC(C)=O)cc1C", "CC(C)Oc1ccccc1C(=O)O"))
    rdDepictor.Compute2DCoords(before)
    for smiles in ("CC(=O)Oc1ccc(C(C)C)cc1", "COc1ccc(OC(C)=O)cc1OC", "COc1ccc(COC(C)=O)cc1C"):
        before = Chem.MolFromSmiles(smiles)
        rdDepictor.Compute2DCoords(before)
        mol = Chem.Mol(after)
        rdDepictor.Compute2DCoords(mol)
        drawings._align(mol, before)
        assert drawings._nearest(mol) >= drawings.MIN_GAP


def test_drawings_are_plain():
    for drawing in draw_path(["CC(=O)Oc1ccccc1C(=O)O", "OC[C@H](Br)S(=O)(=O)N", "no <b>molecule</b>"]):
        assert not re.search(r"style=|<script|href|url\(|#000000|<b>", drawing.svg)
    labels = draw_path(["CCO"])[0].svg
    assert "#d6382d" in labels  # the letters OH, in the colour of oxygen


@pytest.mark.parametrize("text", ["", "xx", "<img onerror=1>", "C" * 3000, "C1CC"])
def test_what_is_no_molecule_is_said_so(text):
    first, second = draw_path([text, "CCO"])
    assert "not drawn" in first.svg and first.n_changed is None
    assert second.n_changed is None


def test_a_substructure_search_has_a_time_limit(monkeypatch):
    given = {}
    real = drawings.rdFMCS.FindMCS
    monkeypatch.setattr(
        drawings.rdFMCS, "FindMCS", lambda mols, **options: given.update(options) or real(mols, **options)
    )
    draw_path(["CCO", "CCN"])
    assert given["timeout"] == drawings.MCS_SECONDS
