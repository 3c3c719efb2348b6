"""From proofs in memory to certificates: plain data that `dltsym.prove.replay` checks without any search.

A `Writer` writes for one place, the facts on one side of a contact for example. It asks the checker's own rules which
side conditions they can show, and adds the others as lemmas with the signs that the engines know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mpoly

from dltsym.errors import DltsymError
from dltsym.notation.parse import parse_expr
from dltsym.notation.tree import Add, Call, Expr, Mul, Neg, Num, Pow, Rel
from dltsym.notation.walk import expand_definitions
from dltsym.prove.exactsign import Exact
from dltsym.prove.ladder_factors import Piece
from dltsym.prove.problem import Problem
from dltsym.prove.region import ByChain, ByFact, ByIdentity, ByOrder, End, Plan, Product, Quadratic, Region, Sign
from dltsym.prove.replay import Rejected, replay
from dltsym.prove.replay.defined import gap
from dltsym.prove.replay.names import readable
from dltsym.prove.replay.setting import setting
from dltsym.prove.replay.side import ZERO, Store, with_facts

MAX_LEMMAS, MAX_NESTING = 24, 6
UNIT = fmpq(1)
Json = dict[str, Any]


class NoCertificate(Exception):
    """A proof rests on something that the checker cannot follow."""


UNWRITTEN = (NoCertificate, ValueError, DltsymError)  # also parts that the checker's own readers refuse


def number(c: fmpq) -> str:
    """Return a rational number as text.

    Parameters
    ----------
    c : fmpq
        Number.

    Returns
    -------
    str
    """
    return str(Fraction(int(c.p), int(c.q)))


def tree(poly: fmpq_mpoly, region: Region) -> Expr:
    """Return a polynomial of a region as a tree.

    Parameters
    ----------
    poly : fmpq_mpoly
        Polynomial.
    region : Region
        Where its variables are named.

    Returns
    -------
    Expr
    """
    out: list[Expr] = []
    for exps, c in poly.to_dict().items():
        value = Fraction(int(c.p), int(c.q))
        powers = [(t, int(e)) for t, e in zip(region.terms, exps, strict=True) if e]
        factors: list[Expr] = [t if e == 1 else Pow(t, Num(Fraction(e))) for t, e in powers]
        if abs(value) != 1 or not factors:
            factors.insert(0, Num(abs(value)))
        body = factors[0] if len(factors) == 1 else Mul(tuple(factors))
        out.append(Neg(body) if value < 0 else body)
    return ZERO if not out else out[0] if len(out) == 1 else Add(tuple(out))


@dataclass
class Writer:
    """Writes what is proved at one place: `exact` proves there, `store` is what the checker knows there."""

    exact: Exact
    names: Mapping[str, Expr]
    store: Store
    lemmas: list[Json] = field(default_factory=list)
    nesting: int = 0

    def text(self, expr: Expr) -> str:
        """Return a tree as text after making sure that the checker finds it defined.

        Parameters
        ----------
        expr : Expr
            Tree.

        Returns
        -------
        str
        """
        self.define(expr)
        return str(expr)

    def define(self, *exprs: Expr) -> None:
        """Add the lemmas without which the checker does not find trees defined.

        Parameters
        ----------
        *exprs : Expr
            Trees.
        """
        for expr in exprs:
            written = parse_expr(str(expr), self.names)  # as the checker will read it
            while (missing := gap(self.store, expand_definitions(written))) is not None:
                self.lemma(missing)

    def lemma(self, rel: Rel) -> None:
        """Add a relation with the sign that proves it.

        Parameters
        ----------
        rel : Rel
            Relation.

        Raises
        ------
        NoCertificate
            When the checker could not follow.
        """
        rel = rel.flipped()
        if len(self.lemmas) >= MAX_LEMMAS or self.nesting >= MAX_NESTING or rel.op == "=":
            raise NoCertificate(f"{rel} is not shown by a sign")
        gap_ = rel.rhs + Neg(rel.lhs)
        got = self.exact.sign(gap_, rel.op != "<=")
        if got is None or (not got.positive and rel.op != "!="):
            raise NoCertificate(f"{rel} is not shown by a sign")
        self.nesting += 1
        self.define(rel.lhs, rel.rhs)
        item = {"rel": str(rel), "sign": self.sign(got)}
        self.nesting -= 1
        self.lemmas.append(item)
        self.store = with_facts(self.store, rel)

    def sign(self, sign: Sign) -> Json:
        """Return SIGN of a proved sign.

        Parameters
        ----------
        sign : Sign
            Sign of a form or polynomial.

        Returns
        -------
        dict

        Raises
        ------
        NoCertificate
            When the checker could not follow.
        """
        proof = sign.proof
        if isinstance(proof, Product):
            return self.product([(proof, 1)])
        if not isinstance(proof, tuple):
            raise NoCertificate("a sign without a proof")
        return self.product(list(proof))

    def pieces(self, pieces: Iterable[Piece]) -> tuple[Json, list[Json]]:
        """Return SIGN of a product of pieces, and its factors with isolated zeros.

        Parameters
        ----------
        pieces : iterable of Piece
            Pieces.

        Returns
        -------
        tuple of (dict, list of dict)

        Raises
        ------
        NoCertificate
            When the checker could not follow.
        """
        pieces = list(pieces)
        apart, count = [], 0
        for p in pieces:
            more = len(p.product.parts)
            if p.apart is not None:
                if more != 1:
                    raise NoCertificate("isolated zeros of several factors")
                term, power = self.text(p.apart.term), p.apart.power
                apart.append({"factor": count, "term": term, "power": power, "sign": self.sign(p.apart.sign)})
            count += more
        return self.product([(p.product, p.power) for p in pieces]), apart

    def product(self, parts: list[tuple[Product, int]], content: fmpq = UNIT) -> Json:
        """Return SIGN of a product of proved products to whole powers.

        Parameters
        ----------
        parts : list of (Product, int)
            Products and powers.
        content : fmpq
            A further constant.

        Returns
        -------
        dict
        """
        factors = []
        for p, n in parts:
            content *= p.content**n
            for poly, power, by in p.parts:
                assert p.region is not None
                text = self.text(tree(poly, p.region))
                factors.append({"poly": text, "power": power * n, "by": self.proof(by, p.region, power * n)})
        return {"content": number(content), "factors": factors if content != 0 else []}

    def proof(self, by: Plan | Quadratic | None, region: Region, power: int) -> Any:
        """Return PROOF of one factor.

        Parameters
        ----------
        by : Plan or Quadratic or None
            How its sign was found.
        region : Region
            Where.
        power : int
            Its exponent.

        Returns
        -------
        str or dict
        """
        if by is None:
            return "even"
        if isinstance(by, Quadratic):
            parts = {"lead": by.lead, "last": by.last, "rest": by.rest}
            signs = {name: self.sign(s) for name, s in parts.items() if s is not None}
            return {"quadratic": self.text(region.terms[by.var]), **signs}
        steps = []
        for v, low, high in by.choices:
            ends = {"low": low, "high": high}
            written = {name: self.end(v, e, name, region) for name, e in ends.items() if e is not None}
            steps.append({"term": self.text(region.terms[v]), **written})
        return {"plan": steps}

    def end(self, v: int, end: End, side: str, region: Region) -> Json:
        """Return END of a variable.

        Parameters
        ----------
        v : int
            Variable.
        end : End
            End.
        side : str
            ``low`` or ``high``.
        region : Region
            Where.

        Returns
        -------
        dict

        Raises
        ------
        NoCertificate
            When the checker could not follow.
        """
        out: Json = {"num": self.text(tree(end.num, region))}
        if end.below is not None:
            out["den"] = self.sign(end.below)
        elif not end.den.is_one():
            raise NoCertificate("an end without the sign of its denominator")
        why = self.why(v, end, side, region)
        return {**out, "why": why} if why is not None else out

    def why(self, v: int, end: End, side: str, region: Region) -> Json | None:
        """Return WHY of an end; None where the checker sees it.

        Parameters
        ----------
        v : int
            Variable.
        end : End
            End.
        side : str
            ``low`` or ``high``.
        region : Region
            Where.

        Returns
        -------
        dict or None
        """
        why, term = end.why, region.terms[v]
        away = (term if end.den.is_one() else Mul((term, tree(end.den, region)))) + Neg(tree(end.num, region))
        need = Rel(ZERO, "<" if end.strict else "<=", away if side == "low" else Neg(away))
        if self.store.follows(need):
            return None
        match why:
            case ByFact(rel, content, parts):
                products = [(p.proof, n) for p, n in parts if isinstance(p.proof, Product)]
                return {"by": "fact", "rel": str(rel), "times": self.product(products, content)}
            case ByOrder(sign, flipped):
                assert isinstance(sign.proof, tuple)
                return {"by": "order", "sign": self.product(list(sign.proof), fmpq(-1 if flipped else 1))}
            case ByIdentity():
                return {"by": "identity"}
            case ByChain(through, first, then):
                start = self.why(v, first, side, region)
                last = self.end(through, then, side, region)
                text = self.text(region.terms[through])
                return {"by": "chain", "through": text, **({"first": start} if start else {}), "then": last}
        return self._kind(term, end, need)

    def _kind(self, term: Expr, end: End, need: Rel) -> Json | None:
        radicand = term.args[0] if isinstance(term, Call) and term.name == "sqrt" else None
        radicand = term.base if isinstance(term, Pow) else radicand
        got = self.exact.sign(radicand, True) if radicand is not None and end.num.is_zero() else None
        if got is not None and got.positive:
            return {"by": "radicand", "sign": self.sign(got)}
        self.lemma(need)
        return None


def shown(problem: Problem, certificate: Json) -> Json:
    """Return a certificate that the checker accepts, else one of kind ``none`` that says where the checker stops.

    For proofs by rules that the checker knows less of than the engine does: normal forms of identities and of sums.

    Parameters
    ----------
    problem : Problem
        What is proved.
    certificate : dict
        Certificate.

    Returns
    -------
    dict
    """
    try:
        replay(problem, certificate)
    except Rejected as err:
        return {"kind": "none", "why": str(err)}
    return certificate


def identity(problem: Problem, logs: bool = False) -> Json:
    """Write the certificate of an identity, if the checker's own normal form shows it.

    Parameters
    ----------
    problem : Problem
        Prepared problem with an equation as its goal, proved.
    logs : bool
        Whether the logarithms of both sides are to be compared.

    Returns
    -------
    dict
        Of kind ``none`` when it does not.
    """
    problem = readable(problem)
    try:
        here = setting(problem, {})
        w = Writer(Exact(problem), here.place.names, here.place.store)
        w.define(here.goal.lhs, here.goal.rhs)
        lemmas = {"lemmas": w.lemmas} if w.lemmas else {}
    except UNWRITTEN as err:
        return {"kind": "none", "why": str(err)}
    return shown(problem, {"kind": "identity", **lemmas, **({"logs": True} if logs else {})})
