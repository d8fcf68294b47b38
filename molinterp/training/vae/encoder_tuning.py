"""Teach the encoder the decoder as it is.

A refinement changes the decoder and leaves the encoder, which goes on encoding each compound for a decoder
that is no more; and a training teaches both at the noise of the posterior, while a user asks for the mean.
Near the mean there is nearly always a point that spells the compound (`molinterp.model.inversion` finds it),
so what is missing is the encoder's: it is taught to meet that point, by the cross-entropy of its own
decoder's answer. What keeps an encoder from another decoder's points: Cremer et al. 2018, arXiv 1801.03558.

The decoder and the heads stay, and each compound is held near the place where it was, so that what is
decoded between compounds, and what the heads say, stays what it was too.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import final

import torch
from torch import Tensor

from molinterp.model.bundle import Bundle
from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.network import MoleculeVAE
from molinterp.realism.fitted import RealismModels
from molinterp.training.data.batches import stream
from molinterp.training.data.corpus import Corpus
from molinterp.training.vae.data_parallel import parts_pool, summed_gradients
from molinterp.training.vae.loss import QUIET

TAUGHT = ("encoder_", "posterior.")
"""Parameters that are taught, by the beginning of their names; the embedding is the decoder's too."""


@final
@dataclass(frozen=True)
class EncoderConfig:
    """How an encoder is taught its decoder."""

    n_steps: int = 800
    """Optimiser steps."""
    batch_size: int = 512
    """Compounds a step."""
    length_power: float = 1.0
    """Of the compounds; see `TrainingConfig`."""
    learning_rate: float = 5e-4
    """Peak learning rate: reached after `n_warm` steps, a cosine to zero."""
    n_warm: int = 30
    """Steps of the rise."""
    noise: float = QUIET
    """Noise on the means, in standard deviations of the posterior."""
    keep: float = 0.015
    """Nats for each squared deviation of the posterior that a mean moves, and for each squared nat of a
    log-variance."""
    bf16: bool = True
    """Matrix products in bfloat16."""
    n_parts: int = 1
    """Parts of a batch that are computed at the same time, each on its share of torch's threads."""
    seed: int = 0
    """Of batches and noise."""


def fit_encoder(
    bundle: Bundle, corpus: Corpus, config: EncoderConfig, tick: Callable[[float], None] = lambda done: None
) -> Bundle:
    """Teach a bundle's encoder; its weights are changed in place, those of the decoder and the heads stay.

    A bundle whose encoder was taught before goes on with other batches.

    Args:
        bundle: the model.
        corpus: the molecules that it was trained on, in its vocabulary.
        config: sizes and budgets.
        tick: called with the share of the steps that is done, for a progress bar.

    Returns:
        The bundle without figures, density, validity and features, which are those of the old encoder.
    """
    lessons = list(bundle.training.get("encoder_lessons", ()))
    model, before = bundle.model, copy.deepcopy(bundle.model).eval()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(TAUGHT))
    taught = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(taught, lr=config.learning_rate, weight_decay=1e-4, fused=True)
    rows, seed, first = corpus.rows("train"), config.seed + 29, sum(lesson["n_steps"] for lesson in lessons)
    batches = stream(corpus, rows, config.batch_size, seed, first, config.length_power)
    generator = torch.Generator().manual_seed(config.seed * 1_009 + len(lessons))
    model.train()
    with parts_pool(config.n_parts, torch.get_num_threads()) as pool:
        for step in range(config.n_steps):
            done = step / config.n_steps
            tick(done)
            for group in optimizer.param_groups:
                rise = min(1.0, (step + 1) / config.n_warm)
                group["lr"] = config.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * done))
            tokens = next(batches).tokens
            noise = torch.randn((len(tokens), bundle.latent_dim), generator=generator)
            # Each part has as many long strings as the others.
            parts = [(tokens[i :: config.n_parts], noise[i :: config.n_parts]) for i in range(config.n_parts)]

            def loss_of(number: int, parts: list[tuple[Tensor, Tensor]] = parts) -> tuple[Tensor, None]:
                own, moved = (x.to(bundle.device) for x in parts[number])
                with torch.autocast(
                    bundle.device.type, torch.bfloat16, enabled=config.bf16, cache_enabled=False
                ):
                    return encoder_loss(model, before, own, moved, config).sum() / config.batch_size, None

            summed_gradients(loss_of, config.n_parts, taught, pool)
            torch.nn.utils.clip_grad_norm_(taught, 5.0)
            optimizer.step()
    model.requires_grad_(True).eval()
    training = dict(bundle.training) | {"encoder_lessons": [*lessons, asdict(config)]}
    return replace(bundle, training=training, figures={}, realism=RealismModels())


def encoder_loss(
    model: MoleculeVAE, before: MoleculeVAE, tokens: Tensor, noise: Tensor, config: EncoderConfig
) -> Tensor:
    """Nats (n,) that the decoder needs for each compound near its mean, and what keeps the mean in place.

    Args:
        model: whose encoder is taught.
        before: the same network as it was.
        tokens: (n, length) int64, padded with PAD.
        noise: (n, latent_dim), standard normal.
        config: its `noise` and `keep` are used.
    """
    with torch.no_grad():
        old_mean, old_log_variance = before.encode(tokens)
        deviation = (0.5 * old_log_variance).exp()
    mean, log_variance = model.encode(tokens)
    entropy = token_cross_entropy(model, mean + config.noise * deviation * noise, tokens)
    moved = ((mean - old_mean) / deviation).square() + (log_variance - old_log_variance).square()
    return entropy + config.keep * moved.sum(1)
