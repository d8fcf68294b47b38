"""Compute paths for tables of pairs, in worker processes with budgets, in runs that can be resumed."""

from __future__ import annotations

from molinterp.batch import accessor
from molinterp.batch.job import Budget, Pair
from molinterp.batch.pairs import pairs_of, read_pairs
from molinterp.batch.pool import Pool
from molinterp.batch.run import Job, StoppedError, Summary, run_batch
from molinterp.batch.table import interpolate_table

__all__ = [
    "Budget",
    "Job",
    "Pair",
    "Pool",
    "StoppedError",
    "Summary",
    "accessor",
    "interpolate_table",
    "pairs_of",
    "read_pairs",
    "run_batch",
]
