"""Align two molecules: atom maps of their common part that compete."""

from molinterp.chem.alignment.align import Alignment, AlignmentSettings, align

__all__ = ["Alignment", "AlignmentSettings", "align"]
