"""Names of groups, rings and linkers as chemists say them, from their atoms in a molecule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import count

from rdkit import Chem, rdBase

_GROUPS = {
    "*F": "F",
    "*Cl": "Cl",
    "*Br": "Br",
    "*I": "I",
    "*=O": "oxo",
    "*=S": "thioxo",
    "*=N": "imino",
    "*=NO": "oxime",
    "*=C": "methylidene",
    "*O": "OH",
    "*[O-]": "O-",
    "*S": "SH",
    "*N": "NH2",
    "*[NH3+]": "NH3+",
    "*[N+](C)(C)C": "NMe3+",
    "*NN": "hydrazinyl",
    "*NO": "hydroxyamino",
    "*C": "methyl",
    "*CC": "ethyl",
    "*CCC": "propyl",
    "*C(C)C": "isopropyl",
    "*CCCC": "butyl",
    "*CC(C)C": "isobutyl",
    "*C(C)CC": "sec-butyl",
    "*C(C)(C)C": "tert-butyl",
    "*CCCCC": "pentyl",
    "*CCC(C)C": "isopentyl",
    "*CC(C)(C)C": "neopentyl",
    "*CCCCCC": "hexyl",
    "*CCCCCCC": "heptyl",
    "*CCCCCCCC": "octyl",
    "*C=C": "vinyl",
    "*CC=C": "allyl",
    "*C#C": "ethynyl",
    "*CC#C": "propargyl",
    "*CF": "CH2F",
    "*C(F)F": "CHF2",
    "*C(F)(F)F": "CF3",
    "*CC(F)(F)F": "CH2CF3",
    "*C(F)(F)C": "CF2CH3",
    "*C(Cl)(Cl)Cl": "CCl3",
    "*CCl": "CH2Cl",
    "*CBr": "CH2Br",
    "*C#N": "CN",
    "*CC#N": "CH2CN",
    "*[N+](=O)[O-]": "NO2",
    "*N=[N+]=[N-]": "N3",
    "*N=C=O": "NCO",
    "*N=C=S": "NCS",
    "*C=O": "CHO",
    "*C(C)=O": "acetyl",
    "*C(=O)CC": "propanoyl",
    "*C(=O)C(C)C": "isobutyryl",
    "*C(=O)C(F)(F)F": "COCF3",
    "*C(=O)O": "CO2H",
    "*C(=O)[O-]": "CO2-",
    "*CC(=O)O": "CH2CO2H",
    "*C(=O)OC": "CO2Me",
    "*C(=O)OCC": "CO2Et",
    "*C(=O)OC(C)(C)C": "Boc",
    "*C(=O)OCc1ccccc1": "Cbz",
    "*C(N)=O": "CONH2",
    "*C(=O)NC": "CONHMe",
    "*C(=O)N(C)C": "CONMe2",
    "*CC(N)=O": "CH2CONH2",
    "*C(=O)NO": "CONHOH",
    "*C(=N)N": "amidine",
    "*C(N)=S": "CSNH2",
    "*CO": "CH2OH",
    "*CCO": "hydroxyethyl",
    "*C(C)O": "1-hydroxyethyl",
    "*C(C)(C)O": "CMe2OH",
    "*CN": "CH2NH2",
    "*CNC": "CH2NHMe",
    "*CN(C)C": "CH2NMe2",
    "*CCN": "aminoethyl",
    "*CCN(C)C": "dimethylaminoethyl",
    "*COC": "CH2OMe",
    "*CCOC": "methoxyethyl",
    "*CS": "CH2SH",
    "*OC": "OMe",
    "*OCC": "OEt",
    "*OCCC": "OPr",
    "*OC(C)C": "OiPr",
    "*OCCCC": "OBu",
    "*OC(F)F": "OCHF2",
    "*OC(F)(F)F": "OCF3",
    "*OCC(F)(F)F": "OCH2CF3",
    "*OCCOC": "methoxyethoxy",
    "*OCC(=O)O": "OCH2CO2H",
    "*OC(C)=O": "OAc",
    "*OC(N)=O": "OCONH2",
    "*Oc1ccccc1": "phenoxy",
    "*OCc1ccccc1": "benzyloxy",
    "*ON": "ONH2",
    "*SC": "SMe",
    "*SCC": "SEt",
    "*SC(F)(F)F": "SCF3",
    "*S(C)=O": "SOMe",
    "*S(C)(=O)=O": "SO2Me",
    "*S(=O)(=O)CC": "SO2Et",
    "*S(=O)(=O)C(F)F": "SO2CHF2",
    "*S(=O)(=O)C(F)(F)F": "SO2CF3",
    "*S(N)(=O)=O": "SO2NH2",
    "*S(=O)(=O)NC": "SO2NHMe",
    "*S(=O)(=O)N(C)C": "SO2NMe2",
    "*S(=O)(=O)O": "SO3H",
    "*S(F)(F)(F)(F)F": "SF5",
    "*P(=O)(O)O": "PO3H2",
    "*B(O)O": "B(OH)2",
    "*NC": "NHMe",
    "*NCC": "NHEt",
    "*N(C)C": "NMe2",
    "*N(CC)CC": "NEt2",
    "*NC(C)C": "NHiPr",
    "*NC(C)=O": "NHAc",
    "*NC=O": "NHCHO",
    "*NC(N)=O": "urea",
    "*NC(=N)N": "guanidine",
    "*NC(=O)OC(C)(C)C": "NHBoc",
    "*NS(C)(=O)=O": "NHSO2Me",
    "*NC(=O)OC": "NHCO2Me",
    "*Nc1ccccc1": "anilino",
    "*[Si](C)(C)C": "SiMe3",
    "*C1CC1": "cyclopropyl",
    "*CC1CC1": "cyclopropylmethyl",
    "*C1CCC1": "cyclobutyl",
    "*C1CCCC1": "cyclopentyl",
    "*C1CCCCC1": "cyclohexyl",
    "*C1CCCCCC1": "cycloheptyl",
    "*CC1CCCCC1": "cyclohexylmethyl",
    "*c1ccccc1": "phenyl",
    "*Cc1ccccc1": "benzyl",
    "*CCc1ccccc1": "phenethyl",
    "*C(=O)c1ccccc1": "benzoyl",
    "*S(=O)(=O)c1ccccc1": "SO2Ph",
    "*c1ccccn1": "2-pyridyl",
    "*c1cccnc1": "3-pyridyl",
    "*c1ccncc1": "4-pyridyl",
    "*c1ncccn1": "2-pyrimidinyl",
    "*c1ccncn1": "4-pyrimidinyl",
    "*c1cncnc1": "5-pyrimidinyl",
    "*c1cnccn1": "pyrazinyl",
    "*c1cccnn1": "3-pyridazinyl",
    "*c1ccnnc1": "4-pyridazinyl",
    "*c1cccs1": "2-thienyl",
    "*c1ccsc1": "3-thienyl",
    "*c1ccco1": "2-furyl",
    "*c1ccoc1": "3-furyl",
    "*c1ncc[nH]1": "2-imidazolyl",
    "*c1cnc[nH]1": "4-imidazolyl",
    "*c1c[nH]cn1": "4-imidazolyl",
    "*n1ccnc1": "1-imidazolyl",
    "*c1cc[nH]n1": "3-pyrazolyl",
    "*c1ccn[nH]1": "3-pyrazolyl",
    "*c1cn[nH]c1": "4-pyrazolyl",
    "*n1cccn1": "1-pyrazolyl",
    "*c1nccs1": "2-thiazolyl",
    "*c1cscn1": "4-thiazolyl",
    "*c1cncs1": "5-thiazolyl",
    "*c1ncco1": "2-oxazolyl",
    "*c1nnn[nH]1": "5-tetrazolyl",
    "*c1nn[nH]n1": "5-tetrazolyl",
    "*n1cccc1": "1-pyrrolyl",
    "*n1cncn1": "1,2,4-triazol-1-yl",
    "*n1ccnn1": "1,2,3-triazol-1-yl",
    "*c1ccc2ccccc2c1": "2-naphthyl",
    "*c1cccc2ccccc12": "1-naphthyl",
    "*N1CCOCC1": "morpholine",
    "*N1CCNCC1": "piperazine",
    "*N1CCN(C)CC1": "N-methylpiperazine",
    "*N1CCN(CC)CC1": "N-ethylpiperazine",
    "*N1CCCCC1": "piperidine",
    "*N1CCCC1": "pyrrolidine",
    "*N1CCC1": "azetidine",
    "*N1CCCCCC1": "azepane",
    "*N1CCSCC1": "thiomorpholine",
    "*N1CCCC1=O": "pyrrolidinone",
    "*C1CCNCC1": "4-piperidyl",
    "*C1CCCNC1": "3-piperidyl",
    "*C1CCOCC1": "4-tetrahydropyranyl",
    "*C1CCOC1": "3-tetrahydrofuryl",
    "*C1CCCO1": "2-tetrahydrofuryl",
    "*C1COC1": "3-oxetanyl",
    "*C1CNC1": "3-azetidinyl",
    "*C1CO1": "oxiranyl",
}
_RINGS = {
    "C1CC1": "cyclopropane",
    "C1CCC1": "cyclobutane",
    "C1CCCC1": "cyclopentane",
    "C1CCCCC1": "cyclohexane",
    "C1CCCCCC1": "cycloheptane",
    "C1=CCCCC1": "cyclohexene",
    "C1=CCCC1": "cyclopentene",
    "C1CO1": "epoxide",
    "C1CN1": "aziridine",
    "C1COC1": "oxetane",
    "C1CNC1": "azetidine",
    "C1CCNC1": "pyrrolidine",
    "C1CCOC1": "tetrahydrofuran",
    "C1CCSC1": "tetrahydrothiophene",
    "C1CCNCC1": "piperidine",
    "C1CCOCC1": "tetrahydropyran",
    "C1CNCCN1": "piperazine",
    "C1COCCN1": "morpholine",
    "C1CSCCN1": "thiomorpholine",
    "C1CCNCCC1": "azepane",
    "C1CNCCNC1": "diazepane",
    "C1COCO1": "dioxolane",
    "C1COCCO1": "dioxane",
    "C1CNCN1": "imidazolidine",
    "C1COCN1": "oxazolidine",
    "C1CSCN1": "thiazolidine",
    "C1=CCNCC1": "tetrahydropyridine",
    "c1ccccc1": "benzene",
    "c1ccncc1": "pyridine",
    "c1cncnc1": "pyrimidine",
    "c1cnccn1": "pyrazine",
    "c1ccnnc1": "pyridazine",
    "c1ncncn1": "triazine",
    "c1cc[nH]c1": "pyrrole",
    "c1ccoc1": "furan",
    "c1ccsc1": "thiophene",
    "c1c[nH]cn1": "imidazole",
    "c1cn[nH]c1": "pyrazole",
    "c1cocn1": "oxazole",
    "c1cnoc1": "isoxazole",
    "c1cscn1": "thiazole",
    "c1cnsc1": "isothiazole",
    "c1nc[nH]n1": "1,2,4-triazole",
    "c1c[nH]nn1": "1,2,3-triazole",
    "c1cn[nH]n1": "1,2,3-triazole",
    "c1nn[nH]n1": "tetrazole",
    "c1nnn[nH]1": "tetrazole",
    "c1nnco1": "1,3,4-oxadiazole",
    "c1ncon1": "1,2,4-oxadiazole",
    "c1nncs1": "1,3,4-thiadiazole",
    "c1ncsn1": "1,2,4-thiadiazole",
    "c1ccc2ccccc2c1": "naphthalene",
    "c1ccc2ncccc2c1": "quinoline",
    "c1ccc2cnccc2c1": "isoquinoline",
    "c1ccc2ncncc2c1": "quinazoline",
    "c1ccc2nccnc2c1": "quinoxaline",
    "c1ccc2[nH]ccc2c1": "indole",
    "c1ccc2[nH]ncc2c1": "indazole",
    "c1ccc2[nH]cnc2c1": "benzimidazole",
    "c1ccc2occc2c1": "benzofuran",
    "c1ccc2sccc2c1": "benzothiophene",
    "c1ccc2ocnc2c1": "benzoxazole",
    "c1ccc2scnc2c1": "benzothiazole",
    "c1ccc2oncc2c1": "benzisoxazole",
    "c1ccc2OCOc2c1": "benzodioxole",
    "c1ccc2OCCOc2c1": "benzodioxane",
    "c1ccc2NCCc2c1": "indoline",
    "c1ccc2CCCc2c1": "indane",
    "c1ccc2CCCCc2c1": "tetralin",
    "c1cnc2[nH]ccc2c1": "7-azaindole",
    "c1ncc2nc[nH]c2n1": "purine",
    "c1ncc2[nH]cnc2n1": "purine",
    "O=c1cccc[nH]1": "2-pyridone",
    "O=c1cc[nH]cc1": "4-pyridone",
    "O=c1ccnc[nH]1": "pyrimidinone",
    "O=c1cc[nH]cn1": "pyrimidinone",
    "O=c1cccn[nH]1": "pyridazinone",
    "O=c1cncc[nH]1": "pyrazinone",
    "O=c1cc[nH]c(=O)[nH]1": "uracil",
    "O=c1[nH]cnc2ccccc12": "quinazolinone",
    "O=c1[nH]ccc2ccccc12": "isoquinolinone",
    "O=c1cc[nH]c2ccccc12": "4-quinolone",
    "O=c1ccc2ccccc2[nH]1": "2-quinolone",
    "O=c1ccc2ccccc2o1": "coumarin",
    "O=c1ccoc2ccccc12": "chromone",
    "O=c1[nH]cnc2c[nH]nc12": "pyrazolopyrimidinone",
    "O=c1[nH]cnc2[nH]ncc12": "pyrazolopyrimidinone",
    "O=c1[nH]cnn2cncc12": "imidazotriazinone",
    "O=c1[nH]cnc2[nH]cnc12": "hypoxanthine",
    "O=c1[nH]c(=O)c2[nH]cnc2[nH]1": "xanthine",
    "O=C1CCN1": "beta-lactam",
    "O=C1CCCN1": "pyrrolidinone",
    "O=C1CCCCN1": "piperidinone",
    "O=C1CCCC1": "cyclopentanone",
    "O=C1CCCCC1": "cyclohexanone",
    "O=C1CCCO1": "butyrolactone",
    "O=C1C=CCO1": "butenolide",
    "O=C1CCC(=O)N1": "succinimide",
    "O=C1CNC(=O)N1": "hydantoin",
    "O=C1CSC(=O)N1": "thiazolidinedione",
    "O=C1Cc2ccccc2N1": "oxindole",
    "O=C1NCc2ccccc12": "isoindolinone",
    "O=C1NC(=O)c2ccccc12": "phthalimide",
    "c1nsnc1": "1,2,5-thiadiazole",
    "c1nonc1": "1,2,5-oxadiazole",
}
_LINKERS = {
    "*C*": "CH2",
    "*CC*": "CH2CH2",
    "*CCC*": "(CH2)3",
    "*CCCC*": "(CH2)4",
    "*C(*)C": "CH(CH3)",
    "*O*": "O",
    "*S*": "S",
    "*N*": "NH",
    "*N(*)C": "NMe",
    "*C(*)=O": "C=O",
    "*C(=O)N*": "amide",
    "*C(=O)N(*)C": "N-methylamide",
    "*C(=O)O*": "ester",
    "*OC(=O)N*": "carbamate",
    "*NC(=O)N*": "urea",
    "*S(*)=O": "SO",
    "*S(*)(=O)=O": "SO2",
    "*NS(*)(=O)=O": "sulfonamide",
    "*C=C*": "CH=CH",
    "*C#C*": "alkyne",
    "*CO*": "CH2O",
    "*CN*": "CH2NH",
    "*CS*": "CH2S",
    "*OCCO*": "OCH2CH2O",
    "*C(*)O": "CH(OH)",
    "*C(*)(F)F": "CF2",
    "*C(*)(C)C": "C(CH3)2",
}
_BEFORE = {
    "[1*]O[2*]": "{}oxy",
    "[1*]S[2*]": "{}thio",
    "[1*]N[2*]": "{}amino",
    "[1*]C[2*]": "{}methyl",
    "[1*]CC[2*]": "{}ethyl",
    "[1*]CCC[2*]": "{}propyl",
    "[1*]OC[2*]": "OCH2-{}",
    "[1*]OCC[2*]": "OCH2CH2-{}",
    "[1*]NC[2*]": "NHCH2-{}",
    "[1*]NCC[2*]": "NHCH2CH2-{}",
    "[1*]SC[2*]": "SCH2-{}",
    "[1*]C([2*])=O": "{}carbonyl",
    "[1*]S([2*])(=O)=O": "{}sulfonyl",
    "[1*]C(=O)N[2*]": "CONH-{}",
    "[1*]NC([2*])=O": "NHCO-{}",
    "[1*]S(=O)(=O)N[2*]": "SO2NH-{}",
    "[1*]NS([2*])(=O)=O": "NHSO2-{}",
    "[1*]OC([2*])=O": "OCO-{}",
    "[1*]C(=O)O[2*]": "CO2-{}",
}
"""How a group is named that hangs on a linker, by the linker: 1 is where it is bound, 2 where the group hangs."""
_STEMS = {
    "OH": "hydroxy",
    "NH2": "amino",
    "F": "fluoro",
    "Cl": "chloro",
    "Br": "bromo",
    "I": "iodo",
    "OMe": "methoxy",
    "OEt": "ethoxy",
    "CN": "cyano",
    "NO2": "nitro",
    "NMe2": "dimethylamino",
    "NHMe": "methylamino",
    "CO2H": "carboxy",
    "CONH2": "carbamoyl",
    "SO2NH2": "sulfamoyl",
    "SO2Me": "methylsulfonyl",
    "NHAc": "acetamido",
    "SMe": "methylthio",
}
"""Names of groups in front of a ring, where they differ from the names that stand alone."""
_MULTIPLES = {1: "", 2: "di", 3: "tri", 4: "tetra", 5: "penta"}
_MOST_SMILES = 30
"""Letters of a SMILES that is shown as it is; a larger fragment is named by its formula."""


@cache
def _table(kind: str) -> Mapping[str, str]:
    named: Mapping[str, str] = {"group": _GROUPS, "ring": _RINGS, "linker": _LINKERS, "before": _BEFORE}[kind]
    return {Chem.MolToSmiles(Chem.MolFromSmiles(smiles)): name for smiles, name in named.items()}


def fragment(mol: Chem.Mol, atoms: Collection[int]) -> Chem.Mol | None:
    """Part of a molecule with a dummy atom for each bond that is cut; None if it cannot stand by itself."""
    if not _has_whole_rings(mol, atoms):
        return None
    part, index, ends = Chem.RWMol(), {}, count(1)
    for i in sorted(atoms):
        atom = Chem.Atom(mol.GetAtomWithIdx(i))
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        atom.SetAtomMapNum(0)
        atom.SetIsotope(0)
        index[i] = part.AddAtom(atom)
    for bond in mol.GetBonds():
        i, k = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if i in index and k in index:
            part.AddBond(index[i], index[k], bond.GetBondType())
        elif (i in index) != (k in index):
            dummy = part.AddAtom(Chem.Atom(0))
            part.GetAtomWithIdx(dummy).SetIntProp("cut", next(ends))
            part.GetAtomWithIdx(dummy).SetIntProp("outside", k if i in index else i)
            part.AddBond(index.get(i, index.get(k, 0)), dummy, bond.GetBondType())
    return _sanitised(part)


def group_name(mol: Chem.Mol, atoms: Collection[int]) -> str:
    """Name of connected atoms of a molecule, with the bonds that lead away as they are cut."""
    part = fragment(mol, atoms)
    if part is None:
        return formula(mol, atoms)
    return part_name(part) or _plain(part, mol, atoms)


def part_name(part: Chem.Mol) -> str | None:
    """Name of a fragment, from a table or put together from those of its parts; None if there is none."""
    return known_name(part) or _built_name(part)


def known_name(part: Chem.Mol) -> str | None:
    """Name of a fragment that stands in a table, or None."""
    smiles = Chem.MolToSmiles(part)
    return _table("group").get(smiles) or _table("linker").get(smiles)


def formula(mol: Chem.Mol, atoms: Collection[int]) -> str:
    """Condensed formula of atoms of a molecule, their hydrogens counted: C2H5O."""
    counts: Counter[str] = Counter()
    for i in atoms:
        atom = mol.GetAtomWithIdx(i)
        counts[atom.GetSymbol()] += 1
        counts["H"] += atom.GetTotalNumHs()
    first = [e for e in ("C", "H") if counts[e]]
    order = first + sorted(e for e in counts if e not in ("C", "H") and counts[e])
    return "".join(f"{e}{counts[e] if counts[e] > 1 else ''}" for e in order)


def ring_name(mol: Chem.Mol, ring: Collection[int]) -> str | None:
    """Name of the ring or fused rings that atoms make, doubly bound oxygen kept; None if it is not known."""
    whole = set(ring) | {
        n.GetIdx()
        for i in ring
        for n in mol.GetAtomWithIdx(i).GetNeighbors()
        if n.GetDegree() == 1 and mol.GetBondBetweenAtoms(i, n.GetIdx()).GetBondTypeAsDouble() == 2
    }
    is_aromatic = _has_whole_rings(mol, ring)
    part, index = Chem.RWMol(), {}
    for i in sorted(whole):
        atom = mol.GetAtomWithIdx(i)
        index[i] = part.AddAtom(Chem.Atom(atom.GetAtomicNum()))
        new = part.GetAtomWithIdx(index[i])
        new.SetFormalCharge(atom.GetFormalCharge())
        new.SetIsAromatic(atom.GetIsAromatic() and is_aromatic)
        is_pyrrolic = atom.GetAtomicNum() == 7 and new.GetIsAromatic() and atom.GetTotalDegree() == 3
        n_inside = sum(n.GetIdx() in ring for n in atom.GetNeighbors())
        new.SetNumExplicitHs(1 if is_pyrrolic and n_inside == 2 and not atom.GetFormalCharge() else 0)
    for bond in mol.GetBonds():
        i, k = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if i in index and k in index:
            kept = is_aromatic or not bond.GetIsAromatic()
            part.AddBond(index[i], index[k], bond.GetBondType() if kept else Chem.BondType.SINGLE)
    own = _sanitised(part)
    return None if own is None else _table("ring").get(Chem.MolToSmiles(own))


def _has_whole_rings(mol: Chem.Mol, atoms: Collection[int]) -> bool:
    """Whether each aromatic atom among some lies in an aromatic ring of these alone."""
    own = set(atoms)
    rings = [set(ring) for ring in mol.GetRingInfo().AtomRings() if own.issuperset(ring)]
    inside = set().union(*(r for r in rings if all(mol.GetAtomWithIdx(i).GetIsAromatic() for i in r)))
    return all(i in inside for i in own if mol.GetAtomWithIdx(i).GetIsAromatic())


def _sanitised(part: Chem.RWMol) -> Chem.Mol | None:
    """A molecule that RDKit accepts, or None; what it says of the others is not logged."""
    silence = rdBase.BlockLogs()
    try:
        Chem.SanitizeMol(part)
    except (Chem.MolSanitizeException, ValueError, RuntimeError):
        return None
    finally:
        del silence
    return part.GetMol()


def _built_name(part: Chem.Mol) -> str | None:
    """Name put together from ring, linker and substituents, or None."""
    dummies = [a for a in part.GetAtoms() if a.GetAtomicNum() == 0]
    if len(dummies) != 1:
        rings = [i for i in range(part.GetNumAtoms()) if part.GetAtomWithIdx(i).IsInRing()]
        whole = part.GetNumAtoms() - len(dummies)
        return ring_name(part, rings) if rings and len(rings) == whole else None
    first = dummies[0].GetNeighbors()[0]
    if first.IsInRing():
        return _ring_group_name(part, dummies[0].GetIdx(), first.GetIdx())
    return _linked_group_name(part, dummies[0].GetIdx(), first.GetIdx())


def _ring_group_name(part: Chem.Mol, dummy: int, first: int) -> str | None:
    """Name of a ring with its substituents: 4-fluorophenyl, methylpiperazine."""
    ring = _fused(part, first)
    alone = _bare_ring(part, ring, dummy)
    base = (known_name(alone) if alone is not None else None) or ring_name(part, ring)
    if base is None:
        return None
    names: dict[str, list[int]] = {}
    for i in ring:
        for neighbour in part.GetAtomWithIdx(i).GetNeighbors():
            k = neighbour.GetIdx()
            if k not in ring and k != dummy:
                name = _sub_name(part, _branch(part, i, k))
                if name is None:
                    return None
                names.setdefault(name, []).append(i)
    place = _locants(part, ring, first, sorted(i for own in names.values() for i in own)) if base == "phenyl" else {}
    prefixes = []
    for name, own in sorted(names.items(), key=lambda one: _stem(one[0])):
        at = ",".join(str(x) for x in sorted(place[i] for i in own)) + "-" if place else ""
        prefixes.append(f"{at}{_MULTIPLES.get(len(own), str(len(own)))}{_stem(name)}")
    joint = "-" if base[0].isdigit() and prefixes else ""
    return "-".join(prefixes) + joint + base


def _sub_name(part: Chem.Mol, atoms: Collection[int]) -> str | None:
    own = fragment(part, atoms)
    return None if own is None else part_name(own)


def _bare_ring(part: Chem.Mol, atoms: Collection[int], dummy: int) -> Chem.Mol | None:
    """A ring of a fragment with the bond to `dummy` cut alone, hydrogens in place of its substituents."""
    own = Chem.RWMol(part)
    for i in range(part.GetNumAtoms() - 1, -1, -1):
        if i not in atoms and i != dummy:
            for neighbour in own.GetAtomWithIdx(i).GetNeighbors():
                if neighbour.GetAtomicNum() == 7 and neighbour.GetIsAromatic():
                    neighbour.SetNumExplicitHs(1)
            own.RemoveAtom(i)
    return _sanitised(own)


def _linked_group_name(part: Chem.Mol, dummy: int, first: int) -> str | None:
    """Name of a group on a linker: cyclopropylamino, (3-pyridyl)methyl."""
    linker: list[int] = []
    behind, here, best = dummy, first, None
    for _ in range(3):
        leaves, onward = [], []
        for n in part.GetAtomWithIdx(here).GetNeighbors():
            is_leaf = n.GetDegree() == 1 and part.GetBondBetweenAtoms(here, n.GetIdx()).GetBondTypeAsDouble() == 2
            if n.GetIdx() != behind:
                (leaves if is_leaf else onward).append(n.GetIdx())
        linker += [here, *leaves]
        if len(onward) != 1 or part.GetAtomWithIdx(here).IsInRing():
            break
        pattern = _labelled(part, linker, dummy)
        frame = _table("before").get(pattern) if pattern else None
        rest = _sub_name(part, _branch(part, here, onward[0])) if frame else None
        if frame and rest:
            best = frame.format(rest if rest.isalpha() or frame.startswith(("C", "N", "S", "O")) else f"({rest})")
        behind, here = here, onward[0]
    return best


def _labelled(part: Chem.Mol, atoms: Sequence[int], dummy: int) -> str | None:
    """SMILES of a linker, its cut towards `dummy` labelled 1 and the other 2."""
    own = fragment(part, atoms)
    if own is None:
        return None
    for atom in own.GetAtoms():
        if atom.GetAtomicNum() == 0:
            atom.SetIsotope(1 if atom.GetIntProp("outside") == dummy else 2)
    return Chem.MolToSmiles(own)


def _fused(part: Chem.Mol, first: int) -> set[int]:
    """Atoms of the rings that an atom is in, and of those fused to them."""
    system: set[int] = set()
    rings = [set(ring) for ring in part.GetRingInfo().AtomRings()]
    front = [ring for ring in rings if first in ring]
    while front:
        ring = front.pop()
        system |= ring
        front += [other for other in rings if len(other & system) > 1 and not other <= system]
    return system


def _branch(part: Chem.Mol, behind: int, first: int) -> set[int]:
    found, front = {first}, [first]
    while front:
        for n in part.GetAtomWithIdx(front.pop()).GetNeighbors():
            if n.GetIdx() not in found and n.GetIdx() != behind and n.GetAtomicNum() > 0:
                found.add(n.GetIdx())
                front.append(n.GetIdx())
    return found


def _locants(part: Chem.Mol, ring: Collection[int], first: int, marked: Sequence[int]) -> dict[int, int]:
    """Positions around a ring from its bound atom, the way round that gives the lower numbers."""
    order, behind = [first], -1
    while len(order) < len(ring):
        nearest = [n.GetIdx() for n in part.GetAtomWithIdx(order[-1]).GetNeighbors() if n.GetIdx() in ring]
        step = min(i for i in nearest if i != behind and i not in order)
        behind = order[-1]
        order.append(step)
    ways = [{i: k + 1 for k, i in enumerate(way)} for way in (order, [first, *reversed(order[1:])])]
    return min(ways, key=lambda way: sorted(way[i] for i in marked))


def _stem(name: str) -> str:
    stem = _STEMS.get(name, name)
    if stem[-1].isdigit() or stem.isupper():
        return f"{stem}-"
    return stem if stem.replace("-", "").isalpha() or stem.isalnum() else f"({stem})"


def _plain(part: Chem.Mol, mol: Chem.Mol, atoms: Collection[int]) -> str:
    smiles = Chem.MolToSmiles(part)
    return smiles if len(smiles) <= _MOST_SMILES else formula(mol, atoms)
