"""Where tensors can be: a device by its name, found out before the work."""

from __future__ import annotations

import torch

from molinterp.errors import InputError


def usable_device(device: str | torch.device) -> torch.device:
    """The device of a name, as torch has it, once a tensor could be made there.

    Raises:
        InputError: torch knows no such device, or has none here.
    """
    try:
        place = torch.device(device)
        torch.zeros(1, device=place)
    except (RuntimeError, AssertionError, ImportError) as error:
        raise InputError(
            f"`device` must be one that torch can use here, as cpu; got {str(device)!r}."
        ) from error
    return place
