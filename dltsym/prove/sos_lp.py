"""Certificates with given squares: a linear program, solved exactly by z3's simplex method."""

from __future__ import annotations

from typing import Any

from flint import fmpq

from dltsym.prove.sos_solve import Block, Solution, System

STEPS, SAFETY = 4_000_000, 3000


def solve(system: System, seeds: tuple[Block, ...] = (), steps: int = STEPS) -> Solution | None:
    """Find weights of single squares such that everything cancels.

    Parameters
    ----------
    system : System
        Blocks of one square each; with seeds, its fixed column is zero.
    seeds : tuple of Block
        Further columns, of which the weights have to add up to 1.
    steps : int
        Resource limit.

    Returns
    -------
    Solution or None
        Seeds last; columns of weight 0 are left out.
    """
    import z3

    ctx = z3.Context()
    blocks = (*system.blocks, *seeds)
    unknown = [z3.Real(f"c{k}", ctx) for k in range(len(blocks) + len(system.free))]
    rows: dict[Any, list[Any]] = {}
    columns = [b.columns()[0] for b in blocks] + [c for _, _, c in system.free]
    for x, column in zip(unknown, columns, strict=True):
        for m, c in column.to_dict().items():
            rows.setdefault(m, []).append((x, c))
    fixed = system.fixed.to_dict()
    if any(m not in rows for m in fixed):
        return None
    solver = z3.SolverFor("QF_LRA", ctx=ctx)
    solver.set("rlimit", steps)
    solver.set("timeout", SAFETY)
    solver.add(*(x >= 0 for x in unknown[: len(blocks)]))
    for m, row in rows.items():
        total = [_scaled(c, x, ctx) for x, c in row]
        solver.add((z3.Sum(total) if len(total) > 1 else total[0]) == z3.RealVal(str(-fixed.get(m, fmpq(0))), ctx))
    if seeds:
        first = len(system.blocks)
        solver.add(z3.Sum(unknown[first : len(blocks)]) == 1)
    if str(solver.check()) != "sat":
        return None
    model = solver.model()
    values = [_value(model.eval(x, model_completion=True)) for x in unknown]
    kept = [(b, v) for b, v in zip(blocks, values, strict=False) if v != 0]
    return Solution(tuple(b for b, _ in kept), tuple([[v]] for _, v in kept), tuple(values[len(blocks) :]))


def _scaled(c: fmpq, x: Any, ctx: Any) -> Any:
    import z3

    return x if c == 1 else z3.RealVal(str(c), ctx) * x


def _value(x: Any) -> fmpq:
    return fmpq(int(x.numerator_as_long()), int(x.denominator_as_long()))
