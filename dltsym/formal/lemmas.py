"""Lemmas of one file: equations, signs, and the levels of a ladder, each with its own context.

The exporter searches again for the levels and signs that a certificate names (its variable and contact are used, its
text is not trusted): what it finds is checked by Coq, what it does not find is not exported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

from dltsym.formal.context import begin, statement
from dltsym.formal.forms import Poly, constant, quotient, variables
from dltsym.formal.proof import WANTED, Proof, Rescale, Unproved
from dltsym.formal.signs import signed
from dltsym.formal.text import coq
from dltsym.notation.tree import Add, Call, Expr, Mul, Neg, Num, Rel, Sym
from dltsym.notation.walk import subterms

ZERO = Num(Fraction(0))
MAX_LEVEL, RESCALES = 6, 8
Build = Callable[[Proof], str]


def lemma(name: str, symbols: Iterable[Sym], given: Iterable[Rel], goal: str, build: Build, word: str = "Lemma") -> str:
    """Return a lemma with its proof; the units of exponentials are found by starting again.

    Parameters
    ----------
    name : str
        Name.
    symbols : iterable of Sym
        Quantified symbols.
    given : iterable of Rel
        Hypotheses.
    goal : str
        Conclusion as Coq text.
    build : callable
        Fills a context and returns the last tactics.
    word : str
        ``Lemma`` or ``Theorem``.

    Returns
    -------
    str

    Raises
    ------
    Unproved
        When the proof is not found.
    """
    symbols, given = tuple(symbols), tuple(given)
    scale: dict[str, int] = {}
    for _ in range(RESCALES):
        try:
            proof = begin(given, scale, symbols)
            last = build(proof)
        except Rescale:
            continue
        except Unproved:
            if scale.get(WANTED) != 0:
                raise
            scale[WANTED] = 1
            continue
        names = " ".join([*(coq(s) for s in symbols), *(f"H{k}" for k in range(len(given)))])
        head = f"{statement(name, symbols, given, goal, word)}\nProof.\n"
        intro = f"  intros {names}.\n" if names else ""
        return head + intro + "\n".join([*proof.lines, f"  {last.rstrip('. ')}.", "Qed.\n"])
    raise Unproved("the units of the exponentials do not settle")


def equation(p: Proof, lhs: Expr, rhs: Expr) -> str:
    """Return the tactic for ``lhs = rhs``.

    Parameters
    ----------
    p : Proof
        Context.
    lhs, rhs : Expr
        Sides.

    Returns
    -------
    str

    Raises
    ------
    Unproved
        When the normal forms differ.
    """
    gap = p.reduced(p.form(lhs) + p.form(rhs) * quotient(constant(-1)))
    if gap.num.is_zero():
        return p.equate(lhs, rhs)
    for k, given in enumerate(p.given):
        known = p.form(gap_of(given)) if given.op == "=" else None
        ratio = gap * known.inverse() if known is not None and not known.num.is_zero() else None
        if ratio is not None and _divides(ratio.den, gap.den):
            factor = p.quotient_tree(ratio)
            zero = p.say(p.fresh("Z"), f"{coq(gap_of(given))} = 0", f"first [ lra | rewrite H{k}; ring ]")
            both = Add((lhs, Neg(rhs)))
            said = f"{coq(both)} = {coq(factor)} * {coq(gap_of(given))}"
            name = p.say(p.fresh("E"), said, p.equate(both, factor, gap_of(given)))
            return f"apply Rminus_diag_uniq; unfold Rminus; rewrite {name}, {zero}; ring"
    raise Unproved(f"no equal forms of {lhs} and {rhs}")


def _divides(poly: Poly, known: Poly) -> bool:
    """Whether a polynomial divides a power of one that does not vanish."""
    mine = [f / f.leading_coefficient() for f, _ in known.factor()[1]]
    return all(f / f.leading_coefficient() in mine for f, _ in poly.factor()[1])


def gap_of(rel: Rel) -> Expr:
    """Return what a relation says is not negative.

    Parameters
    ----------
    rel : Rel
        ``<`` or ``<=``.

    Returns
    -------
    Expr
    """
    return Add((rel.rhs, Neg(rel.lhs)))


def nonnegative(p: Proof, e: Expr, strict: bool) -> str:
    """Return the tactic for ``0 <= e`` or ``0 < e``.

    Parameters
    ----------
    p : Proof
        Context.
    e : Expr
        Tree.
    strict : bool
        Which of the two.

    Returns
    -------
    str

    Raises
    ------
    Unproved
        When there is no such sign.
    """
    if not strict and p.form(e).num.is_zero():
        return f"replace {coq(e)} with 0; [ lra | symmetry; {p.equate(e)} ]"
    got = signed(p, e)
    if got is None or got[0] < 0 or (strict and got[1] != "<"):
        raise Unproved(f"no sign of {e}")
    return "weak"


def relation(p: Proof, rel: Rel) -> str:
    """Return the tactic for a relation by equal forms or by the sign of the difference, or after one exponential.

    Parameters
    ----------
    p : Proof
        Context.
    rel : Rel
        Relation.

    Returns
    -------
    str

    Raises
    ------
    Unproved
        When no sign is found.
    """
    if rel.op == "=":
        try:
            return equation(p, rel.lhs, rel.rhs)
        except Unproved:
            return _by_logs(p, rel.lhs, rel.rhs)
    if rel.op == "!=":
        got = signed(p, gap_of(rel))
        if got is None or got[1] != "<":
            raise Unproved(f"no sign of {gap_of(rel)}")
        return "intro Z; lra"
    strict, gap = rel.op == "<", gap_of(rel)
    name = "lt_of_gap" if strict else "le_of_gap"
    try:
        return f"apply {name}; unfold Rminus; {nonnegative(p, gap, strict)}"
    except Unproved:
        return f"apply {name}; unfold Rminus; {_log_rule(p, gap, strict)}"


def _by_logs(p: Proof, lhs: Expr, rhs: Expr) -> str:
    """Prove an equation of two positive products by their logarithms."""
    tactic = equation(p, Call("log", (lhs,)), Call("log", (rhs,)))
    for e in (lhs, rhs):
        if signed(p, e) != (1, "<"):
            raise Unproved(f"no sign of {e}")
    return f"apply ln_inv; [ assumption | assumption | {tactic} ]"


def _log_rule(p: Proof, gap: Expr, strict: bool) -> str:
    """Prove a sum of logarithms with rational coefficients by the exponential of a multiple of it."""
    q = p.form(gap)
    logs = [v for v in variables(q.num) if p.gens[v].kind == "log"]
    if not logs or not q.den.is_constant():
        raise Unproved(f"no sign of {gap}")
    unit = 1
    for exps, c in q.num.to_dict().items():
        if any(exps[v] for v in logs):
            unit = unit * int(c.q)
    if unit > 12:
        raise Unproved(f"no sign of {gap}")
    scaled = Call("exp", (Mul((Num(Fraction(unit)), gap)),))
    value = Add((scaled, Neg(Num(Fraction(1)))))
    tactic = nonnegative(p, value, strict)
    rule = "gt_of_exp" if strict else "ge_of_exp"
    return f"apply ({rule} {unit}); [ lra | unfold Rminus; {tactic} ]"


_INSIDE = (
    "repeat split; first [ exact I | assumption | nonzero | lra | solve [ pos ] | "
    "repeat (apply Rmult_lt_0_compat; [ first [ lra | pos ] | ]); "
    "first [ lra | apply Rinv_0_lt_compat; first [ lra | pos ] ] | nra ]"
)


def slope(p: Proof, body: Expr, *values: Expr) -> str:
    """Return the tactic for ``is_derive (fun x => body) x d``, where the trees in `values` are forms of d.

    Parameters
    ----------
    p : Proof
        Context; the forms of all trees are in it.
    body : Expr
        Function.
    *values : Expr
        Its derivative as computed, and as claimed.

    Returns
    -------
    str
    """
    for t in subterms(body):
        if isinstance(t, Call) and t.name == "log":
            signed(p, t.args[0])
    tactic = p.equate(body, *values)
    # The rules of Coquelicot leave ``a * / b`` where the atoms in the context have ``a / b``.
    fold = "repeat match goal with |- context [?a * / ?b] => change (a * / b) with (a / b) end"
    return f"auto_derive; [ {_INSIDE} .. | ]; cbv beta; first [ {tactic} | {fold}; {tactic} | unfold Rminus; {tactic} ]"
