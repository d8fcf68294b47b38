"""Teach the decoder what to say between compounds.

A training teaches the decoder to answer between compounds, where its point is given with a blur, with
one of the two; much of what it says there is neither, and has pieces that no compound has. So points
between compounds, and some of the prior, are decoded in several ways, and what comes out is judged as a
path's molecules are, against the two ends; of those that pass, the one that is encoded nearest to its
point becomes the target there. This is self-training with a judge: Zelikman et al., STaR, 2022, arXiv
2203.14465; Gulcehre et al., Reinforced Self-Training, 2023, arXiv 2308.08998. Were it the most probable
one instead, the decoder would slide to small molecules, which pass more easily.

The encoder and the heads stay, so that every compound keeps its latent point; the targets are taught
at the blur of their place, so that what the decoder says at a compound stays what it was; and most of
every batch are compounds with their own latent points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem
from torch import Tensor
from torch.nn import functional as F

from molinterp.chem.filters import Judge, decoded_molecule, decoded_smiles, is_clean
from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.model.decoding import blur_at
from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.tokens import PAD, IntArray, pad
from molinterp.realism.fitted import RealismModels
from molinterp.training.data.batches import stream
from molinterp.training.data.corpus import Corpus
from molinterp.training.vae.loss import QUIET

BATCH = 512
"""Molecules encoded or points decoded together."""
FIXED = ("encoder_", "posterior.", "embedding.", "fingerprint_head.", "property_head.")
"""Parameters that stay as they are, by the beginning of their names."""

Rows = npt.NDArray[np.int64]
Report = Callable[[str, Bundle], None]
Tick = Callable[[str, float], None]


@final
@dataclass(frozen=True)
class RefineConfig:
    """How a decoder is refined."""

    n_compounds: int = 60_000
    """Training compounds between which points are drawn."""
    n_rounds: int = 2
    """Of decoding, judging and training."""
    n_points: int = 12_000
    """Points decoded and judged a round."""
    prior_share: float = 0.2
    """Of the points, those drawn from the prior."""
    beam_width: int = 8
    """Most probable strings considered a point."""
    n_samples: int = 8
    """Random strings considered beside them."""
    temperature: float = 0.8
    """Of the samples."""
    n_steps: int = 600
    """Optimiser steps a round."""
    batch_size: int = 256
    """Compounds a step."""
    length_power: float = 1.0
    """Of the compounds; see `TrainingConfig`."""
    n_between: int = 128
    """Judged points a step."""
    concentration: float = 2.0
    """Positions between the ends are drawn from Beta(c, c): the larger c, the nearer the middle."""
    learning_rate: float = 4e-4
    """Peak learning rate of a round; a cosine to zero."""
    noise: float = 0.5
    """Noise on judged points, in standard deviations of the posterior."""
    compound_noise: float = QUIET
    """Noise on the points of compounds, in the same unit; less, as they are asked for at their mean."""
    bf16: bool = True
    """Matrix products in bfloat16."""
    n_processes: int = 1
    """Processes that judge molecules."""
    seed: int = 0
    """Of compounds, points and batches."""


@final
@dataclass(frozen=True)
class Points:
    """Points between compounds."""

    z: Tensor
    """(n, latent_dim)."""
    blur: Tensor
    """(n,), in [0, 1]."""
    deviation: Tensor
    """(n, latent_dim), of the posteriors of the compounds nearby."""

    def at(self, rows: Rows) -> Points:
        """Those of the rows."""
        index = torch.from_numpy(rows)
        return Points(self.z[index], self.blur[index], self.deviation[index])


@final
class Ends:
    """Training compounds in latent space, between which points are drawn."""

    def __init__(self, bundle: Bundle, corpus: Corpus, config: RefineConfig) -> None:
        """Encode the compounds."""
        rng = np.random.default_rng(config.seed)
        rows = rng.permutation(corpus.rows("train"))[: config.n_compounds]
        self._mean, self._deviation = _encode_rows(bundle, corpus, rows, config)
        self._smiles = corpus.smiles(rows)
        self._concentration = config.concentration

    def between(self, rng: np.random.Generator, n: int) -> tuple[Points, list[tuple[str, ...]]]:
        """`n` points, and the SMILES of the two ends of each."""
        c = self._concentration
        pairs = rng.integers(0, len(self._mean), (n, 2))
        t = torch.from_numpy(rng.beta(c, c, (n, 1))).float()
        a, b = torch.from_numpy(pairs[:, 0]), torch.from_numpy(pairs[:, 1])
        points = Points(
            torch.lerp(self._mean[a], self._mean[b], t),
            blur_at(t[:, 0]),
            torch.lerp(self._deviation[a], self._deviation[b], t),
        )
        return points, [(self._smiles[i], self._smiles[j]) for i, j in pairs]

    def of_the_prior(self, rng: np.random.Generator, n: int) -> tuple[Points, list[tuple[str, ...]]]:
        """`n` points of the prior at blur 1, and no ends, since they lie between no two compounds."""
        z = torch.from_numpy(rng.standard_normal((n, self._mean.shape[1]))).float()
        return Points(z, torch.ones(n), self._deviation.mean(0).expand(n, -1)), [()] * n


def _encode_rows(bundle: Bundle, corpus: Corpus, rows: Rows, config: RefineConfig) -> tuple[Tensor, Tensor]:
    """Posterior means and standard deviations, computed in order of length to save padding."""
    order = np.argsort(corpus.lengths[rows], kind="stable")
    mean = torch.empty(len(rows), bundle.latent_dim)
    deviation = torch.empty_like(mean)
    for start in range(0, len(rows), BATCH):
        part = order[start : start + BATCH]
        tokens = torch.from_numpy(pad([corpus.sequence(int(r)) for r in rows[part]])).to(bundle.device)
        m, s = _posterior(bundle, tokens, config)
        mean[part], deviation[part] = m.cpu(), s.cpu()
    return mean, deviation


@torch.no_grad()
def _posterior(bundle: Bundle, tokens: Tensor, config: RefineConfig) -> tuple[Tensor, Tensor]:
    with torch.autocast(bundle.device.type, torch.bfloat16, enabled=config.bf16):
        mean, log_variance = bundle.model.encode(tokens)
    return mean.float(), (0.5 * log_variance.float()).exp()


def refine(
    bundle: Bundle,
    corpus: Corpus,
    config: RefineConfig,
    report: Report = lambda text, so_far: None,
    tick: Tick = lambda stage, done: None,
) -> Bundle:
    """Refine a bundle's decoder; its weights are changed in place, those of its encoder and heads stay.

    A bundle that was refined before goes on where it stood, with other points and compounds.

    Args:
        bundle: the model to refine.
        corpus: the molecules that it was trained on, in its vocabulary.
        config: sizes and budgets.
        report: called with a line of text and the bundle so far, after each round.
        tick: called with the name of the stage and the share of it that is done, for a progress bar.

    Raises:
        InputError: nothing that the decoder says between compounds passes the judge.
    """
    history = list(bundle.training.get("refined", ()))
    trainer = _Trainer(bundle, corpus, config, len(history))
    ends = Ends(bundle, corpus, config)
    with ProcessPoolExecutor(config.n_processes, mp_context=get_context("spawn")) as executor:
        for number in range(len(history), len(history) + config.n_rounds):
            points, targets, first = _harvest(bundle, ends, config, number, executor, tick)
            found = len(targets) / config.n_points
            trainer.run(points, targets, partial(tick, f"round {number}: train"))
            history.append({"first_passed": first, "passed": found})
            training = dict(bundle.training) | {"refined": list(history), "refine_config": asdict(config)}
            # Validity and the decodes among the reference points are those of the old decoder.
            bundle = replace(bundle, training=training, figures={}, realism=RealismModels())
            report(
                f"round {number}: before it, the most probable string passed at {first:.1%} of points, "
                f"one of {config.beam_width + config.n_samples} at {found:.1%}",
                bundle,
            )
    return bundle


@final
class _Trainer:
    """Trains the decoder on compounds and on judged points."""

    def __init__(
        self, bundle: Bundle, corpus: Corpus, config: RefineConfig, n_rounds_before: int = 0
    ) -> None:
        self._bundle, self._config = bundle, config
        rows = corpus.rows("train")
        first, seed = n_rounds_before * config.n_steps, config.seed + 17
        self._batches = stream(corpus, rows, config.batch_size, seed, first, config.length_power)
        self._rng = np.random.default_rng([config.seed, 1])
        self._generator = torch.Generator(bundle.device).manual_seed(config.seed)

    def run(self, points: Points, targets: Sequence[IntArray], tick: Callable[[float], None]) -> None:
        """Train for a round's steps; `tick` is called with the share of them that is done."""
        model, config = self._bundle.model, self._config
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not name.startswith(FIXED))
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=1e-4, fused=True)
        model.train()
        for step in range(config.n_steps):
            done = step / config.n_steps
            tick(done)
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
            optimizer.zero_grad(set_to_none=True)
            self._loss(points, targets).backward()
            torch.nn.utils.clip_grad_norm_(trained, 5.0)
            optimizer.step()
        model.requires_grad_(True).eval()

    def _loss(self, points: Points, targets: Sequence[IntArray]) -> Tensor:
        config, device = self._config, self._bundle.device
        tokens = next(self._batches).tokens.to(device)
        mean, deviation = _posterior(self._bundle, tokens, config)
        rows = self._rng.integers(0, len(targets), config.n_between)
        chosen = points.at(rows)
        wanted = torch.from_numpy(pad([targets[i] for i in rows])).to(device)
        middle, spread = chosen.z.to(device), chosen.deviation.to(device)
        z, deviation = torch.cat([mean, middle]), torch.cat([deviation, spread])
        scale = torch.full_like(z[:, :1], config.noise)
        scale[: len(mean)] = config.compound_noise
        z = z + scale * deviation * self._noise(z)
        blur = torch.cat([torch.zeros_like(mean[:, 0]), chosen.blur.to(device)])
        longest = max(tokens.shape[1], wanted.shape[1])
        strings = [F.pad(part, (0, longest - part.shape[1]), value=PAD) for part in (tokens, wanted)]
        with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
            entropy = token_cross_entropy(self._bundle.model, z, torch.cat(strings), blur)
        return entropy.sum() / config.batch_size

    def _noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self._generator, device=like.device)


def _harvest(
    bundle: Bundle, ends: Ends, config: RefineConfig, number: int, executor: Executor, tick: Tick
) -> tuple[Points, list[IntArray], float]:
    """Points where something passes, its tokens, and the share where the most probable string does."""
    rng = np.random.default_rng([config.seed, 2, number])
    generator = torch.Generator().manual_seed(config.seed * 1_009 + number)
    parts: list[Points] = []
    targets: list[IntArray] = []
    n_first = 0
    n_prior = round(config.prior_share * config.n_points)
    plan = [(ends.between, config.n_points - n_prior), (ends.of_the_prior, n_prior)]
    starts = [(draw, min(BATCH, n - start)) for draw, n in plan for start in range(0, n, BATCH)]
    for done, (draw, n) in enumerate(starts):
        tick(f"round {number}: decode and judge", done / len(starts))
        points, around = draw(rng, n)
        candidates = _candidates(bundle, points, config, generator, executor)
        with torch.autocast(bundle.device.type, torch.bfloat16, enabled=config.bf16):
            nearest = bundle.by_distance(points.z, candidates)
        most_probable = [own[0] for own in candidates]
        jobs = zip(most_probable, nearest, around, strict=True)
        verdicts = list(executor.map(_verdict, jobs, chunksize=32))
        n_first += sum(first for first, _ in verdicts)
        rows = [row for row, (_, place) in enumerate(verdicts) if place is not None]
        parts.append(points.at(np.array(rows, np.int64)))
        passed = [nearest[row][place] for row, (_, place) in enumerate(verdicts) if place is not None]
        targets += bundle.tokenizer.encode(passed)
    if not targets:
        raise InputError("no decode between compounds passed the judge; train the bundle for longer.")
    z, blur, deviation = (torch.cat([getattr(p, name) for p in parts]) for name in ("z", "blur", "deviation"))
    return Points(z, blur, deviation), targets, n_first / config.n_points


def _candidates(
    bundle: Bundle, points: Points, config: RefineConfig, generator: torch.Generator, executor: Executor
) -> list[list[str]]:
    """Canonical SMILES of what each point decodes to, the most probable first; empty for no molecule."""
    with torch.autocast(bundle.device.type, torch.bfloat16, enabled=config.bf16):
        beams = bundle.beams(points.z, config.beam_width, points.blur / 2)
        wide, blurs = (x.repeat_interleave(config.n_samples, 0) for x in (points.z, points.blur))
        samples = bundle.sample(wide, generator, config.temperature, blurs / 2)
    n = config.n_samples
    texts = [found + samples[i * n : (i + 1) * n] for i, found in enumerate(beams)]
    return list(executor.map(_canonical, texts, chunksize=32))


def _canonical(texts: Sequence[str]) -> list[str]:
    return [decoded_smiles(text) for text in texts]


def _verdict(job: tuple[str, Sequence[str], Sequence[str]]) -> tuple[bool, int | None]:
    """Whether the first molecule passes, and the place of the first of the others that does.

    The job is a SMILES, others in the order in which they are wanted, and the ends that they lie between;
    without ends a molecule must be clean by itself.
    """
    first, texts, ends = job
    judge = Judge.between(*(Chem.MolFromSmiles(end) for end in ends)) if ends else None

    def passes(text: str) -> bool:
        mol = decoded_molecule(text)
        return mol is not None and (is_clean(mol) if judge is None else judge.fault(mol) is None)

    place = next((i for i, text in enumerate(texts) if passes(text)), None)
    return place is not None and (first == texts[place] or passes(first)), place
