"""Groups that no flask keeps: they lose carbon dioxide, water, an amine or an acyl, or turn to a carbonyl.

The alerts (`molinterp.chem.alerts`) name most groups of that kind, as peroxides, acyl halides, and
hemiacetals and enols outside rings; these are what they leave out. Clayden, Greeves and Warren, Organic
Chemistry, 2nd ed. 2012, on carbonyl groups and on enols.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from rdkit import Chem

# An enol or enamine lasts where a carbonyl, nitrile, nitro or sulfonyl group stands beside its double bond.
_BARE = "!$(C-[#6,#7,#16]=[#7,#8,#16]);!$(C-C#N)"
# Nitrogen that drives its neighbour's leaving group out: that of an amide or an aromatic amine does not.
_AMINE = "NX3;!$(N-[#6,#15,#16]=[#7,#8,#16]);!$(N-a);!$(N-[#7,#8])"

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
