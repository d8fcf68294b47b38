"""Render the report of a path: one self-contained HTML page that runs only its own script.

The page contains its style, script, charts and downloads, and blocks everything else by a content-security
policy. User input appears only as escaped text, never in the script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from molinterp.chem.filters import CLEAN
from molinterp.io.escaping import neutralised, slug
from molinterp.io.sdf import sdf_text
from molinterp.report.charts import Format, label_of, number, trajectory
from molinterp.report.structures import Drawing, draw_path, molecule
from molinterp.report.view import PathView

HEADINGS = {
    "decoded": "decodes",
    "worst_step": "worst step similarity",
    "mean_step": "mean step similarity",
    "monotonicity": "rank monotonicity",
    "rejected": "left out",
}
"""Headings of metrics whose name alone is not clear enough."""


def page(view: PathView) -> str:
    """Render the report of a path as HTML."""
    style, script = _asset("report.css"), _asset("report.js")
    drawings = draw_path(view.table["smiles"].tolist())
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="molinterp">
<link rel="icon" href="data:,">
<title>{escape(view.title)}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{escape(view.title)}</h1>
{_settings(view)}{_metrics(view.metrics)}{_downloads(view)}{_notes(view)}
</header>
<main>
<h2>Molecules</h2>
<p class="soft">Each molecule is aligned with the one before it; new atoms and bonds are marked.</p>
<ol class="strip">{"".join(_card(view, i, d) for i, d in enumerate(drawings))}</ol>
<h2>Along the path</h2>
{_scrub(len(drawings))}
<div class="charts">{"".join(_chart(view, name) for name in view.numeric)}</div>
<h2>Table</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Table of molecules">{_table(view)}</div>
</main>
<script>{script}</script>
</body>
</html>
"""


def _asset(name: str) -> str:
    return (files("molinterp.report") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _settings(view: PathView) -> str:
    words = ", ".join(f"{label_of(k)} {number(v)}" for k, v in view.settings.items())
    return f'<p class="soft">{escape(words)}</p>' if words else ""


def _metrics(metrics: Mapping[str, Any]) -> str:
    items = []
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            value = ", ".join(f"{number(v)} {k}" for k, v in value.items()) or "none"
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        heading = escape(HEADINGS.get(name, label_of(name)))
        items.append(f"<div><dt>{heading}</dt><dd>{escape(number(value)) or '–'}</dd></div>")
    return f'<dl class="figures">{"".join(items)}</dl>' if items else ""


def _downloads(view: PathView) -> str:
    table = neutralised(view.table).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    molecules = view.table[[molecule(str(s)) is not None for s in view.table["smiles"]]]
    parts = (
        ("CSV", "csv", "text/csv", table),
        ("SDF", "sdf", "chemical/x-mdl-sdfile", sdf_text(molecules)),
    )
    stem = slug("-".join(n for n in (view.start_name, view.end_name) if n) or "path")
    links = []
    for label, suffix, kind, text in parts:
        data = base64.b64encode(text.encode()).decode()
        file = f"{stem}.{suffix}"
        links.append(
            f'<li><a download="{file}" href="data:{kind};charset=utf-8;base64,{data}">'
            f"Download {label}</a></li>"
        )
    return f'<ul class="downloads">{"".join(links)}</ul>'


def _notes(view: PathView) -> str:
    return "".join(f'<p class="soft">Note: {escape(note)}</p>' for note in view.notes)


def _card(view: PathView, i: int, drawing: Drawing) -> str:
    row = view.table.iloc[i]
    name = str(row["name"]) or f"step {number(row['step'])}"
    beside = "" if drawing.n_changed is None else f"{drawing.n_changed} changed"
    if i and "similarity" in view.table:
        beside = f"similarity {number(float(row['similarity']))}"
    verdict = row.get("verdict", CLEAN)
    has_fault = isinstance(verdict, str) and verdict != CLEAN
    fault = f'<span class="fault">{escape(verdict)}</span>' if has_fault else ""
    return (
        f'<li><div class="head"><b>{escape(name)}</b>{fault}<span>{escape(beside)}</span></div>{drawing.svg}'
        f"<code>{escape(str(row['smiles']))}</code></li>"
    )


def _scrub(n: int) -> str:
    return (
        '<div class="scrub"><label for="step">Step</label>'
        f'<input id="step" type="range" min="0" max="{n - 1}" value="0"><output for="step"></output></div>'
    )


def _chart(view: PathView, name: str) -> str:
    values = [float(v) for v in view.table[name]]
    form = Format.of(values)
    span, shown = form.span(values), "|".join(form.text(v) for v in values)
    return (
        f'<figure data-values="{escape(shown)}" data-range="{span}"><figcaption>{escape(label_of(name))}'
        f"<span>{span}</span></figcaption>{trajectory(name, values)}</figure>"
    )


def _table(view: PathView) -> str:
    forms = {c: Format.of(view.table[c].tolist()) for c in view.table.columns if _is_numeric(view.table[c])}
    head = "".join(
        f'<th scope="col" aria-sort="{"ascending" if c == "step" else "none"}" '
        f'class="{"number" if c in forms else "text"}">'
        f'<button type="button">{escape(label_of(str(c)))}</button></th>'
        for c in view.table.columns
    )
    rows = []
    for i, row in enumerate(view.table.to_dict("records")):
        cells = "".join(_cell(c, row[c], forms.get(c)) for c in view.table.columns)
        rows.append(f'<tr data-step="{i}">{cells}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _is_numeric(column: Any) -> bool:
    return column.dtype.kind in "iuf"


def _cell(column: str, value: Any, form: Format | None) -> str:
    if form is None:
        kind = "text smiles" if column == "smiles" else "text"
        return f'<td class="{kind}">{escape(number(value))}</td>'
    data = f' data-value="{float(value):.9g}"' if value == value else ""
    return f"<td{data}>{form.text(value)}</td>"
