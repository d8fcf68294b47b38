"""Run molinterp over a table of pairs and write the paths as one long table.

    python benchmarks/pathbench.py pairs.csv paths.csv [--method linear] [--model default] [--seed 0]

Columns in: pair, start, end. Columns out: pair, step, smiles, seconds (of processor time), origin, change.
A failed pair has no rows, and a line on stderr.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from molinterp.errors import MolinterpError
from molinterp.model.bundle import Bundle
from molinterp.paths.interpolate import interpolate
from molinterp.paths.request import Method


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", type=Path)
    parser.add_argument("paths", type=Path)
    parser.add_argument("--method", choices=list(Method), default="geodesic")
    parser.add_argument(
        "--pointwise", action="store_true", help="use the decodes of the curve without a search"
    )
    parser.add_argument("--no-hybrids", action="store_true", help="let the model lead")
    parser.add_argument("--no-edits", action="store_true", help="no edits where the model leads")
    parser.add_argument("--every", type=int, default=1, help="take every n-th pair")
    parser.add_argument("--model", default="default")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pairs = pd.read_csv(args.pairs).iloc[:: args.every]
    model = Bundle.load(args.model)
    interpolate("CCO", "CCN", model=model)  # warm
    rows = []
    for pair in tqdm(pairs.itertuples(index=False), total=len(pairs)):
        began = time.process_time()
        try:
            path = interpolate(
                pair.start,
                pair.end,
                model=model,
                method=args.method,
                pointwise=args.pointwise,
                hybrids=not args.no_hybrids,
                edits=not args.no_edits,
                seed=args.seed,
            )
        except MolinterpError as error:
            print(f"{pair.pair}: {error}", file=sys.stderr)
            continue
        seconds = time.process_time() - began
        rows += [
            {
                "pair": pair.pair,
                "step": i,
                "smiles": s,
                "seconds": seconds,
                "origin": path.molecules[i].origin,
                "change": "" if (change := path.molecules[i].change) is None else change.words,
            }
            for i, s in enumerate(path.smiles)
        ]
    pd.DataFrame(rows, columns=["pair", "step", "smiles", "seconds", "origin", "change"]).to_csv(
        args.paths, index=False
    )


if __name__ == "__main__":
    main()
