"""Draw the trajectories of a path as SVG: one small chart per column, along the molecules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import final

WIDTH, HEIGHT = 232, 84
"""Size of the drawing area of a chart, in SVG units."""
_MARGIN = 7
_UNITS: Mapping[str, str] = {"mw": "g/mol", "tpsa": "Å²"}


def label_of(column: str) -> str:
    """Turn a column's name into a heading, with the unit if it has one.

    >>> label_of("similarity_to_start"), label_of("mw"), label_of("lambda_range")
    ('similarity to start', 'mw, g/mol', 'λ range')
    """
    unit = _UNITS.get(column)
    column = column.replace("lambda_", "λ ", 1) if column.startswith("lambda_") else column
    return column.replace("_", " ") + (f", {unit}" if unit else "")


def number(value: object) -> str:
    """Format a number with three significant digits or as an integer, other values as text, None as "".

    >>> number(0.12345), number(1234.5), number(3.0), number(None), number("=x")
    ('0.123', '1234', '3', '', '=x')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@final
@dataclass(frozen=True)
class Format:
    """Number format of a column: the same number of decimals for all values."""

    decimals: int
    """Digits after the point."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Format:
        """Choose the format of a column; NaN is ignored.

        >>> Format.of([0.5, 1.0]).decimals, Format.of([180.2]).decimals, Format.of([3.0]).decimals
        (3, 1, 0)
        """
        finite = [abs(v) for v in values if math.isfinite(v)]
        if all(float(v).is_integer() for v in finite):
            return cls(0)
        largest = max(finite)
        return cls(3 if largest <= 1 else 2 if largest < 100 else 1)

    def text(self, value: float) -> str:
        """Format one number; empty for NaN."""
        return f"{value:.{self.decimals}f}" if math.isfinite(value) else ""

    def span(self, values: Sequence[float]) -> str:
        """Format the range of a column, from its smallest to its largest number."""
        finite = [v for v in values if math.isfinite(v)]
        if not finite:
            return ""
        low, high = self.text(min(finite)), self.text(max(finite))
        return low if low == high else f"{low} to {high}"


def trajectory(column: str, values: Sequence[float]) -> str:
    """Draw one column along the path: a line, a dot per molecule, and dashed levels of the two ends.

    Args:
        column: name of the column; it may be user text and is escaped here.
        values: one value per molecule; NaN leaves a gap.
    """
    finite = [v for v in values if math.isfinite(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    points = [_place(i, v, len(values), low, high) for i, v in enumerate(values)]
    runs, run = [], list[str]()
    for point in [*points, None]:
        if point is None:
            runs.append(run)
            run = []
        else:
            run.append(f"{point[0]:.1f},{point[1]:.1f}")
    lines = "".join(
        f'<polyline fill="none" stroke="currentColor" points="{" ".join(r)}"/>' for r in runs if len(r) > 1
    )
    dots = "".join(
        f'<circle r="2.2" fill="currentColor" cx="{p[0]:.1f}" cy="{p[1]:.1f}" data-step="{i}"/>'
        for i, p in enumerate(points)
        if p is not None
    )
    shown = Format.of(values)
    words = f"{label_of(column)} along the path, {shown.span(values)}"
    return (
        f'<svg class="trajectory" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}" '
        f'preserveAspectRatio="none">{_levels(points)}{lines}{dots}'
        f'<line class="cursor" y1="0" y2="{HEIGHT}" stroke="currentColor" visibility="hidden"/></svg>'
    )


def _place(i: int, value: float, n: int, low: float, high: float) -> tuple[float, float] | None:
    if not math.isfinite(value):
        return None
    across = i / max(1, n - 1)
    up = (value - low) / (high - low) if high > low else 0.5
    return _MARGIN + across * (WIDTH - 2 * _MARGIN), HEIGHT - _MARGIN - up * (HEIGHT - 2 * _MARGIN)


def _levels(points: Sequence[tuple[float, float] | None]) -> str:
    ends = {p[1] for p in (points[0], points[-1]) if p is not None} if points else set()
    paint = 'class="level" stroke="currentColor" stroke-opacity=".4" stroke-dasharray="3 3"'
    return "".join(f'<line {paint} x1="0" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>' for y in sorted(ends))
