"""Describe the change between two aligned molecules, also in words."""

from molinterp.chem.changes.describe import Change, describe_change

__all__ = ["Change", "describe_change"]
