"""Familiar chemistry: the atom environments and ring systems of the compounds that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, final

from rdkit import Chem
from safetensors.numpy import load_file

from molinterp.chem.environments import MIN_COMPOUNDS as MIN_WITH_ENVIRONMENT
from molinterp.chem.environments import EnvironmentCounter, EnvironmentTable
from molinterp.chem.ring_systems import MIN_COMPOUNDS as MIN_WITH_RING_SYSTEM
from molinterp.chem.ring_systems import RingSystemCounter, RingSystemTable
from molinterp.pretrained import bundle_folder

FILE = "familiar.safetensors"
"""File of a bundle that holds the tables."""


@final
@dataclass(frozen=True)
class Familiar:
    """What counts as familiar: two tables made from the same compounds."""

    environments: EnvironmentTable
    """Atom environments."""
    ring_systems: RingSystemTable
    """Ring systems."""

    @classmethod
    def fit(
        cls,
        mols: Iterable[Chem.Mol],
        approved: Iterable[Chem.Mol] = (),
        min_with_environment: int = MIN_WITH_ENVIRONMENT,
        min_with_ring_system: int = MIN_WITH_RING_SYSTEM,
    ) -> Familiar:
        """Tables of compounds, in one pass.

        Args:
            mols: the compounds.
            approved: drugs whose ring systems count as known, however few of `mols` have them.
            min_with_environment: compounds that must have an environment for it to be known.
            min_with_ring_system: compounds that must have a ring system for it to be known.
        """
        environments, systems = EnvironmentCounter(), RingSystemCounter()
        for mol in mols:
            environments.add(mol)
            systems.add(mol)
        return cls(environments.table(min_with_environment), systems.table(approved, min_with_ring_system))

    def sizes(self) -> dict[str, int]:
        """Entries of each table."""
        near, far = (len(self.environments.known[radius]) for radius in (1, 2))
        return {
            "n_environments_1": near,
            "n_environments_2": far,
            "n_ring_systems": len(self.ring_systems.counts),
        }

    def to_arrays(self) -> dict[str, Any]:
        """Arrays of both tables, by the name of the table, a dot and the name of the array."""
        environments, systems = self.environments.to_arrays(), self.ring_systems.to_arrays()
        return {f"environments.{k}": v for k, v in environments.items()} | {
            f"ring_systems.{k}": v for k, v in systems.items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Familiar:
        """The tables that `to_arrays` described.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays of a table differ in length.
        """
        by_name: dict[str, dict[str, Any]] = {"environments": {}, "ring_systems": {}}
        for key, array in arrays.items():
            name, _, rest = key.partition(".")
            by_name[name][rest] = array
        return cls(
            EnvironmentTable.from_arrays(by_name["environments"]),
            RingSystemTable.from_arrays(by_name["ring_systems"]),
        )


def read_familiar(folder: Path) -> Familiar | None:
    """Tables in the folder of a bundle; None if it holds none.

    Raises:
        SafetensorError: the file is damaged.
        KeyError: an array is missing.
        ValueError: the arrays of a table differ in length.
    """
    file = folder / FILE
    return Familiar.from_arrays(load_file(file)) if file.is_file() else None


@cache
def shipped_familiar() -> Familiar:
    """Tables of the compounds that the shipped default model was trained on."""
    return Familiar.from_arrays(load_file(bundle_folder("default") / FILE))
