import pytest
from molinterp.data import drugs
from rdkit import Chem
from rdkit.Contrib.SA_Score import sascorer

from molinterp.chem.environments import environment_counts
from molinterp.chem.parsing import parse
from molinterp.chem.screening import bond_kinds
from molinterp.chem.synthetic_accessibility import Accessibility, most_centres, sa_score

MORE = [
    "C",
    "CC",
    "C1CCCCCCCCCCC1",
    "C1CC2(C1)CCC2",
    "CS(=O)CC",
    "CP(=O)(CC)O",
    "C[N+](CC)(CCC)C1CC1",
    "CN1CC1C",
    "C1CN2CCC1CC2",
]
SMILES = [*drugs().values(), *MORE]


@pytest.mark.parametrize("smiles", SMILES)
def test_it_is_the_published_score(smiles):
    mol = parse(smiles)
    assert sa_score(mol) == pytest.approx(sascorer.calculateScore(mol), abs=1e-9)


@pytest.mark.parametrize("smiles", SMILES)
def test_a_limit_is_held_to_as_by_the_score_itself(smiles):
    mol = parse(smiles)
    found, score = Accessibility(mol, environment_counts(mol), bond_kinds(mol)), sascorer.calculateScore(mol)
    assert found.score == pytest.approx(score, abs=1e-9)
    for limit in (1.5, 2.5, 3.0, 3.5, 4.0, 4.5, 6.0, score, score - 1e-6):
        assert found.is_within(limit) == (score <= limit)


@pytest.mark.parametrize("smiles", SMILES)
def test_no_stereocentre_is_missed(smiles):
    mol = parse(smiles)
    assert most_centres(mol, bond_kinds(mol)) >= len(Chem.FindMolChiralCenters(mol, includeUnassigned=True))
