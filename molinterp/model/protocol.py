"""The interface between paths and models: paths can be computed with any class that implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from molinterp.chem.classifier import MoleculeClassifier
    from molinterp.chem.constraints import Constraint
    from molinterp.chem.familiar import Familiar
    from molinterp.geometry.output_spaces import LocalSpace, Map
    from molinterp.model.inversion import Inversion
    from molinterp.realism.terms import Term


class OutputSpace(StrEnum):
    """Map whose change along a curve is measured; see the table in docs/geometry.md."""

    LATENT = "latent"
    """z itself."""
    FINGERPRINT = "fingerprint"
    """Predicted ECFP4 bits, Fisher-Rao."""
    PROPERTIES = "properties"
    """Predicted properties and their uncertainty."""
    TOKENS = "tokens"
    """The decoder's token distributions along its greedy string, Fisher-Rao."""


class LatentModel(Protocol):
    """Encoder, decoder and the models of the latent space between them.

    Points are tensors (n, `latent_dim`) on the model's own device. The place t in [0, 1] of a point says
    where it lies on a curve between two compounds, from 0 at the first to 1 at the second. A decoder may
    ignore it.
    """

    @property
    def name(self) -> str:
        """Name of the model in messages."""

    @property
    def latent_dim(self) -> int:
        """Dimensions of z."""

    @property
    def familiar(self) -> Familiar:
        """Atom environments and ring systems of the compounds that the model was trained on."""

    @property
    def classifiers(self) -> Mapping[str, MoleculeClassifier]:
        """Classifiers of molecules by the name of their feature."""

    def can_encode(self, smiles: str) -> bool:
        """Whether the model can encode a molecule."""

    def posterior(self, smiles: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q(z|x), two tensors (n, latent_dim)."""

    def invert(self, smiles: Sequence[str]) -> Inversion:
        """Find latent points that decode to given molecules, as far as possible."""

    def decode(self, z: Tensor, t: Tensor | float = 0.0) -> list[str]:
        """SMILES of the most likely decode at each point."""

    def beams(self, z: Tensor, width: int, t: Tensor | float = 0.0) -> list[list[str]]:
        """SMILES of up to `width` likely decodes at each point, best first."""

    def sample(
        self, z: Tensor, generator: torch.Generator, temperature: float = 1.0, t: Tensor | float = 0.0
    ) -> list[str]:
        """SMILES of one random decode at each point."""

    def output_space(self, name: OutputSpace) -> Map | LocalSpace:
        """Return the map that pulls the Euclidean metric back to the latent space.

        Raises:
            InputError: the model has no such output space.
        """

    def realism_terms(self, epsilon: float) -> tuple[Term, ...]:
        """Terms of λ that apply to every path, such as density and validity."""

    def term(self, constraint: Constraint, epsilon: float) -> Term | None:
        """Term of λ for a constraint; None if its feature has no latent form."""
