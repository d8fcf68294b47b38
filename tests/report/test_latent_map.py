from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import molinterp.batch  # noqa: F401
from molinterp.errors import InputError
from molinterp.paths.path import LatentCurve
from molinterp.report.latent_map import PrincipalPlane, plot_latent
from tests.conftest import SMALL
from tests.report.paths import molecule_path
from tests.tolerances import EXACT

PATH = molecule_path(names=("a", ""), smiles=("CCO", "CCCO", "CC(=O)O"))


def with_curve(path, bundle):
    """A path with a curve that bends between the latent points of its ends."""
    z0, z1 = bundle.encode([path.smiles[0], path.smiles[-1]]).numpy()
    t = np.linspace(0, 1, 17, dtype=np.float32)[:, None]
    bend = np.sin(np.pi * t) * np.linspace(-1, 1, bundle.latent_dim, dtype=np.float32)
    bend[[0, -1]] = 0
    return replace(path, curve=LatentCurve((1 - t) * z0 + t * z1 + bend))


def test_the_plane_of_a_flat_cloud_holds_all_its_variance():
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 2)))[0].T
    flat = np.random.default_rng(1).normal(size=(40, 2)) * [3.0, 1.0]
    plane = PrincipalPlane(flat @ axes + 2.0)
    assert plane.share == pytest.approx(1.0)
    projected = plane.project(flat @ axes + 2.0)
    distances = [np.linalg.norm(p[:, None] - p[None], axis=-1) for p in (flat, projected)]
    np.testing.assert_allclose(distances[0], distances[1], atol=1e4 * EXACT)
    assert projected[:, 0].std() > projected[:, 1].std()


def test_the_axes_do_not_depend_on_the_order_of_the_cloud():
    cloud = np.random.default_rng(2).normal(size=(30, 6))
    np.testing.assert_allclose(PrincipalPlane(cloud).axes, PrincipalPlane(cloud[::-1]).axes, atol=1e4 * EXACT)


def test_molecules_stand_at_their_own_latent_points(small_bundle):
    pytest.importorskip("matplotlib", reason="matplotlib draws plots: pip install 'molinterp[plot]'")
    path = with_curve(PATH, small_bundle)
    figure = plot_latent(path, model=small_bundle, background=SMALL)
    (axis,) = figure.axes
    curve, line, points = (np.column_stack(drawn.get_data()) for drawn in axis.lines)
    cloud = small_bundle.encode(SMALL).double().numpy()
    plane = PrincipalPlane(cloud)
    expected = plane.project(small_bundle.encode(PATH.smiles).double().numpy())
    np.testing.assert_allclose(points, expected, atol=1e-5)
    np.testing.assert_allclose(line, expected[[0, -1]], atol=1e-5)
    np.testing.assert_allclose(curve[[0, -1]], expected[[0, -1]], atol=1e-5)
    np.testing.assert_allclose(curve, plane.project(path.curve.points), atol=1e-5)
    assert not np.allclose(curve, np.linspace(line[0], line[1], len(curve)), atol=1e-3)
    assert axis.get_legend().get_texts()[0].get_text() == "a → CC(=O)O"
    strokes = [text.get_text() for text in axis.get_legend().get_texts()[1:]]
    assert strokes == ["curve", "straight line", "molecules"]


def test_one_path_several_and_a_table_draw_the_same(small_bundle):
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    path, other = (
        with_curve(p, small_bundle)
        for p in (PATH, molecule_path(names=("c", "d"), smiles=("CCN", "CCCN", "CC(N)=O")))
    )
    frames = [p.to_frame().drop(columns="name").assign(pair=name) for p, name in ((path, "1"), (other, "2"))]
    failed = pd.DataFrame({"pair": ["3"], "smiles": [None]})
    options = {"model": small_bundle, "background": SMALL}
    of_both = path.plot_latent([other], **options)
    of_table = pd.concat([*frames, failed]).molinterp.plot_latent(**options)
    drawn = [[line.get_xydata() for line in figure.axes[0].lines] for figure in (of_both, of_table)]
    assert len(drawn[0]) == len(drawn[1]) == 6
    # A table holds no curve: straight lines and dots are the same, the curve's own line is not drawn.
    for k, (one, again) in enumerate(zip(*drawn, strict=True)):
        np.testing.assert_allclose(one[[0, -1]] if k % 3 == 0 else one, again, atol=1e-5)
    widths = [[line.get_linewidth() for line in f.axes[0].lines[::3]] for f in (of_both, of_table)]
    assert widths == [[2.2, 2.2], [0.0, 0.0]]
    texts = [[t.get_text() for t in f.axes[0].get_legend().get_texts()] for f in (of_both, of_table)]
    assert texts[0][2:] == ["curve", "straight line", "molecules"]
    assert texts[1] == ["1", "2", "straight line", "molecules"]
    # What the legend shows of a pair has its colour.
    handles = of_table.axes[0].get_legend().legend_handles[:2]
    assert [h.get_color() for h in handles] == [line.get_color() for line in of_table.axes[0].lines[2::3]]
    assert all(h.get_marker() == "o" for h in handles)
    # The same points alone: company moves the axes' limits, no dot and no line.
    alone = [line.get_xydata() for line in path.plot_latent(**options).axes[0].lines]
    np.testing.assert_allclose(alone[2], drawn[0][2], atol=1e-5)


@pytest.mark.parametrize("names", [("x", "x"), (None, None), pd.Categorical(["x", "x"], ["y", "x"])])
def test_pairs_of_one_name_are_drawn_apart(small_bundle, names):
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    other = molecule_path(names=("c", "d"), smiles=("CCN", "CCCN", "CC(N)=O"))
    frames = [path.to_frame().drop(columns="name") for path in (PATH, other)]
    pairs = pd.Series(names).repeat([len(frame) for frame in frames]).array
    table = pd.concat(frames).assign(pair=pairs)
    figure = table.molinterp.plot_latent(model=small_bundle, background=SMALL)
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [2, 2, 3] * 2


def test_a_molecule_that_the_model_cannot_spell_is_left_out(small_bundle):
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    path = molecule_path(names=("a", "b"), smiles=("CCO", "CC[Se]C", "CCCO"))
    (axis,) = plot_latent(path, model=small_bundle, background=SMALL).axes
    assert [len(line.get_xdata()) for line in axis.lines] == [3, 2, 2]


def test_arguments_are_checked(small_bundle):
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    with pytest.raises(InputError, match="`paths` must hold at least one"):
        plot_latent([])
    with pytest.raises(InputError, match="`background` must hold at least 3 compounds; got 1"):
        plot_latent(PATH, model=small_bundle, background=["CCO"])
    other = replace(PATH, model="other")
    with pytest.raises(InputError, match="`paths` must be of one model; got paths of default, other"):
        plot_latent([PATH, other], model=small_bundle)
    with pytest.raises(InputError, match="at most 12; got 13"):
        plot_latent([PATH] * 13, model=small_bundle)
    with pytest.raises(InputError, match="must have columns 'pair', 'step' and 'smiles'"):
        pd.DataFrame({"start": ["C"]}).molinterp.plot_latent(model=small_bundle)
