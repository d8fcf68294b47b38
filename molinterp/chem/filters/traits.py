"""A molecule with what several filters and terms need of it, each looked for once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import final

from rdkit import Chem

from molinterp.chem.alerts import alert_matches, every_alert
from molinterp.chem.environments import environment_counts
from molinterp.chem.ring_systems import RingSystem, ring_systems
from molinterp.chem.screening import BondKinds, Screen, bond_kinds
from molinterp.chem.synthetic_accessibility import Accessibility
from molinterp.chem.unstable_groups import Matches, patterns, unstable_matches

AtomMap = Mapping[int, int]
"""Atoms of a molecule to the atoms of an end that they correspond to."""


@final
class Traits:
    """A molecule and its traits."""

    def __init__(self, mol: Chem.Mol, maps: Sequence[AtomMap] = ()) -> None:
        """Begin with the molecule alone.

        Args:
            mol: the molecule.
            maps: which of its atoms are which of each end, in the order of the ends; empty where that is
                not known, so that what an end has anywhere is excused everywhere.
        """
        self.mol, self.maps = mol, tuple(maps)
        self._alerts: dict[tuple[str, ...], Matches] = {}

    @cached_property
    def kinds(self) -> BondKinds:
        """Atoms and bonds in plain numbers."""
        return bond_kinds(self.mol)

    @cached_property
    def environments(self) -> Mapping[int, int]:
        """Atom environments of radius 0 to 2, and how often each stands in it."""
        return environment_counts(self.mol)

    @cached_property
    def ring_systems(self) -> tuple[RingSystem, ...]:
        """Ring systems."""
        return ring_systems(self.mol, self.kinds)

    @cached_property
    def _possible(self) -> tuple[list[int], list[int]]:
        """Alerts and unstable groups that a screen lets pass, by index."""
        n_alerts, found = len(every_alert()), _screen().possible(self.mol, self.kinds)
        return [k for k in found if k < n_alerts], [k - n_alerts for k in found if k >= n_alerts]

    def alerts_of(self, catalogues: Sequence[str]) -> Matches:
        """Alerts of some catalogues, and where they are.

        Raises:
            InputError: a catalogue of an unknown name.
        """
        key = tuple(catalogues)
        if key not in self._alerts:
            self._alerts[key] = alert_matches(self.mol, key, self._possible[0])
        return self._alerts[key]

    @cached_property
    def unstable(self) -> Matches:
        """Unstable groups and strained sites, and where they are."""
        return unstable_matches(self.mol, self._possible[1])

    @cached_property
    def accessibility(self) -> Accessibility:
        """Synthetic accessibility, stereocentres put off."""
        return Accessibility(self.mol, self.environments, self.kinds)


@cache
def _screen() -> Screen:
    """One screen before all patterns: its bonds are read once."""
    return Screen([*(alert.pattern for alert in every_alert()), *patterns()])
