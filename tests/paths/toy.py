"""A model of a page: alkylbenzenes on a plane, by the length of their chain and the group at its end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from rdkit import Chem
from torch import Tensor

from molinterp.chem.familiar import Familiar
from molinterp.errors import InputError, VocabularyError
from molinterp.geometry.output_spaces import latent
from molinterp.model.inversion import Inversion

ENDINGS = ("C", "O", "N")
LONGEST = 12
CORPUS = [f"c1ccccc1{'C' * n}{ending}" for n in range(1, LONGEST) for ending in ENDINGS]


class ToyModel:
    """z = (carbons of the chain / 4, 2 · index of the group at its end)."""

    name = "toy"
    latent_dim = 2
    familiar = Familiar.fit(map(Chem.MolFromSmiles, CORPUS), min_with_environment=1, min_with_ring_system=1)
    classifiers: Mapping[str, Any] = {}

    def can_encode(self, smiles: str) -> bool:
        return re.fullmatch(r"[CON]C*c1ccccc1", smiles) is not None

    def posterior(self, smiles: Sequence[str]) -> tuple[Tensor, Tensor]:
        rows = []
        for text in smiles:
            if not self.can_encode(text):
                raise VocabularyError(text, (), "it is no alkylbenzene")
            chain = text.removesuffix("c1ccccc1")
            ending = chain[0] if chain[0] in "ON" else "C"
            rows.append([(len(chain) - 1) / 4, 2.0 * ENDINGS.index(ending)])
        return torch.tensor(rows), torch.full((len(smiles), 2), 0.1)

    def invert(self, smiles: Sequence[str]) -> Inversion:
        z = self.posterior(smiles)[0]
        log_p = torch.zeros(len(z))
        return Inversion(z, z, log_p, log_p, torch.ones(len(z), dtype=torch.bool), 0)

    def decode(self, z: Tensor, t: Tensor | float = 0.0) -> list[str]:
        out = []
        for length, group in z.tolist():
            ending = ENDINGS[min(max(round(group / 2), 0), len(ENDINGS) - 1)]
            out.append(f"{ending}{'C' * min(max(round(4 * length), 0), LONGEST)}c1ccccc1")
        return out

    def beams(self, z: Tensor, width: int, t: Tensor | float = 0.0) -> list[list[str]]:
        return [[text] for text in self.decode(z, t)]

    def sample(
        self, z: Tensor, generator: torch.Generator, temperature: float = 1.0, t: Tensor | float = 0.0
    ) -> list[str]:
        return self.decode(z + 0.1 * temperature * torch.randn(z.shape, generator=generator))

    def output_space(self, name: str) -> Any:
        if name not in ("latent", "fingerprint"):
            raise InputError(f"`output_space` must be latent; got {name}.")
        return latent

    def realism_terms(self, epsilon: float) -> tuple[Any, ...]:
        return ()

    def term(self, constraint: Any, epsilon: float) -> None:
        return None
