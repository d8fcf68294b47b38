"""Properties: recorded values, ranges, and laws that hold for every molecule of the gate."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molinterp.chem import properties
from molinterp.chem.parsing import MAX_HEAVY_ATOMS, parse
from molinterp.chem.properties import PROPERTIES, describe
from tests.molecules import DRUGS, cage
from tests.tolerances import EXACT

CLOSE = {"rel": EXACT, "abs": EXACT}
COLUMNS = (
    "mw logp tpsa hbd hba rotatable_bonds rings aromatic_rings fraction_csp3 qed sa_score heavy_atoms"
).split()
# Recorded with RDKit 2026.09.1.
KNOWN = {
    "CC(=O)Oc1ccccc1C(=O)O": (
        180.159, 1.3101, 63.6, 1, 3, 2, 1, 1, 1 / 9, 0.5501217966938848, 1.580039750008826, 13
    ),
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O": (
        194.194, -1.0293, 61.82, 0, 3, 0, 2, 2, 0.375, 0.5384628262372215, 2.29798245679401, 14
    ),
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O": (
        206.285, 3.0732, 37.3, 1, 1, 4, 1, 1, 6 / 13, 0.8215995486924976, 2.1917554204925054, 15
    ),
    "C=C[C@H]1CN2CC[C@H]1C[C@H]2[C@H](O)c1ccnc2ccc(OC)cc12": (
        324.424, 3.1732, 45.59, 1, 4, 4, 5, 2, 0.45, 0.8776016184783941, 4.515548580286903, 24
    ),
    "C": (16.043, 0.6361, 0.0, 0, 0, 0, 0, 0, 1.0, 0.3597849378839701, 7.3284153846153846, 1),
}  # fmt: skip
ODD = [
    "[Na+]",
    "[Fe]",
    "O",
    "N#N",
    "F[P-](F)(F)(F)(F)F",
    "CC.O",
    "C" * MAX_HEAVY_ATOMS,
    cage(30),
    "[2H]O[2H]",
]
MOLECULES = [*DRUGS.values(), *ODD]


@pytest.mark.parametrize(("smiles", "values"), KNOWN.items())
def test_known_values(smiles, values):
    expected = dict(zip(COLUMNS, values, strict=True))
    assert describe(parse(smiles)) == pytest.approx(expected, **CLOSE)


def test_columns_are_named_after_their_functions_and_keep_their_order():
    assert list(PROPERTIES) == COLUMNS == list(describe(parse("C")))
    assert all(PROPERTIES[name] is getattr(properties, name) for name in COLUMNS)


def test_the_table_of_properties_cannot_be_changed():
    with pytest.raises(TypeError, match="does not support item assignment"):
        PROPERTIES["mw"] = len


@pytest.mark.parametrize("smiles", MOLECULES)
def test_values_are_finite_and_in_their_range(smiles):
    found = describe(parse(smiles))
    assert all(math.isfinite(value) for value in found.values())
    assert 0 <= found["qed"] <= 1
    assert 1 <= found["sa_score"] <= 10
    assert 0 <= found["fraction_csp3"] <= 1
    assert found["mw"] > 0
    assert found["tpsa"] >= 0
    assert 0 <= found["aromatic_rings"] <= found["rings"]
    counts = ("hbd", "hba", "rotatable_bonds", "rings", "aromatic_rings", "heavy_atoms")
    assert all(isinstance(found[name], int) and found[name] >= 0 for name in counts)


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(sorted(DRUGS.values())), st.data())
def test_blind_to_atom_order(smiles, data):
    mol = parse(smiles)
    order = data.draw(st.permutations(range(mol.GetNumAtoms())))
    found = describe(Chem.RenumberAtoms(mol, order))
    assert found == pytest.approx(describe(mol), **CLOSE)


@pytest.mark.parametrize(
    "name", ["mw", "logp", "tpsa", "hbd", "hba", "rings", "aromatic_rings", "heavy_atoms"]
)
def test_sums_over_components(name):
    both = parse(f"{DRUGS['aspirin']}.{DRUGS['quinine']}")
    expected = sum(PROPERTIES[name](parse(DRUGS[d])) for d in ("aspirin", "quinine"))
    assert PROPERTIES[name](both) == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize("smiles", MOLECULES)
def test_describing_changes_nothing(smiles):
    mol = parse(smiles)
    before = Chem.MolToSmiles(mol)
    assert describe(mol) == describe(mol)
    assert Chem.MolToSmiles(mol) == before


@pytest.mark.parametrize(("n", "homologue"), [(n, "C" * n) for n in (1, 2, 5, 30)])
def test_alkanes_follow_their_formula(n, homologue):
    mol = parse(homologue)
    # CnH(2n+2), average masses of C and H.
    assert properties.mw(mol) == pytest.approx(12.011 * n + 1.008 * (2 * n + 2), **CLOSE)
    assert properties.rotatable_bonds(mol) == max(0, n - 3)
    assert (properties.tpsa(mol), properties.fraction_csp3(mol), properties.heavy_atoms(mol)) == (0, 1, n)


def test_enantiomers_share_their_properties():
    left, right = (parse(f"C[{chirality}H](N)C(=O)O") for chirality in ("C@", "C@@"))
    assert describe(left) == describe(right)
