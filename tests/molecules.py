"""Known compounds, and hostile ones, that several tests share."""

from rdkit import Chem

DRUGS = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "caffeine": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "ibuprofen": "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "metformin": "CN(C)C(=N)NC(N)=N",
    "valproic acid": "CCCC(CCC)C(=O)O",
    "rivastigmine": "CCN(C)C(=O)Oc1cccc([C@H](C)N(C)C)c1",
    "esomeprazole": "COc1ccc2[nH]c([S@@](=O)Cc3ncc(C)c(OC)c3C)nc2c1",
    "morphine": "CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5",
    "quinine": "C=C[C@H]1CN2CC[C@H]1C[C@H]2[C@H](O)c1ccnc2ccc(OC)cc12",
    "penicillin G": "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
    "tretinoin": r"CC1=C(C(C)(C)CCC1)/C=C/C(C)=C/C=C/C(C)=C/C(=O)O",
    "clomifene": r"CCN(CC)CCOc1ccc(/C(c2ccccc2)=C(\Cl)c2ccccc2)cc1",
    "sofosbuvir": "CC(C)OC(=O)[C@H](C)N[P@](=O)(OC[C@H]1O[C@@H](n2ccc(=O)[nH]c2=O)[C@](C)(F)[C@@H]1O)Oc1ccccc1",
    "tartaric acid": "O=C(O)[C@H](O)[C@@H](O)C(=O)O",
    "cis-1,4-cyclohexanediol": "O[C@H]1CC[C@@H](O)CC1",
    "adamantane": "C1C2CC3CC1CC(C2)C3",
    "nitrobenzene": "O=[N+]([O-])c1ccccc1",
}


def cage(n_rings: int) -> str:
    """SMILES of a prismane: two rings of `n_rings` - 1 carbon atoms, joined atom to atom."""
    n = n_rings - 1
    mol = Chem.RWMol()
    for _ in range(2 * n):
        mol.AddAtom(Chem.Atom(6))
    for i in range(n):
        for a, b in ((i, (i + 1) % n), (n + i, n + (i + 1) % n), (i, n + i)):
            mol.AddBond(a, b, Chem.BondType.SINGLE)
    return Chem.MolToSmiles(mol)
