"""Fit what a bundle knows of realism, part by part: heads, density, validity, features, windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from molinterp.chem.classifier import MoleculeClassifier
from molinterp.model.bundle import Bundle
from molinterp.realism.fitting import Progress, silent
from molinterp.training.latent.density import fit_density_part
from molinterp.training.latent.examples import Examples
from molinterp.training.latent.features import fit_feature_part, judgement_by_rules, judgement_of
from molinterp.training.latent.heads import HeadExamples, fit_heads
from molinterp.training.latent.settings import LatentFit
from molinterp.training.latent.validity import fit_validity_part
from molinterp.training.latent.windows import check_held_out, fit_windows


def fit_parts(
    bundle: Bundle,
    examples: Examples,
    settings: LatentFit,
    classifiers: Mapping[str, MoleculeClassifier],
    head_examples: Callable[[], HeadExamples] | None = None,
    progress: Progress = silent,
) -> Bundle:
    """Fit some parts of a bundle's realism, and give it new reference points.

    Windows rest on the property head: new heads bring new ones.

    Args:
        bundle: the model; its other parts stay.
        examples: from `gather`, of the same bundle.
        settings: the parts, and how each is fitted.
        classifiers: judge molecules for the features, beside the bundle's own.
        head_examples: makes what the heads are fitted on; None if they are not among the parts.
        progress: told of what takes long.

    Raises:
        InputError: fewer than four held-out compounds for heads or windows.
    """
    parts, sizes, seed = settings.parts, settings.examples, settings.seed
    has_windows = "windows" in parts or settings.needs_heads
    if has_windows:
        check_held_out(examples.held_out)
    held_out = examples.held_out.rows(range(len(examples.held_out))[: sizes.n_examined])
    if head_examples is not None:
        bundle = fit_heads(bundle, head_examples(), held_out, settings.heads, seed, progress)
    reference = examples.points(sizes.n_reference_compounds, sizes.n_reference_decodes)
    models = replace(bundle.realism, reference=reference)
    if "density" in parts:
        models = fit_density_part(models, examples, settings.density, seed)
    if "validity" in parts:
        models = fit_validity_part(models, examples, settings.validity, seed, progress)
    if "features" in parts:
        known = judgement_of({**classifiers, **models.classifiers})
        judgements = (
            (known, examples.points()),
            (judgement_by_rules, examples.points(sizes.n_rule_compounds, sizes.n_rule_decodes)),
        )
        for judgement, points in judgements:
            models = fit_feature_part(models, points, held_out, judgement, settings.features, seed, progress)
    bundle = replace(bundle, realism=models)
    return fit_windows(bundle, examples.held_out, seed) if has_windows else bundle
