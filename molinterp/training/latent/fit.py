"""Fit what a bundle knows of realism, part by part: heads, density, validity, features, windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from molinterp.chem.classifier import MoleculeClassifier
from molinterp.model.bundle import Bundle
from molinterp.training.latent.density import fit_density_part
from molinterp.training.latent.examples import Material
from molinterp.training.latent.features import fit_feature_part, rules_teacher, teacher_of
from molinterp.training.latent.heads import HeadExamples, fit_heads
from molinterp.training.latent.sampling import Progress, silent
from molinterp.training.latent.validity import fit_validity_part
from molinterp.training.latent.windows import check_held_out, fit_windows

PARTS = ("heads", "density", "validity", "features", "windows")
"""In the order in which they are fitted."""
N_RULED = (10_000, 6_000)
"""Encoded compounds and decodes that rules are taught on: they take longer."""
N_REFERENCE = (7_000, 3_500)
"""Encoded compounds and decodes that are kept in the bundle."""


def fit_parts(
    bundle: Bundle,
    material: Material,
    parts: Sequence[str],
    classifiers: Mapping[str, MoleculeClassifier],
    *,
    examples: HeadExamples | None = None,
    density: str = "mixture",
    n_steps: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Bundle:
    """The bundle with some parts of its realism fitted anew, and fresh reference points.

    Windows rest on the property head: new heads bring new ones.

    Args:
        bundle: the model; what it has of other parts stays.
        material: from `gather`, of the same bundle.
        parts: among `PARTS`.
        classifiers: molecule-level teachers of the features, the bundle's own beside them.
        examples: what the heads are taught on; needed for them alone.
        density: kind of density.
        n_steps: of the optimiser, for each network; None means as many as each part asks for.
        seed: of all fits.
        progress: wraps what takes long, to show a bar.

    Raises:
        InputError: fewer than four held-out compounds for heads or windows.
    """
    has_windows = "windows" in parts or "heads" in parts
    if has_windows:
        check_held_out(material.held_out)
    held_out = material.examined()
    steps: dict[str, Any] = {} if n_steps is None else {"n_steps": n_steps}
    options: dict[str, Any] = {"seed": seed, "progress": progress}
    if "heads" in parts and examples is not None:
        of_heads: dict[str, Any] = {} if n_steps is None else {"n_steps": (n_steps, n_steps)}
        bundle = fit_heads(bundle, examples, held_out, **of_heads, **options)
    models = replace(bundle.realism, reference=material.taught(*N_REFERENCE))
    if "density" in parts:
        models = fit_density_part(models, material, density, seed=seed)
    if "validity" in parts:
        models = fit_validity_part(models, material, **steps, **options)
    if "features" in parts:
        teacher = teacher_of({**classifiers, **models.classifiers})
        models = fit_feature_part(models, material.taught(), held_out, teacher, **steps, **options)
        ruled = material.taught(*N_RULED)
        models = fit_feature_part(models, ruled, held_out, rules_teacher, **steps, **options)
    bundle = replace(bundle, realism=models)
    if has_windows:
        bundle = fit_windows(bundle, material.held_out, seed)
    return bundle
