"""Features of molecules, and the language in which they are requested.

| text | feature |
|---|---|
| `bbb`, or any other classifier by its name | its probability is at least one half |
| `lipinski`, `veber`, `no-alerts`, `clean` | a rule holds |
| `logp=1..4`, `tpsa<90`, `qed>=0.5`, `hbd=2` | a property lies in a window; `1..4` includes its ends |
| `smarts:c1ccncc1` | the molecule contains the substructure, with its stereo if any is written |
| `scaffold` | the molecule contains the Murcko scaffold that both ends of the path share |
"""

from __future__ import annotations

import difflib
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase

from molinterp.chem.alerts import has_alert
from molinterp.chem.classifier import MoleculeClassifier
from molinterp.chem.filters import is_clean
from molinterp.chem.properties import PROPERTIES, hba, hbd, logp, mw, rotatable_bonds, tpsa
from molinterp.chem.similarity import murcko_scaffold
from molinterp.errors import InputError

Floats = npt.NDArray[np.float32]
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""Valid names of features."""
CLOSE = 0.7
"""Ratio of difflib from which a text counts as a misspelt name; hERG and ahr, for example, have 0.57."""
ROUNDING = 1e-9
"""Relative tolerance within which a value counts as equal to an end of a window."""
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"(\w+)\s*=\s*({_NUMBER})?\s*\.\.\s*({_NUMBER})?")
_STRUCTURE = re.compile(r"(smarts|smiles)\s*:\s*", re.IGNORECASE)
_COMPARISON = re.compile(rf"(\w+)\s*(<=|>=|<|>|=)\s*({_NUMBER})")


def lipinski(mol: Chem.Mol) -> bool:
    """At most one violation: over 500 g/mol, logP over 5, over 5 donors, over 10 acceptors.

    Lipinski et al., Adv. Drug Deliv. Rev. 1997.
    """
    return (mw(mol) > 500) + (logp(mol) > 5) + (hbd(mol) > 5) + (hba(mol) > 10) <= 1


def veber(mol: Chem.Mol) -> bool:
    """At most 10 rotatable bonds and 140 square angstroms of polar surface.

    Veber et al., J. Med. Chem. 2002.
    """
    return rotatable_bonds(mol) <= 10 and tpsa(mol) <= 140


def no_alerts(mol: Chem.Mol) -> bool:
    """No PAINS and no BRENK alert."""
    return not has_alert(mol)


RULES: Mapping[str, Callable[[Chem.Mol], bool]] = MappingProxyType(
    {"lipinski": lipinski, "veber": veber, "no-alerts": no_alerts, "clean": is_clean}
)
"""Rules by name."""
SUBSTRUCTURES: Mapping[str, str] = MappingProxyType(
    {
        "scaffold": "The Murcko scaffold of one end that the other has too.",
        "smarts:PATTERN": "A substructure, with the stereo that is written in it.",
    }
)
"""Structural features of the language, and their meanings."""


def check_name(name: str) -> None:
    """Check that a trained feature may be called `name`.

    Raises:
        InputError: the name belongs to a rule, a property or a term, or has characters other than lower-case
            letters, digits, - and _.
    """
    if not NAME.fullmatch(name):
        raise InputError(f"feature name {name!r} must be lower-case letters, digits, - or _, at most 32.")
    if name in RULES or name in PROPERTIES or name in ("scaffold", "smarts"):
        raise InputError(f"feature name {name!r} is taken by a rule or a property. Choose another one.")
    if name in ("density", "validity", "feature"):
        raise InputError(f"feature name {name!r} is the name of a term of λ. Choose another one.")


class Feature(ABC):
    """A property that a molecule has or lacks."""

    name: str

    @abstractmethod
    def scores(self, mols: Sequence[Chem.Mol]) -> Floats:
        """Score how surely each molecule has it, (n,) in [0, 1]; rules give 0 or 1."""

    def holds(self, mols: Sequence[Chem.Mol]) -> list[bool]:
        """Whether each molecule has it, that is, scores at least one half."""
        return [bool(s >= 0.5) for s in self.scores(mols)]


@final
@dataclass(frozen=True)
class ClassifierFeature(Feature):
    """A trained classifier predicts that the molecule has a property."""

    name: str
    """Name in the feature language."""
    classifier: MoleculeClassifier
    """Classifier whose probability is the score."""

    def scores(self, mols: Sequence[Chem.Mol]) -> Floats:
        """See `Feature.scores`."""
        return self.classifier.probability(mols) if mols else np.zeros(0, np.float32)


@final
@dataclass(frozen=True)
class RuleFeature(Feature):
    """The molecule satisfies a rule."""

    name: str
    """Name in the feature language."""
    rule: Callable[[Chem.Mol], bool]
    """The rule."""

    def scores(self, mols: Sequence[Chem.Mol]) -> Floats:
        """See `Feature.scores`."""
        return np.array([float(self.rule(m)) for m in mols], np.float32)


@final
@dataclass(frozen=True)
class WindowFeature(Feature):
    """A property of the molecule lies in a window."""

    name: str
    """Text in the feature language."""
    column: str
    """Name of the property in PROPERTIES."""
    low: float
    """Lower end; -inf if there is none."""
    high: float
    """Upper end; inf if there is none."""
    is_open: bool = False
    """Whether the ends are excluded, as in `tpsa<90`."""

    def scores(self, mols: Sequence[Chem.Mol]) -> Floats:
        """See `Feature.scores`."""
        return np.array([self._holds(PROPERTIES[self.column](m)) for m in mols], np.float32)

    def overlaps(self, other: WindowFeature) -> bool:
        """Whether some number lies in both windows."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        is_left_out = any(w.is_open and low in (w.low, w.high) for w in (self, other))
        return low < high or (low == high and not is_left_out)

    def _holds(self, value: float) -> bool:
        # A sum such as 63.600000000000001 must count as the 63.6 that a table shows.
        slack = ROUNDING * max(1.0, abs(value)) * (-1 if self.is_open else 1)
        low, high = self.low - slack, self.high + slack
        return low < value < high if self.is_open else low <= value <= high


@final
@dataclass(frozen=True)
class SubstructureFeature(Feature):
    """The molecule contains a substructure."""

    name: str
    """Text in the feature language."""
    pattern: Chem.Mol
    """Pattern to match."""
    uses_stereo: bool = False
    """Whether the stereo of the pattern, if it has any, must match too."""

    def scores(self, mols: Sequence[Chem.Mol]) -> Floats:
        """See `Feature.scores`."""
        found = (m.HasSubstructMatch(self.pattern, useChirality=self.uses_stereo) for m in mols)
        return np.array([float(f) for f in found], np.float32)


def parse_feature(
    text: str, classifiers: Mapping[str, MoleculeClassifier], ends: Sequence[Chem.Mol] = ()
) -> Feature:
    """Parse a feature.

    Args:
        text: text of the feature language; see the table of this module.
        classifiers: trained classifiers by name.
        ends: the two ends of the path, which `scaffold` needs.

    Raises:
        InputError: the text is not a feature; the message suggests the nearest name.
    """
    wanted = text.strip()
    if wanted in classifiers:
        return ClassifierFeature(wanted, classifiers[wanted])
    if wanted in RULES:
        return RuleFeature(wanted, RULES[wanted])
    if wanted == "scaffold":
        return SubstructureFeature("scaffold", _shared_scaffold(ends))
    if wanted.startswith("smarts:"):
        return SubstructureFeature(wanted, _pattern(wanted.removeprefix("smarts:")), uses_stereo=True)
    if any(c in wanted for c in "<>="):
        return _window(wanted)
    known = [*classifiers, *RULES, "scaffold"]
    if wanted in PROPERTIES:
        raise InputError(f"feature {text!r} is a property and needs a window: {wanted}=1..4 or {wanted}<4.")
    hint = nearest(wanted, [*known, *PROPERTIES]) or _as_pattern(wanted)
    raise InputError(
        f"feature {text!r} is not known.{hint} Known: {', '.join(known)}, smarts:..., windows as logp=1..4."
        f"{'' if hint else ' See what each means with: molinterp features list.'}"
    )


def nearest(text: str, known: Sequence[str]) -> str:
    """Suggest the known name that is most similar to `text`, as a sentence; empty if none is similar."""
    close = difflib.get_close_matches(text.lower(), known, n=1, cutoff=CLOSE)
    return f" Did you mean {close[0]!r}?" if close else ""


def _as_pattern(text: str) -> str:
    """Explain how to request a substructure; empty if the text is not a structure."""
    prefix = _STRUCTURE.match(text)
    structure = text[prefix.end() :] if prefix else text
    may_be_one = text.isascii() and len(structure.split()) == 1 and len(structure) <= 500
    with rdBase.BlockLogs():
        is_one = may_be_one and (prefix or Chem.MolFromSmiles(structure, sanitize=False))
    return f" A substructure is written smarts:{structure[:80]}." if is_one else ""


def _window(text: str) -> WindowFeature:
    between, compared = _RANGE.fullmatch(text), _COMPARISON.fullmatch(text)
    if between:
        column, low, high = between.groups()
        ends = (float(low) if low else -math.inf, float(high) if high else math.inf)
        is_open = False
    elif compared:
        column, sign, value = compared.groups()
        number = float(value)
        ends = (-math.inf if "<" in sign else number, math.inf if ">" in sign else number)
        is_open = sign in ("<", ">")
    else:
        raise InputError(
            f"window {text!r} is not understood. Write it as logp=1..4, tpsa<90, sa_score<=4 or qed>=0.5."
            f"{_as_pattern(text)}"
        )
    if column not in PROPERTIES:
        raise InputError(
            f"window {text!r} names no property.{nearest(column, list(PROPERTIES))} "
            f"Known: {', '.join(PROPERTIES)}."
        )
    if ends[0] > ends[1]:
        raise InputError(f"window {text!r} must have low <= high; got {ends[0]:g} > {ends[1]:g}. Swap them.")
    if ends == (-math.inf, math.inf):
        raise InputError(f"window {text!r} must have a low or a high end; got neither.")
    return WindowFeature(text, column, *ends, is_open)


def _pattern(smarts: str) -> Chem.Mol:
    smarts = smarts.strip()
    # RDKit would take the text after a blank as a name.
    is_one = len(smarts.split()) == 1 and len(smarts) <= 500
    with rdBase.BlockLogs():
        pattern = Chem.MolFromSmarts(smarts) if is_one else None
    if pattern is None:
        raise InputError(f"'smarts:{smarts[:80]}' is not a SMARTS pattern. Check brackets and ring digits.")
    return pattern


def _shared_scaffold(ends: Sequence[Chem.Mol]) -> Chem.Mol:
    """Return the smaller of the ends' Murcko scaffolds if the other end contains it too."""
    if not ends:
        raise InputError("feature 'scaffold' needs the two ends of a path; got none.")
    scaffolds = [Chem.MolFromSmiles(murcko_scaffold(m)) for m in ends]
    smallest = min(scaffolds, key=lambda s: s.GetNumAtoms())
    if smallest.GetNumAtoms() == 0 or not all(m.HasSubstructMatch(smallest) for m in ends):
        shown = " and ".join(Chem.MolToSmiles(s) or "none" for s in scaffolds)
        raise InputError(
            f"feature 'scaffold' needs a Murcko scaffold that both ends have; theirs are {shown}. "
            "Name the part to keep with smarts:."
        )
    return smallest
