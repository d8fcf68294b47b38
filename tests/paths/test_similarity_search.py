from itertools import pairwise

import numpy as np
import pytest
from rdkit import Chem

from molinterp.chem.filters import Limits
from molinterp.errors import InputError
from molinterp.geometry import discrete
from molinterp.paths.candidates import Candidates
from molinterp.paths.similarity_search import MIN_MOLECULES, Search, assemble

# Butylphenol to butyl-fluoroaniline by steps of one atom.
START, END = (Chem.MolFromSmiles(s) for s in ("CCCCc1ccccc1O", "CCCCc1ccc(F)cc1N"))
BRIDGE = ["CCCCc1ccccc1N", "CCCCc1ccc(F)cc1O", "CCCCc1ccccc1", "CCCCc1ccc(F)cc1"]


def fresh(*smiles: str) -> Candidates:
    found = Candidates(START, END, Limits().judge(START, END))
    for proposal in found.proposals(smiles):
        found.add(proposal, "curve")
    return found


def worst(candidates: Candidates, path: tuple[int, ...]) -> float:
    return min(float(candidates.similarity[i, j]) for i, j in pairwise(path))


def test_candidates_that_suffice_are_enough():
    found = fresh(*BRIDGE)
    (got,) = assemble(found, {}, Search(min_step_similarity=0.4, edits=False, n_refinements=0))
    assert got.is_bridged and got.n_rounds == 0
    assert got.path[0] == 0 and got.path[-1] == 1
    assert worst(found, got.path) >= 0.4


def test_only_candidates_that_join_both_ends_are_weighed_and_the_path_is_the_cheapest_of_all():
    asked = []

    def weigh(smiles):
        asked.extend(smiles)
        return [{"x": 0.1 * len(set(s))} for s in smiles]

    far = "CCCC1CCNCC1"
    found = Candidates(START, END, Limits().judge(START, END), weigh)
    for proposal in found.proposals([far, *BRIDGE]):
        found.add(proposal, "curve")
    search = Search(min_step_similarity=0.4, edits=False, n_refinements=0, n_molecules=3)
    (got,) = assemble(found, {}, search)
    assert len(found) == 2 + 1 + len(BRIDGE) and float(found.similarity[2, :2].max()) < 0.4
    assert far not in asked and len(set(asked)) == len(asked) == len(found) - 1
    found.weigh(range(len(found)))
    for i in range(len(found)):
        found.is_settled(i)
    cheapest = discrete.cheapest(found.similarity, found.weights, 0, 1, floor=0.4, allowed=found.allowed)
    assert len(cheapest) == 3 and got.path == cheapest


def test_edits_bridge_what_nothing_else_does():
    found = fresh()
    (got,) = assemble(found, {}, Search(min_step_similarity=0.6))
    assert got.is_bridged and got.n_rounds > 0
    assert worst(found, got.path) >= 0.6
    assert len(got.path) >= MIN_MOLECULES
    assert {found[i].origin for i in got.path[1:-1]} == {"edit"}


def test_between_a_racemate_and_its_enantiomer_nothing_need_lie():
    start, end = (Chem.MolFromSmiles(s) for s in ("CC(C)Cc1ccc(C(C)N)cc1", "CC(C)Cc1ccc([C@H](C)N)cc1"))
    found = Candidates(start, end, Limits().judge(start, end))
    for proposal in found.proposals(["CC(C)Cc1ccc(CN)cc1", "CC(C)Cc1ccc(C(C)O)cc1", "CCCc1ccc(C(C)N)cc1"]):
        found.add(proposal, "curve")
    assert assemble(found, {}, Search(edits=False))[0].path == (0, 1)
    assert len(assemble(found, {}, Search(edits=False, n_molecules=3))[0].path) == 3


def test_a_source_bridges_under_its_own_name():
    found = fresh()
    asked = []

    def source(pairs):
        asked.extend(pairs)
        return BRIDGE

    (got,) = assemble(found, {"shelf": source}, Search(min_step_similarity=0.4, edits=False))
    assert got.is_bridged
    assert {found[i].origin for i in got.path[1:-1]} == {"shelf"}
    ends = (found[0].smiles, found[1].smiles)
    assert ends in asked and ends[::-1] in asked


def test_a_gap_that_stays_gives_the_widest_path():
    found = fresh("CCCCc1ccccc1N")
    (got,) = assemble(found, {}, Search(min_step_similarity=0.9, edits=False, n_refinements=0))
    assert not got.is_bridged
    direct = float(found.similarity[0, 1])
    assert worst(found, got.path) == max(direct, worst(found, (0, 2, 1)))


def test_no_molecule_stands_twice_and_all_are_clear():
    found = fresh(*BRIDGE, "CCCCc1ccccc1C=O")
    for got in assemble(found, {}, Search()):
        assert len(set(got.path)) == len(got.path)
        assert all(found.is_clear(i) for i in got.path)
        assert all(found[i].smiles != "CCCCc1ccccc1C=O" for i in got.path)


def test_several_paths_have_no_candidate_between_in_common():
    found = fresh(*BRIDGE)
    paths = [set(got.path[1:-1]) for got in assemble(found, {}, Search(n_paths=3))]
    assert len(paths) == 3
    assert not paths[0] & paths[1] and not paths[0] & paths[2] and not paths[1] & paths[2]


@pytest.mark.parametrize("least", [0.35, 0.7, 0.9])
def test_a_step_at_the_limit_is_small_enough(least):
    # Similarities are stored in single precision, where these numbers round down.
    assert np.float32(least) >= Search(min_step_similarity=least).floor


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_the_number_of_molecules_is_what_was_asked_for(n):
    (got,) = assemble(fresh(*BRIDGE), {}, Search(n_molecules=n))
    assert len(got.path) == n


@pytest.mark.parametrize("n", [3, 4])
def test_fewer_molecules_than_small_steps_need_are_spread_as_evenly_as_can_be(n):
    found = fresh(*BRIDGE)
    (got,) = assemble(found, {}, Search(min_step_similarity=0.6, n_molecules=n))
    order = (found.similarity[1] - found.similarity[0]).astype(float)
    order[0], order[1] = -np.inf, np.inf
    best = discrete.widest_with_exactly(found.similarity, order, n, 0, 1, found.allowed)
    assert len(got.path) == n and best < 0.6 and not got.is_bridged
    assert worst(found, got.path) == best


def test_a_number_of_molecules_holds_when_time_is_up():
    search = Search(min_step_similarity=0.4, edits=False, n_molecules=2, timeout=1e-9)
    (got,) = assemble(fresh(*BRIDGE), {}, search)
    assert got.is_timed_out and got.path == (0, 1)


def test_a_path_is_never_dearer_once_it_is_refined():
    def cost(found, path):
        steps = [(i, j) for i, j in pairwise(path)]
        lam = found.weights
        return sum((0.5 * (lam[i] + lam[j]) * (1 - float(found.similarity[i, j]))) ** 2 for i, j in steps)

    costs = []
    for n in range(3):
        found = fresh(*BRIDGE)
        (got,) = assemble(found, {}, Search(min_step_similarity=0.4, n_refinements=n, n_molecules=None))
        assert got.is_bridged
        costs.append(cost(found, got.path))
    assert costs[2] <= costs[1] <= costs[0]


def test_a_refinement_looks_past_one_molecule_and_past_two(monkeypatch):
    asked = set()

    def edit(mol, goal):
        asked.add((Chem.MolToSmiles(mol), Chem.MolToSmiles(goal.mol)))
        return []

    monkeypatch.setattr("molinterp.paths.similarity_search.EDITS", (edit,))
    found = fresh("CCCc1ccccc1O", "CCCc1ccc(F)cc1O", "CCCc1ccc(F)cc1N")
    (got,) = assemble(found, {}, Search(objective="short"))
    smiles = [found[i].smiles for i in got.path]
    assert len(smiles) == 5
    past = {(a, b) for k in (2, 3) for a, b in zip(smiles, smiles[k:], strict=False)}
    assert past | {(b, a) for a, b in past} <= asked


def test_where_no_order_has_enough_molecules_a_detour_gives_them(monkeypatch):
    search = Search(min_step_similarity=0.4)
    (straight,) = assemble(fresh(*BRIDGE), {}, search)
    monkeypatch.setattr(discrete, "with_exactly", lambda *_, **__: ())
    found = fresh(*BRIDGE)
    (got,) = assemble(found, {}, search)
    for path in (straight.path, got.path):
        assert len(set(path)) == len(path) >= MIN_MOLECULES and (path[0], path[-1]) == (0, 1)
    assert got.is_bridged and worst(found, got.path) >= 0.4
    assert all(found.is_clear(i) for i in got.path)


def test_a_time_limit_ends_the_search_with_a_path():
    search = Search(min_step_similarity=0.99, timeout=1e-9)
    (got,) = assemble(fresh(), {}, search)
    assert got.is_timed_out and not got.is_bridged
    assert got.path[0] == 0 and got.path[-1] == 1


def test_the_same_candidates_give_the_same_path():
    first, again = (assemble(fresh(), {}, Search()) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_step_similarity": 1.0}, r"`min_step_similarity` must be in \(0, 1\); got 1.0"),
        ({"objective": "fast"}, "`objective` must be one of smooth, short; got 'fast'"),
        ({"n_molecules": 1}, "`n_molecules` must be at least 2"),
        ({"n_paths": 0}, "`n_paths` must be at least 1"),
        ({"timeout": 0.0}, "`timeout` must be positive seconds"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(InputError, match=message):
        Search(**options)
