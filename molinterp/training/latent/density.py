"""Fit the density of a bundle's encoded compounds and its realism index."""

from __future__ import annotations

import time
from dataclasses import replace

import torch

from molinterp.realism.fitted import RealismModels
from molinterp.realism.index import RealismIndex
from molinterp.training.latent.examples import Material
from molinterp.training.latent.networks import fit_density, uniform_distance


def fit_density_part(
    models: RealismModels, material: Material, kind: str = "mixture", n_components: int = 8, seed: int = 0
) -> RealismModels:
    """The models with a density of the encoded compounds and its realism index.

    Args:
        models: what the bundle has so far.
        material: encoded compounds.
        kind: one of `molinterp.training.latent.networks.DENSITIES`.
        n_components: of a mixture.
        seed: of the fit and of the samples behind the index.

    Raises:
        InputError: another kind of density, or fewer compounds than components.
    """
    began = time.perf_counter()
    density = fit_density(material.compounds.z, kind, n_components, seed)
    index = RealismIndex.fit(density, seed=seed)
    z = material.held_out.z
    with torch.no_grad():
        middle = 0.5 * (z[: len(z) // 2] + z[len(z) - len(z) // 2 :])
        far = z.mean(0) + 3 * (z - z.mean(0))
        facts = {
            "kind": kind,
            "n": len(material.compounds),
            "n_held_out": len(z),
            "log_likelihood": float(density.log_prob(z).mean()),
            "uniform_distance": uniform_distance(index(z)),
            "mean_index_midpoints": float(index(middle).mean()),
            "mean_index_three_deviations": float(index(far).mean()),
            "seconds": round(time.perf_counter() - began, 1),
            "seed": seed,
        }
    return replace(models, index=index, facts={**models.facts, "density": facts})
