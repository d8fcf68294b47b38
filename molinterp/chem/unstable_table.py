"""Functional groups too unstable or reactive to isolate: patterns, reasons, sources and examples.

The alerts (`molinterp.chem.alerts`) name most groups of that kind, as peroxides, acyl halides, and
hemiacetals and enols outside rings; these are what they leave out, or name together with sound groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

CLAYDEN = "Clayden, Greeves and Warren, Organic Chemistry, 2nd ed., 2012"
MARCH = "Smith, March's Advanced Organic Chemistry, 7th ed., 2013"
JOULE = "Joule and Mills, Heterocyclic Chemistry, 5th ed., 2010"
TESTA = "Testa and Mayer, Hydrolysis in Drug and Prodrug Metabolism, 2003"
HOPF = "Hopf, Classics in Hydrocarbon Chemistry, 2000"


@final
@dataclass(frozen=True)
class UnstableGroup:
    """A functional group that a chemist would not expect to isolate."""

    name: str
    """What it is called."""
    smarts: str
    """Pattern; its atoms are those at fault."""
    why: str
    """What becomes of it."""
    source: str
    """Textbook or review that says so."""
    examples: tuple[str, str]
    """SMILES of two molecules that have it."""
    drugs: tuple[str, str]
    """Two shipped drugs that resemble it and do not have it."""


# An enol or enamine lasts where a carbonyl, nitrile, nitro or sulfonyl group stands beside its double bond.
_BARE = "!$(C-[#6,#7,#16]=[#7,#8,#16]);!$(C-C#N)"
# Nitrogen that drives its neighbour's leaving group out: that of an amide or an aromatic amine does not.
_AMINE = "NX3;+0;!$(N-[#6,#15,#16]=[#7,#8,#16]);!$(N-a);!$(N-[#7,#8])"
_ACYLATED = "$(N-[CX3]=[O,S]),$(N-S(=O)=O)"
_KETONE = "$([CX3](=O)([#6])[#6]),$([CX3H](=O)[#6])"
_LINK = "[CX4,OX2,SX2,NX3]"
# The keto form is what there is, unless a carbonyl or nitrile beside it holds the hydrogen.
_AZOLE_OH = "[OX2H][c;r5;!$(c:c-[#6]=[#7,#8,#16]);!$(c:c-C#N)]"
_HYDRAZINE = "NX3;+0;!$(N-[#6,#15,#16]=[#7,#8,#16]);!$(N-c:[n,o,s])"

UNSTABLE: tuple[UnstableGroup, ...] = (
    UnstableGroup(
        "carbamic acid",
        "[#7]C(=[O,S])[OX2H,SX2H]",
        "loses carbon dioxide",
        f"{CLAYDEN}, ch. 10",
        ("OC(=O)N1CCCCC1", "CCN(CC)C(=S)S"),
        ("lisinopril", "loratadine"),
    ),
    UnstableGroup(
        "carbonic acid",
        "[OX2,SX2]C(=[O,S])[OX2H]",
        "loses carbon dioxide",
        f"{CLAYDEN}, ch. 10",
        ("COC(=O)O", "CSC(=O)O"),
        ("dabigatran", "aspirin"),
    ),
    UnstableGroup(
        "enol",
        f"[OX2H][CX3;{_BARE}]=[CX3;{_BARE}]",
        "turns into the ketone",
        f"{CLAYDEN}, ch. 20",
        ("OC1=CCCCC1", "OC1=CCCC1"),
        ("doxycycline", "piroxicam"),
    ),
    UnstableGroup(
        "primary enamine",
        f"[NX3H2][CX3;{_BARE}]=[CX3;{_BARE}]",
        "turns into the imine and hydrolyses",
        f"{CLAYDEN}, ch. 20",
        ("NC1=CCCCC1", "CC(N)=CC"),
        ("lamotrigine", "amlodipine"),
    ),
    UnstableGroup(
        "secondary enamine",
        f"[NX3H1;!$(N-[#6]=[#7,#8,#16]);!$(N-S=O)][CX3;{_BARE}]=[CX3;{_BARE}]",
        "turns into the imine and hydrolyses",
        f"{CLAYDEN}, ch. 20",
        ("CC(=CC)Nc1ccccc1", "CNC1=CCCCC1"),
        ("nifedipine", "hydrochlorothiazide"),
    ),
    UnstableGroup(
        "aldehyde enamine",
        f"[{_AMINE};H0]-!@[CX3;H1;{_BARE}]=[CX3;{_BARE}]",
        "hydrolyses to the aldehyde",
        f"{CLAYDEN}, ch. 20",
        ("CC=CN(C)C", "C1CCN(C=CC2CC2)CC1"),
        ("nifedipine", "terbinafine"),
    ),
    UnstableGroup(
        "acyl azole",
        "[#6][CX3;!R](=O)[nX3r5;$(n:n),$(n:c:[nX2])]",
        "acylates water and amines",
        f"{JOULE}, ch. 24",
        ("CC(=O)n1ccnc1", "O=C(c1ccccc1)n1cccn1"),
        ("celecoxib", "indometacin"),
    ),
    UnstableGroup(
        "cyclobutadiene",
        "C1=CC=C1",
        "antiaromatic: dimerises",
        f"{HOPF}, ch. 10",
        ("CC1=CC=C1", "C1=CC(C2CC2)=C1"),
        ("morphine", "abacavir"),
    ),
    UnstableGroup(
        "anhydride",
        "[CX3](=[O,S])-!@[OX2,SX2]-!@[CX3]=[O,S]",
        "acylates water and amines",
        f"{CLAYDEN}, ch. 10",
        ("CC(=O)OC(C)=O", "CCC(=O)SC(=O)c1ccccc1"),
        ("aspirin", "simvastatin"),
    ),
    UnstableGroup(
        "hemiaminal",
        "[OX2H][CX4][NX3;!$(N-[#6,#16]=[#7,#8,#16])]",
        "falls apart into amine and carbonyl",
        f"{CLAYDEN}, ch. 11",
        ("OCN1CCOCC1", "CN1CCCC1O"),
        ("oxazepam", "propranolol"),
    ),
    UnstableGroup(
        "thioaminal",
        f"[{_AMINE}]-!@[CX4]-!@[SX2]",
        "the amine expels the thiol",
        f"{CLAYDEN}, ch. 11",
        ("CSCN1CCOCC1", "CCSC(C)N(C)C"),
        ("benzylpenicillin", "clindamycin"),
    ),
    UnstableGroup(
        "acyloxy amine",
        f"[{_AMINE}]-!@[CX4]-!@[OX2][CX3]=[O,S]",
        "the amine expels the acid",
        f"{TESTA}, ch. 11",
        ("CC(=O)OCN1CCOCC1", "CC(=O)OC(C)N(C)C"),
        ("diltiazem", "rivastigmine"),
    ),
    UnstableGroup(
        "aminal",
        f"[{_AMINE};!H2]-!@[CX4]-!@[#7X3;!H2]",
        "falls apart into amine and carbonyl",
        f"{CLAYDEN}, ch. 11",
        ("C1CCN(CN2CCCCC2)CC1", "CCC(=O)N(CN1CCCCC1)c1ccccc1"),
        ("levetiracetam", "fluconazole"),
    ),
    UnstableGroup(
        "acyl aminal",
        f"[NX3;+0;H2;!$(N-[#6,#16]=[#7,#8,#16])]-!@[CX4]-!@[NX3;{_ACYLATED}]",
        "the amine expels the amide",
        f"{TESTA}, ch. 11",
        ("NCNC(C)=O", "NCN(C)S(C)(=O)=O"),
        ("levetiracetam", "buspirone"),
    ),
    UnstableGroup(
        "acyl aminal",
        f"[{_AMINE}]@[CX4H2]@[NX3;{_ACYLATED}]",
        "the amine expels the amide",
        f"{TESTA}, ch. 11",
        ("CC(=O)N1CCN(C)C1", "CN1CCN(S(C)(=O)=O)C1"),
        ("levetiracetam", "buspirone"),
    ),
    UnstableGroup(
        "aminonitrile",
        f"[{_AMINE}][CX4]C#N",
        "loses hydrogen cyanide",
        f"{CLAYDEN}, ch. 11",
        ("CC(C#N)N1CCOCC1", "COc1ccc(C(C#N)N2CCOCC2)cc1"),
        ("vildagliptin", "verapamil"),
    ),
    UnstableGroup(
        "amino ketone",
        # Two of them give a dihydropyrazine, one alone a ring of five or six with C=N.
        f"[NX3H2;$(N[CX4][{_KETONE}]),$(N[CX4]{_LINK}[CX4][{_KETONE}]),"
        f"$(N[CX4]{_LINK}{_LINK}[CX4][{_KETONE}])]",
        "condenses with itself",
        f"{JOULE}, ch. 14",
        ("CC(=O)CCCN", "NCC(=O)c1ccccc1"),
        ("bupropion", "ketamine"),
    ),
    UnstableGroup(
        "azole enol",
        f"{_AZOLE_OH}1:[c,n]:[c,n]:c:[o,s,nX3]:1",
        "turns into the ketone",
        f"{JOULE}, ch. 16",
        ("Oc1ccc[nH]1", "Oc1cnc[nH]1"),
        ("allopurinol", "omeprazole"),
    ),
    UnstableGroup(
        "azole enol",
        f"{_AZOLE_OH}1:c:[o,s,nX3]:c:[c,n]:1",
        "turns into the ketone",
        f"{JOULE}, ch. 16",
        ("Oc1cc[nH]c1", "Oc1cocc1"),
        ("allopurinol", "omeprazole"),
    ),
    UnstableGroup(
        "strained acyl",
        "a1aC(=[O,S])[#6,#7,#8,#16]1",
        "opens its ring of four with water and amines",
        f"{JOULE}, ch. 30",
        ("CN1C(=O)c2ccccc21", "O=C1Cc2ccccc21"),
        ("benzylpenicillin", "indapamide"),
    ),
    UnstableGroup(
        "cyclopentadienone",
        "O=C1C=CC=C1",
        "antiaromatic: dimerises",
        f"{MARCH}, ch. 2",
        ("O=C1C=CC=C1c1ccccc1", "CC1=CC(=O)C=C1"),
        ("prednisolone", "rofecoxib"),
    ),
    UnstableGroup(
        "primary aminal",
        "[NX3H2][CX4][#8X2,#7X3;!$([#7]-[#6,#16]=[#7,#8,#16])]",
        "falls apart into ammonia and carbonyl",
        f"{CLAYDEN}, ch. 11",
        ("NC1CCCCN1", "NC1CCCCO1"),
        ("ribavirin", "zidovudine"),
    ),
    UnstableGroup(
        "N-acyl beta-lactam",
        "[NX3;R1;$(N-!@[CX3]=[O,S]),$(N-!@S(=O)(=O)[#6,#7])]1C(=O)[#6;R1][#6;R1]1",
        "acylates water and amines",
        f"{TESTA}, ch. 5",
        ("CC(=O)N1CCC1=O", "O=C1CC(c2ccccc2)N1S(C)(=O)=O"),
        ("ezetimibe", "ampicillin"),
    ),
    UnstableGroup(
        "open-chain imide",
        "[#6][CX3](=O)-!@[NX3]-!@[CX3](=O)[#6]",
        "acylates water and amines",
        f"{TESTA}, ch. 4",
        ("CC(=O)NC(C)=O", "O=C(NC(=O)C1CC1)c1ccccc1"),
        ("phenobarbital", "lenalidomide"),
    ),
    UnstableGroup(
        "aminomethyl sulfone",
        "[NX3;+0]-!@[CX4]-!@[SX4](=O)(=O)[#6]",
        "the nitrogen expels the sulfinate",
        f"{MARCH}, ch. 16",
        ("CS(=O)(=O)CN1CCCCC1", "O=S(=O)(CNC1CC1)c1ccccc1"),
        ("lapatinib", "celecoxib"),
    ),
    UnstableGroup(
        "open N,O-acetal",
        f"[{_AMINE}]-!@[CX4]-!@[OX2][#6;!$(C=[O,S])]",
        "the amine expels the alcohol",
        f"{CLAYDEN}, ch. 11",
        ("COCN1CCCCC1", "CCOC(C)N(C)C"),
        ("aciclovir", "zidovudine"),
    ),
    UnstableGroup(
        "acyloxy amide",
        "[CX3](=O)[NX3]-[OX2]-[CX3]=[O,S]",
        "acylates amines, or rearranges to the isocyanate",
        f"{MARCH}, ch. 18",
        ("CC(=O)NOC(C)=O", "CN(OC(=O)N(C)C)C(=O)c1ccccc1"),
        ("fluvoxamine", "rivastigmine"),
    ),
    UnstableGroup(
        "O-aryl hydroxylamine",
        "[NX3;+0]-!@[OX2]-!@a",
        "rearranges to the aminophenol",
        f"{MARCH}, ch. 18",
        ("NOc1ccccc1", "CN(C)Oc1ccccc1"),
        ("atomoxetine", "fluvoxamine"),
    ),
    UnstableGroup(
        "indenone",
        "O=C1[CH1]=[#6]c2aaaac12",
        "dimerises, adds thiols and amines",
        f"{MARCH}, ch. 15",
        ("O=C1C=Cc2ccccc21", "CC1=CC(=O)c2ccccc21"),
        ("donepezil", "warfarin"),
    ),
    UnstableGroup(
        "indenone",
        "O=C1[#6]=[CH1]c2aaaac12",
        "dimerises, adds thiols and amines",
        f"{MARCH}, ch. 15",
        ("CC1=Cc2ccccc2C1=O", "O=C1C=Cc2cnccc21"),
        ("donepezil", "warfarin"),
    ),
    UnstableGroup(
        "benzoheptafulvene",
        "[#6]=C1C=CC=Cc2c1cccc2",
        "polymerises",
        f"{HOPF}, ch. 11",
        ("C=C1C=CC=Cc2ccccc21", "CC=C1C=CC=Cc2ccccc21"),
        ("amitriptyline", "loratadine"),
    ),
    UnstableGroup(
        "benzoheptafulvene",
        "[#6]=C1C=Cc2ccccc2C=C1",
        "polymerises",
        f"{HOPF}, ch. 11",
        ("C=C1C=Cc2ccccc2C=C1", "CC=C1C=Cc2ccccc2C=C1"),
        ("amitriptyline", "loratadine"),
    ),
    UnstableGroup(
        "benzo-fused ring of four",
        "a1a[#6;!$(C=[O,S])]~[#7,#8,#16]1",
        "opens to the quinone methide",
        f"{JOULE}, ch. 30",
        ("c1ccc2c(c1)CO2", "C1=Nc2ccccc21"),
        ("amiodarone", "indapamide"),
    ),
    UnstableGroup(
        "cyclobutane-1,3-dione",
        "O=C1[#6]C(=O)[#6]1",
        "opens to the ketene",
        f"{MARCH}, ch. 15",
        ("O=C1CC(=O)C1", "CC1(C)C(=O)C(C)(C)C1=O"),
        ("ezetimibe", "phenobarbital"),
    ),
    UnstableGroup(
        "N-alkoxy azole",
        "[nX3;r5]-!@[OX2][#6]",
        "its N-O bond breaks on heating",
        f"{JOULE}, ch. 20",
        ("COn1cccn1", "CCOn1nnc2ccccc21"),
        ("sulfamethoxazole", "losartan"),
    ),
    UnstableGroup(
        "benzylic fluoride",
        "F[CX4;H1,H2;!$(C(F)F)]a",
        "loses fluoride",
        f"{MARCH}, ch. 10",
        ("FCc1ccccc1", "CC(F)c1ccncc1"),
        ("fluoxetine", "pantoprazole"),
    ),
    UnstableGroup(
        "hydrazine",
        f"[{_HYDRAZINE}]-!@[{_HYDRAZINE}]",
        "oxidises in air",
        f"{MARCH}, ch. 19",
        ("CN(C)N(C)C", "CNNc1ccccc1"),
        ("isoniazid", "letrozole"),
    ),
    UnstableGroup(
        "beta-sulfonyl ketone",
        "[#6][CX3](=O)[CX4;!H0][CX4]-!@[SX4](=O)(=O)[#6]",
        "loses sulfinate",
        f"{MARCH}, ch. 17",
        ("CC(=O)CCS(C)(=O)=O", "O=C(CCS(=O)(=O)c1ccccc1)c1ccccc1"),
        ("rofecoxib", "lapatinib"),
    ),
    UnstableGroup(
        "3-aminoindole",
        "[NX3;+0;!$(N-[#6,#16]=[#7,#8,#16])]-!@c1c[nX3]c2aaaac12",
        "oxidises in air",
        f"{JOULE}, ch. 20",
        ("Nc1c[nH]c2ccccc12", "CNc1cn(C)c2ccccc12"),
        ("sumatriptan", "ondansetron"),
    ),
    UnstableGroup(
        "O-aryl imidate",
        "[NX2]=[CX3]([#6,#1])-!@[OX2]-!@a",
        "hydrolyses, or rearranges to the N-aryl amide",
        f"{MARCH}, ch. 18",
        ("CC(=N)Oc1ccccc1", "CN=C(Oc1ccccc1)c1ccccc1"),
        ("clozapine", "dabigatran"),
    ),
    UnstableGroup(
        "indole carbinol",
        "[OX2H][CX4]-!@[c;$(c1c[nH]c2aaaac12),$(c1cc2aaaac2[nH]1)]",
        "loses water and oligomerises",
        f"{JOULE}, ch. 20",
        ("OCc1c[nH]c2ccccc12", "CC(O)c1cc2ccccc2[nH]1"),
        ("carvedilol", "rizatriptan"),
    ),
    UnstableGroup(
        "small cyclic alkyne",
        "[C;r{3-8}]#[C;r{3-8}]",
        "too strained to keep",
        f"{HOPF}, ch. 8",
        ("C1#CCCCCC1", "C1#CCCCCCC1"),
        ("terbinafine", "efavirenz"),
    ),
    UnstableGroup(
        "small cyclic allene",
        "[#6;r{3-8}]=[CX2;r{3-8}]=[#6;r{3-8}]",
        "too strained to keep",
        f"{HOPF}, ch. 9",
        ("C1=C=CCCC1", "C1=C=CCCCC1"),
        ("simvastatin", "pravastatin"),
    ),
)
"""Every group, those of carbonyl chemistry first; one of two patterns stands twice."""
