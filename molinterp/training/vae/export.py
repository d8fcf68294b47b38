"""Make a bundle of a training, and take the first parameters of a training from a bundle."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

import molinterp
from molinterp.chem.properties import PROPERTIES
from molinterp.errors import InputError, ShapeError
from molinterp.model.bundle import Bundle
from molinterp.model.network import VAEConfig
from molinterp.model.tokens import Tokenizer
from molinterp.settings import to_table
from molinterp.training.vae.trainer import Trainer

EARLIER = ("n_seen", "steps", "minutes", "before")
"""Facts that a bundle records of the training that it began from."""


def bundle_of(trainer: Trainer, name: str, before: Mapping[str, Any] | None = None) -> Bundle:
    """Make a bundle of a training as it stands, without figures yet.

    Args:
        trainer: after its run.
        name: of the bundle.
        before: `training` of the bundle that it began from; None means that it began from scratch.
    """
    corpus, state = trainer.corpus, trainer.state
    return Bundle(
        name=name,
        tokenizer=corpus.tokenizer,
        model=trainer.model.eval(),
        property_names=tuple(PROPERTIES),
        training={
            "data_sha256": corpus.sha256,
            "n_train": int(len(corpus.rows("train"))) - corpus.n_recombined,
            "n_recombined": corpus.n_recombined,
            "n_dropped": corpus.n_dropped,
            "n_seen": state.n_molecules,
            "steps": state.step,
            "minutes": round(state.seconds / 60, 1),
            **({} if before is None else {"before": {k: before[k] for k in EARLIER if k in before}}),
            "device": str(trainer.device),
            "settings": {**to_table(trainer.settings), "n_parts": trainer.n_parts},
            "versions": {
                "molinterp": molinterp.__version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
        },
        figures={},
    )


def starting_weights(bundle: Bundle, tokenizer: Tokenizer, sizes: VAEConfig) -> dict[str, Tensor]:
    """Parameters of a bundle with which another training can begin.

    Blocks, features and the upper layer that it lacks are added and do nothing at first. Heads of another
    shape, as `molinterp fit heads` leaves them, are left out: they start from scratch.

    Raises:
        InputError: its vocabulary or its sizes are not those of the training.
    """
    n_blocks, grown = bundle.model.config.head_blocks, None
    if bundle.tokenizer.to_dict() == tokenizer.to_dict():
        with suppress(ShapeError):
            grown = bundle.model.grown(replace(sizes, head_blocks=n_blocks))
    if grown is None:
        raise InputError(
            f"bundle '{bundle.name}' must have the vocabulary and the sizes of the training that begins with "
            "it; they differ. Repeat the options and molecules that it was trained with."
        )
    heads = () if n_blocks == sizes.head_blocks else ("fingerprint_head.", "property_head.")
    return {k: v for k, v in grown.state_dict().items() if not k.startswith(heads)}
