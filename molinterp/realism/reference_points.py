"""Latent points with their molecules, on which a new feature is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from molinterp.errors import ShapeError


@final
@dataclass(frozen=True)
class Reference:
    """Points of latent space and a molecule each."""

    z: Tensor
    """(n, dim)."""
    smiles: tuple[str, ...]
    """n SMILES: a compound that is encoded there, or what is decoded there."""

    def __post_init__(self) -> None:
        """Check that each point has a molecule.

        Raises:
            ShapeError: they differ in number.
        """
        if self.z.ndim != 2 or len(self.z) != len(self.smiles):
            raise ShapeError(
                f"`z` must have shape ({len(self.smiles)}, dim) to match the molecules; "
                f"got {tuple(self.z.shape)}."
            )

    def __len__(self) -> int:
        """Number of points."""
        return len(self.smiles)

    def rows(self, chosen: Sequence[int]) -> Reference:
        """The points `chosen`, in that order."""
        return Reference(
            self.z[torch.as_tensor(chosen, dtype=torch.long)], tuple(self.smiles[i] for i in chosen)
        )

    def to_tensors(self) -> dict[str, Tensor]:
        """Points in half precision and the text as bytes."""
        text = "\n".join(self.smiles).encode()
        return {"z": self.z.half(), "smiles": torch.frombuffer(bytearray(text), dtype=torch.uint8)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Reference:
        """The reference that `to_tensors` described.

        Raises:
            KeyError: a tensor is missing.
        """
        text = tensors["smiles"].numpy().tobytes().decode()
        return cls(tensors["z"].float(), tuple(text.split("\n")))
