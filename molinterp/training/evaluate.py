"""Figures of a bundle on molecules that it was not trained on."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby, islice, pairwise, repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
from molinterp.model.bundle import Bundle
from molinterp.training.data.datasets import read_molecules

BATCH = 256
BEAM_WIDTH = 8
"""Strings of a beam, of which the most probable molecule counts."""
N_LINES = 200
"""Straight lines that are decoded whole."""
N_SAMPLED = 4_096
"""Sequences that are sampled for the time it takes."""
N_REFINED = 1_024
"""Molecules whose latent points are refined: enough to tell 99.5 % from 99 %, a few seconds."""
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]
Decode = Callable[[torch.Tensor], list[str]]
DecodeVaguely = Callable[..., list[str]]
"""Points and their places `t`, one for each."""


def read_split(path: Path, split: str, n: int | None, trained_on: str | None = None) -> list[str]:
    """The first `n` molecules of a split of a file, in standard form; those without one are left out.

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
    bundle: Bundle,
    smiles: Sequence[str],
    n_pairs: int = 2_000,
    seed: int = 0,
    progress: Progress = lambda items, total, label: items,
) -> dict[str, Any]:
    """Reconstruction, the space between, prior samples, heads and speed.

    Args:
        bundle: the model.
        smiles: canonical SMILES held out from training.
        n_pairs: random pairs whose midpoints are decoded, and prior samples drawn.
        seed: of the pairs and samples.
        progress: wraps the batches, to show a bar.

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
    z, deviation = _in_batches(lambda part: bundle.posterior(part), known, progress, "encode")
    search = partial(bundle.search, width=BEAM_WIDTH)
    recover = partial(bundle.recover, width=BEAM_WIDTH)
    vague, vague_search = partial(bundle.decode, t=0.5), partial(search, t=0.5)
    rebuilt = _texts(bundle.decode, z, progress, "reconstruct")
    searched = _texts(search, z, progress, "search")
    recovered = _texts(bundle.recover, z, progress, "recover")
    kl = 0.5 * (z.square() + deviation.square() - 1 - 2 * deviation.log()).sum(1).mean()
    rng = np.random.default_rng(seed)
    pairs = np.stack([rng.choice(len(known), 2, replace=False) for _ in range(n_pairs)])
    noise = torch.randn(n_pairs, bundle.latent_dim, generator=torch.Generator().manual_seed(seed))
    figures: dict[str, Any] = {
        "n_molecules": len(smiles),
        "n_out_of_vocabulary": n_unknown,
        "n_pairs": n_pairs,
        "seed": seed,
        "reconstruction": _n_exact(rebuilt, known) / len(smiles),
        "beam_reconstruction": _n_exact(searched, known) / len(smiles),
        "recovered": _n_exact(recovered, known) / len(smiles),
        **_refined(bundle, smiles[:N_REFINED], known, progress),
        "kl": float(kl),
        "prior_valid": _share_valid(_texts(vague, noise, progress, "prior samples")),
        "beam_prior_valid": _share_valid(_texts(vague_search, noise, progress, "search prior samples")),
    }
    if bundle.realism.index is not None:
        dense = bundle.realism.index.density.sample(n_pairs, torch.Generator().manual_seed(seed)).cpu()
        figures["density_valid"] = _share_valid(_texts(vague, dense, progress, "density samples"))
    a, b = z[pairs[:, 0]], z[pairs[:, 1]]
    ends = [(known[i], known[j]) for i, j in pairs]
    figures |= _midpoints(bundle, a, b, deviation.mean(0), ends, progress)
    for name, decode in (("line", bundle.decode), ("recovered_line", recover)):
        figures |= _lines(name, decode, a[:N_LINES], b[:N_LINES], progress)
    figures |= head_figures(bundle, known, z)
    return figures | _times(bundle, known, noise) | {"versions": _versions()}


def _times(bundle: Bundle, known: Sequence[str], noise: torch.Tensor) -> dict[str, float]:
    wide = noise[torch.arange(N_SAMPLED) % len(noise)]
    return {
        "seconds_256": _seconds(lambda: bundle.decode(bundle.encode(known[:BATCH]))),
        f"seconds_{N_SAMPLED}_sampled": _seconds(
            lambda: bundle.sample(wide, torch.Generator().manual_seed(0))
        ),
    }


def _versions() -> dict[str, str]:
    return {
        "molinterp": molinterp.__version__,
        "rdkit": rdBase.rdkitVersion,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _midpoints(
    bundle: Bundle,
    a: torch.Tensor,
    b: torch.Tensor,
    unit: torch.Tensor,
    pairs: Sequence[tuple[str, str]],
    progress: Progress,
) -> dict[str, float]:
    """Figures of what is decoded half-way: on both curves, without the blur, by a beam, recovered."""
    half = torch.tensor([0.5])
    middle, round_middle = linear(a, b, half)[:, 0], slerp(a, b, half)[:, 0]
    vague = partial(bundle.decode, t=0.5)
    search = partial(bundle.search, width=BEAM_WIDTH, t=0.5)
    recover = partial(bundle.recover, width=BEAM_WIDTH, t=0.5)
    decoded = {
        "midpoint": _texts(vague, middle, progress, "midpoints"),
        "slerp_midpoint": _texts(vague, round_middle, progress, "slerp midpoints"),
        "sharp_midpoint": _texts(bundle.decode, middle, progress, "sharp midpoints"),
        "beam_midpoint": _texts(search, middle, progress, "search midpoints"),
        "recovered_midpoint": _texts(recover, middle, progress, "recover midpoints"),
    }
    figures: dict[str, float] = {}
    for name, texts in decoded.items():
        figures |= _between(name, texts, pairs, progress)
    half = ((a - b) / unit).norm(dim=1) / 2
    for name in ("midpoint", "beam_midpoint", "recovered_midpoint"):
        figures |= _like_the_ends(bundle, name, decoded[name], middle / unit, half, unit, pairs)
    return figures


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


def _in_batches(function: Any, items: Sequence[str], progress: Progress, label: str) -> Any:
    starts = range(0, len(items), BATCH)
    parts = [function(items[i : i + BATCH]) for i in progress(starts, len(starts), label)]
    return tuple(torch.cat(column).cpu() for column in zip(*parts, strict=True))


def _texts(decode: Decode, z: torch.Tensor, progress: Progress, label: str) -> list[str]:
    starts = range(0, len(z), BATCH)
    parts = (decode(z[i : i + BATCH]) for i in progress(starts, len(starts), label))
    return [text for part in parts for text in part]


def _refined(
    bundle: Bundle, smiles: Sequence[str], known: Sequence[str], progress: Progress
) -> dict[str, Any]:
    """Share of `smiles` that are decoded exactly once their latent points were refined."""
    written = set(known)
    part = [s for s in smiles if s in written]
    (z,) = _in_batches(lambda some: (bundle.invert(some).z,), part, progress, "refine")
    rebuilt = _texts(bundle.decode, z, progress, "reconstruct refined")
    return {"n_refined": len(smiles), "reconstruction_refined": _n_exact(rebuilt, part) / len(smiles)}


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


def _lines(
    name: str, decode: DecodeVaguely, a: torch.Tensor, b: torch.Tensor, progress: Progress
) -> dict[str, Any]:
    """Different molecules on straight lines of 64 points, and the worst similarity of two in a row."""
    t = torch.linspace(0, 1, 64)
    counts, worst = [], []
    for x, y in progress(zip(a, b, strict=True), len(a), f"{name.replace('_', ' ')}s"):
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


def head_figures(bundle: Bundle, smiles: Sequence[str], z: torch.Tensor) -> dict[str, Any]:
    """R² of each property and mean Tanimoto similarity of predicted and true ECFP4 bits.

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
        r2[name] = _r2(truth, predicted[:, j])
    wanted = np.stack([ecfp4_array(m) for m in mols]).astype(bool)
    overlap = (bits & wanted).sum(1) / np.maximum((bits | wanted).sum(1), 1)
    return {"property_r2": r2, "fingerprint_tanimoto": float(overlap.mean())}


def _r2(truth: npt.NDArray[np.float64], predicted: npt.NDArray[np.float32]) -> float:
    """Coefficient of determination; 0 where the truth does not vary."""
    spread = ((truth - truth.mean()) ** 2).sum()
    return float(1 - ((truth - predicted) ** 2).sum() / spread) if spread > 0 else 0.0


def _seconds(work: Callable[[], object]) -> float:
    """Best of three, warm."""
    times = []
    for _ in range(4):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times[1:])
