"""Fit the density of a bundle's encoded compounds and its realism index."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

import torch
from torch import Tensor

from molinterp.errors import InputError
from molinterp.metrics import uniform_distance
from molinterp.realism.density import Density, FlowDensity, GaussianMixture, NormalDensity, RadialGammaDensity
from molinterp.realism.fitted import RealismModels
from molinterp.realism.fitting import descend, random_rows
from molinterp.realism.index import RealismIndex
from molinterp.training.latent.examples import Examples
from molinterp.training.latent.settings import DensityFit


def fit_density_part(
    models: RealismModels, examples: Examples, settings: DensityFit, seed: int = 0
) -> RealismModels:
    """Add a density of the encoded compounds and its realism index to a bundle's models.

    Args:
        models: what the bundle has so far.
        examples: encoded compounds.
        settings: of the density.
        seed: of the fit and of the samples behind the index.

    Raises:
        InputError: fewer compounds than components.
    """
    began = time.perf_counter()
    density = fit_density(examples.compounds.z, settings, seed)
    index = RealismIndex.fit(density, settings.index, seed)
    z = examples.held_out.z
    with torch.no_grad():
        middle = 0.5 * (z[: len(z) // 2] + z[len(z) - len(z) // 2 :])
        far = z.mean(0) + 3 * (z - z.mean(0))
        facts = {
            "kind": settings.kind,
            "n": len(examples.compounds),
            "n_held_out": len(z),
            "log_likelihood": float(density.log_prob(z).mean()),
            "uniform_distance": uniform_distance(index(z).numpy()),
            "mean_index_midpoints": float(index(middle).mean()),
            "mean_index_three_deviations": float(index(far).mean()),
            "seconds": round(time.perf_counter() - began, 1),
            "seed": seed,
        }
    return replace(models, index=index, facts={**models.facts, "density": facts})


def fit_density(z: Tensor, settings: DensityFit, seed: int = 0) -> Density:
    """Fit a density of latent points.

    Args:
        z: (n, dim).
        settings: its kind and the fit.
        seed: of the start and the batches.

    Raises:
        InputError: fewer points than components.
    """
    if settings.kind == "mixture":
        return _fit_mixture(z, settings, seed)
    if settings.kind == "flow":
        return _fit_flow(z, settings, seed)
    if settings.kind == "prior":
        return NormalDensity(z.shape[1])
    return RadialGammaDensity(z.shape[1], scale=2 * float(z.square().sum(1).mean()))


def _fit_mixture(z: Tensor, settings: DensityFit, seed: int) -> GaussianMixture:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture as Mixture

    n = settings.n_components
    if len(z) < n:
        raise InputError(
            f"a mixture of {n} components needs as many points or more; got {len(z)}. Give more compounds."
        )
    # Dimensions that the encoder does not use are narrow; whitening puts all on one footing.
    mean, scale = z.mean(0), z.std(0).clamp_min(1e-4)
    model = Mixture(n, reg_covar=settings.regularisation, max_iter=settings.n_iterations, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(((z - mean) / scale).double().numpy())
    return GaussianMixture(
        log_weights=torch.from_numpy(model.weights_).log().float(),
        means=torch.from_numpy(model.means_).float() * scale + mean,
        precisions=torch.from_numpy(model.precisions_cholesky_).float() / scale[:, None],
    )


def _fit_flow(z: Tensor, settings: DensityFit, seed: int) -> FlowDensity:
    size = settings.batch_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        z = z.float()
        density = FlowDensity(z.mean(0), z.std(0).clamp_min(1e-4), settings.n_transforms, settings.width)

        def gradients() -> None:
            (-density.log_prob(z[random_rows(len(z), size)]).mean()).backward()

        n_steps = settings.n_epochs * max(1, len(z) // size)
        descend(density.flow.parameters(), gradients, n_steps, settings.descent)
    density.flow.requires_grad_(False).eval()
    return density
