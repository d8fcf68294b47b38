"""The part between bars of a CXSMILES: what of it is left out, and what makes it no one compound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import final

_ATOM_TEXT = re.compile(r"\$([^$]*)\$")
_COORDINATES = re.compile(r"\([^()]*\)")
_LABEL = re.compile(r"(?:^|,)(r|[&o]\d+:\d+(?:,\d+)*)(?=,|$)")
_PART = re.compile(
    r"(?:^|,)\s*(SgD|SgH|Sg|RG|LN|LP|wU|wD|w|\^\d|rb|s|u|m|C|H|f|c|t|ctu|lp|atomProp|\$)(?=:|$)"
)
_POLYMERS = frozenset(("n", "mon", "mer", "co", "alt", "ran", "blk", "xl", "mod", "gra", "grf", "any"))
_MIXTURES = frozenset(("mix", "f", "c", "com", "for"))
_ELEMENT = "(?:H|D|T|B|C|N|O|F|Si|P|S|Cl|Se|Br|I)"
_OWN_LABEL = re.compile(rf"|_AV:.*|\d+|{_ELEMENT}(?:H?\d*[+-]?|\d+'?)|Me|R\d*")
"""What an atom may be called without standing for others; R is that of a wildcard, which the gate refuses."""
_GROUP = re.compile(r"_AP\d+|[A-Z(\-][\w()+'-]*")

NO_COMPOUND = {
    "LN": "it has a link node, a unit that is repeated: it stands for several compounds",
    "m": "it has a bond to no certain atom (position variation): it stands for several compounds",
    "RG": "it has R groups: it stands for several compounds",
    "rb": "it is a query (ring bonds of an atom), which many compounds match",
    "s": "it is a query (substituents of an atom), which many compounds match",
    "u": "it is a query (an unsaturated atom), which many compounds match",
    "C": "it has a coordinate bond, of a metal complex",
}
"""Parts of a CXSMILES by which it is no one compound, and why."""
LEFT_OUT = {
    "SgD": "data attached to atoms",
    "H": "hydrogen bonds drawn as such",
    "c": "cis bonds given behind the SMILES",
    "t": "trans bonds given behind the SMILES",
}
"""Parts of a CXSMILES that say something of the compound which its SMILES cannot."""


@final
@dataclass(frozen=True)
class Extension:
    """What a CXSMILES says beyond its SMILES."""

    stereo: str = ""
    """Labels of enhanced stereo (and, or, relative): `&1:1`."""
    wedged: tuple[int, ...] = ()
    """Atoms at the narrow end of a wedge."""
    left_out: tuple[str, ...] = ()
    """What cannot be kept, in words."""
    fault: str = ""
    """Why it is no one compound; empty where it is."""


def split_cxsmiles(text: str) -> tuple[str, str, str]:
    """SMILES, what stands between bars behind it, and what stands behind that; each may be empty.

    >>> split_cxsmiles("C[C@H](N)O |&1:1| a name")
    ('C[C@H](N)O', '&1:1', 'a name')
    """
    smiles, _, rest = text.strip().replace("\t", " ").partition(" ")
    rest = rest.strip()
    if not rest.startswith("|"):
        return smiles, "", rest
    part, _, rest = rest[1:].partition("|")
    return smiles, part.strip(), rest.strip()


def read_extension(part: str) -> Extension:
    """What stands between the bars.

    >>> read_extension("&1:1,wU:2.1").stereo
    '&1:1'
    """
    texts = [label for found in _ATOM_TEXT.findall(part) for label in found.split(";")]
    labels = [label for label in texts if not _OWN_LABEL.fullmatch(label)]
    bare = _COORDINATES.sub("", _ATOM_TEXT.sub("", part))
    kinds: dict[str, list[str]] = {}
    found = list(_PART.finditer(bare))
    ends = [*(match.start() for match in found[1:]), len(bare)]
    for match, end in zip(found, ends, strict=False):
        kinds.setdefault(match[1], []).append(bare[match.end() + 1 : end])
    return Extension(
        stereo=",".join(_LABEL.findall(bare)),
        wedged=tuple(int(n) for kind in ("wU", "wD") for n in _atoms(kinds.get(kind, ()))),
        left_out=(
            *(words for kind, words in LEFT_OUT.items() if kind in kinds),
            *(["labels of atoms"] if labels else []),
        ),
        fault=_fault(kinds, [label for label in labels if stands_for_group(label)]),
    )


def stands_for_group(label: str) -> bool:
    """Whether a label of an atom is one of a group that the atom stands for, as CF3.

    >>> [stands_for_group(label) for label in ("CF3", "OH", "C12", "first atom")]
    [True, False, False, False]
    """
    return not _OWN_LABEL.fullmatch(label) and _GROUP.fullmatch(label) is not None


def _atoms(parts: list[str] | tuple[()]) -> list[str]:
    """Numbers of atoms in `2.1,4.3`, of which the others are bonds."""
    return [n for part in parts for n in re.findall(r"(?:^|,)(\d{1,6})", part)]


def _fault(kinds: dict[str, list[str]], labels: list[str]) -> str:
    if labels:
        return f"one of its atoms stands for {labels[0][:40]!r}; write the group out"
    if any(kind.startswith("^") for kind in kinds):
        return "it holds a radical (an atom with too few bonds)"
    for field in (part.partition(":")[0] for part in kinds.get("Sg", ())):
        if field in _POLYMERS:
            return "it is a polymer (a bracket with a repeat), which is no one compound"
        if field in _MIXTURES:
            return "it is a mixture or formulation in brackets; keep one component"
    return next((reason for kind, reason in NO_COMPOUND.items() if kind in kinds), "")
