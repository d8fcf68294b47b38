"""Self-training: train the decoder on its own decodes between compounds, those that pass the filters.

A training asks the decoder to answer between compounds, where its point is given with a blur, with one of
the two; much of what it says there is neither, and has pieces that no compound has. So points between
compounds, and some of the prior, are decoded in several ways, and the decodes are judged as the molecules
of a path are, against the two ends; of those that pass, the one that is encoded nearest to its point becomes
the target there. This is self-training with a judge: Zelikman et al., STaR, 2022, arXiv 2203.14465;
Gulcehre et al., Reinforced Self-Training, 2023, arXiv 2308.08998. Were the target the most probable one
instead, the decoder would drift to small molecules, which pass more easily.

The encoder and the heads are frozen, so that every compound keeps its latent point; the targets are trained
at the blur of their place, so that the answer at a compound remains what it was; and most of every batch are
compounds at their own latent points.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import final

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem
from torch import Tensor
from torch.nn import functional as F

from molinterp.chem.filters import Filters, decoded_molecule, decoded_smiles
from molinterp.errors import InputError
from molinterp.model.bundle import Bundle
from molinterp.model.decoding import blur_at
from molinterp.model.likelihood import token_cross_entropy
from molinterp.model.tokens import PAD, IntArray, pad
from molinterp.realism.fitted import RealismModels
from molinterp.realism.fitting import Progress, descend, silent
from molinterp.settings import to_table
from molinterp.training.data.batches import stream
from molinterp.training.data.corpus import Corpus
from molinterp.training.vae.settings import SelfTraining

FROZEN = ("encoder_", "posterior.", "embedding.", "fingerprint_head.", "property_head.")
"""Parameters that stay as they are, by the beginning of their names."""

Rows = npt.NDArray[np.int64]


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
        """Points of some rows."""
        index = torch.from_numpy(rows)
        return Points(self.z[index], self.blur[index], self.deviation[index])


@final
class Ends:
    """Encode training compounds and draw points between them."""

    def __init__(self, bundle: Bundle, corpus: Corpus, settings: SelfTraining) -> None:
        """Encode the compounds."""
        rng = np.random.default_rng(settings.seed)
        rows = rng.permutation(corpus.rows("train"))[: settings.n_compounds]
        self._mean, self._deviation = _encode_rows(bundle, corpus, rows, settings)
        self._smiles = corpus.smiles(rows)
        self._concentration = settings.concentration

    def between(self, rng: np.random.Generator, n: int) -> tuple[Points, list[tuple[str, ...]]]:
        """Draw `n` points, and name the SMILES of the two ends of each."""
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
        """Draw `n` points of the prior at blur 1, without ends: they lie between no two compounds."""
        z = torch.from_numpy(rng.standard_normal((n, self._mean.shape[1]))).float()
        return Points(z, torch.ones(n), self._deviation.mean(0).expand(n, -1)), [()] * n


def _encode_rows(bundle: Bundle, corpus: Corpus, rows: Rows, settings: SelfTraining) -> tuple[Tensor, Tensor]:
    """Posterior means and standard deviations, computed in order of length to save padding."""
    order = np.argsort(corpus.lengths[rows], kind="stable")
    mean = torch.empty(len(rows), bundle.latent_dim)
    deviation = torch.empty_like(mean)
    for start in range(0, len(rows), settings.n_decoded):
        part = order[start : start + settings.n_decoded]
        tokens = torch.from_numpy(pad([corpus.sequence(int(r)) for r in rows[part]])).to(bundle.device)
        m, s = _posterior(bundle, tokens, settings)
        mean[part], deviation[part] = m.cpu(), s.cpu()
    return mean, deviation


@torch.no_grad()
def _posterior(bundle: Bundle, tokens: Tensor, settings: SelfTraining) -> tuple[Tensor, Tensor]:
    with torch.autocast(bundle.device.type, torch.bfloat16, enabled=settings.bf16):
        mean, log_variance = bundle.model.encode(tokens)
    return mean.float(), (0.5 * log_variance.float()).exp()


def self_train(
    bundle: Bundle,
    corpus: Corpus,
    settings: SelfTraining,
    n_processes: int = 1,
    progress: Progress = silent,
) -> Bundle:
    """Train a bundle's decoder on its own judged decodes; its parameters are changed in place.

    A bundle that was self-trained before continues with other points and compounds.

    Args:
        bundle: the model.
        corpus: the molecules that it was trained on, in its vocabulary.
        settings: sizes and budgets.
        n_processes: processes that judge molecules.
        progress: told of each batch and step, and of the result of each round.

    Raises:
        InputError: no decode between compounds passes the filters.
    """
    rounds = list(bundle.training.get("self_training", ()))
    trainer = _Trainer(bundle, corpus, settings, len(rounds))
    ends = Ends(bundle, corpus, settings)
    with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as executor:
        for number in range(len(rounds), len(rounds) + settings.n_rounds):
            points, targets, first = _harvest(bundle, ends, settings, number, executor, progress)
            passed = len(targets) / settings.n_points
            trainer.run(points, targets, progress, f"round {number}: train")
            rounds.append({"first_passed": first, "passed": passed, **to_table(settings)})
            progress.note(
                f"round {number}: before it, the most probable string passed at {first:.1%} of points, "
                f"one of {settings.beam_width + settings.n_samples} at {passed:.1%}"
            )
    # Validity and the decodes among the reference points are those of the old decoder.
    training = dict(bundle.training) | {"self_training": rounds}
    return replace(bundle, training=training, figures={}, realism=RealismModels())


@final
class _Trainer:
    """Trains the decoder on compounds and on judged points."""

    def __init__(
        self, bundle: Bundle, corpus: Corpus, settings: SelfTraining, n_rounds_before: int = 0
    ) -> None:
        self._bundle, self._settings = bundle, settings
        first, seed = n_rounds_before * settings.n_steps, settings.seed + 17
        self._batches = stream(corpus, corpus.rows("train"), settings.order, seed, first)
        self._rng = np.random.default_rng([settings.seed, 1])
        self._generator = torch.Generator(bundle.device).manual_seed(settings.seed)

    def run(self, points: Points, targets: Sequence[IntArray], progress: Progress, label: str) -> None:
        """Train for the steps of a round."""
        model = self._bundle.model
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not name.startswith(FROZEN))
        trained = [p for p in model.parameters() if p.requires_grad]
        model.train()
        descend(
            trained,
            lambda: self._loss(points, targets).backward(),
            self._settings.n_steps,
            self._settings.descent,
            progress,
            label,
        )
        model.requires_grad_(True).eval()

    def _loss(self, points: Points, targets: Sequence[IntArray]) -> Tensor:
        settings, device = self._settings, self._bundle.device
        tokens = next(self._batches).tokens.to(device)
        mean, deviation = _posterior(self._bundle, tokens, settings)
        rows = self._rng.integers(0, len(targets), settings.n_between)
        chosen = points.at(rows)
        wanted = torch.from_numpy(pad([targets[i] for i in rows])).to(device)
        middle, spread = chosen.z.to(device), chosen.deviation.to(device)
        z, deviation = torch.cat([mean, middle]), torch.cat([deviation, spread])
        scale = torch.full_like(z[:, :1], settings.noise)
        scale[: len(mean)] = settings.compound_noise
        z = z + scale * deviation * self._noise(z)
        blur = torch.cat([torch.zeros_like(mean[:, 0]), chosen.blur.to(device)])
        longest = max(tokens.shape[1], wanted.shape[1])
        strings = [F.pad(part, (0, longest - part.shape[1]), value=PAD) for part in (tokens, wanted)]
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.bf16):
            entropy = token_cross_entropy(self._bundle.model, z, torch.cat(strings), blur)
        return entropy.sum() / settings.order.batch_size

    def _noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self._generator, device=like.device)


def _harvest(
    bundle: Bundle, ends: Ends, settings: SelfTraining, number: int, executor: Executor, progress: Progress
) -> tuple[Points, list[IntArray], float]:
    """Points where something passes, its tokens, and the share where the most probable string does."""
    rng = np.random.default_rng([settings.seed, 2, number])
    generator = torch.Generator().manual_seed(settings.seed * 1_009 + number)
    parts: list[Points] = []
    targets: list[IntArray] = []
    n_first, size = 0, settings.n_decoded
    n_prior = round(settings.prior_share * settings.n_points)
    plan = [(ends.between, settings.n_points - n_prior), (ends.of_the_prior, n_prior)]
    draws = [(draw, min(size, n - start)) for draw, n in plan for start in range(0, n, size)]
    for draw, n in progress(draws, len(draws), f"round {number}: decode and judge"):
        points, around = draw(rng, n)
        candidates = _candidates(bundle, points, settings, generator, executor)
        with torch.autocast(bundle.device.type, torch.bfloat16, enabled=settings.bf16):
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
        raise InputError("no decode between compounds passed the filters; train the bundle for longer.")
    z, blur, deviation = (torch.cat([getattr(p, name) for p in parts]) for name in ("z", "blur", "deviation"))
    return Points(z, blur, deviation), targets, n_first / settings.n_points


def _candidates(
    bundle: Bundle, points: Points, settings: SelfTraining, generator: torch.Generator, executor: Executor
) -> list[list[str]]:
    """Canonical SMILES of what each point decodes to, the most probable first; empty for no molecule."""
    with torch.autocast(bundle.device.type, torch.bfloat16, enabled=settings.bf16):
        beams = bundle.beams(points.z, settings.beam_width, points.blur / 2)
        wide, blurs = (x.repeat_interleave(settings.n_samples, 0) for x in (points.z, points.blur))
        samples = bundle.sample(wide, generator, settings.temperature, blurs / 2)
    n = settings.n_samples
    texts = [found + samples[i * n : (i + 1) * n] for i, found in enumerate(beams)]
    return list(executor.map(_canonical, texts, chunksize=32))


def _canonical(texts: Sequence[str]) -> list[str]:
    return [decoded_smiles(text) for text in texts]


def _verdict(job: tuple[str, Sequence[str], Sequence[str]]) -> tuple[bool, int | None]:
    """Whether the first molecule passes, and the place of the first of the others that does.

    The job is a SMILES, others in the order in which they are wanted, and the ends that they lie between;
    without ends a molecule must pass on its own. Soft alerts fail here, so that the decoder learns to do
    without them.
    """
    first, texts, ends = job
    mols = [Chem.MolFromSmiles(end) for end in ends]
    strict = Filters.between(*mols, soft_alerts_pass=False) if mols else Filters.alone(soft_alerts_pass=False)

    def passes(text: str) -> bool:
        mol = decoded_molecule(text)
        return mol is not None and strict.fault(mol) is None

    place = next((i for i, text in enumerate(texts) if passes(text)), None)
    return place is not None and (first == texts[place] or passes(first)), place
