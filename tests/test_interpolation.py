import pytest
from rdkit import Chem

from molinterp import interpolate
from molinterp.chem.judge import Judge
from molinterp.chem.similarity import tanimoto
from molinterp.errors import InputError, InvalidMoleculeError, VocabularyError

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
IBUPROFEN = "CC(C)Cc1ccc(C(C)C(=O)O)cc1"
L_ALANINE, D_ALANINE = "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"


@pytest.fixture(scope="module", params=["linear", "slerp"])
def path(request):
    return interpolate(ASPIRIN, IBUPROFEN, method=request.param)


def test_the_ends_are_the_users_compounds(path):
    assert path.smiles[0] == Chem.CanonSmiles(ASPIRIN)
    assert path.smiles[-1] == Chem.CanonSmiles(IBUPROFEN)


def test_stereo_of_the_ends_is_kept(small_bundle):
    found = interpolate(L_ALANINE, D_ALANINE, bundle=small_bundle)
    assert found.smiles[0] == Chem.CanonSmiles(L_ALANINE)
    assert found.smiles[-1] == Chem.CanonSmiles(D_ALANINE)


def test_every_molecule_between_passes_the_judge(path):
    judge = Judge.between(Chem.MolFromSmiles(ASPIRIN), Chem.MolFromSmiles(IBUPROFEN))
    assert len(path) > 2
    for smiles in path.smiles[1:-1]:
        assert judge.fault(Chem.MolFromSmiles(smiles)) is None


def test_no_molecule_stands_twice_even_without_stereo(path):
    flat = [Chem.MolToSmiles(Chem.MolFromSmiles(s), isomericSmiles=False) for s in path.smiles]
    assert len(set(flat)) == len(flat)


def test_order_follows_the_curve(path):
    t = [s.t for s in path]
    assert t == sorted(t) and t[0] == 0.0 and t[-1] == 1.0


def test_similarities_are_those_of_the_molecules(path):
    mols = [Chem.MolFromSmiles(s) for s in path.smiles]
    assert path.steps[0].similarity is None
    for before, mol, step in zip(mols, mols[1:], path.steps[1:], strict=False):
        assert step.similarity == tanimoto(before, mol)
        assert step.similarity_to_start == tanimoto(mols[0], mol)
        assert step.similarity_to_end == tanimoto(mols[-1], mol)


def test_same_seed_same_path(path):
    again = interpolate(ASPIRIN, IBUPROFEN, method=path.method)
    assert again == path


def test_the_spelling_of_the_ends_does_not_matter():
    first = interpolate(ASPIRIN, IBUPROFEN)
    other = interpolate("OC(=O)c1ccccc1OC(C)=O", "C(c1ccc(cc1)C(C(O)=O)C)C(C)C")
    assert first.smiles == other.smiles


def test_steps_are_counted_with_the_ends():
    whole = interpolate(ASPIRIN, IBUPROFEN)
    thin = interpolate(ASPIRIN, IBUPROFEN, steps=4)
    assert len(thin) == 4 <= len(whole)
    assert set(thin.smiles) <= set(whole.smiles)
    assert interpolate(ASPIRIN, IBUPROFEN, steps=2).smiles == [whole.smiles[0], whole.smiles[-1]]


def test_too_few_molecules_for_the_steps_are_said():
    found = interpolate(ASPIRIN, IBUPROFEN, steps=500)
    assert any("500 molecules were asked for" in note for note in found.notes)


def test_a_salt_is_stripped_with_a_note():
    found = interpolate("[Na+].CC(=O)Oc1ccccc1C(=O)[O-]", IBUPROFEN)
    assert found.smiles[0] == Chem.CanonSmiles(ASPIRIN)
    assert any(note.startswith("start:") for note in found.notes)


def test_round_trips_of_memorised_ends_are_exact(small_bundle):
    found = interpolate("Oc1ccccc1", "CCO", bundle=small_bundle)
    assert [r.is_exact for r in found.round_trips] == [True, True]
    assert [r.similarity for r in found.round_trips] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "message"),
    [
        ("c1ccc", IBUPROFEN, {}, InvalidMoleculeError, "unclosed ring 1"),
        (ASPIRIN, "", {}, InvalidMoleculeError, "it is empty"),
        (ASPIRIN, "OC(=O)c1ccccc1OC(C)=O", {}, InputError, "the same compound"),
        (ASPIRIN, IBUPROFEN, {"method": "spline"}, InputError, "must be one of linear, slerp"),
        (ASPIRIN, IBUPROFEN, {"steps": 1}, InputError, "must be at least 2"),
        (ASPIRIN, IBUPROFEN, {"device": "abacus"}, InputError, "`device` must be one that torch can use"),
        (ASPIRIN, "C[As](C)C", {}, VocabularyError, r"unknown token \[As\]"),
        (ASPIRIN, "CCCCCCCC.CCCCCCCO", {}, InvalidMoleculeError, "mixture without a clear parent"),
    ],
)
def test_bad_input_is_named(a, b, options, error, message):
    with pytest.raises(error, match=message):
        interpolate(a, b, **options)
