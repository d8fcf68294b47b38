"""Show paths: the HTML report, the notebook display, plots and file formats."""

from __future__ import annotations
