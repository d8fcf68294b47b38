"""Draw the second set of pairs of docs/benchmarks.md: well-known drugs, and test compounds of a table.

    python benchmarks/draw_pairs.py molecules.csv.gz pairs.csv [-n 20] [--seed 7]

`molecules.csv.gz` has columns smiles and split. Columns out: pair, group, start, end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from molinterp.data import drugs

from molinterp.chem.standardise import standardise


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("molecules", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("-n", type=int, default=20, help="pairs per group, at most 100")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    known = [standardise(s).smiles for s in drugs().values()]
    known = [s for s in known if 12 <= len(s) <= 120]
    table = pd.read_csv(args.molecules)
    held_out = table[table["split"] == "test"]["smiles"].sample(200, random_state=args.seed).tolist()
    rows = []
    for k in range(args.n):
        i, j = rng.choice(len(known), 2, replace=False)
        rows.append((f"x-drug-{k:02d}", "drug", known[i], known[j]))
    rows += [(f"x-test-{k:02d}", "test", held_out[2 * k], held_out[2 * k + 1]) for k in range(args.n)]
    pd.DataFrame(rows, columns=["pair", "group", "start", "end"]).to_csv(args.pairs, index=False)


if __name__ == "__main__":
    main()
