"""Store parameters compactly: matrices as 8-bit integers with one scale per row, vectors in half precision.

Rounding each row to 127 steps of its largest entry changes no metric of a model by more than its standard
error (docs/model.md) and halves the size of the files. Computation stays in float32. Eight-bit weights
follow Jacob et al., 2018, arXiv 1712.05877, without their integer arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from molinterp.errors import BundleError

STEPS = 127
"""Largest entry of a row in units of its scale."""
SCALE = ".scale"
"""Suffix of the name of a matrix's scales."""
_SMALLEST = 1e-30


def packed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Quantise parameters for storage; unpacking and packing again gives the same tensors.

    Args:
        weights: parameters by name; matrices (n, m) become int8 with bfloat16 scales (n, 1), all others
            float16.

    Raises:
        BundleError: a parameter is not finite.
    """
    out: dict[str, Tensor] = {}
    for name, value in weights.items():
        value = value.detach().cpu()
        if not value.isfinite().all():
            raise BundleError(
                f"'{name}' has weights that are not finite: the training diverged. "
                "Train again with a lower `learning_rate`."
            )
        if value.ndim == 2:
            scale = (value.abs().amax(1, keepdim=True) / STEPS).clamp(min=_SMALLEST).bfloat16()
            out[name + SCALE] = scale
            value = (value / scale.float()).round().clamp(-STEPS, STEPS).to(torch.int8)
        else:
            value = value.half()
        out[name] = value.contiguous()
    return out


def unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Restore, in float32, the weights that `packed` wrote."""
    weights = {name: value.float() for name, value in tensors.items() if not name.endswith(SCALE)}
    for name, value in tensors.items():
        if name.endswith(SCALE):
            weights[name.removesuffix(SCALE)] *= value.float()
    return weights


def as_written(module: torch.nn.Module) -> None:
    """Round the parameters of a module, in place, to the values that survive storage."""
    module.load_state_dict(unpacked(packed(module.state_dict())))
