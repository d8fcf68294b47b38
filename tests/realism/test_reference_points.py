import pytest
import torch

from molinterp.errors import ShapeError
from molinterp.realism.reference_points import Reference


def test_a_reference_comes_back_from_its_tensors():
    reference = Reference(torch.tensor([[0.5, 1.0], [2.0, -4.0]]), ("CCO", "C[C@H](N)O"))
    again = Reference.from_tensors(reference.to_tensors())
    assert again.smiles == reference.smiles and torch.equal(again.z, reference.z)


def test_rows_are_taken_in_order():
    reference = Reference(torch.arange(6.0).view(3, 2), ("C", "CC", "CCC"))
    chosen = reference.rows([2, 0])
    assert chosen.smiles == ("CCC", "C") and chosen.z[:, 0].tolist() == [4.0, 0.0]


def test_no_rows_are_taken_too():
    assert len(Reference(torch.zeros(3, 2), ("C", "CC", "CCC")).rows([])) == 0


def test_points_and_molecules_must_match():
    with pytest.raises(ShapeError, match=r"`z` must have shape \(2, dim\) .* got \(3, 2\)"):
        Reference(torch.zeros(3, 2), ("C", "CC"))
