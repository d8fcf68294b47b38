"""Teach the decoder what to say between compounds.

A training teaches the decoder to answer between compounds, where its point is given with a blur, with
one of the two; much of what it says there is neither, and has pieces that no compound has. Two stages
mend that, both with the encoder and the heads fixed, so that every compound keeps its latent point, and
both at the blur of the place, so that what it says at a compound stays what it was:

1. *Anchors.* Points between random training compounds are shown to the decoder with the nearest clean
   compound as target: alert-free, familiar, easy to make. This is vicinal risk minimisation (Chapelle
   et al. 2000; mixup, Zhang et al. 2018, arXiv 1710.09412) with the label taken from the data instead
   of mixed.
2. *Self-training.* The same kind of points are decoded several times and judged against their two ends
   as a path's molecules are; of the decodes that pass, the one that encodes nearest to the point
   becomes its target (Zelikman et al., STaR, 2022, arXiv 2203.14465; Gulcehre et al., Reinforced
   Self-Training, 2023, arXiv 2308.08998).

Most of every batch are compounds with their own latent points, so that they are not forgotten.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem
from torch import Tensor

from molinterp.bundle import Bundle
from molinterp.chem.judge import Judge, decoded_molecule, is_clean
from molinterp.errors import InputError, VocabularyError
from molinterp.realism.models import RealismModels
from molinterp.tokens import IntArray, pad
from molinterp.training.batches import stream
from molinterp.training.corpus import Corpus
from molinterp.training.objective import losses
from molinterp.vae.decoding import blur_at
from molinterp.vae.likelihood import token_cross_entropy

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

    n_compounds: int = 120_000
    """Training compounds between which points are drawn, and among which clean ones are sought."""
    minutes: float = 20.0
    """Of training on anchors."""
    n_rounds: int = 1
    """Of self-training, after the anchors."""
    n_points: int = 6_000
    """Points decoded and judged a round."""
    n_samples: int = 7
    """Sampled decodes a point, beside the greedy one."""
    temperature: float = 0.8
    """Of the samples."""
    n_steps: int = 300
    """Optimiser steps a round."""
    batch_size: int = 256
    """Compounds a step."""
    n_between: int = 128
    """Points between a step."""
    anchor_share: float = 0.5
    """Of the points between that are anchors in a round; the rest are judged decodes."""
    concentration: float = 5.0
    """Positions between the ends are drawn from Beta(c, c): the larger c, the nearer the middle."""
    learning_rate: float = 5e-4
    """Peak learning rate of the anchors, and twice that of a round; cosines to zero."""
    noise: float = 0.5
    """Noise on a point, in standard deviations of the posteriors of its two ends."""
    bf16: bool = True
    """Matrix products in bfloat16."""
    n_processes: int = 1
    """Processes that judge molecules."""
    seed: int = 0
    """Of compounds, points, samples and batches."""


@final
@dataclass(frozen=True)
class Points:
    """Points between compounds, and their targets."""

    z: Tensor
    """(n, latent_dim)."""
    blur: Tensor
    """(n,), in [0, 1]."""
    tokens: tuple[IntArray, ...]
    """n token strings."""


@final
class Anchors:
    """Draws points between compounds with the nearest clean compound as target."""

    def __init__(self, bundle: Bundle, corpus: Corpus, config: RefineConfig, executor: Executor) -> None:
        """Encode the compounds and find the clean ones.

        Raises:
            InputError: too few of the compounds are clean to be targets.
        """
        rng = np.random.default_rng(config.seed)
        rows = rng.permutation(corpus.rows("train"))[: config.n_compounds]
        texts = [(smiles,) for smiles in corpus.smiles(rows)]
        clean = np.fromiter(executor.map(_is_clean, texts, chunksize=256), bool, len(rows))
        if clean.sum() < 2:
            raise InputError("fewer than two training compounds are familiar, alert-free and easy to make.")
        self._corpus, self._config = corpus, config
        self._mean, self._deviation = _encode_rows(bundle, corpus, rows, config)
        self._unit = self._deviation.mean(0)
        self._clean_rows = rows[clean]
        self._clean = self._mean[torch.from_numpy(clean)] / self._unit
        self._half_norm = 0.5 * self._clean.square().sum(1)
        self.rows = rows

    def between(
        self, rng: np.random.Generator, n: int
    ) -> tuple[Tensor, Tensor, Tensor, npt.NDArray[np.int64]]:
        """Points (n, d), their blur (n,) and noise scale (n, d), and the ends' places in `rows` (n, 2).

        The middle is seen most: near the ends the decoder has compounds of its own to go by, and
        would learn to replace a compound by its neighbour.
        """
        c = self._config.concentration
        pairs = rng.integers(0, len(self._mean), (n, 2))
        t = torch.from_numpy(rng.beta(c, c, (n, 1))).float()
        a, b = torch.from_numpy(pairs[:, 0]), torch.from_numpy(pairs[:, 1])
        z = self._mean[a] * (1 - t) + self._mean[b] * t
        return z, blur_at(t[:, 0]), self._deviation[a] * (1 - t) + self._deviation[b] * t, pairs

    def draw(self, rng: np.random.Generator, n: int) -> Points:
        """Noisy points with their nearest clean compounds, in posterior standard deviations."""
        z, blur, scale, _ = self.between(rng, n)
        noise = torch.from_numpy(rng.standard_normal(z.shape)).float()
        z = z + self._config.noise * scale * noise
        nearness = (z / self._unit) @ self._clean.T - self._half_norm
        nearest = self._clean_rows[nearness.argmax(1).numpy()]
        return Points(z, blur, tuple(self._corpus.sequence(int(r)) for r in nearest))


def _is_clean(texts: Sequence[str]) -> bool:
    mol = decoded_molecule(texts[0])
    return mol is not None and is_clean(mol)


def _encode_rows(bundle: Bundle, corpus: Corpus, rows: Rows, config: RefineConfig) -> tuple[Tensor, Tensor]:
    """Posterior means and standard deviations, computed in order of length to save padding."""
    order = np.argsort(corpus.lengths[rows], kind="stable")
    mean = torch.empty(len(rows), bundle.latent_dim)
    deviation = torch.empty_like(mean)
    for start in range(0, len(rows), BATCH):
        part = order[start : start + BATCH]
        tokens = torch.from_numpy(pad([corpus.sequence(int(r)) for r in rows[part]])).to(bundle.device)
        with torch.no_grad(), torch.autocast(bundle.device.type, torch.bfloat16, enabled=config.bf16):
            m, log_variance = bundle.model.encode(tokens)
        mean[part], deviation[part] = m.float().cpu(), (0.5 * log_variance.float()).exp().cpu()
    return mean, deviation


def refine(
    bundle: Bundle,
    corpus: Corpus,
    config: RefineConfig,
    report: Report = lambda text, so_far: None,
    tick: Tick = lambda stage, done: None,
) -> Bundle:
    """Refine a bundle's decoder; its weights are changed in place, those of its encoder and heads stay.

    Args:
        bundle: the model to refine.
        corpus: the molecules that it was trained on, in its vocabulary.
        config: sizes and budgets.
        report: called with a line of text and the bundle so far, after each stage.
        tick: called with the name of the stage and the share of it that is done, for a progress bar.

    Raises:
        InputError: too few of the compounds are clean to be targets.
    """
    with ProcessPoolExecutor(config.n_processes, mp_context=get_context("spawn")) as executor:
        tick("judge compounds", 0.0)
        anchors = Anchors(bundle, corpus, config, executor)
        trainer = _Trainer(bundle, corpus, config)
        trainer.run(anchors.draw, config.learning_rate, _clock(config.minutes, tick))
        history = [{"stage": "anchors", "steps": trainer.step}]
        bundle = _recorded(bundle, config, history)
        report(f"{trainer.step} steps on anchors", bundle)
        for number in range(config.n_rounds):
            tick(f"round {number}: decode and judge", 0.0)
            points, accepted = _harvest(bundle, anchors, corpus, config, number, executor)

            def draw(rng: np.random.Generator, n: int, points: Points = points) -> Points:
                return _mix(points, anchors, config, rng, n)

            trainer.run(draw, 0.5 * config.learning_rate, _counter(config.n_steps, number, tick))
            found = len(points.tokens) / config.n_points
            history.append({"stage": "self-training", "accepted": accepted, "found": found})
            bundle = _recorded(bundle, config, history)
            report(
                f"round {number}: {accepted:.1%} of greedy decodes between compounds passed before it, "
                f"{found:.1%} of points had a decode that passed",
                bundle,
            )
    return bundle


def _recorded(bundle: Bundle, config: RefineConfig, history: list[dict[str, object]]) -> Bundle:
    training = dict(bundle.training) | {"refined": list(history), "refine_config": asdict(config)}
    # Validity and the decodes among the reference points are those of the old decoder.
    return replace(bundle, training=training, figures={}, realism=RealismModels())


def _clock(minutes: float, tick: Tick) -> Callable[[], float]:
    """Share of a number of minutes that has passed."""
    began = time.monotonic()

    def progress() -> float:
        done = (time.monotonic() - began) / (60 * minutes) if minutes else 1.0
        tick("anchors", min(1.0, done))
        return done

    return progress


def _counter(n_steps: int, number: int, tick: Tick) -> Callable[[], float]:
    """Share of a number of steps that was asked for before."""
    asked = itertools.count()

    def progress() -> float:
        done = next(asked) / n_steps
        tick(f"round {number}: train", done)
        return done

    return progress


@final
class _Trainer:
    """Trains the decoder on compounds and on points between."""

    def __init__(self, bundle: Bundle, corpus: Corpus, config: RefineConfig) -> None:
        self._bundle, self._config = bundle, config
        self._batches = stream(corpus, corpus.rows("train"), config.batch_size, config.seed + 17, 0)
        self._rng = np.random.default_rng([config.seed, 1])
        self.step = 0

    def run(
        self,
        draw: Callable[[np.random.Generator, int], Points],
        learning_rate: float,
        progress: Callable[[], float],
    ) -> None:
        """Train until `progress` reaches 1."""
        model, config, device = self._bundle.model, self._config, self._bundle.device
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not name.startswith(FIXED))
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=1e-4, fused=True)
        generator = torch.Generator(device).manual_seed(config.seed * 1_009 + self.step)
        model.train()
        while (done := progress()) < 1.0:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * 0.5 * (1 + math.cos(math.pi * done))
            points = draw(self._rng, config.n_between)
            tokens = torch.from_numpy(pad(points.tokens)).to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
                compounds = losses(model, next(self._batches).to(device), generator)
                between = token_cross_entropy(model, points.z.to(device), tokens, points.blur.to(device))
            share = config.n_between / config.batch_size
            optimizer.zero_grad(set_to_none=True)
            (compounds.total(0.0, 0.0, 0.0, 0.25) + share * between.mean()).backward()
            torch.nn.utils.clip_grad_norm_(trained, 5.0)
            optimizer.step()
            self.step += 1
        model.requires_grad_(True).eval()


def _mix(points: Points, anchors: Anchors, config: RefineConfig, rng: np.random.Generator, n: int) -> Points:
    """Judged decodes, with a share of anchors."""
    n_anchors = round(config.anchor_share * n)
    chosen = rng.integers(0, len(points.tokens), n - n_anchors)
    fresh = anchors.draw(rng, n_anchors)
    z = torch.cat([points.z[torch.from_numpy(chosen)], fresh.z])
    blur = torch.cat([points.blur[torch.from_numpy(chosen)], fresh.blur])
    return Points(z, blur, (*(points.tokens[i] for i in chosen), *fresh.tokens))


def _harvest(
    bundle: Bundle, anchors: Anchors, corpus: Corpus, config: RefineConfig, number: int, executor: Executor
) -> tuple[Points, float]:
    """Points with the best of their decodes that passed, and the share of greedy ones that did."""
    rng = np.random.default_rng([config.seed, 2, number])
    generator = torch.Generator().manual_seed(config.seed * 1_009 + number)
    kept: list[Tensor] = []
    blurs: list[Tensor] = []
    tokens: list[IntArray] = []
    n_greedy = 0
    for start in range(0, config.n_points, BATCH):
        z, blur, _, pairs = anchors.between(rng, min(BATCH, config.n_points - start))
        with torch.autocast(bundle.device.type, torch.bfloat16, enabled=config.bf16):
            texts = bundle.decode(z, blur)
            wide, blurs_wide = z.repeat(config.n_samples, 1), blur.repeat(config.n_samples)
            texts += bundle.sample(wide, generator, config.temperature, blurs_wide)
        jobs = [(texts[i :: len(z)], corpus.smiles(anchors.rows[pair])) for i, pair in enumerate(pairs)]
        verdicts = list(executor.map(_passing, jobs, chunksize=32))
        n_greedy += sum(bool(passed) and passed[0][0] == 0 for passed in verdicts)
        nearest = _nearest(bundle, z, [[smiles for _, smiles in passed] for passed in verdicts])
        for point, its_blur, best in zip(z, blur, nearest, strict=True):
            if best is not None:
                kept.append(point)
                blurs.append(its_blur)
                tokens.append(best)
    if not kept:
        raise InputError("no decode between compounds passed the judge; train the bundle for longer.")
    return Points(torch.stack(kept), torch.stack(blurs), tuple(tokens)), n_greedy / config.n_points


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


def _nearest(bundle: Bundle, z: Tensor, passed: Sequence[Sequence[str]]) -> list[IntArray | None]:
    """For each point, tokens of the molecule that encodes nearest to it, None where there is none.

    Distances are taken in posterior standard deviations of the molecule.
    """
    owners, symbols = [], []
    for place, texts in enumerate(passed):
        for text in texts:
            try:
                symbols.append(bundle.tokenizer.symbol_ids(text))
                owners.append(place)
            except VocabularyError:
                continue
    best: list[IntArray | None] = [None] * len(z)
    least = [math.inf] * len(z)
    strings = bundle.tokenizer.merge(symbols)
    for start in range(0, len(strings), BATCH):
        part, owner = strings[start : start + BATCH], owners[start : start + BATCH]
        with torch.no_grad():
            mean, log_variance = bundle.model.encode(torch.from_numpy(pad(part)).to(bundle.device))
        distances = ((mean.cpu() - z[owner]).square() / log_variance.exp().cpu()).sum(1).tolist()
        for place, tokens, distance in zip(owner, part, distances, strict=True):
            if distance < least[place]:
                least[place], best[place] = distance, tokens
    return best
