"""Measure which share of the molecules between two compounds with a feature has the feature too.

    python benchmarks/realism.py bbb bbbp.csv [--pairs 60] [--weights 1,1,4] [--picture docs/realism.png]

The ends are labelled compounds with the feature. The methods are the straight line, the spherical line, a
geodesic under density and validity, and a geodesic that also keeps the feature, each point by point; then
whole paths. The molecules between the ends are classified by a random forest on MACCS keys and atom pairs. It
is independent of the fit and the metrics of the feature and is trained without the ends of the pairs. After
arXiv 1904.03445, section on feature-based interpolation.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rdkit import Chem
from rdkit.Chem import Draw, rdFingerprintGenerator, rdMolDescriptors
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from torch import Tensor

from molinterp.chem.filters import decoded_molecule, is_clean
from molinterp.geometry import Metric, geodesic, linear, slerp
from molinterp.io.labels import read_labels
from molinterp.model.bundle import Bundle
from molinterp.paths.interpolate import interpolate
from molinterp.paths.objective import objective_of
from molinterp.paths.request import TERM_WEIGHTS, PathRequest

N_BETWEEN = 30
Function = Callable[[Tensor], Tensor]
Solver = Callable[[Function, Tensor, Tensor, Function], Tensor]


def solver(phi: Function, z0: Tensor, z1: Tensor, lambda_: Function) -> Tensor:
    """Return points (33, d) of the geodesic at equal steps of t."""
    return geodesic(Metric(phi, lambda_), z0, z1, tol=1e-4).curve(torch.linspace(0, 1, 33))


PLACES = torch.linspace(0, 1, N_BETWEEN + 2)[1:-1]
"""Places of the decodes on a curve, as for a path."""


def at_equal_costs(nodes: Tensor, phi: Function) -> Tensor:
    """Place `N_BETWEEN` points on a curve (n, d) at equal distances in the output space, without the ends."""
    with torch.no_grad():
        lengths = phi(nodes).diff(dim=0).norm(dim=-1)
    along = torch.cat([torch.zeros(1), lengths.cumsum(0)])
    wanted = torch.linspace(0, float(along[-1]), N_BETWEEN + 2)[1:-1]
    place = torch.searchsorted(along, wanted).clamp(1, len(nodes) - 1)
    share = ((wanted - along[place - 1]) / lengths[place - 1].clamp_min(1e-9))[:, None]
    return nodes[place - 1] * (1 - share) + nodes[place] * share


_pairs = rdFingerprintGenerator.GetAtomPairGenerator(fpSize=1024)


def other_descriptors(mols: list[Chem.Mol]) -> np.ndarray:
    rows = [
        [*rdMolDescriptors.GetMACCSKeysFingerprint(m), *np.log1p(_pairs.GetCountFingerprintAsNumPy(m))]
        for m in mols
    ]
    return np.array(rows, np.float32)


class IndependentClassifier:
    """A random forest on descriptors that the features do not use."""

    def __init__(self, smiles: list[str], labels: np.ndarray) -> None:
        """Fit to labelled compounds; the ROC-AUC is measured on a held-out fifth."""
        x = other_descriptors([Chem.MolFromSmiles(s) for s in smiles])
        held_out = np.random.default_rng(0).permutation(len(x)) < len(x) // 5
        model = self._forest().fit(x[~held_out], labels[~held_out])
        self.auc = roc_auc_score(labels[held_out], model.predict_proba(x[held_out])[:, 1])
        self.model = self._forest().fit(x, labels)

    def _forest(self) -> RandomForestClassifier:
        return RandomForestClassifier(200, min_samples_leaf=2, max_features=0.1, random_state=0)

    def share(self, mols: list[Chem.Mol]) -> tuple[float, float]:
        """Return the share of molecules with the feature, and its mean probability."""
        if not mols:
            return math.nan, math.nan
        p = self.model.predict_proba(other_descriptors(mols))[:, 1]
        return float((p >= 0.5).mean()), float(p.mean())


def choose_pairs(bundle: Bundle, feature: str, smiles: list[str], labels: np.ndarray, n: int, seed: int):
    """Choose pairs of labelled compounds with the feature that its own classifier confirms."""
    p = bundle.classifiers[feature].probability([Chem.MolFromSmiles(s) for s in smiles])
    fit = [
        s for s, y, q in zip(smiles, labels, p, strict=True) if y == 1 and q >= 0.5 and bundle.can_encode(s)
    ]
    order = np.random.default_rng(seed).permutation(len(fit))[: 2 * n]
    return [(fit[i], fit[j]) for i, j in zip(order[::2], order[1::2], strict=True)]


def curves(bundle: Bundle, feature: str, pair: tuple[str, str], weights: dict, phi: Function, solve: Solver):
    """Compute nodes (n, d) and seconds for each method."""
    start, end = (Chem.MolFromSmiles(s) for s in pair)
    z0, z1 = bundle.encode(list(pair))
    t = torch.linspace(0, 1, 33)
    only = {**weights, "density": 0.0, "validity": 0.0}
    plain, kept, alone = (
        objective_of(bundle, start, end, PathRequest(keep=keep, term_weights=chosen)).realism
        for keep, chosen in (((), weights), ((feature,), weights), ((feature,), only))
    )
    one = lambda z: torch.ones_like(z[..., 0])  # noqa: E731
    methods = {
        "linear": lambda: linear(z0, z1, t),
        "slerp": lambda: slerp(z0, z1, t),
        "geodesic": lambda: solve(phi, z0, z1, one),
        "density and validity": lambda: solve(phi, z0, z1, plain),
        "feature alone": lambda: solve(phi, z0, z1, alone),
        "feature": lambda: solve(phi, z0, z1, kept),
    }
    out = {}
    for name, method in methods.items():
        began = time.perf_counter()
        nodes = method()
        out[name] = (nodes, time.perf_counter() - began)
    return out


def output_space(bundle: Bundle) -> Function:
    """Return 2 arcsin √p of each fingerprint bit: the Fisher-Rao metric of the Bernoulli head."""
    return lambda z: 2 * torch.atan(torch.exp(0.5 * bundle.model.bit_logits(z)))


def paths(
    bundle: Bundle, feature: str, pair: tuple[str, str], weights: dict
) -> dict[str, tuple[list[str], float]]:
    """Compute the intermediates and seconds of default paths, without and with the feature kept."""
    out = {}
    for name, keep in (("path", ()), ("path, feature kept", (feature,))):
        began = time.perf_counter()
        between = interpolate(*pair, model=bundle, keep=keep, term_weights=weights).smiles[1:-1]
        out[name] = (between, time.perf_counter() - began)
    return out


def measure(
    bundle: Bundle, feature: str, pairs: list, judge: IndependentClassifier, weights: dict, solve: Solver
):
    """Measure each method on each pair."""
    phi = output_space(bundle)
    own = bundle.classifiers[feature]
    rows: dict[str, list[dict[str, float]]] = {}
    for pair in pairs:
        found = {
            name: (bundle.search(at_equal_costs(nodes, phi), t=PLACES), seconds)
            for name, (nodes, seconds) in curves(bundle, feature, pair, weights, phi, solve).items()
        }
        for name, (texts, seconds) in (found | paths(bundle, feature, pair, weights)).items():
            mols = [m for m in map(decoded_molecule, texts) if m is not None]
            share, p = judge.share(mols)
            rows.setdefault(name, []).append(
                {
                    "share_with_feature": share,
                    "mean_probability": p,
                    "share_by_own_classifier": float((own.probability(mols) >= 0.5).mean()),
                    "share_clean": float(np.mean([is_clean(m) for m in mols])),
                    "different": len({Chem.MolToSmiles(m) for m in mols}),
                    "seconds": seconds,
                }
            )
    return rows


def draw(
    bundle: Bundle,
    feature: str,
    pair: tuple[str, str],
    judge: IndependentClassifier,
    weights: dict,
    file: Path,
):
    """Draw up to eight molecules of the line and of the feature geodesic, with their probabilities."""
    phi = output_space(bundle)
    mols, legends = [], []  # one row per curve
    found = curves(bundle, feature, pair, weights, phi, solver)
    for name in ("linear", "feature"):
        decoded = [decoded_molecule(s) for s in bundle.search(at_equal_costs(found[name][0], phi), t=PLACES)]
        row = [m for m in decoded[:: N_BETWEEN // 6] if m is not None][:6]
        row = [Chem.MolFromSmiles(pair[0]), *row, Chem.MolFromSmiles(pair[1])]
        p = judge.model.predict_proba(other_descriptors(row))[:, 1]
        mols.append(row)
        legends.append([f"{name}: {feature} {x:.2f}" for x in p])
    image = Draw.MolsMatrixToGridImage(mols, (200, 160), legends, returnPNG=True)
    file.write_bytes(image if isinstance(image, bytes) else image.data)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("feature")
    parser.add_argument("labels", type=Path, nargs="+")
    parser.add_argument("--column")
    parser.add_argument("--at-least", type=float)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--picture", type=Path, help="Draw the pair that gains most.")
    parser.add_argument("--weights", help="density,validity,feature")
    parser.add_argument("--model", default="default")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    bundle = Bundle.load(args.model)
    bundle.model.requires_grad_(False)
    read = read_labels(args.labels, args.column, args.at_least)
    smiles, labels = list(read.smiles), read.labels
    pairs = choose_pairs(bundle, args.feature, smiles, labels, args.pairs, args.seed)
    ends = {s for pair in pairs for s in pair}
    rest = [i for i, s in enumerate(smiles) if s not in ends]
    judge = IndependentClassifier([smiles[i] for i in rest], labels[rest])
    names = ("density", "validity", "feature")
    chosen = [float(w) for w in args.weights.split(",")] if args.weights else [TERM_WEIGHTS[n] for n in names]
    weights = dict(zip(names, chosen, strict=True))
    figures = measure(bundle, args.feature, pairs, judge, weights, solver)
    header = {
        "feature": args.feature,
        "pairs": len(pairs),
        "judge_auc": round(judge.auc, 3),
        "weights": chosen,
    }
    print(json.dumps(header))
    for name, rows in figures.items():
        means = {k: round(float(np.nanmean([r[k] for r in rows])), 3) for k in rows[0]}
        print(f"{name:22s}", json.dumps(means))
    share = {n: np.array([r["share_with_feature"] for r in rows]) for n, rows in figures.items()}
    rng = np.random.default_rng(args.seed)
    gain = share["feature"] - share["linear"]
    again = [rng.choice(gain, len(gain)).mean() for _ in range(2000)]
    low, high = np.quantile(again, [0.025, 0.975])
    print(f"feature - linear: {gain.mean():.3f}, 95 % of bootstrap samples in [{low:.3f}, {high:.3f}]")
    if args.picture:
        draw(bundle, args.feature, pairs[int(gain.argmax())], judge, weights, args.picture)


if __name__ == "__main__":
    main()
