"""Figures of a bundle on molecules that it was not trained on."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rdkit import Chem, rdBase

import molinterp
from molinterp.bundle import Bundle
from molinterp.chem.alerts import alerts
from molinterp.chem.judge import Judge, decoded_molecule, decoded_smiles, default_table
from molinterp.chem.properties import PROPERTIES
from molinterp.chem.similarity import ecfp4_array
from molinterp.errors import InputError, VocabularyError
from molinterp.geometry.curves import linear, slerp

BATCH = 256
N_REFINED = 1_024
"""Molecules whose latent points are refined: enough to tell 99.5 % from 99 %, a few seconds."""
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]


def read_split(path: Path, split: str, n: int | None) -> list[str]:
    """The first `n` SMILES of a split of a table with columns `smiles` and `split`; None means all.

    Raises:
        InputError: the table has no such column or no such molecule.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"'{path}' cannot be read as a table: {error}.") from error
    if "smiles" not in table:
        raise InputError(f"'{path}' must have a column 'smiles'; found {', '.join(table)}.")
    if "split" in table:
        table = table[table["split"] == split]
    smiles = table["smiles"].head(len(table) if n is None else n).tolist()
    if not smiles:
        raise InputError(f"'{path}' holds no molecule of the split {split!r}.")
    return smiles


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
        Figures by name; shares are in [0, 1], `kl` in nats, `seconds_256` on this machine. Latent points
        are refined for the first `n_refined` molecules alone.
    """
    known, n_unknown = _encodable(bundle, smiles)
    z, deviation = _in_batches(lambda part: bundle.posterior(part), known, progress, "encode")
    rebuilt = [decoded_smiles(s) for s in _decode_all(bundle, z, progress, "reconstruct")]
    exact = [r == s for r, s in zip(rebuilt, known, strict=True)]
    kl = 0.5 * (z.square() + deviation.square() - 1 - 2 * deviation.log()).sum(1).mean()
    rng = np.random.default_rng(seed)
    pairs = np.stack([rng.choice(len(known), 2, replace=False) for _ in range(n_pairs)])
    noise = torch.randn(n_pairs, bundle.latent_dim, generator=torch.Generator().manual_seed(seed))
    figures: dict[str, Any] = {
        "n_molecules": len(smiles),
        "n_out_of_vocabulary": n_unknown,
        "n_pairs": n_pairs,
        "seed": seed,
        "reconstruction": sum(exact) / len(smiles),
        **_refined(bundle, smiles[:N_REFINED], known, progress),
        "kl": float(kl),
        "prior_valid": _share_valid(_decode_all(bundle, noise, progress, "prior samples")),
    }
    for name, curve in (("midpoint", linear), ("slerp_midpoint", slerp)):
        middle = curve(z[pairs[:, 0]], z[pairs[:, 1]], torch.tensor([0.5]))[:, 0]
        decoded = _decode_all(bundle, middle, progress, f"{name}s")
        figures |= _between(name, decoded, [(known[i], known[j]) for i, j in pairs], progress)
    figures |= _heads(bundle, known, z)
    figures["seconds_256"] = _seconds(bundle, known[:BATCH])
    figures["versions"] = {
        "molinterp": molinterp.__version__,
        "rdkit": rdBase.rdkitVersion,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    return figures


def _encodable(bundle: Bundle, smiles: Sequence[str]) -> tuple[list[str], int]:
    known = []
    for text in smiles:
        try:
            bundle.tokenizer.symbol_ids(text)
        except VocabularyError:
            continue
        known.append(text)
    if len(known) < 2:
        raise InputError("fewer than two of the molecules can be written in the bundle's vocabulary.")
    return known, len(smiles) - len(known)


def _in_batches(function: Any, items: Sequence[str], progress: Progress, label: str) -> Any:
    starts = range(0, len(items), BATCH)
    parts = [function(items[i : i + BATCH]) for i in progress(starts, len(starts), label)]
    return tuple(torch.cat(column).cpu() for column in zip(*parts, strict=True))


def _decode_all(bundle: Bundle, z: torch.Tensor, progress: Progress, label: str) -> list[str]:
    starts = range(0, len(z), BATCH)
    parts = (bundle.decode(z[i : i + BATCH]) for i in progress(starts, len(starts), label))
    return [text for part in parts for text in part]


def _refined(
    bundle: Bundle, smiles: Sequence[str], known: Sequence[str], progress: Progress
) -> dict[str, Any]:
    """Share of `smiles` that are decoded exactly once their latent points were refined."""
    written = set(known)
    part = [s for s in smiles if s in written]
    (z,) = _in_batches(lambda some: (bundle.refine(some).z,), part, progress, "refine")
    rebuilt = _decode_all(bundle, z, progress, "reconstruct refined")
    n_exact = sum(decoded_smiles(r) == s for r, s in zip(rebuilt, part, strict=True))
    return {"n_refined": len(smiles), "reconstruction_refined": n_exact / len(smiles)}


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


def _heads(bundle: Bundle, smiles: Sequence[str], z: torch.Tensor) -> dict[str, Any]:
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


def _seconds(bundle: Bundle, smiles: Sequence[str]) -> float:
    """Best of three: encode and greedy-decode these molecules, warm."""
    times = []
    for _ in range(4):
        began = time.perf_counter()
        bundle.decode(bundle.encode(smiles))
        times.append(time.perf_counter() - began)
    return min(times[1:])
