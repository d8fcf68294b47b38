import sys
from xml.etree import ElementTree

import pytest

from molinterp.errors import InputError, MissingDependencyError
from tests.report.paths import HOSTILE, SMILES, molecule_path


def test_a_path_draws_itself():
    html = molecule_path()._repr_html_()
    assert html.count("Structure of") == len(SMILES)
    assert "aspirin → ibuprofen" in html and html.count("<figure>") == 6
    assert "<script" not in html and "http:" not in html.replace("http://www.w3.org/2000/svg", "")


def test_a_reader_of_a_notebook_is_told_the_notes():
    html = molecule_path(notes=("start: salt or solvent left out: [Na+]", "a < b"))._repr_html_()
    assert "Note: start: salt or solvent left out: [Na+]" in html and "Note: a &lt; b" in html
    assert "Note" not in molecule_path()._repr_html_()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_text(text):
    html = molecule_path(names=(text, text))._repr_html_()
    assert "<img" not in html and "<script" not in html and '" onmouseover' not in html


def test_a_grid_has_a_cell_a_molecule():
    drawn = ElementTree.fromstring(molecule_path().grid(columns=3).svg)
    assert (drawn.get("width"), drawn.get("height")) == ("600", "336")
    assert len(drawn) == len(SMILES)
    assert molecule_path().grid()._repr_svg_().startswith("<svg")
    with pytest.raises(InputError, match="`columns` must be at least 1"):
        molecule_path().grid(columns=0)


def test_a_long_name_fits_its_cell():
    drawn = molecule_path(names=("a" * 22, "b" * 23)).grid().svg
    assert f">{'a' * 22}<" in drawn and f">{'b' * 21}…  0." in drawn


def test_a_plot_has_an_axis_a_column():
    pytest.importorskip("matplotlib", reason="matplotlib draws plots: pip install 'molinterp[plot]'")
    figure = molecule_path().plot(["logp", "qed", "mw", "tpsa", "similarity"])
    shown = [a for a in figure.axes if a.get_visible()]
    assert [a.get_title() for a in shown] == ["logp", "qed", "mw, g/mol", "tpsa, Å²", "similarity"]
    assert list(shown[0].lines[0].get_ydata()) == [s.properties["logp"] for s in molecule_path()]
    # Four in the first row and one below: the lowest of each column says what the axis is.
    assert [a.get_xlabel() for a in shown] == ["", "step", "step", "step", "step"]
    assert all(tick == int(tick) for a in shown for tick in a.get_xticks())
    assert len(molecule_path().plot("logp").axes) == 1
    with pytest.raises(InputError, match="`columns` must be among similarity"):
        molecule_path().plot(["nonsense"])


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r"plots need matplotlib.*molinterp\[plot\]"):
        molecule_path().plot()
