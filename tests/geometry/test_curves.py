"""Curves: ends exact, known values, and the laws of lines and great circles."""

import math

import pytest
import torch
from torch.testing import assert_close

from molinterp.errors import ShapeError
from molinterp.geometry.curves import CubicSpline, PiecewiseLinear, linear, slerp
from tests.tolerances import AUTODIFF, EXACT, FLOAT32

CURVES = [linear, slerp]
TOLERANCE = {torch.float64: EXACT, torch.float32: FLOAT32}
curves = pytest.mark.parametrize("curve", CURVES, ids=lambda f: f.__name__)
dtypes = pytest.mark.parametrize("dtype", TOLERANCE, ids=str)


def close(actual, expected, tolerance=EXACT):
    assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def vectors(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def circle(angle, radius=1.0):
    return torch.tensor([radius * math.cos(angle), radius * math.sin(angle)], dtype=torch.float64)


T = torch.linspace(0, 1, 9, dtype=torch.float64)
PAIRS = {
    "general": (vectors(5), vectors(5, seed=1)),
    "orthogonal": (circle(0), circle(math.pi / 2, 3)),
    "close": (circle(0), circle(1e-6)),
    "equal": (vectors(5), vectors(5)),
    "parallel": (vectors(5), 4 * vectors(5)),
    "antipodal": (vectors(5), -vectors(5)),
    "antipodal, longer": (vectors(5), -3 * vectors(5)),
    "from the origin": (torch.zeros(5, dtype=torch.float64), vectors(5)),
    "to the origin": (vectors(5), torch.zeros(5, dtype=torch.float64)),
    "origin alone": (torch.zeros(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)),
    "one dimension": (torch.tensor([2.0], dtype=torch.float64), torch.tensor([-1.0], dtype=torch.float64)),
    "large": (1e6 * vectors(5), 1e6 * vectors(5, seed=1)),
}
ends = pytest.mark.parametrize(("z0", "z1"), PAIRS.values(), ids=PAIRS)
STRAIGHT = [k for k in PAIRS if k not in ("general", "orthogonal", "large", "close")]


@curves
@ends
@dtypes
def test_ends_are_exact(curve, z0, z1, dtype):
    z0, z1 = z0.to(dtype), z1.to(dtype)
    z = curve(z0, z1, T)
    assert torch.equal(z[0], z0)
    assert torch.equal(z[-1], z1)


@curves
@ends
def test_reversing_the_ends_reverses_the_curve(curve, z0, z1):
    close(curve(z1, z0, T), curve(z0, z1, 1 - T))


@curves
@ends
def test_curve_stays_in_the_plane_of_its_ends(curve, z0, z1):
    plane = torch.stack([z0, z1])
    z = curve(z0, z1, T)
    close(z @ torch.linalg.pinv(plane) @ plane, z)


@curves
def test_batch_is_a_loop(curve):
    z0, z1 = vectors(4, 3, 5), vectors(4, 3, 5, seed=1)
    z0[0, 0], z1[0, 1], z1[1, 2] = 0, -z0[0, 1], z0[1, 2]
    batch = curve(z0, z1, T)
    assert batch.shape == (4, 3, 9, 5)
    for i in range(4):
        for j in range(3):
            close(batch[i, j], curve(z0[i, j], z1[i, j], T))


@curves
@dtypes
def test_dtype_follows_the_ends_and_nothing_is_changed(curve, dtype):
    z0, z1, t = vectors(2, 5, dtype=dtype), vectors(2, 5, seed=1, dtype=dtype), T.clone()
    copies = z0.clone(), z1.clone(), t.clone()
    assert curve(z0, z1, t).dtype == dtype
    assert all(torch.equal(a, b) for a, b in zip((z0, z1, t), copies, strict=True))


@curves
def test_positions_are_independent_of_one_another(curve):
    z0, z1 = PAIRS["general"]
    shuffled = torch.tensor([6, 0, 3, 8, 1])
    close(curve(z0, z1, T[shuffled]), curve(z0, z1, T)[shuffled])
    assert curve(z0, z1, T[:0]).shape == (0, 5)


@ends
def test_line_has_constant_velocity(z0, z1):
    steps = torch.diff(linear(z0, z1, T), dim=0)
    scale = max(1.0, float(z1.abs().max()))
    close(steps / scale, ((z1 - z0) / (8 * scale)).expand(8, -1))


def test_line_on_known_values():
    z = linear(torch.tensor([0.0, 2.0]), torch.tensor([4.0, 0.0]), torch.tensor([0.0, 0.25, 0.5, 1.0]))
    assert z.tolist() == [[0, 2], [1, 1.5], [2, 1], [4, 0]]


@dtypes
@pytest.mark.parametrize("angle", [1e-3, 0.1, 1.0, math.pi / 2, 3.0])
def test_slerp_of_a_circle_is_the_circle(angle, dtype):
    z = slerp(circle(0).to(dtype), circle(angle).to(dtype), T)
    expected = torch.stack([circle(angle * float(t)) for t in T]).to(dtype)
    close(z, expected, TOLERANCE[dtype])


def test_slerp_between_radii_is_a_spiral_with_norm_linear_in_t():
    z = slerp(circle(0.2, 1.0), circle(1.4, 3.0), T)
    expected = torch.stack([circle(0.2 + 1.2 * float(t), 1 + 2 * float(t)) for t in T])
    close(z, expected)


@pytest.mark.parametrize("name", ["general", "orthogonal", "large", "equal", "parallel", "from the origin"])
def test_slerp_norm_is_linear_in_t(name):
    z0, z1 = PAIRS[name]
    close(slerp(z0, z1, T).norm(dim=-1), z0.norm() * (1 - T) + z1.norm() * T)


def test_slerp_turns_at_constant_rate():
    z = slerp(*PAIRS["general"], T)
    unit = z / z.norm(dim=-1, keepdim=True)
    cosines = (unit[1:] * unit[:-1]).sum(-1)
    close(cosines, cosines[:1].expand(8))


def test_slerp_follows_a_rotation():
    rotation, _ = torch.linalg.qr(vectors(5, 5, seed=2))
    z0, z1 = PAIRS["general"]
    close(slerp(z0 @ rotation, z1 @ rotation, T), slerp(z0, z1, T) @ rotation)


@pytest.mark.parametrize("name", STRAIGHT)
def test_slerp_is_the_line_where_there_is_no_one_great_circle(name):
    z0, z1 = PAIRS[name]
    close(slerp(z0, z1, T), linear(z0, z1, T))


@pytest.mark.parametrize("angle", [0.9e-4, 1.1e-4])
def test_slerp_is_continuous_where_it_turns_into_the_line(angle):
    # Below an angle of 1e-4 the line is taken; it is off the circle by angle² / 8.
    expected = torch.stack([circle(angle * float(t)) for t in T])
    close(slerp(circle(0), circle(angle), T), expected, angle**2 / 8)


@curves
@ends
@dtypes
def test_gradients_are_finite_everywhere(curve, z0, z1, dtype):
    z0, z1 = z0.to(dtype).requires_grad_(), z1.to(dtype).requires_grad_()
    gradients = torch.autograd.grad(curve(z0, z1, T).square().sum() + curve(z0, z1, T).sum(), (z0, z1))
    scale = 1 + max(float(z.detach().abs().max()) for z in (z0, z1))
    for gradient in gradients:
        assert torch.isfinite(gradient).all()
        assert gradient.abs().max() < 100 * scale


def test_gradient_of_the_line_is_its_weights():
    z0, z1 = (z.clone().requires_grad_() for z in PAIRS["general"])
    from_z0, from_z1 = torch.autograd.grad(linear(z0, z1, T).sum(), (z0, z1))
    close(from_z0, (1 - T).sum().expand(5), AUTODIFF)
    close(from_z1, T.sum().expand(5), AUTODIFF)


def test_gradient_of_slerp_against_finite_differences():
    z0, z1 = (z.clone().requires_grad_() for z in PAIRS["general"])
    assert torch.autograd.gradcheck(lambda a, b: slerp(a, b, T), (z0, z1))


@curves
@pytest.mark.parametrize(
    ("shape0", "shape1", "message"),
    [
        (
            (5,),
            (4,),
            r"`z0` and `z1` must have the same shape \(\.\.\., d\); got \(5,\) and \(4,\)\. Encode both",
        ),
        ((2, 5), (5,), r"got \(2, 5\) and \(5,\)"),
        ((), (), r"got \(\) and \(\)"),
    ],
)
def test_ends_of_other_shapes_are_refused(curve, shape0, shape1, message):
    with pytest.raises(ShapeError, match=message):
        curve(torch.ones(shape0), torch.ones(shape1), T)


@curves
@pytest.mark.parametrize("shape", [(), (9, 1), (9, 5)])
def test_positions_of_another_shape_are_refused(curve, shape):
    with pytest.raises(ShapeError, match=r"`t` must have shape \(n,\); got \(.*\)\. Flatten it\."):
        curve(torch.ones(5), torch.zeros(5), torch.zeros(shape))


# Curves through nodes.

FAMILIES = [PiecewiseLinear, CubicSpline]
families = pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
counts = pytest.mark.parametrize("n_nodes", [2, 3, 4, 5, 9, 33])


@families
@counts
@dtypes
def test_a_curve_meets_its_nodes_and_its_ends_exactly(family, n_nodes, dtype):
    nodes = vectors(2, n_nodes, 3, dtype=dtype)
    z = family(nodes)(torch.linspace(0, 1, n_nodes, dtype=torch.float64))
    assert z.dtype == dtype
    assert torch.equal(z[:, 0], nodes[:, 0]) and torch.equal(z[:, -1], nodes[:, -1])
    close(z, nodes, TOLERANCE[dtype])


@families
@counts
def test_a_curve_through_a_line_is_the_line(family, n_nodes):
    z0, z1 = vectors(5), vectors(5, seed=1)
    curve = family(linear(z0, z1, torch.linspace(0, 1, n_nodes, dtype=torch.float64)))
    close(curve(T), linear(z0, z1, T))
    close(curve.velocity(T), (z1 - z0).expand(9, 5))


@counts
def test_a_spline_through_a_polynomial_is_the_polynomial(n_nodes):
    powers = torch.arange(min(n_nodes, 4), dtype=torch.float64)
    weights = vectors(len(powers), 3)

    def polynomial(t):
        return t[:, None] ** powers @ weights

    curve = CubicSpline(polynomial(torch.linspace(0, 1, n_nodes, dtype=torch.float64)))
    close(curve(T), polynomial(T), 100 * EXACT)


@pytest.mark.parametrize("n_nodes", [5, 9, 17])
def test_a_spline_through_twice_the_nodes_is_the_same_spline(n_nodes):
    curve = CubicSpline(vectors(2, n_nodes, 3))
    finer = CubicSpline(curve(torch.linspace(0, 1, 2 * n_nodes - 1, dtype=torch.float64)))
    close(finer(T), curve(T), 100 * EXACT)


def test_a_spline_is_smooth_at_its_nodes():
    curve, h = CubicSpline(vectors(6, 3)), 1e-9
    at = torch.tensor([0.2, 0.4, 0.6, 0.8], dtype=torch.float64)
    close(curve.velocity(at - h), curve.velocity(at + h), 1e3 * h)


def test_a_spline_closes_in_on_a_circle_with_the_fourth_power_of_the_step():
    t = torch.linspace(0, 1, 401, dtype=torch.float64)

    def turn(s):
        return torch.stack([torch.cos(3 * s), torch.sin(3 * s)], -1)

    errors = [
        (CubicSpline(turn(torch.linspace(0, 1, n + 1, dtype=torch.float64)))(t) - turn(t)).abs().max()
        for n in (8, 16, 32)
    ]
    assert errors[0] / errors[1] > 12 and errors[1] / errors[2] > 12


@families
def test_velocity_of_a_curve_is_its_derivative(family):
    curve, h = family(vectors(2, 6, 3)), 1e-6
    at = torch.tensor([0.05, 0.33, 0.5, 0.71, 0.97], dtype=torch.float64)
    # Central differences: exact up to rounding over the step for these polynomials.
    close(curve.velocity(at), (curve(at + h) - curve(at - h)) / (2 * h), AUTODIFF)


@families
def test_gradients_reach_every_node(family):
    nodes = vectors(2, 6, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: family(x)(T), (nodes,))
    (gradient,) = torch.autograd.grad(family(nodes)(T).square().sum(), nodes)
    assert (gradient != 0).all()


@families
def test_curves_refuse_what_does_not_fit(family):
    with pytest.raises(
        ShapeError, match=r"`nodes` must have shape \(\.\.\., k \+ 1, d\) with k >= 1; got \(1, 3\)"
    ):
        family(torch.ones(1, 3))
    with pytest.raises(ShapeError, match=r"`t` must have shape \(n,\); got \(2, 1\)\. Flatten it\."):
        family(torch.ones(4, 3))(torch.ones(2, 1))
