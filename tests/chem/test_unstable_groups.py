import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.filters import Judge, own_fault
from molinterp.chem.standardise import standardise
from molinterp.chem.unstable_groups import unstable_groups

ACID = "OC(=O)N1CCCCC1"


@pytest.mark.parametrize(
    ("smiles", "group"),
    [
        (ACID, "carbamic acid"),
        ("OC(=O)Nc1ccccc1", "carbamic acid"),
        ("CCN(CC)C(=S)S", "carbamic acid"),
        ("COC(=O)O", "carbonic acid"),
        ("OC1=CCCCC1", "enol"),
        ("NC1=CCCCC1", "primary enamine"),
        ("CC(=CC)Nc1ccccc1", "secondary enamine"),
        ("CNC1=CCCCC1", "secondary enamine"),
        ("CC(=O)n1ccnc1", "acyl azole"),
        ("O=C(c1ccccc1)n1cccn1", "acyl azole"),
        ("CC1=CC=C1", "cyclobutadiene"),
        ("CC(=O)OC(C)=O", "anhydride"),
        ("CCC(=O)SC(=O)c1ccccc1", "anhydride"),
        ("OCN1CCOCC1", "hemiaminal"),
        ("CN1CCCC1O", "hemiaminal"),
        ("CSCN1CCOCC1", "thioaminal"),
        ("CC(=O)OCN1CCOCC1", "acyloxy amine"),
        ("C1CCN(CN2CCCCC2)CC1", "aminal"),
        ("CCC(=O)N(CN1CCCCC1)c1ccccc1", "aminal"),  # a Mannich base of an amide
        ("COc1ccc(C(C#N)N2CCOCC2)cc1", "aminonitrile"),
        ("NCC(=O)c1ccccc1", "amino ketone"),
        ("CC(=O)CCCN", "amino ketone"),
        ("CN(CCN)CC(=O)c1ccccc1", "amino ketone"),
        ("NCCCCC(C)=O", "amino ketone"),
        ("Oc1c(-c2ccccc2)cc[nH]1", "azole enol"),
        ("Oc1cnc[nH]1", "azole enol"),
        ("Oc1ccc[nH]1", "azole enol"),
        ("Oc1cc[nH]c1", "azole enol"),
        ("CN1C(=O)c2ccccc21", "strained acyl"),
        ("CN1C(=O)c2nc(-c3ccccc3)[nH]c21", "strained acyl"),
        ("O=C1C=CC=C1c1ccccc1", "cyclopentadienone"),
        ("NC1CCCCN1", "primary aminal"),
        ("NC1CCCCO1", "primary aminal"),
    ],
)
def test_what_falls_apart_is_named(smiles, group):
    assert unstable_groups(Chem.MolFromSmiles(smiles)) == {group}


@pytest.mark.parametrize(
    "smiles",
    [
        "COC(=O)N1CCCCC1",  # a carbamate, an ester
        "CS(=O)(=O)NC(=O)OC",
        "OC(=O)c1ccc[nH]1",  # on carbon
        "OC(=O)CN",
        "NC(=O)NO",
        "O=C1C=C(O)CCC1",  # the enol of a 1,3-diketone
        "CC1=C(C(=O)OC)C(C)C(C(=O)OC)=C(N)O1",  # an enamine that an ester holds
        "NC1=C(C#N)CCC1",
        "OC1c2ccccc2C(=O)N1",  # an acylated nitrogen holds
        "OC1CCCCO1",  # as sugars do
        "NC1CCCCC1",
        "NC1(C)CCN(C)C1",
        "Oc1ccccc1",
        "Nc1ccc(=O)[nH]c1",
        "CN1CCCCC1=C",  # no hydrogen to lose
        "COC(=O)C1=C(C)NC(C)=C(C(=O)OC)C1C",
        "CC(=O)NC1=CCCCC1",
        "CC(=O)n1ccc2ccccc21",  # an amide of indole
        "CN(C)C(=O)n1ccnc1",  # a urea
        "O=C1OC(=O)c2ccccc21",  # a ring holds it
        "CC(=O)OCC(C)=O",
        "C1CSCN1",  # as in penicillins
        "CSCN1C(=O)CCC1=O",  # an imide
        "CC(=O)OCN1C(=O)CCC1=O",
        "CSCCN1CCOCC1",
        "C1CN2CCN1C2",  # a ring holds both nitrogens
        "O=C(NCn1cccn1)c1ccccc1",  # neither of them is an amine
        "CC(=O)N1CCCC1C#N",  # as in vildagliptin
        "N#CCCN1CCOCC1",
        "CNC(C)C(=O)c1cccc(Cl)c1",  # as in bupropion
        "NCCC(=O)c1ccccc1",  # a ring of four will not close
        "NCCCC(=O)OC",
        "CCOC(=O)c1sccc1O",  # an ester beside it holds the hydrogen
        "Cn1cc(O)cn1",
        "Oc1ccon1",
        "O=C1CCc2ccccc21",
        "C1Cc2ccccc21",
    ],
)
def test_what_lasts_is_not(smiles):
    assert not unstable_groups(Chem.MolFromSmiles(smiles))


def test_no_drug_has_such_a_group():
    assert not {name: found for name, s in drugs().items() if (found := unstable_groups(standardise(s).mol))}


def test_a_diketone_at_an_end_lets_no_anhydride_pass():
    from molinterp.chem.alerts import alerts

    diketone, anhydride = (Chem.MolFromSmiles(s) for s in ("CC(=O)CC(C)=O", "CC(=O)OC(C)=O"))
    assert alerts(diketone) == alerts(anhydride) != frozenset()
    assert Judge.between(diketone, diketone).fault(anhydride) == "unstable"


def test_the_judge_turns_it_down_unless_an_end_has_it():
    plain, acid = Chem.MolFromSmiles("CC(=O)N1CCCCC1"), Chem.MolFromSmiles(ACID)
    longer = Chem.MolFromSmiles("OC(=O)N1CCC(C)CC1")
    assert Judge.between(plain, plain).fault(longer) == "unstable"
    assert Judge.between(plain, acid).fault(longer) is None
    assert own_fault(longer) == "unstable"
