"""One compound, one form, however a database, a drawing program or a colleague wrote it."""

import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.standardise import Parent, standardise
from molinterp.errors import InputError, InvalidMoleculeError

OMEPRAZOLE = "COc1ccc2[nH]c(S(=O)Cc3ncc(C)c(OC)c3C)nc2c1"

ONE_FORM = {
    "sulfoxide": ("CS(=O)c1ccccc1", "C[S+]([O-])c1ccccc1", "[O-][S+](C)c1ccccc1"),
    "sulfoxide of one hand": ("C[S@](=O)c1ccccc1", "C[S@@+](c1ccccc1)[O-]", "[O-][S@@+](C)c1ccccc1"),
    "omeprazole as ChEMBL has it": (OMEPRAZOLE, "COc1ccc2[nH]c([S+]([O-])Cc3ncc(C)c(OC)c3C)nc2c1"),
    "sulfone": ("CS(=O)(=O)C", "C[S+2]([O-])([O-])C", "C[S+](=O)([O-])C"),
    "sulfonamide": ("CS(=O)(=O)Nc1ccccc1", "C[S+2]([O-])([O-])Nc1ccccc1"),
    "thiophene oxide": ("O=S1C=CC=C1", "[O-][s+]1cccc1"),
    "selenoxide": ("C[Se](=O)C", "C[Se+]([O-])C"),
    "phosphine oxide": ("CP(C)(=O)c1ccccc1", "C[P+](C)([O-])c1ccccc1"),
    "phosphine sulfide": ("CP(C)(C)=S", "C[P+](C)(C)[S-]"),
    "phosphate": ("COP(=O)(O)O", "CO[P+]([O-])(O)O", "COP(=O)([O-])[O-].[Na+].[Na+]"),
    "phosphorus ylide": ("C=P(C)(C)C", "[CH2-][P+](C)(C)C"),
    "sulfilimine": ("CS(C)=NC", "C[S+](C)[N-]C"),
    "sulfoximine": ("CS(C)(=O)=NC", "C[S+](C)(=O)[N-]C", "C[S+](C)([O-])=NC", "C[S+2](C)([O-])[N-]C"),
    "amine oxide": ("C[N+](C)(C)[O-]", "CN(C)(C)=O"),
    "pyridine oxide": ("[O-][n+]1ccccc1", "O=n1ccccc1"),
    "nitro": ("C[N+](=O)[O-]", "CN(=O)=O", "C[N+2]([O-])[O-]"),
    "nitrone": ("C=[N+](C)[O-]", "CN(=O)=C"),
    "azide": ("CN=[N+]=[N-]", "CN=N#N", "C[N-][N+]#N"),
    "diazo": ("CC=[N+]=[N-]", "CC=N#N", "C[CH-][N+]#N"),
    "isocyanide": ("C[N+]#[C-]", "CN#C", "C#NC"),
    "nitrogen ylide": ("C[N+](C)(C)[CH2-]", "CN(C)(C)=C"),
    "aminimide": ("C[N+](C)(C)[N-]C", "CN(C)(C)=NC"),
    "iodosyl": ("O=Ic1ccccc1", "[O-][I+]c1ccccc1"),
    "iodyl": ("O=I(=O)c1ccccc1", "[O-][I+2]([O-])c1ccccc1", "[O-][I+](=O)c1ccccc1"),
    "borane of an amine": ("C[N+](C)(C)[BH3-]", "CN(C)(C)->B", "B<-N(C)(C)C"),
    "deuterium": ("[2H]C", "[D]C"),
    "salt drawn with bonds": ("CC(=O)O[Na]", "CC(=O)[O-].[Na+]", "CC(=O)O"),
    "aspirin": (
        "CC(=O)Oc1ccccc1C(=O)O",
        "aspirin",
        "InChI=1S/C9H8O4/c1-6(10)13-8-5-3-2-4-7(8)9(11)12/h2-5H,1H3,(H,11,12)",
    ),
}


@pytest.mark.parametrize("spellings", ONE_FORM.values(), ids=ONE_FORM)
def test_one_compound_has_one_form(spellings):
    forms = {standardise(text).smiles for text in spellings}
    assert len(forms) == 1
    (form,) = forms
    again = standardise(form)
    assert (again.smiles, again.changes) == (form, ())


def test_no_drug_changes():
    for smiles in drugs().values():
        assert standardise(smiles).smiles == Chem.CanonSmiles(smiles)


def test_the_other_hand_stays_the_other():
    one, other = (standardise(text).smiles for text in ("C[S@@+](CC)[O-]", "C[S@+](CC)[O-]"))
    assert one != other and {one, other} == {Chem.CanonSmiles(s) for s in ("C[S@@](=O)CC", "C[S@](=O)CC")}


@pytest.mark.parametrize(
    ("text", "smiles", "change"),
    [
        ("[CH3:1][CH2:2][OH:3]", "CCO", "atom maps left out"),
        ("[CH3:1][C@H:2](F)[OH:3]", "C[C@@H](O)F", "atom maps left out"),
        ("[13CH3]O", "CO", "isotope labels removed"),
        ("C[C@@H]([2H])O", "CCO", "isotope labels removed, and with them 1 of its stereocentres"),
        ("[H]/N=C(/N)c1ccccc1", "N=C(N)c1ccccc1", "stereo of C=N-H left out"),
        ("[H]/N=C(\\C)c1ccccc1", "CC(=N)c1ccccc1", "stereo of C=N-H left out"),
        ("C[S+]([O-])C", "CS(C)=O", "redrawn"),
        ("Cc1cccc(C)c1-c1c(C)cccc1O |wU:7.7|", "Cc1cccc(C)c1-c1c(C)cccc1O", "axial chirality is not kept"),
        ("C[C@H](N)c1ccccc1 |&1:1|", "C[C@H](N)c1ccccc1", "stereo labels |&1:1| left out"),
        ("CC(N)c1ccccc1 |SgD:1:purity:96::|", "CC(N)c1ccccc1", "data attached to atoms left out"),
    ],
)
def test_what_is_left_out_is_said(text, smiles, change):
    found = standardise(text)
    assert found.smiles == smiles
    assert change in "; ".join(found.changes)


def test_a_wedge_at_a_stereocentre_is_no_atropisomer():
    assert standardise("C[C@H](N)c1ccccc1 |wU:1.0|").changes == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("*C", "wildcard"),
        ("[*:1]C", "wildcard"),
        ("C* |$;R1$|", "wildcard"),
        ("[R1]C", "a group of no fixed atoms"),
        ("[R]C", "a group of no fixed atoms"),
        ("[Ph]C", "a group of no fixed atoms"),
        ("CC>>CO", "a reaction"),
        ("CC.O>[H+]>CO", "a reaction"),
        ("[CX4]O", "of a SMARTS"),
        ("[C,N]O", "of a SMARTS"),
        ("[!#6]", "of a SMARTS"),
        ("[#6]-[#7]", "of a SMARTS"),
        ("[C;H1]", "of a SMARTS"),
        ("C~C", "a bond of no order"),
        ("{[$]CC[$]}", "polymer"),
        ("CC |Sg:n:0,1:n:ht|", "polymer"),
        ("CCO |LN:1:1.3|", "link node"),
        ("CCO |m:2:0.1|", "position variation"),
        ("CC |^1:1|", "radical"),
        ("C[CH2]", "radical"),
        ("PEPTIDE1{A.G}$$$$", "HELM"),
        ("BSYNRYMUTXBXSQ-UHFFFAOYSA-N", "InChIKey is a hash"),
        ("50-78-2", "CAS number"),
        ("N[Pt](N)(Cl)Cl", "the metal platinum"),
        ("N->[Pt](Cl)(Cl)<-N", "the metal platinum"),
        ("N.N.[Cl-].[Cl-].[Pt+2]", "salt of platinum"),
        ("C[Mg]Br", "the metal magnesium"),
        ("C[Sn](C)(C)C", "the metal tin"),
        ("C[Hg]Cl", "the metal mercury"),
        ("[Fe+2].c1cc[cH-]c1.c1cc[cH-]c1", "the metal iron"),
        ("[Na+].[Cl-]", "without an organic part"),
        ("\n  x\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n", "mol block"),
    ],
)
def test_what_is_no_one_compound_is_refused_with_that_reason(text, reason):
    with pytest.raises(InvalidMoleculeError, match=reason):
        standardise(text)


@pytest.mark.parametrize(
    ("text", "as_given", "smiles"),
    [
        ("[NH3+]CCc1ccccc1", "[NH3+]CCc1ccccc1", "NCCc1ccccc1"),
        ("[NH3+]CC(=O)[O-].[Cl-]", "[NH3+]CC(=O)[O-]", "NCC(=O)O"),
        ("CCC[N@H+](C)CC", "CCC[N@H+](C)CC", "CCCN(C)CC"),
        ("CC(=O)[O-].[Na+]", "CC(=O)[O-]", "CC(=O)O"),
        ("C[N+](C)(C)CCO.[Cl-]", "C[N+](C)(C)CCO", "C[N+](C)(C)CCO"),
        ("NC(N)=[NH2+]", "NC(N)=[NH2+]", "N=C(N)N"),
        ("c1nn[n-]n1.[K+]", "c1nn[n-]n1", "c1nn[nH]n1"),
        ("[2H]C([2H])([2H])O", "[2H]C([2H])([2H])O", "CO"),
        ("[H]/N=C(/N)C", "[H]/N=C(\\C)N", "CC(=N)N"),
        ("C[S+](C)[O-].Cl", "CS(C)=O", "CS(C)=O"),
        ("OCC", "CCO", "CCO"),
    ],
)
def test_the_compound_as_it_was_given_stands_beside_the_form_that_the_model_sees(text, as_given, smiles):
    found = standardise(text)
    assert (Chem.CanonSmiles(found.as_given), found.smiles) == (Chem.CanonSmiles(as_given), smiles)


@pytest.mark.parametrize(
    ("text", "organic", "largest"),
    [
        ("[Zn+2].CC(=O)[O-].CC(=O)[O-]", "CC(=O)O", "CC(=O)O"),
        ("CC(=O)O[Zn]OC(C)=O", "CC(=O)O", "CC(=O)O"),
        ("[Ca+2].[O-]C(=O)CC(O)(CC(=O)[O-])C(=O)[O-]", "O=C(O)CC(O)(CC(=O)O)C(=O)O", None),
        ("CNC.O=C(O)C(O)C(O)C(=O)O", "CNC", "O=C(O)C(O)C(O)C(=O)O"),
    ],
)
def test_of_a_salt_the_organic_part_is_the_compound(text, organic, largest):
    assert standardise(text).smiles == organic
    assert standardise(text, parent=Parent.LARGEST).smiles == (largest or organic)
    with pytest.raises(InputError, match="`parent` must be one of organic, largest; got 'anion'"):
        standardise(text, parent="anion")
