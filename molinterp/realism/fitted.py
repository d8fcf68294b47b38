"""Models of a bundle's realism: density, validity, features, uncertainty, reference points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, final

import torch
from torch import Tensor

from molinterp.chem.classifier import MoleculeClassifier
from molinterp.realism.density import FlowDensity, density_from, density_state
from molinterp.realism.index import RealismIndex
from molinterp.realism.latent_network import LatentNetwork
from molinterp.realism.reference_points import Reference

FILES = ("density.safetensors", "validity.safetensors", "features.safetensors", "reference.safetensors")
"""Files that a bundle may hold beside its weights."""

Tensors = Mapping[str, Tensor]


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@final
@dataclass(frozen=True)
class RealismModels:
    """What was fitted on a bundle's latent space; each part may be missing."""

    index: RealismIndex | None = None
    """Realism index of the density of encoded compounds."""
    validity: LatentNetwork | None = None
    """Log-odds that a decode is a clean compound."""
    features: Mapping[str, LatentNetwork] = field(default_factory=_empty)
    """Feature to its log-odds on latent space."""
    precision: Mapping[str, Tensor] = field(default_factory=_empty)
    """Tensors of the radial-basis network of the property head's uncertainty; see `model.output_spaces`."""
    classifiers: Mapping[str, MoleculeClassifier] = field(default_factory=_empty)
    """Molecule-level classifiers of the bundle's own features."""
    reference: Reference | None = None
    """Encoded compounds and decoded points, for features that are fitted later."""
    facts: Mapping[str, Any] = field(default_factory=_empty)
    """What was measured when each part was fitted, by part."""

    def move_to(self, device: str | torch.device) -> None:
        """Move all networks to a device; densities and scales follow the points that they are given."""
        networks: list[torch.nn.Module | None] = [self.validity, *self.features.values()]
        if self.index is not None and isinstance(self.index.density, FlowDensity):
            networks.append(self.index.density.flow)
        for network in networks:
            if network is not None:
                network.to(device)

    def to_files(self) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
        """File name to its tensors, and JSON fields, from which `from_files` makes the same models.

        Raises:
            InputError: the density is a user's own function.
        """
        files: dict[str, dict[str, Tensor]] = {}
        header: dict[str, Any] = {"facts": dict(self.facts)}
        if self.index is not None:
            tensors, header["density"] = density_state(self.index.density)
            table = {"knots": self.index.knots, "log_levels": self.index.log_levels}
            files["density.safetensors"] = tensors | table
        if self.validity is not None:
            files["validity.safetensors"] = _halves("", self.validity)
        features: dict[str, Tensor] = {}
        for name, network in self.features.items():
            features |= _halves(f"latent.{name}.", network)
        features |= {f"precision.{name}": value.cpu() for name, value in self.precision.items()}
        for name, classifier in self.classifiers.items():
            arrays = classifier.to_arrays()
            features |= {f"molecule.{name}.{k}": torch.from_numpy(v.copy()) for k, v in arrays.items()}
        header["classifiers"] = {name: dict(c.facts) for name, c in self.classifiers.items()}
        if features:
            files["features.safetensors"] = features
        if self.reference is not None:
            files["reference.safetensors"] = self.reference.to_tensors()
        return {n: {k: v.contiguous() for k, v in t.items()} for n, t in files.items()}, header

    @classmethod
    def from_files(cls, files: Mapping[str, Tensors], header: Mapping[str, Any]) -> RealismModels:
        """The models that `to_files` described; files that are missing leave their part empty.

        Raises:
            KeyError: a tensor or a field is missing.
            RuntimeError: a tensor has another shape than the others imply.
        """
        density, validity = files.get("density.safetensors"), files.get("validity.safetensors")
        features, reference = files.get("features.safetensors", {}), files.get("reference.safetensors")
        index = None
        if density is not None:
            q = density_from(density, header["density"])
            index = RealismIndex(q, density["knots"], density["log_levels"])
        return cls(
            index=index,
            validity=None if validity is None else LatentNetwork.from_state(validity),
            features={n: LatentNetwork.from_state(t) for n, t in _named(features, "latent.").items()},
            precision=_part(features, "precision."),
            classifiers={
                name: MoleculeClassifier.from_arrays(
                    name, {k: v.numpy() for k, v in tensors.items()}, header["classifiers"][name]
                )
                for name, tensors in _named(features, "molecule.").items()
            },
            reference=None if reference is None else Reference.from_tensors(reference),
            facts=header["facts"],
        )


def _halves(prefix: str, network: LatentNetwork) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value.half().cpu() for name, value in network.state_dict().items()}


def _part(tensors: Tensors, prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _named(tensors: Tensors, prefix: str) -> dict[str, dict[str, Tensor]]:
    """Tensors called `prefix`NAME.rest, by name."""
    out: dict[str, dict[str, Tensor]] = {}
    for key, value in _part(tensors, prefix).items():
        name, _, rest = key.partition(".")
        out.setdefault(name, {})[rest] = value
    return out
