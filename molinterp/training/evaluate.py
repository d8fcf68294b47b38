"""Measure a bundle on molecules that it was not trained on."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby, islice, pairwise, repeat
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from rdkit import Chem, rdBase

import molinterp
from molinterp.chem.alerts import alerts
from molinterp.chem.filters import Judge, decoded_molecule, decoded_smiles, default_table
from molinterp.chem.identity import hashed_split
from molinterp.chem.properties import PROPERTIES
from molinterp.chem.similarity import ecfp4_array, tanimoto
from molinterp.chem.standardise import standardise
from molinterp.errors import InputError, InvalidMoleculeError
from molinterp.geometry.curves import linear, slerp
from molinterp.io.files import sha256
from molinterp.metrics import r_squared
from molinterp.model.bundle import Bundle
from molinterp.realism.fitting import Progress, silent
from molinterp.training.data.datasets import read_molecules
from molinterp.training.settings import Evaluation

Decode = Callable[[torch.Tensor], list[str]]
PlacedDecode = Callable[..., list[str]]
"""Points and their places `t`, one for each, to texts."""


def read_split(path: Path, split: str, n: int | None, trained_on: str | None = None) -> list[str]:
    """Read the first `n` molecules of a split of a file, in standard form; those without one are left out.

    Args:
        path: as `read_molecules` of `molinterp.training.data.datasets` takes it; without splits all of it is
            taken, but of the file that the bundle was trained on the share that the training held out.
        split: train, valid or test.
        n: molecules wanted; None means all.
        trained_on: SHA-256 of the file that the bundle was trained on; None means that it is not known.

    Raises:
        InputError: the file cannot be read or has no such molecule.
    """
    smiles, splits = read_molecules(path)
    is_divided = splits is None and sha256(path) == trained_on
    pairs = zip(smiles, splits or repeat(split), strict=False)
    standard = _standard_forms(text for text, own in pairs if own == split)
    found = list(islice((s for s in standard if not is_divided or hashed_split(s) == split), n))
    if not found:
        raise InputError(f"'{path}' holds no molecule of the split {split!r}.")
    return found


def _standard_forms(smiles: Iterable[str]) -> Iterator[str]:
    for text in smiles:
        with suppress(InvalidMoleculeError):
            yield standardise(text).smiles


def evaluate(
    bundle: Bundle, smiles: Sequence[str], settings: Evaluation, progress: Progress = silent
) -> dict[str, Any]:
    """Measure reconstruction, the space between, prior samples, heads and speed.

    Args:
        bundle: the model.
        smiles: canonical SMILES held out from training.
        settings: numbers of pairs, samples and lines.
        progress: told of each batch.

    Returns:
        Figures by name; shares are in [0, 1], `kl` in nats, seconds on this machine. Points between and
        samples are decoded with the blur of their place, 1 half-way and at a sample, those named
        sharp without; those named beam are the most probable molecules of a beam, those named recovered
        are by `Bundle.recover`, the others are greedy decodes. Samples are of the prior and, where the
        bundle has one, of the density of encoded compounds. Figures of lines are their
        three quartiles. Latent points are refined for the first `n_refined` molecules alone. Of midpoint
        decodes, `size` is their heavy atoms over their ends', and `return` how far from the midpoint they
        are encoded over half the way between the ends, the median, in posterior standard deviations: 0 is
        the midpoint itself.
    """
    known, n_unknown = _encodable(bundle, smiles)
    run = _Run(bundle, settings, progress)
    z, deviation = run.in_batches(bundle.posterior, known, "encode")
    kl = 0.5 * (z.square() + deviation.square() - 1 - 2 * deviation.log()).sum(1).mean()
    rng = np.random.default_rng(settings.seed)
    pairs = np.stack([rng.choice(len(known), 2, replace=False) for _ in range(settings.n_pairs)])
    n_refined = min(settings.n_refined, len(smiles))
    figures: dict[str, Any] = {
        "n_molecules": len(smiles),
        "n_out_of_vocabulary": n_unknown,
        "n_pairs": settings.n_pairs,
        "seed": settings.seed,
        "reconstruction": _n_exact(run.texts(bundle.decode, z, "reconstruct"), known) / len(smiles),
        "beam_reconstruction": _n_exact(run.texts(run.search, z, "search"), known) / len(smiles),
        "recovered": _n_exact(run.texts(bundle.recover, z, "recover"), known) / len(smiles),
        "n_refined": n_refined,
        "reconstruction_refined": run.refined(smiles[:n_refined], known) / n_refined,
        "kl": float(kl),
    }
    figures |= run.samples()
    a, b = z[pairs[:, 0]], z[pairs[:, 1]]
    ends = [(known[i], known[j]) for i, j in pairs]
    figures |= run.midpoints(a, b, deviation.mean(0), ends)
    for name, decode in (("line", bundle.decode), ("recovered_line", run.recover)):
        figures |= run.lines(name, decode, a, b)
    figures |= head_figures(bundle, known, z)
    return figures | run.times(known) | {"versions": _versions()}


@final
class _Run:
    """One evaluation of a bundle."""

    def __init__(self, bundle: Bundle, settings: Evaluation, progress: Progress) -> None:
        self._bundle, self._settings, self._progress = bundle, settings, progress
        self.search = partial(bundle.search, width=settings.beam_width)
        self.recover = partial(bundle.recover, width=settings.beam_width)
        seeded = torch.Generator().manual_seed(settings.seed)
        self._noise = torch.randn(settings.n_pairs, bundle.latent_dim, generator=seeded)

    def in_batches(self, function: Any, items: Sequence[str], label: str) -> Any:
        size = self._settings.batch_size
        starts = range(0, len(items), size)
        parts = [function(items[i : i + size]) for i in self._progress(starts, len(starts), label)]
        return tuple(torch.cat(column).cpu() for column in zip(*parts, strict=True))

    def texts(self, decode: Decode, z: torch.Tensor, label: str) -> list[str]:
        size = self._settings.batch_size
        starts = range(0, len(z), size)
        parts = (decode(z[i : i + size]) for i in self._progress(starts, len(starts), label))
        return [text for part in parts for text in part]

    def refined(self, smiles: Sequence[str], known: Sequence[str]) -> int:
        """Number of `smiles` that are decoded exactly once their latent points were refined."""
        written = set(known)
        part = [s for s in smiles if s in written]
        (z,) = self.in_batches(lambda some: (self._bundle.invert(some).z,), part, "refine")
        return _n_exact(self.texts(self._bundle.decode, z, "reconstruct refined"), part)

    def samples(self) -> dict[str, float]:
        """Shares of valid samples of the prior, and of the density if there is one."""
        bundle, settings = self._bundle, self._settings
        placed, search = partial(bundle.decode, t=0.5), partial(self.search, t=0.5)
        figures = {
            "prior_valid": _share_valid(self.texts(placed, self._noise, "prior samples")),
            "beam_prior_valid": _share_valid(self.texts(search, self._noise, "search prior samples")),
        }
        if bundle.realism.index is not None:
            seeded = torch.Generator().manual_seed(settings.seed)
            dense = bundle.realism.index.density.sample(settings.n_pairs, seeded).cpu()
            figures["density_valid"] = _share_valid(self.texts(placed, dense, "density samples"))
        return figures

    def midpoints(
        self, a: torch.Tensor, b: torch.Tensor, unit: torch.Tensor, pairs: Sequence[tuple[str, str]]
    ) -> dict[str, float]:
        """Figures of decodes half-way: on both curves, without the blur, by a beam, recovered."""
        bundle, half = self._bundle, torch.tensor([0.5])
        middle, round_middle = linear(a, b, half)[:, 0], slerp(a, b, half)[:, 0]
        placed = partial(bundle.decode, t=0.5)
        ways: dict[str, tuple[Decode, torch.Tensor]] = {
            "midpoint": (placed, middle),
            "slerp_midpoint": (placed, round_middle),
            "sharp_midpoint": (bundle.decode, middle),
            "beam_midpoint": (partial(self.search, t=0.5), middle),
            "recovered_midpoint": (partial(self.recover, t=0.5), middle),
        }
        decoded = {
            name: self.texts(decode, z, f"{name.replace('_', ' ')}s") for name, (decode, z) in ways.items()
        }
        figures: dict[str, float] = {}
        for name, texts in decoded.items():
            figures |= _between(name, texts, pairs, self._progress)
        away = ((a - b) / unit).norm(dim=1) / 2
        for name in ("midpoint", "beam_midpoint", "recovered_midpoint"):
            figures |= _like_the_ends(bundle, name, decoded[name], middle / unit, away, unit, pairs)
        return figures

    def lines(self, name: str, decode: PlacedDecode, a: torch.Tensor, b: torch.Tensor) -> dict[str, Any]:
        """Different molecules on straight lines, and the worst similarity of two in a row."""
        n = self._settings.n_lines
        a, b, t = a[:n], b[:n], torch.linspace(0, 1, self._settings.n_line_points)
        counts, worst = [], []
        pairs = zip(a, b, strict=True)
        for x, y in self._progress(pairs, len(a), f"{name.replace('_', ' ')}s"):
            decoded = decode(linear(x[None], y[None], t)[0], t=t)
            smiles = [decoded_smiles(text) for text in decoded]
            mols = [Chem.MolFromSmiles(s) for s, _ in groupby(s for s in smiles if s)]
            counts.append(len({s for s in smiles if s}))
            worst.append(min((tanimoto(x, y) for x, y in pairwise(mols)), default=1.0))
        quartiles = (0.25, 0.5, 0.75)
        return {
            "n_lines": len(a),
            f"{name}_distinct": np.quantile(counts, quartiles).tolist(),
            f"{name}_worst_step": np.quantile(worst, quartiles).tolist(),
        }

    def times(self, known: Sequence[str]) -> dict[str, float]:
        """Seconds to encode and decode a batch, and to sample many strings."""
        bundle, size, n = self._bundle, self._settings.batch_size, self._settings.n_sampled
        wide, seeded = self._noise[torch.arange(n) % len(self._noise)], torch.Generator().manual_seed(0)
        return {
            f"seconds_{size}": _seconds(lambda: bundle.decode(bundle.encode(known[:size]))),
            f"seconds_{n}_sampled": _seconds(lambda: bundle.sample(wide, seeded)),
        }


def _versions() -> dict[str, str]:
    return {
        "molinterp": molinterp.__version__,
        "rdkit": rdBase.rdkitVersion,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _like_the_ends(
    bundle: Bundle,
    name: str,
    decoded: Sequence[str],
    middle: torch.Tensor,
    half: torch.Tensor,
    unit: torch.Tensor,
    pairs: Sequence[tuple[str, str]],
) -> dict[str, float]:
    """Heavy atoms of midpoint decodes over their ends', and how far off they are encoded over half a way."""
    smiles = [decoded_smiles(text) for text in decoded]
    rows = [i for i, text in enumerate(smiles) if text and bundle.can_encode(text)]
    if not rows:
        return {}
    found = [smiles[i] for i in rows]
    away = (bundle.encode(found).cpu() / unit - middle[rows]).norm(dim=1) / half[rows]
    ends = [end for i in rows for end in pairs[i]]
    size = np.mean([Chem.MolFromSmiles(text).GetNumHeavyAtoms() for text in found])
    size /= np.mean([Chem.MolFromSmiles(text).GetNumHeavyAtoms() for text in ends])
    return {f"{name}_size": float(size), f"{name}_return": float(away.median())}


def _encodable(bundle: Bundle, smiles: Sequence[str]) -> tuple[list[str], int]:
    known = [text for text in smiles if bundle.can_encode(text)]
    if len(known) < 2:
        raise InputError("fewer than two of the molecules can be written in the bundle's vocabulary.")
    return known, len(smiles) - len(known)


def _n_exact(decoded: Sequence[str], smiles: Sequence[str]) -> int:
    return sum(decoded_smiles(text) == wanted for text, wanted in zip(decoded, smiles, strict=True))


def _share_valid(decoded: Sequence[str]) -> float:
    return sum(decoded_molecule(text) is not None for text in decoded) / len(decoded)


def _between(
    name: str, decoded: Sequence[str], pairs: Sequence[tuple[str, str]], progress: Progress
) -> dict[str, float]:
    """Shares of midpoint decodes that are valid, familiar and alert-free as their ends."""
    table = default_table()
    valid = familiar = alert_free = both = accepted = 0
    for text, (a, b) in progress(zip(decoded, pairs, strict=True), len(decoded), f"judge {name}s"):
        mol = decoded_molecule(text)
        if mol is None:
            continue
        valid += 1
        ends = [Chem.MolFromSmiles(a), Chem.MolFromSmiles(b)]
        is_familiar = table.is_familiar(mol, ends)
        is_alert_free = alerts(mol) <= alerts(ends[0]) | alerts(ends[1])
        familiar += is_familiar
        alert_free += is_alert_free
        both += is_familiar and is_alert_free
        accepted += is_familiar and is_alert_free and Judge.between(*ends).fault(mol) is None
    n = len(decoded)
    return {
        f"{name}_valid": valid / n,
        f"{name}_familiar": familiar / n,
        f"{name}_alert_free": alert_free / n,
        f"{name}_familiar_alert_free": both / n,
        f"{name}_accepted": accepted / n,
    }


def head_figures(bundle: Bundle, smiles: Sequence[str], z: torch.Tensor) -> dict[str, Any]:
    """Measure R² of each property and the mean Tanimoto similarity of predicted and true ECFP4 bits.

    Args:
        bundle: whose heads are measured.
        smiles: n molecules.
        z: (n, latent_dim), their latent points.
    """
    mols = [Chem.MolFromSmiles(s) for s in smiles]
    with torch.no_grad():
        predicted = bundle.model.properties(z.to(bundle.device)).cpu().numpy()
        bits = (bundle.model.bit_logits(z.to(bundle.device)) > 0).cpu().numpy()
    r2 = {}
    for j, name in enumerate(bundle.property_names):
        truth = np.array([PROPERTIES[name](m) for m in mols])
        r2[name] = r_squared(truth, predicted[:, j]) or 0.0
    wanted = np.stack([ecfp4_array(m) for m in mols]).astype(bool)
    overlap = (bits & wanted).sum(1) / np.maximum((bits | wanted).sum(1), 1)
    return {"property_r2": r2, "fingerprint_tanimoto": float(overlap.mean())}


def _seconds(work: Callable[[], object]) -> float:
    """Best of three, warm."""
    times = []
    for _ in range(4):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times[1:])
