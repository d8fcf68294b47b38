"""Groups that no flask keeps: they lose what they hold, close on themselves, or turn to a carbonyl.

The alerts (`molinterp.chem.alerts`) name most groups of that kind, as peroxides, acyl halides, and
hemiacetals and enols outside rings; these are what they leave out. Clayden, Greeves and Warren, Organic
Chemistry, 2nd ed. 2012, on carbonyl groups and on enols.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from types import MappingProxyType

from rdkit import Chem

# An enol or enamine lasts where a carbonyl, nitrile, nitro or sulfonyl group stands beside its double bond.
_BARE = "!$(C-[#6,#7,#16]=[#7,#8,#16]);!$(C-C#N)"
# Nitrogen that drives its neighbour's leaving group out: that of an amide or an aromatic amine does not.
_AMINE = "NX3;!$(N-[#6,#15,#16]=[#7,#8,#16]);!$(N-a);!$(N-[#7,#8])"
_KETONE = "$([CX3](=O)([#6])[#6]),$([CX3H](=O)[#6])"
_LINK = "[CX4,OX2,SX2,NX3]"
# The keto form is what there is, unless a carbonyl or nitrile beside it holds the hydrogen.
_AZOLE_OH = "[OX2H][c;r5;!$(c:c-[#6]=[#7,#8,#16]);!$(c:c-C#N)]"

UNSTABLE: Mapping[str, str] = MappingProxyType(
    {
        "carbamic acid": "[#7]C(=[O,S])[OX2H,SX2H]",
        "carbonic acid": "[OX2,SX2]C(=[O,S])[OX2H]",
        "enol": f"[OX2H][CX3;{_BARE}]=[CX3;{_BARE}]",
        "primary enamine": f"[NX3H2][CX3;{_BARE}]=[CX3;{_BARE}]",
        "secondary enamine": f"[NX3H1;!$(N-[#6]=[#7,#8,#16]);!$(N-S=O)][CX3;{_BARE}]=[CX3;{_BARE}]",
        "acyl azole": "[#6][CX3;!R](=O)[nX3r5;$(n:n),$(n:c:[nX2])]",
        "cyclobutadiene": "C1=CC=C1",
        # The alerts name anhydrides and diketones alike, and one of these at an end would let the other pass.
        "anhydride": "[CX3](=[O,S])-!@[OX2,SX2]-!@[CX3]=[O,S]",
        "hemiaminal": "[OX2H][CX4][NX3;!$(N-[#6,#16]=[#7,#8,#16])]",
        "thioaminal": f"[{_AMINE}]-!@[CX4]-!@[SX2]",
        "acyloxy amine": f"[{_AMINE}]-!@[CX4]-!@[OX2][CX3]=[O,S]",
        "aminal": f"[{_AMINE};!H2]-!@[CX4]-!@[#7X3;!H2]",
        "aminonitrile": f"[{_AMINE}][CX4]C#N",
        # Two of them give a dihydropyrazine, one alone a ring of five or six with C=N.
        "amino ketone": f"[NX3H2;$(N[CX4][{_KETONE}]),$(N[CX4]{_LINK}[CX4][{_KETONE}]),"
        f"$(N[CX4]{_LINK}{_LINK}[CX4][{_KETONE}])]",
        "azole enol": f"[$({_AZOLE_OH}1:[c,n]:[c,n]:c:[o,s,nX3]:1),$({_AZOLE_OH}1:c:[o,s,nX3]:c:[c,n]:1)]",
        "strained acyl": "a1aC(=[O,S])[#6,#7,#8,#16]1",
        "cyclopentadienone": "O=C1C=CC=C1",
        "primary aminal": "[NX3H2][CX4][#8X2,#7X3;!$([#7]-[#6,#16]=[#7,#8,#16])]",
    }
)
"""Name to SMARTS."""


@cache
def _queries() -> Mapping[str, Chem.Mol]:
    return {name: Chem.MolFromSmarts(smarts) for name, smarts in UNSTABLE.items()}


def unstable_groups(mol: Chem.Mol) -> frozenset[str]:
    """Names of the groups of UNSTABLE that a molecule has."""
    return frozenset(name for name, query in _queries().items() if mol.HasSubstructMatch(query))


def matched_groups(mol: Chem.Mol, allowed: Collection[str] = ()) -> Iterator[frozenset[int]]:
    """Atoms of each unstable group that a molecule has, but of those `allowed` by name."""
    for name, query in _queries().items():
        if name not in allowed:
            yield from map(frozenset, mol.GetSubstructMatches(query))
