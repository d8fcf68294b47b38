"""The molecules that may stand between two compounds: each judged once, with all their similarities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.DataStructs import BulkTanimotoSimilarity

from molinterp.chem.edits import Product
from molinterp.chem.filters import Judge, decoded_molecule
from molinterp.chem.identity import flat_smiles
from molinterp.chem.molecule_terms import MoleculeTerms
from molinterp.chem.similarity import N_BITS, ecfp4, packed, tanimoto_rows
from molinterp.chem.stereo.centres import EndChirality
from molinterp.paths.request import TERM_WEIGHTS

SIZE_RANGE = (0.75, 1.1)
"""Heavy atoms of a candidate: least share of the smaller end's, largest of the larger end's."""
EXISTING = frozenset({"library"})
"""Origins of compounds that exist as they are."""
N_ROOM = 256
"""Candidates that there is room for at first."""
FLOOR = 1.0
"""λ_0: of a molecule that nothing speaks against."""

Weigh = Callable[[Sequence[str]], Sequence[Mapping[str, float]]]
"""SMILES to λ terms by name, none negative, one mapping a molecule."""


@final
@dataclass(frozen=True)
class Candidate:
    """One molecule that passed the judge, its alerts and QED perhaps not looked at yet."""

    smiles: str
    """Canonical SMILES, stereo included."""
    mol: Chem.Mol
    """The molecule."""
    origin: str
    """Where it came from: end, curve, neighbourhood, edit or library."""
    terms: Mapping[str, float]
    """λ terms of the molecule by name, dimensionless, none negative."""
    fingerprint: Any
    """ECFP4 as RDKit's bit vector."""


@final
@dataclass(frozen=True)
class Proposal:
    """A molecule that is no candidate yet."""

    smiles: str
    """Canonical SMILES."""
    mol: Chem.Mol
    """The molecule."""
    fingerprint: Any
    """ECFP4 as RDKit's bit vector."""


@final
class Candidates:
    """A growing set of molecules with the two ends as numbers 0 and 1.

    Alerts and QED cost more than all else and most candidates never stand in a path: `is_settled` looks at
    them on demand.
    """

    def __init__(
        self,
        start: Chem.Mol,
        end: Chem.Mol,
        judge: Judge,
        weigh: Weigh | None = None,
        hands: EndChirality | None = None,
        term_weights: Mapping[str, float] = TERM_WEIGHTS,
    ) -> None:
        """Begin with the two ends.

        Args:
            start: number 0.
            end: number 1.
            judge: of molecules between them.
            weigh: gives further λ terms of molecules, as those of a model.
            hands: gives the stereocentres of molecules between their hands, but of those that exist, as the
                compounds of a library.
            term_weights: weights in λ of `range`, the mean distance in SCALES by which properties leave the
                range of the two ends, and of `qed`, the depth of QED below the lower end's.
        """
        self._terms = MoleculeTerms(start, end, {**TERM_WEIGHTS, **term_weights})
        self.judge = judge
        self._weigh = weigh
        self._hands = hands
        self._weighed: set[int] = set()
        sizes = [m.GetNumHeavyAtoms() for m in (start, end)]
        self.sizes = range(int(SIZE_RANGE[0] * min(sizes)), int(SIZE_RANGE[1] * max(sizes)) + 2)
        self.rejected: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._flat: set[str] = set()
        self._clear = {0: True, 1: True}
        self._alerting: set[int] = set()
        self._all: list[Candidate] = []
        self._weights: list[float] = []
        self._table = np.zeros((N_ROOM, N_ROOM), np.float32)
        self._rows = np.zeros((N_ROOM, N_BITS // 64), np.uint64)
        self._counts = np.zeros(N_ROOM, np.int64)
        for mol in (start, end):
            self._append(Proposal(Chem.MolToSmiles(mol), mol, ecfp4(mol)), "end", {})

    def __len__(self) -> int:
        """Number of candidates, ends included."""
        return len(self._all)

    def __getitem__(self, index: int) -> Candidate:
        """The candidate of a number."""
        return self._all[index]

    def weigh(self, indices: Iterable[int]) -> None:
        """Take the further λ terms of those of these candidates that lack them."""
        fresh = [i for i in indices if i not in self._weighed]
        if self._weigh is None or not fresh:
            return
        for i, terms in zip(fresh, self._weigh([self._all[k].smiles for k in fresh]), strict=True):
            self._all[i] = replace(self._all[i], terms={**self._all[i].terms, **terms})
            self._weights[i] += sum(terms.values())
        self._weighed.update(fresh)

    @property
    def similarity(self) -> npt.NDArray[np.float32]:
        """ECFP4 Tanimoto similarity of every two candidates, (n, n); outdated by the next addition."""
        return self._table[: len(self), : len(self)]

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """λ of each candidate, (n,)."""
        return np.array(self._weights)

    @property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Which candidates no alert is known against, (n,)."""
        return np.array([self._clear.get(i, True) for i in range(len(self))])

    def is_settled(self, index: int) -> bool:
        """Look at alerts and QED of a candidate, once; whether what was assumed of it holds.

        Until then a candidate counts as clear, with a λ that can only grow: a shortest path of which every
        candidate is settled is the shortest of all.
        """
        if index in self._clear:
            return self._clear[index]
        found = self._all[index]
        self._clear[index] = not self.judge.raises_alert(found.mol)
        if not self._clear[index]:
            self._alerting.add(index)
            self.rejected["alert"] += 1
            return False
        dip = self._terms.qed(found.mol)
        self._all[index] = replace(found, terms={**found.terms, "qed": dip})
        self._weights[index] += dip
        return dip == 0.0

    def is_clear(self, index: int) -> bool:
        """Whether a candidate raises no alert beyond those of the ends."""
        self.is_settled(index)
        return self._clear[index]

    def fault(self, index: int) -> str | None:
        """What the judge says against a candidate, in one word; None where nothing."""
        self.is_settled(index)
        cheap = self.judge.cheap_fault(self._all[index].mol)
        return cheap or ("alert" if index in self._alerting else None)

    def bar(self, indices: Iterable[int]) -> None:
        """Let these candidates stand in no further path."""
        self._clear |= dict.fromkeys(indices, False)

    def proposals(self, smiles: Iterable[str]) -> list[Proposal]:
        """Those that are molecules of a fitting size and were not proposed before."""
        out = []
        for text in smiles:
            if text in self._seen:
                continue
            self._seen.add(text)
            mol = decoded_molecule(text)
            if mol is None:
                continue
            canonical = Chem.MolToSmiles(mol)
            if canonical != text:
                if canonical in self._seen:
                    continue
                self._seen.add(canonical)
            if mol.GetNumHeavyAtoms() in self.sizes:
                out.append(Proposal(canonical, mol, ecfp4(mol)))
            else:
                self.rejected["size"] += 1
        return out

    def edited(self, products: Iterable[Product]) -> list[Proposal]:
        """The same for products of edits, whose SMILES are canonical; see `reread`."""
        out = []
        for product in products:
            if product.smiles in self._seen:
                continue
            self._seen.add(product.smiles)
            if product.mol.GetNumHeavyAtoms() in self.sizes:
                out.append(Proposal(product.smiles, product.mol, ecfp4(product.mol)))
            else:
                self.rejected["size"] += 1
        return out

    def reread(self, proposal: Proposal) -> Proposal | None:
        """An edit's proposal as its SMILES spells it; None where that is no new molecule.

        What an edit left behind, as the order of atoms, shall not decide the last bits of a property.
        """
        mol = decoded_molecule(proposal.smiles)
        if mol is None:
            return None
        canonical = Chem.MolToSmiles(mol)
        if canonical != proposal.smiles and canonical in self._seen:
            return None
        self._seen.add(canonical)
        return Proposal(canonical, mol, ecfp4(mol))

    def nearness(self, proposals: Sequence[Proposal], to: Sequence[int]) -> list[float]:
        """Largest similarity of each proposal to some of the candidates."""
        goals = [self._all[i].fingerprint for i in to]
        return [max(BulkTanimotoSimilarity(p.fingerprint, goals)) for p in proposals]

    def add(self, proposal: Proposal, origin: str) -> int | None:
        """Judge a proposal; its number where it passes, None where it does not or stands here already."""
        if flat_smiles(proposal.smiles, proposal.mol) in self._flat:
            return None
        if origin not in EXISTING:
            proposal = self._handed(proposal)
        fault = self.judge.cheap_fault(proposal.mol)
        if fault is not None:
            self.rejected[fault] += 1
            return None
        return self._append(proposal, origin, {"range": self._terms.range(proposal.mol)})

    def _handed(self, proposal: Proposal) -> Proposal:
        """A proposal with its stereocentres as those of the ends; the fingerprint does not see them."""
        turned = self._hands.applied_to(proposal.mol) if self._hands else None
        mol = None if turned is None else decoded_molecule(Chem.MolToSmiles(turned))
        return proposal if mol is None else replace(proposal, smiles=Chem.MolToSmiles(mol), mol=mol)

    def _append(self, proposal: Proposal, origin: str, terms: Mapping[str, float]) -> int:
        index = len(self._all)
        self._flat.add(flat_smiles(proposal.smiles, proposal.mol))
        self._seen.add(proposal.smiles)
        self._all.append(Candidate(proposal.smiles, proposal.mol, origin, terms, proposal.fingerprint))
        self._weights.append(FLOOR + sum(terms.values()))
        if index == len(self._table):
            self._table = np.pad(self._table, (0, index))
            self._rows = np.pad(self._rows, ((0, index), (0, 0)))
            self._counts = np.pad(self._counts, (0, index))
        bits = packed(proposal.fingerprint)
        self._rows[index], self._counts[index] = bits, np.bitwise_count(bits).sum()
        # A step from a molecule to itself is none: the diagonal stays 0.
        row = tanimoto_rows(bits, self._rows[:index], self._counts[:index])
        self._table[index, :index] = self._table[:index, index] = row
        return index
