"""Statistics that judge a model: discrimination, calibration, rank agreement, explained variance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def roc_auc(labels: npt.NDArray[Any], scores: npt.NDArray[Any]) -> float | None:
    """Area under the ROC curve of scores (n,) for labels (n,) of 0 and 1; None if only one class occurs."""
    from sklearn.metrics import roc_auc_score

    if not 0 < labels.sum() < len(labels):
        return None
    return float(roc_auc_score(labels, scores))


def calibration_error(p: npt.NDArray[np.float64], labels: npt.NDArray[Any], n_bins: int = 10) -> float:
    """Expected calibration error: mean |share of ones - mean p| over equal bins of p, in [0, 1].

    Guo et al., On Calibration of Modern Neural Networks, 2017, arXiv 1706.04599.

    Args:
        p: predicted probabilities (n,).
        labels: (n,) of 0 and 1.
        n_bins: bins of equal width.
    """
    bins = np.minimum((p * n_bins).astype(int), n_bins - 1)
    gaps = [abs(labels[bins == i].sum() - p[bins == i].sum()) for i in range(n_bins)]
    return float(sum(gaps) / len(p))


def rank_agreement(a: npt.NDArray[np.floating[Any]], b: npt.NDArray[np.floating[Any]]) -> float:
    """Spearman's rank correlation of two arrays (n,), in [-1, 1]; 0 if one of them is constant."""
    import pandas as pd

    if min(np.ptp(a), np.ptp(b)) == 0:
        return 0.0
    return float(np.corrcoef(pd.Series(a).rank(), pd.Series(b).rank())[0, 1])


def uniform_distance(levels: npt.NDArray[np.floating[Any]]) -> float:
    """Kolmogorov-Smirnov distance of values (n,) in [0, 1] from the uniform distribution."""
    rising = np.sort(np.asarray(levels, np.float64))
    steps = np.arange(len(rising) + 1) / len(rising)
    return float(np.maximum(np.abs(steps[1:] - rising), np.abs(rising - steps[:-1])).max())


def r_squared(truth: npt.NDArray[np.floating[Any]], predicted: npt.NDArray[np.floating[Any]]) -> float | None:
    """Coefficient of determination of predictions (n,); None if the truth (n,) is constant."""
    spread = ((truth - truth.mean()) ** 2).sum()
    return float(1 - ((truth - predicted) ** 2).sum() / spread) if spread > 0 else None
