"""Average the parameters of several bundles.

Trainings that continue one another, each with a learning rate that rises and falls to zero, end in
places between which the loss stays low; the middle of them is often better than each of them. Izmailov et
al., Averaging Weights Leads to Wider Optima, 2018, arXiv 1803.05407; Wortsman et al., Model Soups, 2022,
arXiv 2203.05482, with fine-tuned parameters among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from molinterp.errors import InputError, ShapeError
from molinterp.model.bundle import Bundle
from molinterp.model.network import MAY_GROW
from molinterp.realism.fitted import RealismModels


def average(bundles: Sequence[Bundle], name: str) -> Bundle:
    """Average bundles into a new one, without figures and without what was fitted to one of them.

    Its facts of training are those of the first bundle, and under `averaged_with` those of the others.

    A part that one bundle lacks and can grow, such as blocks, contributes nothing to its share of the mean;
    the inner parameters of such a part are those of the bundles that have it.

    Args:
        bundles: at least two trainings that began from the same parameters, or from one another.
        name: of the mean.

    Raises:
        InputError: fewer than two, or their vocabularies or sizes differ.
    """
    if len(bundles) < 2:
        raise InputError(f"an average must have at least two bundles; got {len(bundles)}. Name another.")
    first = bundles[0]
    for other in bundles[1:]:
        if other.tokenizer.to_dict() != first.tokenizer.to_dict():
            raise InputError(
                f"bundles '{first.name}' and '{other.name}' must have one vocabulary. "
                "Take trainings that continue one another."
            )
    largest = {size: max(getattr(b.model.config, size) for b in bundles) for size in MAY_GROW}
    sizes = replace(first.model.config, **largest)
    try:
        models = [b.model.grown(sizes) for b in bundles]
    except ShapeError as error:
        raise InputError(f"the bundles of an average must have the same sizes: {error}") from error
    own = [b.model.names_in(sizes) for b in bundles]
    states = [model.state_dict() for model in models]
    mean = {}
    for key in states[0]:
        known = [state[key] for state, names in zip(states, own, strict=True) if key in names]
        mean[key] = torch.stack(known).mean(0)
    models[0].load_state_dict(mean)
    training = dict(first.training) | {"averaged_with": [dict(b.training) for b in bundles[1:]]}
    model = models[0].eval()
    return replace(first, name=name, model=model, training=training, figures={}, realism=RealismModels())
