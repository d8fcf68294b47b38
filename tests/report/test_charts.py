import math
from xml.etree import ElementTree

import pytest

from molinterp.report.charts import Format, number, trajectory


def test_a_point_a_molecule_and_gaps():
    drawn = ElementTree.fromstring(trajectory("logp", [1.0, math.nan, 3.0, 2.0]))
    assert [c.get("data-step") for c in drawn.iter("circle")] == ["0", "2", "3"]
    assert len(list(drawn.iter("polyline"))) == 1


def test_higher_is_higher_and_constants_lie_in_the_middle():
    def heights(values):
        return [float(c.get("cy")) for c in ElementTree.fromstring(trajectory("x", values)).iter("circle")]

    low, high = heights([0.0, 5.0])
    assert low > high
    assert len(set(heights([2.0, 2.0, 2.0]))) == 1


@pytest.mark.parametrize(("values", "n_points"), [([1.0], 1), ([], 0), ([math.nan, math.nan], 0)])
def test_short_and_empty_columns_draw(values, n_points):
    drawn = ElementTree.fromstring(trajectory("x", values))
    assert len(list(drawn.iter("circle"))) == n_points


def test_a_column_name_is_escaped():
    assert "<img" not in trajectory("<img>", [1.0, 2.0])


def test_formats():
    assert Format.of([1.25, 30.0]).span([1.25, 30.0]) == "1.25 to 30.00"
    assert Format.of([3, 3]).span([3, 3]) == "3"
    assert Format.of([math.nan]).text(math.nan) == ""
    assert number(True) == "True" and number(math.nan) == ""
