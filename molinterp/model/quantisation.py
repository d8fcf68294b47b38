"""Weights on disk: matrices with eight bits a number and a scale a row, vectors in half precision.

Rounding a row to 127 steps of its largest entry changes no figure of a bundle by more than its standard
error (docs/model.md) and halves what has to be shipped. Computation is in float32 all the same. In use
since Jacob et al., 2018, arXiv 1712.05877, whose arithmetic in integers is not what is wanted here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from molinterp.errors import BundleError

STEPS = 127
"""Largest entry of a row in units of its scale."""
SCALE = ".scale"
"""What the name of a matrix's scales ends with."""
_SMALLEST = 1e-30


def packed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What is written for some weights; packing what was unpacked gives the same again.

    Args:
        weights: parameters by name; matrices (n, m) become int8 with bfloat16 scales (n, 1) beside them,
            all others float16.

    Raises:
        BundleError: a weight is not finite.
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
    """The weights, in float32, that were written so; matrices without scales are taken as they are."""
    weights = {name: value.float() for name, value in tensors.items() if not name.endswith(SCALE)}
    for name, value in tensors.items():
        if name.endswith(SCALE):
            weights[name.removesuffix(SCALE)] *= value.float()
    return weights


def as_written(module: torch.nn.Module) -> None:
    """Round the weights of a module, in place, to what would be read of them again."""
    module.load_state_dict(unpacked(packed(module.state_dict())))
