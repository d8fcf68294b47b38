import numpy as np
import pytest

from molinterp.errors import InputError
from molinterp.report.latent import PrincipalPlane, plot_latent
from tests.conftest import SMALL
from tests.report.paths import molecule_path
from tests.tolerances import EXACT

PATH = molecule_path(names=("a", ""), smiles=("CCO", "CCCO", "CC(=O)O"))


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
    figure = plot_latent(PATH, bundle=small_bundle, background=SMALL)
    (axis,) = figure.axes
    points, line = (np.column_stack(drawn.get_data()) for drawn in axis.lines)
    cloud = small_bundle.encode(SMALL).double().numpy()
    expected = PrincipalPlane(cloud).project(small_bundle.encode(PATH.smiles).double().numpy())
    np.testing.assert_allclose(points, expected, atol=1e-5)
    np.testing.assert_allclose(line, expected[[0, -1]], atol=1e-5)
    assert axis.get_legend().get_texts()[0].get_text() == "a → CC(=O)O"
    assert len(plot_latent([PATH, PATH], bundle=small_bundle).axes[0].lines) == 4


def test_arguments_are_checked(small_bundle):
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    with pytest.raises(InputError, match="`paths` must hold at least one"):
        plot_latent([])
    with pytest.raises(InputError, match="`background` must hold at least 3 compounds; got 1"):
        plot_latent(PATH, bundle=small_bundle, background=["CCO"])
