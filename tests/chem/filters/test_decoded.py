import pytest
from rdkit import Chem

from molinterp.chem.filters import decoded_molecule, decoded_smiles


@pytest.mark.parametrize("text", ["", "C1CC", "C(C)(C)(C)(C)C", "C" * 101, "[H][H]", "C" * 5000])
def test_what_is_no_molecule_to_read_is_none(text):
    assert decoded_molecule(text) is None


def test_a_decode_is_read():
    assert Chem.MolToSmiles(decoded_molecule("C1=CC=CC=C1")) == decoded_smiles("C1=CC=CC=C1") == "c1ccccc1"


def test_a_decode_that_cannot_be_read_once_it_is_written_is_no_molecule(monkeypatch):
    monkeypatch.setattr(Chem, "MolToSmiles", lambda mol: "c1cccc1")
    assert decoded_molecule("C1=CC=CC=C1") is not None and decoded_smiles("C1=CC=CC=C1") == ""
