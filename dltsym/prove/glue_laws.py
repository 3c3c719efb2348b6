"""Laws that z3 is told about atoms: enclosures of constants, definitions, products of exp and log, tangents."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement

from dltsym.errors import UnknownNode
from dltsym.functions.table import FUNCTIONS
from dltsym.notation.parse import row_text
from dltsym.notation.tree import Call, Expr, Rel
from dltsym.notation.walk import free_symbols
from dltsym.prove.atoms import Atoms, Known
from dltsym.prove.axioms import monotone
from dltsym.prove.linear import Scene, refresh
from dltsym.prove.polynomials import Poly, add, constant, mul, ratio_add, text_of, variable
from dltsym.prove.shapes import ZERO
from dltsym.prove.signs import assume, gather


def constants(scene: Scene) -> list[Known]:
    """Enclose closed constants such as ``log(2)`` by short rationals.

    Parameters
    ----------
    scene : Scene
        Atoms of a question.

    Returns
    -------
    list of Known
    """
    out = []
    for name, e in scene.atoms.exprs.items():
        r = scene.bounds.get(name)
        if not isinstance(e, Call) or free_symbols(e) or r is None:
            continue
        grid = 10**9
        if r.lo is not None:
            low = Fraction(r.lo * grid // 1, grid)
            out.append(Known(add(variable(name), constant(low), -1), ">=", f"value of {e}"))
        if r.hi is not None:
            high = Fraction(-(-r.hi * grid // 1), grid)
            out.append(Known(add(constant(high), variable(name), -1), ">=", f"value of {e}"))
    return out


def expand_laws(scene: Scene) -> None:
    """Add definitions of defined functions where these are defined, and ``exp(a + b) = exp(a)*exp(b)``.

    Parameters
    ----------
    scene : Scene
        Atoms of a question; the facts are added there.
    """
    from dltsym.prove.definedness import conditions

    atoms = scene.atoms
    for name, e in list(atoms.exprs.items()):
        if not isinstance(e, Call) or name in atoms.blocked or FUNCTIONS[e.name].definition is None:
            continue
        body = row_text(e, FUNCTIONS[e.name].definition or "")
        assert isinstance(body, Expr)
        if all(atoms.sub(c.rel, name, c.local) for c in conditions(body)):
            assume(atoms, Rel(e, "=", body), f"definition of {e}")
    gather(atoms)
    _logs(atoms)
    exps = {
        text_of(atoms.args[n][0].num, atoms.args[n][0].den): n
        for n, e in atoms.exprs.items()
        if isinstance(e, Call) and e.name == "exp"
    }
    for a, b in combinations_with_replacement(sorted(exps.values()), 2):
        whole = ratio_add(atoms.args[a][0], atoms.args[b][0])
        both = exps.get(text_of(whole.num, whole.den))
        if both is not None:
            atoms.facts.append(Known(add(variable(both), mul(variable(a), variable(b)), -1), "=", "exp of a sum"))
    _pairs(atoms)
    refresh(scene)


def _pairs(atoms: Atoms) -> None:
    """Order pairs of atoms of one increasing function f: ``(u - w)*(f(u) - f(w)) >= 0``, tangents for exp and log."""
    for a, b in list(monotone(atoms)):
        if atoms.args[a][0].den or atoms.args[b][0].den:
            continue
        name = getattr(atoms.exprs[a], "name", "")
        step = add(atoms.args[a][0].num, atoms.args[b][0].num, -1)
        rise = add(variable(a), variable(b), -1)
        if name == "exp":  # f(u) - f(w) >= f(w)*(u - w), and the other way round
            rows = [add(rise, mul(variable(b), step), -1), add(mul(variable(a), step), rise, -1)]
        elif name == "log":  # u - w >= w*(f(u) - f(w)), and the other way round
            u, w = atoms.args[a][0].num, atoms.args[b][0].num
            rows = [add(step, mul(w, rise), -1), add(mul(u, rise), step, -1)]
        else:
            rows = [mul(step, rise)]
        atoms.facts += [Known(row, ">=", f"{name} is increasing") for row in rows]


def _logs(atoms: Atoms) -> None:
    """Add ``log`` of a product or quotient of positive factors as the sum of their logs."""
    for name, e in list(atoms.exprs.items()):
        if not isinstance(e, Call) or e.name != "log" or name in atoms.blocked:
            continue
        (r,) = atoms.args[name]
        if len(r.num) != 1 or (not r.den and sum(k for _, k in next(iter(r.num))) < 2 and r.num[max(r.num)] == 1):
            continue
        ((mono, c),) = r.num.items()
        parts = [(((((n, 1),), Fraction(1)),), k) for n, k in mono] + [(f, -k) for f, k in r.den]
        if c <= 0 or not all(atoms.sub(Rel(ZERO, "<", atoms.expr(f)), name) for f, _ in parts):
            continue
        total: Poly = {}
        try:
            for f, k in [*parts, *([(((((), c)),), 1)] if c != 1 else [])]:
                total = add(total, atoms.ratio(Call("log", (atoms.expr(f),))).num, k)
        except UnknownNode:
            continue
        atoms.facts.append(Known(add(variable(name), total, -1), "=", f"{e} as a sum"))
    gather(atoms)
