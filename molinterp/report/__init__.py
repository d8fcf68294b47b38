"""Paths to look at: the HTML report, the notebook display, plots."""

from __future__ import annotations
