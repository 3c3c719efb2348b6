"""E6, branch and bound: an inequality on a compact box of real variables (and of a few integers), by ball arithmetic.

Hypotheses confine every variable of the goal; an equation that is linear in a variable replaces it; what is left of the
hypotheses discards pieces. The search is in `dltsym.prove.boxes`, the certificate is replayed by
`dltsym.prove.replay.boxes`. A refutation is an exact point of the cover, certified like any other witness.
"""

from __future__ import annotations

import time
from fractions import Fraction

from dltsym.errors import UnknownNode
from dltsym.notation.evaluate import evaluate_exact
from dltsym.notation.tree import Rel, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.boxes import Budget, Cutter
from dltsym.prove.boxes_sides import confine
from dltsym.prove.engines import Engine
from dltsym.prove.problem import Problem
from dltsym.prove.replay import Rejected
from dltsym.prove.replay.boxes import Claim, claim, members
from dltsym.prove.replay.spans import ends_of, linear
from dltsym.prove.sample import refute_at
from dltsym.prove.verdict import REFUTED, Verdict, open_, proved

NAME, MAX_BOXES = "boxes", 200_000
SECONDS = 9.0  # a step gets 10 by default; stopping here says what is left


def run(problem: Problem, boxes: int = MAX_BOXES, seconds: float = SECONDS) -> Verdict:
    """Decide an inequality on a box.

    Parameters
    ----------
    problem : Problem
        Goal ``<`` or ``<=``.
    boxes : int
        Boxes to evaluate at most.
    seconds : float
        Processor time.

    Returns
    -------
    Verdict
    """
    try:
        solve, c = eliminate(problem)
        sides, box = confine(c.hypotheses)
        family = list(members(c, box))
        for s in free_symbols(c.gap):
            ends_of(box, s.name)
    except Rejected as why:
        return open_(NAME, why.why)
    budget, listed, shown = Budget(boxes, time.process_time() + seconds), [], 0
    for values, member in family:
        try:
            cutter = Cutter(member, box)
        except (UnknownNode, Rejected) as err:
            return open_(NAME, str(err))
        for cover in cutter.cover(budget):
            if cover.negative is not None:
                bad = _lift(problem, solve, {**cover.negative, **values})
                if bad is not None:
                    return bad
            elif cover.stopped:
                spent = boxes - budget.boxes
                return open_(NAME, f"{cover.stopped} after {spent} boxes; left: {cover.left}", boxes=spent)
        listed.append({"at": values, "tree": "".join(cover.tree)})
        shown += cover.points
    if not shown:
        return open_(NAME, "the hypotheses exclude the whole box: they may contradict each other")
    count = sum(len(m["tree"]) for m in listed)
    kind = {"kind": NAME, "solve": [list(p) for p in solve], "sides": sides, "members": listed, "boxes": count}
    where = {n: [str(a), str(b)] for n, (a, b) in sorted(box.items()) if a is not None and b is not None}
    return proved(NAME, "ball", boxes=count, box=where, precision=64, members=len(listed), certificate=kind)


def eliminate(problem: Problem) -> tuple[tuple[tuple[str, str], ...], Claim]:
    """Solve linear equations among the hypotheses for variables of the goal.

    Parameters
    ----------
    problem : Problem
        Problem.

    Returns
    -------
    tuple
        Names with the equations that give them, and the claim without them.
    """
    solve: tuple[tuple[str, str], ...] = ()
    c = claim(problem)
    for _ in range(8):
        found = _equation(c)
        if found is None:
            break
        solve = (*solve, (found[0].name, str(found[1])))
        c = claim(problem, solve)
    return solve, c


def _equation(c: Claim) -> tuple[Sym, Rel] | None:
    mine = sorted((s for s in free_symbols(c.gap) if s.decl.sort == "real"), key=lambda s: s.name)
    for rel in c.hypotheses:
        if rel.op == "=":
            for s in sorted(mine, key=lambda s: s not in (rel.lhs, rel.rhs)):
                split = linear(rel.rhs + (-rel.lhs), s)
                if split is not None and split[0]:
                    return s, rel
    return None


def _lift(problem: Problem, solve: tuple[tuple[str, str], ...], point: dict[str, Fraction]) -> Verdict | None:
    """Certify a point as a witness, the solved variables filled in where their values are rational."""
    values = dict(point)
    for k in range(len(solve) - 1, -1, -1):
        known = claim(problem, solve[:k]).hypotheses
        rel = next(r for r in known if str(r) == solve[k][1])
        sym = next(s for s in free_symbols(rel) if s.name == solve[k][0])
        split = linear(rel.rhs + (-rel.lhs), sym)
        if split is None or any(s.name not in values for s in free_symbols(split[1])):
            continue
        rest = evaluate_exact(split[1], values)
        if rest is not None:
            values[sym.name] = -rest / split[0]
    bad = refute_at(problem, values)
    return None if bad is None else Verdict(REFUTED, REFUTED, NAME, 0.0, bad.evidence, bad.witness)


ENGINE = Engine(NAME, "ball", 610, ("<", "<="), 20.0, run)
