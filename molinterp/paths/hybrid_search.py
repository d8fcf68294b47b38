"""Paths through hybrids: the two ends aligned, their lattices searched lazily under filters and λ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

from rdkit import Chem

from molinterp.chem.alignment import align
from molinterp.chem.changes import Change, describe_change
from molinterp.chem.filters import Filters
from molinterp.chem.filters.base import Cost
from molinterp.chem.hybrids import Lattice, MoveLimits
from molinterp.chem.hybrids.blame import places_of
from molinterp.chem.molecule_terms import MoleculeTerms
from molinterp.model.protocol import LatentModel
from molinterp.paths.found import FoundMolecule, FoundPath
from molinterp.paths.objective import PathObjective
from molinterp.paths.request import TERM_WEIGHTS, Objective, PathRequest
from molinterp.paths.search import GOAL, START, Fault, LazySearch, Node, Route, Seen
from molinterp.paths.terrain import StepCost, Terrain, Work


@final
@dataclass(frozen=True)
class HybridSettings:
    """How the hybrids of a pair are searched."""

    n_alignments: int = 4
    """Alignments that compete."""
    cost: StepCost = StepCost()
    """What a step costs before λ."""
    limits: MoveLimits = MoveLimits()
    """How much one step may change."""
    work: Work = Work()
    """How much is done at most."""


FINE = HybridSettings(cost=StepCost(step_penalty=0.25))
"""Settings where more molecules are asked for than the changes need: as many small steps as there are."""
SHORT = HybridSettings(cost=StepCost(step_penalty=6.0), limits=MoveLimits(max_atoms=12))
"""Settings of the objective `short`: steps of up to 12 heavy atoms, and fewer of them."""


@final
class Examiner:
    """Filters and weighs the molecules of one problem; see `search.Examiner`."""

    def __init__(
        self,
        filters: Filters,
        terms: MoleculeTerms,
        objective: PathObjective,
        model: LatentModel,
        weights: Mapping[str, float],
    ) -> None:
        """Take what molecules are measured by, and the weights of the terms of λ."""
        self._filters, self._terms, self._objective, self._model = filters, terms, objective, model
        self._weights = weights

    def sift(self, mol: Chem.Mol) -> Fault | None:
        """What the cheap filters say against a molecule."""
        return self._fault(mol, Cost.CHEAP)

    def screen(self, mol: Chem.Mol) -> Fault | None:
        """What the costly filters say against a molecule that the cheap ones pass."""
        return self._fault(mol, Cost.COSTLY)

    def _fault(self, mol: Chem.Mol, cost: Cost) -> Fault | None:
        failure = self._filters.failure(mol, (cost,))
        if failure is None:
            return None
        return Fault(failure.name, tuple(places_of(self._filters.context, mol, failure)))

    def weigh_quickly(self, mol: Chem.Mol) -> Mapping[str, float]:
        """Weighted terms of λ that cost little, of a molecule that passes the cheap filters."""
        return {"range": self._terms.range(mol)}

    def weigh(self, mols: Sequence[Chem.Mol], smiles: Sequence[str]) -> Sequence[Mapping[str, float]]:
        """The other weighted terms of λ, of molecules that pass all filters."""
        latent = self._objective.weighted_terms(self._model, smiles)
        return [{**own, **self._of_molecule(mol)} for own, mol in zip(latent, mols, strict=True)]

    def _of_molecule(self, mol: Chem.Mol) -> dict[str, float]:
        against = self._filters.terms(mol)
        own = {name: self._weights[name] * value for name, value in against.items()}
        return {"qed": self._terms.qed(mol), **own}


@final
@dataclass(frozen=True)
class HybridPaths:
    """Paths through hybrids and what was done for them."""

    paths: tuple[FoundPath, ...]
    """The paths, best first."""
    n_candidates: int
    """Different molecules that were built."""
    rejected: Mapping[str, int]
    """Name of a filter to the number of different molecules that failed it."""


def find_hybrid_paths(
    start: Chem.Mol,
    end: Chem.Mol,
    request: PathRequest,
    filters: Filters,
    objective: PathObjective,
    model: LatentModel,
    settings: HybridSettings | None = None,
) -> HybridPaths | None:
    """Paths whose molecules are hybrids of two compounds, best first; None if no hybrids join them.

    Args:
        start: one end.
        end: the other.
        request: what is asked.
        filters: of the molecules between.
        objective: λ and constraints.
        model: encodes the molecules for the terms of λ on latent space.
        settings: of the search; None means those of the objective that is asked for.
    """
    settings = settings or (SHORT if request.objective == Objective.SHORT else HybridSettings())
    weights = {**TERM_WEIGHTS, **request.term_weights}
    examiner = Examiner(filters, MoleculeTerms(start, end, weights), objective, model, weights)
    maps = [alignment.pairs for alignment in align(start, end)[: settings.n_alignments] if alignment.pairs]
    lattices = [Lattice(start, end, pairs) for pairs in maps]
    ends = [
        Seen(Chem.MolToSmiles(m), weight=1.0 + sum(t.values()), is_weighed=True, terms=t)
        for m, t in zip((start, end), _terms_of_ends(start, end, objective, model), strict=True)
    ]

    def search_with(chosen: HybridSettings) -> LazySearch:
        terrains = [Terrain(lattice, chosen.cost, chosen.limits, chosen.work) for lattice in lattices]
        return LazySearch(terrains, examiner, chosen.work, (ends[0], ends[1]))

    if not lattices:
        return None
    search = search_with(settings)
    route, wanted = search.solve(), request.n_molecules
    if route is not None and wanted is not None and wanted > len(_different(search, route)):
        search = search_with(FINE)
        route = search.solve()
    if route is None:
        return None
    paths: list[FoundPath] = []
    while route is not None and len(paths) < request.n_paths:
        shown = _different(search, route)
        if wanted is not None and wanted < len(shown):
            shown = search.thinned(Route(shown, route.energy), wanted).nodes
        paths.append(_Reader(search, start, end).path(shown, wanted))
        if len(route.nodes) == 2:
            break
        search.bar(route)
        route = search.solve() if len(paths) < request.n_paths else None
    return HybridPaths(tuple(paths), search.n_sifted, dict(search.faults))


def _different(search: LazySearch, route: Route) -> tuple[Node, ...]:
    """Nodes of a route without those that are the molecule before under another name."""
    nodes = [route.nodes[0]]
    for node in route.nodes[1:]:
        here, before = search.seen(node), search.seen(nodes[-1])
        if here is None or before is None or here.smiles != before.smiles:
            nodes.append(node)
        elif node == GOAL:
            nodes[-1] = node
    return tuple(nodes)


def _terms_of_ends(
    start: Chem.Mol, end: Chem.Mol, objective: PathObjective, model: LatentModel
) -> list[dict[str, float]]:
    smiles = [Chem.MolToSmiles(m) for m in (start, end)]
    return [{**terms, "range": 0.0, "qed": 0.0} for terms in objective.weighted_terms(model, smiles)]


@final
class _Reader:
    """Reads molecules and changes off the routes of a search."""

    def __init__(self, search: LazySearch, start: Chem.Mol, end: Chem.Mol) -> None:
        self._search, self._ends = search, {START: start, GOAL: end}

    def path(self, nodes: Sequence[Node], wanted: int | None) -> FoundPath:
        molecules = tuple(self._molecule(node) for node in nodes)
        changes = tuple(self._change(a, b) for a, b in pairwise(nodes))
        notes = _remarks(changes)
        if wanted is not None and wanted != len(nodes):
            notes.append(f"{wanted} molecules were asked for; the changes between the ends give {len(nodes)}")
        return FoundPath(molecules, changes, tuple(notes), all(change.is_readable for change in changes))

    def _seen(self, node: Node) -> Seen:
        seen = self._search.seen(node)
        assert seen is not None  # the search looks at all of a route
        return seen

    def _molecule(self, node: Node) -> FoundMolecule:
        seen = self._seen(node)
        origin = "end" if node in self._ends else "hybrid"
        return FoundMolecule(seen.smiles, Chem.MolFromSmiles(seen.smiles), origin, seen.terms)

    def _change(self, before: Node, after: Node) -> Change:
        number = max(before[0], after[0], 0)
        first, second = self._mapped(before, number), self._mapped(after, number)
        place = {node: i for i, node in enumerate(second[1])}
        pairs = [(i, place[node]) for i, node in enumerate(first[1]) if node in place]
        return describe_change(first[0], second[0], pairs)

    def _mapped(self, node: Node, number: int) -> tuple[Chem.Mol, list[int]]:
        """A molecule read from its SMILES, and the node of the lattice of each of its atoms."""
        lattice = self._search.terrains[number].lattice
        if node in self._ends:
            mol, places = Chem.Mol(self._ends[node]), lattice.overlay.places[node == GOAL]
            nodes = [places[i] for i in range(mol.GetNumAtoms())]
        else:
            hybrid = lattice.builder.build(node[1])
            assert hybrid is not None  # it was built before
            mol, nodes = hybrid.mol, list(hybrid.nodes)
        smiles = Chem.MolToSmiles(mol)
        order = mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"]
        return Chem.MolFromSmiles(smiles), [nodes[i] for i in order]


def _remarks(changes: Sequence[Change]) -> list[str]:
    out = []
    if len(changes) == 1 and changes[0].is_readable:
        out.append("start and end are one change apart: nothing need lie between")
    for number, change in enumerate(changes, start=1):
        if not change.is_readable:
            out.append(f"step {number} changes {change.size} heavy atoms at {change.n_sites} places")
    return out
