"""Render a path for a notebook: metrics, structures, and trajectories below them.

The fragment runs no script. It inherits its colours from the surrounding text, so that it works in light
and dark themes.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files

from molinterp.report.charts import Format, label_of, number, trajectory
from molinterp.report.structures import draw_path
from molinterp.report.view import SIMILARITIES, PathView

SHOWN = ("molecules", "worst_step", "mean_step", "monotonicity", "raw_validity")
"""Metrics that are shown if the path has them."""
TRAJECTORIES = (*SIMILARITIES[:1], "logp", "tpsa", "qed", "sa_score", "mw")
"""Columns that are drawn if the path has them."""


def fragment(view: PathView) -> str:
    """Render a path as HTML for the output of a notebook cell; user text is escaped."""
    style = (files("molinterp.report") / "assets" / "notebook.css").read_text(encoding="utf-8")
    drawings = draw_path(view.table["smiles"].tolist())
    cards = []
    for i, drawing in enumerate(drawings):
        name = str(view.table["name"].iloc[i]) or f"step {i}"
        similarity = float(view.table["similarity"].iloc[i]) if i and "similarity" in view.table else None
        beside = "" if similarity is None else f"similarity {number(similarity)}"
        smiles = escape(str(view.table["smiles"].iloc[i]))
        cards.append(
            f'<li title="{smiles}"><div><b>{escape(name)}</b> <small>{beside}</small></div>{drawing.svg}</li>'
        )
    names = [c for c in TRAJECTORIES if c in view.numeric]
    charts = "".join(_chart(view, c) for c in names)
    numbers = "".join(
        f"<div><dt>{escape(label_of(k))}</dt><dd>{escape(number(view.metrics[k]))}</dd></div>"
        for k in SHOWN
        if k in view.metrics
    )
    asked = escape(", ".join(f"{label_of(k)} {number(v)}" for k, v in view.settings.items()))
    notes = "".join(f"<p>Note: {escape(note)}</p>" for note in view.notes)
    return (
        f'<div class="molinterp-path"><style>{style}</style><p><b>{escape(view.title)}</b> '
        f"<small>{asked}</small></p>"
        f'<dl>{numbers}</dl>{notes}<ol tabindex="0" aria-label="Molecules of the path">{"".join(cards)}</ol>'
        f'<div class="charts">{charts}</div></div>'
    )


def _chart(view: PathView, name: str) -> str:
    values = [float(v) for v in view.table[name]]
    return (
        f"<figure><figcaption>{escape(label_of(name))} <small>{Format.of(values).span(values)}</small>"
        f"</figcaption>{trajectory(name, values)}</figure>"
    )
