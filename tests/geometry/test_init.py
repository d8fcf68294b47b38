"""The public border of the package: what it exports, and the metric first in every call."""

import inspect
import subprocess
import sys

import pytest
import torch

import molinterp.geometry
from molinterp.errors import InputError
from molinterp.geometry import (
    Metric,
    NeighbourGraph,
    distance,
    exp,
    frechet_mean,
    geodesic,
    log,
    output_spaces,
    pairwise_distances,
)
from molinterp.geometry.maps import geodesic_flow
from tests.geometry.examples import vectors

PLANE = Metric(output_spaces.latent)
Z, Y = vectors(4, 3), vectors(4, 3, seed=1)
OF_TWO = {"geodesic": geodesic, "exp": exp, "log": log, "distance": distance, "geodesic_flow": geodesic_flow}
OF_MANY = {"pairwise_distances": pairwise_distances, "frechet_mean": frechet_mean}


def test_every_exported_name_is_there_and_in_order():
    names = molinterp.geometry.__all__
    assert all(hasattr(molinterp.geometry, name) for name in names)
    assert names == sorted(names) and len(set(names)) == len(names)


def test_the_border_is_small():
    assert len(molinterp.geometry.__all__) <= 20


def test_every_exported_function_and_class_says_what_it_does():
    for name in molinterp.geometry.__all__:
        assert inspect.getdoc(getattr(molinterp.geometry, name)), name


def test_neither_rdkit_nor_the_libraries_of_a_graph_are_loaded_with_it():
    code = "import sys, molinterp.geometry; print({'rdkit', 'sklearn', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", [*OF_TWO, *OF_MANY])
def test_the_metric_is_the_first_argument(name):
    first = next(iter(inspect.signature({**OF_TWO, **OF_MANY}[name]).parameters))
    assert first == "metric"


@pytest.mark.parametrize("function", OF_TWO.values(), ids=OF_TWO)
def test_points_before_the_metric_are_refused(function):
    message = r"`metric` must be a Metric and comes first; got \(4, 3\)\. Write \w+\(metric, z"
    for swapped in ((Z, Y, PLANE), (Z, PLANE, Y)):
        with pytest.raises(InputError, match=message):
            function(*swapped)


@pytest.mark.parametrize("function", OF_MANY.values(), ids=OF_MANY)
def test_many_points_before_the_metric_are_refused(function):
    message = r"`metric` must be a Metric and comes first; got \(4, 3\)\. Write \w+\(metric, zs\)"
    with pytest.raises(InputError, match=message):
        function(Z, PLANE)


def test_an_output_space_is_no_metric():
    with pytest.raises(InputError, match=r"got function\. Write geodesic.* output space as Metric\(phi\)"):
        geodesic(output_spaces.latent, Z, Y)
    with pytest.raises(InputError, match=r"got function\. Write NeighbourGraph\(metric, n_neighbours\)"):
        NeighbourGraph(output_spaces.latent)


def test_the_metric_takes_the_point_before_the_vectors():
    metric, z, v = Metric(lambda z: z.square()), torch.ones(1, 2), torch.tensor([[1.0, 0.0]])
    assert float(metric.norm(z, v)) == 2 and float(metric.norm(3 * z, v)) == 6
    assert float(metric.inner_product(3 * z, v, 2 * v)) == 72
