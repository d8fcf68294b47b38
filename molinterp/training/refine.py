"""Teach the decoder what to say between compounds: judged self-training.

A decoder has only seen latent points of compounds; between them it improvises. Here the points
between random training pairs are decoded several times, the decodes are judged against the two ends
as those of a path are, and of those that pass the one that encodes nearest to the point becomes the
point's target. The decoder then trains on these targets and on compounds, half and half, with the
encoder fixed, so that every latent point stays where it is. Rounds of this raise the share of
familiar, alert-free decodes between compounds without moving the ends.

The scheme is that of self-training with a filter (Zelikman et al., STaR, 2022, arXiv 2203.14465;
Gulcehre et al., Reinforced Self-Training, 2023, arXiv 2308.08998), with the judge of
`molinterp.chem` as the filter and the encoder as the tie-break.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from typing import final

import numpy as np
import torch
from rdkit import Chem
from torch import Tensor

from molinterp.bundle import Bundle
from molinterp.chem.judge import Judge, decoded_molecule
from molinterp.errors import VocabularyError
from molinterp.tokens import IntArray, pad
from molinterp.training.batches import stream
from molinterp.training.corpus import Corpus
from molinterp.training.objective import losses, token_cross_entropy

BATCH = 512
"""Points decoded together."""


@final
@dataclass(frozen=True)
class RefineConfig:
    """How a decoder is refined."""

    n_points: int = 12_000
    """Latent points between compounds harvested a round."""
    n_samples: int = 7
    """Sampled decodes a point, beside the greedy one."""
    temperature: float = 0.8
    """Of the samples."""
    n_steps: int = 600
    """Optimiser steps a round."""
    batch_size: int = 256
    """Compounds, and as many points between, a step."""
    learning_rate: float = 5e-4
    """Peak learning rate of a round; a cosine to zero."""
    noise: float = 0.5
    """Noise on a point, in standard deviations of the posteriors of its two ends."""
    bf16: bool = True
    """Matrix products in bfloat16."""
    n_processes: int = 1
    """Processes that judge decodes."""
    seed: int = 0
    """Of pairs, samples and batches."""


@final
@dataclass(frozen=True)
class Harvest:
    """Latent points between compounds with the strings that should stand there."""

    z: Tensor
    """(n, latent_dim)."""
    scale: Tensor
    """(n, latent_dim), standard deviation of the ends' posteriors, averaged."""
    tokens: tuple[IntArray, ...]
    """n token strings."""
    accepted: float
    """Share of points whose greedy decode passed the judge, in [0, 1]."""
    found: float
    """Share of points with any decode that passed, in [0, 1]."""


def harvest(bundle: Bundle, corpus: Corpus, config: RefineConfig, round_: int) -> Harvest:
    """Decode and judge points between random training pairs.

    The position between the ends is drawn from Beta(2, 2), so that the middle is seen most.
    """
    rng = np.random.default_rng([config.seed, round_])
    generator = torch.Generator().manual_seed(config.seed * 1_009 + round_)
    pairs = rng.choice(corpus.rows("train"), (config.n_points, 2))
    z, scale, tokens = [], [], []
    n_greedy = 0
    with ProcessPoolExecutor(config.n_processes, mp_context=get_context("spawn")) as pool:
        for start in range(0, config.n_points, BATCH):
            chosen = pairs[start : start + BATCH]
            position = torch.from_numpy(rng.beta(2, 2, (len(chosen), 1))).float()
            with torch.autocast(bundle.device.type, torch.bfloat16, enabled=config.bf16):
                points, spread = _points(bundle, corpus, chosen, position)
                copies = points.repeat(config.n_samples, 1)
                texts = bundle.decode(points) + bundle.sample(copies, generator, config.temperature)
            jobs = [(texts[i :: len(chosen)], _spelling(corpus, pair)) for i, pair in enumerate(chosen)]
            for i, passed in enumerate(pool.map(_passing, jobs, chunksize=32)):
                n_greedy += bool(passed) and passed[0][0] == 0
                best = _nearest(bundle, points[i], [smiles for _, smiles in passed])
                if best is not None:
                    z.append(points[i])
                    scale.append(spread[i])
                    tokens.append(best)
    n = config.n_points
    return Harvest(torch.stack(z), torch.stack(scale), tuple(tokens), n_greedy / n, len(z) / n)


def _points(bundle: Bundle, corpus: Corpus, pairs: np.ndarray, position: Tensor) -> tuple[Tensor, Tensor]:
    tokens = torch.from_numpy(pad([corpus.sequence(int(r)) for r in pairs.reshape(-1)]))
    with torch.no_grad():
        mean, log_variance = bundle.model.encode(tokens.to(bundle.device))
    mean, deviation = mean.float().cpu(), (0.5 * log_variance).exp().float().cpu()
    points = mean[0::2] * (1 - position) + mean[1::2] * position
    return points, 0.5 * (deviation[0::2] + deviation[1::2])


def _spelling(corpus: Corpus, pair: Sequence[int]) -> tuple[str, ...]:
    return tuple(corpus.tokenizer.decode(corpus.sequence(int(row)).tolist()) for row in pair)


def _passing(job: tuple[Sequence[str], Sequence[str]]) -> list[tuple[int, str]]:
    """Place and canonical SMILES of each different decode that passes; place 0 is the greedy one.

    The job is the decodes of a point and the SMILES of the ends that it lies between.
    """
    texts, ends = job
    judge = Judge.between(*(Chem.MolFromSmiles(end) for end in ends))
    verdicts: dict[str, bool] = {}
    out = []
    for place, text in enumerate(texts):
        mol = decoded_molecule(text)
        smiles = "" if mol is None else Chem.MolToSmiles(mol)
        if mol is not None and smiles not in verdicts:
            verdicts[smiles] = judge.fault(mol) is None
            if verdicts[smiles]:
                out.append((place, smiles))
    return out


def _nearest(bundle: Bundle, point: Tensor, smiles: Sequence[str]) -> IntArray | None:
    """Tokens of the molecule that encodes nearest to a point, in posterior standard deviations."""
    spelt = []
    for text in smiles:
        try:
            spelt.append(bundle.tokenizer.encode([text])[0])
        except VocabularyError:
            continue
    if not spelt:
        return None
    with torch.no_grad():
        mean, log_variance = bundle.model.encode(torch.from_numpy(pad(spelt)).to(bundle.device))
    distance = ((mean.cpu() - point).square() / log_variance.exp().cpu()).sum(1)
    return spelt[int(distance.argmin())]


def refine(
    bundle: Bundle,
    corpus: Corpus,
    config: RefineConfig,
    minutes: float,
    report: Callable[[int, Harvest, Bundle], None] = lambda round_, found, refined: None,
) -> Bundle:
    """Rounds of harvest and training until the minutes are spent.

    Args:
        bundle: the model to refine; its weights are changed in place, those of its encoder stay.
        corpus: molecules in the bundle's vocabulary.
        config: sizes of a round.
        minutes: no round begins after this.
        report: called after each round with its number, its harvest and the bundle so far.
    """
    began = time.monotonic()
    rounds: list[dict[str, float]] = list(bundle.training.get("refined", []))
    first = len(rounds)
    while time.monotonic() - began < 60 * minutes:
        number = len(rounds)
        found = harvest(bundle, corpus, config, number)
        _train(bundle, corpus, found, config, number)
        rounds.append({"accepted": round(found.accepted, 4), "found": round(found.found, 4)})
        training = dict(bundle.training) | {"refined": rounds, "refine_config": asdict(config)}
        bundle = replace(bundle, training=training, figures={})
        report(number - first, found, bundle)
    return bundle


def _train(bundle: Bundle, corpus: Corpus, found: Harvest, config: RefineConfig, round_: int) -> None:
    model = bundle.model
    fixed = ("encoder_", "posterior.", "embedding.")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(fixed))
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=1e-4, fused=True)
    batches = stream(
        corpus, corpus.rows("train"), config.batch_size, 64, config.seed + 17, round_ * config.n_steps
    )
    rng = np.random.default_rng([config.seed, round_, 1])
    generator = torch.Generator(bundle.device).manual_seed(config.seed * 1_009 + round_)
    model.train()
    for step in range(config.n_steps):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * 0.5 * (1 + math.cos(math.pi * step / config.n_steps))
        chosen = rng.integers(0, len(found.tokens), config.batch_size)
        tokens = torch.from_numpy(pad([found.tokens[i] for i in chosen])).to(bundle.device)
        centre, scale = found.z[chosen].to(bundle.device), found.scale[chosen].to(bundle.device)
        noise = torch.randn(centre.shape, generator=generator, device=bundle.device)
        with torch.autocast(bundle.device.type, torch.bfloat16, enabled=config.bf16):
            compounds = losses(model, next(batches).to(bundle.device), generator)
            between = token_cross_entropy(model, centre + config.noise * scale * noise, tokens).mean()
        total = compounds.total(0.0, 0.01, 0.1) + between
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(trained, 5.0)
        optimizer.step()
    model.requires_grad_(True).eval()
