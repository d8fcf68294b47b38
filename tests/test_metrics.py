import numpy as np
import pytest

from molinterp.metrics import calibration_error, r_squared, rank_agreement, roc_auc, uniform_distance
from tests.tolerances import EXACT


def test_roc_auc_counts_pairs_in_order():
    labels = np.array([0, 0, 1, 1])
    assert roc_auc(labels, np.array([0.1, 0.4, 0.35, 0.8])) == pytest.approx(0.75)
    assert roc_auc(labels, labels) == 1.0
    assert roc_auc(np.ones(4), labels) is None


def test_calibration_error_of_known_cases():
    labels = np.array([0, 1] * 50)
    assert calibration_error(np.full(100, 0.5), labels) == 0.0
    assert calibration_error(np.full(100, 0.9), labels) == pytest.approx(0.4)
    assert calibration_error(labels.astype(float), labels) == 0.0
    assert calibration_error(1.0 - labels, labels) == 1.0


def test_uniform_distance_of_known_cases():
    assert uniform_distance(np.linspace(0.005, 0.995, 100)) == pytest.approx(0.005, abs=EXACT)
    assert uniform_distance(np.full(10, 0.5)) == pytest.approx(0.5)
    assert uniform_distance(np.zeros(4)) == pytest.approx(1.0)


def test_rank_agreement_is_blind_to_monotone_maps():
    a = np.random.default_rng(0).standard_normal(50)
    assert rank_agreement(a, a**3) == pytest.approx(1.0)
    assert rank_agreement(a, -a) == pytest.approx(-1.0)
    assert rank_agreement(a, np.ones(50)) == 0.0


def test_r_squared_is_one_for_the_truth_and_nought_for_its_mean():
    truth = np.arange(10.0)
    assert r_squared(truth, truth) == 1.0
    assert r_squared(truth, np.full(10, truth.mean())) == pytest.approx(0.0)
    assert r_squared(np.ones(3), truth[:3]) is None
