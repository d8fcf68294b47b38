"""The lazy search finds what looking at everything finds."""

import heapq
from itertools import count

import pytest
from rdkit import Chem

from molinterp.chem.alignment import align
from molinterp.chem.hybrids import Lattice, MoveLimits
from molinterp.paths.search import FLOOR, Fault, LazySearch, Seen
from molinterp.paths.terrain import StepCost, Terrain, Work

PAIRS = [
    ("CCOc1ccccc1Cl", "CNc1ccc(F)cc1"),
    ("Cc1ccc(C(=O)O)cc1", "COc1ccc(CN)cc1F"),
    ("CC(C)Cc1ccccc1", "O=C(O)c1ccc(C(F)(F)F)nc1"),
]


class Examiner:
    """Chlorine beside fluorine fails, and every nitrogen weighs; both only known once looked at."""

    def __init__(self):
        self.looked = []

    def sift(self, mol):
        return Fault("size") if mol.GetNumHeavyAtoms() > 16 else None

    def screen(self, mol):
        symbols = {atom.GetSymbol() for atom in mol.GetAtoms()}
        return Fault("halogens") if {"F", "Cl"} <= symbols else None

    def weigh_quickly(self, mol):
        return {"oxygen": 0.2 * sum(a.GetSymbol() == "O" for a in mol.GetAtoms())}

    def weigh(self, mols, smiles):
        self.looked += smiles
        return [{"nitrogen": 0.5 * sum(a.GetSymbol() == "N" for a in m.GetAtoms())} for m in mols]


def terrains(start, end, work):
    maps = [a.pairs for a in align(start, end)[:2] if a.pairs]
    return [Terrain(Lattice(start, end, pairs), StepCost(), MoveLimits(), work) for pairs in maps]


def exhaustive(lattice_terrains, examiner, ends):
    """Least Σ λ̄² d² over all states of all lattices, each built, filtered and weighed."""
    best = float("inf")
    for terrain in lattice_terrains:
        weights = {0: FLOOR, terrain.goal: FLOOR}
        smiles = {0: ends[0], terrain.goal: ends[1]}
        for state in range(1, terrain.goal):
            hybrid = terrain.lattice.builder.build(state) if terrain.is_open(state) else None
            if hybrid is None or hybrid.smiles in ends:
                continue
            if examiner.sift(hybrid.mol) or examiner.screen(hybrid.mol):
                continue
            terms = {**examiner.weigh_quickly(hybrid.mol), **examiner.weigh([hybrid.mol], [""])[0]}
            weights[state], smiles[state] = FLOOR + sum(terms.values()), hybrid.smiles
        cost, ticks = {0: 0.0}, count()
        queue = [(0.0, next(ticks), 0)]
        while queue:
            so_far, _, state = heapq.heappop(queue)
            if state == terrain.goal:
                best = min(best, so_far)
                break
            for other, squared, _ in terrain.steps(state):
                if other not in weights or so_far > cost.get(state, float("inf")):
                    continue
                mean = (weights[state] + weights[other]) / 2
                step = 0.0 if smiles[state] == smiles[other] else mean * mean * squared
                if so_far + step < cost.get(other, float("inf")):
                    cost[other] = so_far + step
                    heapq.heappush(queue, (cost[other], next(ticks), other))
    return best


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_the_answer_is_that_of_looking_at_everything(a, b):
    start, end = Chem.MolFromSmiles(a), Chem.MolFromSmiles(b)
    ends = (Chem.MolToSmiles(start), Chem.MolToSmiles(end))
    work = Work(n_sifted=10_000, n_weighed=10_000, n_steps=10**6, n_all_steps=10**7)
    examiner = Examiner()
    seen = tuple(Seen(s, is_weighed=True) for s in ends)
    search = LazySearch(terrains(start, end, work), examiner, work, seen)
    route = search.solve()
    looked = len(set(examiner.looked))
    assert route is not None
    assert route.energy == pytest.approx(exhaustive(terrains(start, end, work), Examiner(), ends))
    n_states = sum(terrain.goal - 1 for terrain in search.terrains)
    assert looked < n_states / 2
    assert len(examiner.looked) == looked  # none twice


def test_the_bound_never_exceeds_what_is_left_to_pay():
    start, end = (Chem.MolFromSmiles(s) for s in PAIRS[0])
    for terrain in terrains(start, end, Work()):
        cost = {terrain.goal: 0.0}
        for state in sorted(range(terrain.goal), key=int.bit_count, reverse=True):
            ahead = [squared + cost[other] for other, squared, _ in terrain.steps(state) if other in cost]
            if ahead:
                cost[state] = min(ahead)
                assert terrain.bound(terrain.goal ^ state) <= cost[state] * (1 + 1e-9)
