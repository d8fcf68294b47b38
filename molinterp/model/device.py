"""Check that torch can use a device before any work starts."""

from __future__ import annotations

import torch

from molinterp.errors import InputError


def usable_device(device: str | torch.device) -> torch.device:
    """Return the torch device of a name after creating a tensor on it.

    Raises:
        InputError: the device is unknown to torch or not available on this machine.
    """
    try:
        place = torch.device(device)
        torch.zeros(1, device=place)
    except (RuntimeError, AssertionError, ImportError) as error:
        raise InputError(
            f"`device` must be one that torch can use here, such as cpu; got {str(device)!r}."
        ) from error
    return place
