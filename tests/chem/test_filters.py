import pytest
from rdkit import Chem

from molinterp.chem.environments import EnvironmentTable
from molinterp.chem.filters import SA_SLACK, Judge, decoded_molecule, decoded_smiles, is_clean, own_fault
from molinterp.chem.properties import sa_score

ASPIRIN, IBUPROFEN = (Chem.MolFromSmiles(s) for s in ("CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"))
NITROBENZENE = Chem.MolFromSmiles("O=[N+]([O-])c1ccccc1")


@pytest.mark.parametrize(
    ("smiles", "fault"),
    [
        ("CC(=O)O.CCO", "fragments"),
        ("C[CH]C", "radical"),
        ("C[N+](C)(C)C", "charge"),
        ("FC1=NN=PC1=S=NON=O", "unfamiliar"),
        ("O=[N+]([O-])c1ccccc1", "alert"),
        ("CC(=O)Nc1ccccc1", None),
    ],
)
def test_known_verdicts(smiles, fault):
    mol = Chem.MolFromSmiles(smiles)
    assert Judge.between(ASPIRIN, IBUPROFEN).fault(mol) == fault


def test_what_an_end_bears_is_allowed_between():
    nitrotoluene = Chem.MolFromSmiles("Cc1ccc([N+](=O)[O-])cc1")
    assert Judge.between(ASPIRIN, IBUPROFEN).fault(nitrotoluene) == "alert"
    assert Judge.between(NITROBENZENE, IBUPROFEN).fault(nitrotoluene) is None
    choline = Chem.MolFromSmiles("C[N+](C)(C)CCO")
    ethyl = Chem.MolFromSmiles("CC[N+](C)(C)CCO")
    assert Judge.between(ASPIRIN, IBUPROFEN).fault(choline) == "charge"
    assert Judge.between(choline, IBUPROFEN).fault(ethyl) != "charge"


def test_the_ends_pass_their_own_judge():
    judge = Judge.between(ASPIRIN, IBUPROFEN)
    assert [judge.fault(end) for end in (ASPIRIN, IBUPROFEN)] == [None, None]


def test_sa_score_is_held_against_the_harder_end():
    everything = Chem.MolFromSmiles("C[C@]12CC[C@H]3[C@@H](CC[C@H]4CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O")
    judge = Judge.between(ASPIRIN, IBUPROFEN)
    assert judge.max_sa_score == pytest.approx(max(map(sa_score, (ASPIRIN, IBUPROFEN))) + SA_SLACK)
    assert judge.fault(everything) == "hard-to-make"
    assert Judge.between(ASPIRIN, everything).fault(everything) is None


def test_familiarity_comes_from_the_table_that_is_handed_in():
    nothing = EnvironmentTable({1: frozenset(), 2: frozenset()})
    judge = Judge.between(ASPIRIN, IBUPROFEN, environments=nothing)
    assert judge.fault(Chem.MolFromSmiles("CCN")) == "unfamiliar"


@pytest.mark.parametrize("text", ["", "C1CC", "C(C)(C)(C)(C)C", "C" * 101, "[H][H]", "C" * 5000])
def test_what_is_no_molecule_to_read_is_none(text):
    assert decoded_molecule(text) is None


def test_a_decode_is_read():
    assert Chem.MolToSmiles(decoded_molecule("C1=CC=CC=C1")) == decoded_smiles("C1=CC=CC=C1") == "c1ccccc1"


def test_a_decode_that_cannot_be_read_once_it_is_written_is_no_molecule(monkeypatch):
    monkeypatch.setattr(Chem, "MolToSmiles", lambda mol: "c1cccc1")
    assert decoded_molecule("C1=CC=CC=C1") is not None and decoded_smiles("C1=CC=CC=C1") == ""


@pytest.mark.parametrize(
    ("smiles", "clean"),
    [
        ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", True),
        ("O=[N+]([O-])c1ccccc1", False),
        ("C[N+](C)(C)CCO", False),
        ("CC(=O)O.CCO", False),
        ("C[CH]C", False),
        ("FC1=NN=PC1=S=NON=O", False),
        ("CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5", False),
    ],
)
def test_clean_is_absolute(smiles, clean):
    assert is_clean(Chem.MolFromSmiles(smiles, sanitize=True)) == clean


@pytest.mark.parametrize(
    ("smiles", "fault"),
    [
        ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", None),
        ("CC(=O)O.CCO", "fragments"),
        ("C[N+](C)(C)CCO", "charge"),
        ("C[CH]C", "radical"),
        ("FC1=NN=PC1=S=NON=O", "unfamiliar"),
        ("CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5", "hard-to-make"),
        ("O=[N+]([O-])c1ccccc1", "alert"),
    ],
)
def test_what_a_molecule_lacks_to_be_clean_has_a_name(smiles, fault):
    assert own_fault(Chem.MolFromSmiles(smiles)) == fault
