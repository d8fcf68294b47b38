"""Standard form: one molecule, one string, and a note for whatever was changed on the way."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molinterp.chem.standardise import standardise, standardise_mol
from molinterp.errors import InvalidMoleculeError
from tests.molecules import DRUGS

CHARGED = [
    "[NH3+]CCC(=O)[O-]",
    "[O-]C(=O)CC(C(=O)[O-])C[NH3+]",
    "C[N+](C)(C)CC(C(=O)[O-])C(=O)[O-]",
    "C[S+](C)CC[C@H]([NH3+])C([O-])=O",
    "C[n+]1ccc(C([O-])=O)c(C([O-])=O)c1",
    "[O-][n+]1ccccc1[O-]",
    "OP(=O)([O-])OCC[N+](C)(C)C",
]
COMPOUNDS = [*DRUGS.values(), *CHARGED]
TARTARIC = "O[C@H]([C@@H](O)C(=O)O)C(=O)O"
ESOMEPRAZOLE_ANION = "COc1ccc2[n-]c([S@@](=O)Cc3ncc(C)c(OC)c3C)nc2c1"
PENICILLIN = DRUGS["penicillin G"]


@pytest.mark.parametrize("smiles", COMPOUNDS)
def test_idempotent(smiles):
    once = standardise(smiles)
    twice = standardise(once.smiles)
    assert (twice.smiles, twice.changes) == (once.smiles, ())


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(COMPOUNDS), st.data())
def test_blind_to_atom_order(smiles, data):
    mol = Chem.MolFromSmiles(smiles)
    order = data.draw(st.permutations(range(mol.GetNumAtoms())))
    renumbered = Chem.RenumberAtoms(mol, order)
    expected = standardise(smiles).smiles
    assert standardise_mol(renumbered, smiles).smiles == expected
    assert standardise(Chem.MolToSmiles(renumbered, canonical=False)).smiles == expected


@pytest.mark.parametrize("smiles", COMPOUNDS)
def test_smiles_and_mol_are_one_molecule(smiles):
    compound = standardise(smiles)
    assert Chem.MolToSmiles(compound.mol) == compound.smiles == Chem.CanonSmiles(compound.smiles)


@pytest.mark.parametrize("smiles", DRUGS.values(), ids=DRUGS)
def test_a_neutral_compound_is_left_as_it_is(smiles):
    compound = standardise(f" {smiles}\n")
    assert compound.smiles == Chem.CanonSmiles(smiles)
    assert compound.changes == ()


@pytest.mark.parametrize(
    ("text", "parent", "note"),
    [
        (f"{DRUGS['rivastigmine']}.{TARTARIC}", "rivastigmine", "salt or solvent left out: O=C(O)[C@H](O)"),
        (f"{DRUGS['metformin']}.Cl", "metformin", "salt or solvent left out: Cl"),
        ("CN(C)C(=[NH2+])NC(N)=N.[Cl-]", "metformin", "salt or solvent left out: [Cl-]"),
        ("CCCC(CCC)C(=O)[O-].[Na+]", "valproic acid", "salt or solvent left out: [Na+]"),
        (
            "CCCC(CCC)C(=O)[O-].CCCC(CCC)C(=O)O.[Na+]",
            "valproic acid",
            "2 copies of CCCC(CCC)C(=O)O taken as one",
        ),
        (
            f"{ESOMEPRAZOLE_ANION}.{ESOMEPRAZOLE_ANION}.[Mg+2]",
            "esomeprazole",
            f"2 copies of {Chem.CanonSmiles(ESOMEPRAZOLE_ANION)} taken as one",
        ),
        (f"{ESOMEPRAZOLE_ANION}.{ESOMEPRAZOLE_ANION}.[Mg+2].O.O.O", "esomeprazole", "left out: O, [Mg+2]"),
        (f"{PENICILLIN[:-1]}[O-].[K+]", "penicillin G", "salt or solvent left out: [K+]"),
        (f"{DRUGS['quinine']}.OS(=O)(=O)c1ccccc1", "quinine", "left out beside the parent: O=S(=O)(O)c1"),
        (f"{DRUGS['quinine']}.[Fe+2]", "quinine", "left out beside the parent: [Fe+2]"),
        (f"{DRUGS['aspirin']}.O", "aspirin", "salt or solvent left out: O"),
    ],
)
def test_parent_is_kept_with_stereo_and_the_rest_is_noted(text, parent, note):
    expected = Chem.CanonSmiles(DRUGS[parent])
    for order in itertools.islice(itertools.permutations(text.split(".")), 24):
        compound = standardise(".".join(order))
        assert compound.smiles == expected
        assert note in "; ".join(compound.changes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Na+].CC(=O)[O-]", "CC(=O)O"),
        ("[Ca+2].CC(=O)[O-].CC(=O)[O-]", "CC(=O)O"),
        ("[NH4+].[O-]C=O", "O=CO"),
        ("CCO.O", "CCO"),
        ("O.O", "O"),
        ("Cl", "Cl"),
        ("C[N+](C)(C)CCO.[Cl-]", "C[N+](C)(C)CCO"),
        ("[NH3+]CC(=O)[O-]", "NCC(=O)O"),
        ("C[N+](C)(C)CC(=O)[O-]", "C[N+](C)(C)CC(=O)[O-]"),
        ("[2H]C([2H])([2H])Oc1ccccc1", "COc1ccccc1"),
        ("C[C@]([2H])(F)Cl", "C[C@H](F)Cl"),
        ("C[C@@H]([2H])O", "CCO"),
        ("[13CH3][C@H](C)O", "CC(C)O"),
        ("[2H]O[2H]", "O"),
        ("[H][H].CC", "CC"),
    ],
)
def test_known_standard_form(text, expected):
    assert standardise(text).smiles == expected


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("CCO", ()),
        ("OCC", ()),
        ("CN.Cl", ("salt or solvent left out: Cl",)),
        ("[13CH3]O", ("isotope labels removed",)),
        ("O.O", ("2 copies of O taken as one",)),
        (
            "CC(=O)[O-].[Na+]",
            ("salt or solvent left out: [Na+]", "charges neutralised: CC(=O)[O-] -> CC(=O)O"),
        ),
        ("c1ccccc1.CO", ("left out beside the parent: CO",)),
        ("CC[C@H](C)O |a:2|", ()),
        (
            "CC[C@H](C)N.Cl |&1:2|",
            (
                "stereo labels |&1:2| left out: taken for the one stereoisomer that is drawn",
                "salt or solvent left out: Cl",
            ),
        ),
    ],
)
def test_changes_are_told(text, changes):
    assert standardise(text).changes == changes


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f"{DRUGS['aspirin']}.{DRUGS['caffeine']}", (DRUGS["aspirin"], DRUGS["caffeine"])),
        ("C[C@H](N)c1ccccc1.C[C@@H](N)c1ccccc1", ("C[C@H](N)c1ccccc1", "C[C@@H](N)c1ccccc1")),
        ("CCCCCC.CCCCCCC.Cl", ("CCCCCC", "CCCCCCC")),
        ("N.O", ("N", "O")),
    ],
)
def test_a_mixture_is_refused_and_its_parts_are_named(text, parts):
    with pytest.raises(InvalidMoleculeError, match="it is a mixture without a clear parent") as caught:
        standardise(text, index=4)
    assert caught.value.index == 4
    for part in parts:
        assert Chem.CanonSmiles(part) in caught.value.reason


@pytest.mark.parametrize("text", ["C[CH2]", "[N]=O", "CC1(C)CCCC(C)(C)N1[O]"])
def test_a_radical_is_refused(text):
    with pytest.raises(InvalidMoleculeError, match=r"it holds a radical.*Check row 2\."):
        standardise(text, index=2)


@pytest.mark.parametrize("text", ["[H+].[Cl-]", "[H-].[Na+]"])
def test_nothing_but_hydrogen_is_no_parent(text):
    with pytest.raises(InvalidMoleculeError, match="it has no atom heavier than hydrogen"):
        standardise(text)


@pytest.mark.parametrize("text", ["", "CC O", "CC |&1:1| O", "C1CC", "C" * 3000, "*C"])
def test_the_gate_stands_before(text):
    with pytest.raises(InvalidMoleculeError, match=re.escape("is not a molecule that can be used")):
        standardise(text)


@pytest.mark.parametrize("text", ["[13CH3]C(=O)[O-].[Na+]", "[NH3+]CC(=O)[O-]", "[2H]C([2H])O.Cl"])
def test_the_molecule_handed_in_is_not_changed(text):
    mol = Chem.MolFromSmiles(text)
    before = mol.ToBinary()
    assert standardise_mol(mol, text).changes
    assert mol.ToBinary() == before
