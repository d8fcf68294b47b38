"""Measure how the weights of λ change the decodes of the curve: share that passes the filters, and reach.

    python benchmarks/weights.py pairs.csv [--every 3] [--default] [--tol 1e-3] [--model default] [--seed 0]

Columns in: start, end. Each line of the output is one setting: density, validity, ε, λ_0; share of decodes of
the geodesic that pass the filters; number of different molecules that pass; largest similarity at which a
chain of them joins the ends (mean over pairs, no edits); energy of the geodesic relative to the straight
line, steps of the solver, share of pairs on which it converged; processor seconds per pair for curve and
decodes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from molinterp.chem.filters import Limits, decoded_molecule
from molinterp.chem.standardise import standardise
from molinterp.geometry import Metric, discrete, geodesic
from molinterp.model.bundle import Bundle
from molinterp.model.protocol import OutputSpace
from molinterp.paths.candidates import Candidates
from molinterp.paths.objective import objective_of
from molinterp.paths.path import LatentCurve
from molinterp.paths.request import TERM_WEIGHTS, PathRequest
from molinterp.paths.sources import N_POINTS, SOLVER_TOLERANCE, curve_decodes
from molinterp.realism.terms import EPSILON, FLOOR

PLACES = torch.linspace(0, 1, N_POINTS + 2)
DENSITY, VALIDITY = TERM_WEIGHTS["density"], TERM_WEIGHTS["validity"]
SETTINGS = (
    (0.0, 0.0, EPSILON, FLOOR),
    (DENSITY, VALIDITY, EPSILON, FLOOR),
    *((weight, VALIDITY, EPSILON, FLOOR) for weight in (0.0, 0.02, 0.2, 1.0)),
    *((DENSITY, weight, EPSILON, FLOOR) for weight in (0.0, 0.1, 1.0, 3.0)),
    *((DENSITY, VALIDITY, epsilon, FLOOR) for epsilon in (0.002, 0.2)),
    *((DENSITY, VALIDITY, EPSILON, floor) for floor in (0.01, 1.0)),
)
"""Density, validity, ε, λ_0: first without terms, then the defaults, then one change at a time."""


def figures(
    bundle: Bundle, pairs: pd.DataFrame, setting: tuple[float, float, float, float], tol: float, seed: int
) -> list[float]:
    """Measure one setting; return the columns of the output as means over pairs."""
    density, validity, epsilon, floor = setting
    rows = []
    for pair in pairs.itertuples(index=False):
        a, b = standardise(pair.start), standardise(pair.end)
        weights = {"density": density, "validity": validity}
        request = PathRequest(term_weights=weights, epsilon=epsilon)
        realism = replace(objective_of(bundle, a.mol, b.mol, request).realism, floor=floor)
        judge = Limits().judge(a.mol, b.mol, conditions=[])
        began = time.process_time()
        metric = Metric(bundle.output_space(OutputSpace.FINGERPRINT), realism)
        z = bundle.invert([a.smiles, b.smiles]).z
        found = geodesic(metric, z[:1], z[1:], tol=tol)
        decodes = curve_decodes(bundle, LatentCurve(found.curve(PLACES)[0].numpy()), bundle.device, seed)
        seconds = time.process_time() - began
        mols = [decoded_molecule(text) for text in decodes]
        passed = [mol is not None and judge.fault(mol) is None for mol in mols]
        candidates = Candidates(a.mol, b.mol, judge)
        for proposal in candidates.proposals([d for d, good in zip(decodes, passed, strict=True) if good]):
            candidates.add(proposal, "curve")
        widest = discrete.widest(candidates.similarity, 0, 1, candidates.allowed)
        gain = float(found.energy / found.start_energy)
        solver = (gain, float(found.iterations), float(found.converged))
        rows.append((np.mean(passed), len(candidates) - 2, widest, *solver, seconds))
    return np.mean(rows, axis=0).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every n-th pair")
    parser.add_argument("--default", action="store_true", help="use only the default weights")
    parser.add_argument("--tol", type=float, default=SOLVER_TOLERANCE, help="tolerance of the solver")
    parser.add_argument("--model", default="default")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    pairs = pd.read_csv(args.pairs).iloc[:: args.every]
    bundle = Bundle.load(args.model)
    print("density validity epsilon floor   pass molecules widest energy steps converged seconds")
    for setting in SETTINGS[1:2] if args.default else SETTINGS:
        row = figures(bundle, pairs, setting, args.tol, args.seed)
        settings = "{:7g} {:8g} {:7g} {:5g}".format(*setting)
        found = "{:.3f} {:9.1f} {:6.3f} {:6.3f} {:5.1f} {:9.2f} {:7.2f}".format(*row)
        print(f"{settings}  {found}", flush=True)


if __name__ == "__main__":
    main()
