"""Tune the encoder to the decoder as it is.

Self-training changes the decoder and leaves the encoder, which continues to encode each compound for a
decoder that no longer exists; and a training fits both at the noise of the posterior, while a user asks for
the mean. Near the mean there is nearly always a point that spells the compound (`molinterp.model.inversion`
finds it), so the encoder is what falls short: it is trained to meet that point, by the cross-entropy of its
own decoder's answer. What separates an encoder from a decoder's best points: Cremer et al. 2018, arXiv
1801.03558.

The decoder and the heads are frozen, and each compound is held near the place where it was, so that decodes
between compounds and the predictions of the heads remain what they were too.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor

from molinterp.model.bundle import Bundle
from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.network import MoleculeVAE
from molinterp.realism.fitted import RealismModels
from molinterp.realism.fitting import Progress, descend, silent
from molinterp.settings import to_table
from molinterp.training.data.batches import stream
from molinterp.training.data.corpus import Corpus
from molinterp.training.vae.data_parallel import parts_pool, summed_gradients
from molinterp.training.vae.settings import EncoderTuning

TRAINED = ("encoder_", "posterior.")
"""Parameters that move, by the beginning of their names; the embedding is the decoder's too."""


def tune_encoder(
    bundle: Bundle,
    corpus: Corpus,
    settings: EncoderTuning,
    threads: int = 1,
    progress: Progress = silent,
) -> Bundle:
    """Train a bundle's encoder for its decoder; its parameters are changed in place.

    A bundle whose encoder was tuned before continues with other batches.

    Args:
        bundle: the model.
        corpus: the molecules that it was trained on, in its vocabulary.
        settings: sizes and budgets.
        threads: cores of the CPU, each of which computes a part of every batch.
        progress: told of each step.

    Returns:
        The bundle without figures, density, validity and features, which are those of the old encoder.
    """
    before = list(bundle.training.get("encoder_tuning", ()))
    model, old = bundle.model, copy.deepcopy(bundle.model).eval()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(TRAINED))
    trained = [p for p in model.parameters() if p.requires_grad]
    seed, first = settings.seed + 29, sum(one["n_steps"] for one in before)
    batches = stream(corpus, corpus.rows("train"), settings.order, seed, first)
    generator = torch.Generator().manual_seed(settings.seed * 1_009 + len(before))
    n_parts = threads if bundle.device.type == "cpu" else 1
    model.train()
    with parts_pool(n_parts, threads) as pool:

        def gradients() -> None:
            tokens = next(batches).tokens
            noise = torch.randn((len(tokens), bundle.latent_dim), generator=generator)

            def loss_of(number: int) -> tuple[Tensor, None]:
                # Each part has as many long strings as the others.
                own, moved = (x[number::n_parts].to(bundle.device) for x in (tokens, noise))
                with torch.autocast(
                    bundle.device.type, torch.bfloat16, enabled=settings.bf16, cache_enabled=False
                ):
                    nats = encoder_loss(model, old, own, moved, settings)
                return nats.sum() / settings.order.batch_size, None

            summed_gradients(loss_of, n_parts, trained, pool)

        descend(trained, gradients, settings.n_steps, settings.descent, progress, "tune the encoder")
    model.requires_grad_(True).eval()
    training = dict(bundle.training) | {"encoder_tuning": [*before, to_table(settings)]}
    return replace(bundle, training=training, figures={}, realism=RealismModels())


def encoder_loss(
    model: MoleculeVAE, before: MoleculeVAE, tokens: Tensor, noise: Tensor, settings: EncoderTuning
) -> Tensor:
    """Nats (n,) that the decoder needs for each compound near its mean, plus the cost of moving the mean.

    Args:
        model: whose encoder is trained.
        before: the same network as it was.
        tokens: (n, length) int64, padded with PAD.
        noise: (n, latent_dim), standard normal.
        settings: their `noise` and `keep` are used.
    """
    with torch.no_grad():
        old_mean, old_log_variance = before.encode(tokens)
        deviation = (0.5 * old_log_variance).exp()
    mean, log_variance = model.encode(tokens)
    entropy = token_cross_entropy(model, mean + settings.noise * deviation * noise, tokens)
    moved = ((mean - old_mean) / deviation).square() + (log_variance - old_log_variance).square()
    return entropy + settings.keep * moved.sum(1)
