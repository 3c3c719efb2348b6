"""Relations as polynomials over atoms, for certificates of sums of squares.

Whatever is no polynomial becomes an atom: symbols, entries of arrays, sums, calls. Calls whose arguments are equal as
quotients share one atom, ``exp(-u)`` is ``1/exp(u)``. Every quotient, call and power that is read on the way is noted
in `Terms.partial`, so that the checker can ask for its side condition; a relation ``n/d op 0`` is cleared on the ground
that d does not vanish.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.functions.table import FUNCTIONS
from dltsym.notation.tree import Add, Call, Const, Diff, Div, Expr, Index, Integral, Limit, Mul, Neg, Num, Pow, Sum, Sym
from dltsym.notation.walk import key

SIZE, MAX_TERMS, MAX_POWER = 48, 4000, 24
CTX = fmpq_mpoly_ctx.get(tuple(f"x{k}" for k in range(SIZE)), Ordering.lex)
GENS = CTX.gens()
NIL, ONE = CTX.constant(0), CTX.constant(1)
FIXED = {("exp", 0): 1, ("log", 1): 0, ("sqrt", 0): 0, ("sqrt", 1): 1}


class Unreadable(ValueError):
    """A tree has no place here: too large, no number, or divided by zero."""


@dataclass(frozen=True)
class Ratio:
    """``num`` over a product of powers of irreducible polynomials, none of which vanishes."""

    num: fmpq_mpoly
    den: tuple[tuple[fmpq_mpoly, int], ...] = ()

    @property
    def below(self) -> fmpq_mpoly:
        """The denominator, multiplied out."""
        out = ONE
        for f, k in self.den:
            out *= f**k
        return out


@dataclass
class Terms:
    """Atoms in the order in which they were met, and the partial terms that were read."""

    atoms: list[Expr] = field(default_factory=list)
    args: list[tuple[Ratio, ...]] = field(default_factory=list)
    places: dict[str, list[int]] = field(default_factory=dict)
    partial: dict[str, Expr] = field(default_factory=dict)
    memo: dict[Expr, Ratio] = field(default_factory=dict)

    def read(self, e: Expr) -> Ratio:
        """Write an expression as a quotient of polynomials in the atoms.

        Parameters
        ----------
        e : Expr
            Tree without let-names.

        Returns
        -------
        Ratio
        """
        if e not in self.memo:
            self.memo[e] = _small(_read(self, e))
        return self.memo[e]

    def polynomial(self, e: Expr) -> fmpq_mpoly:
        """Read an expression that has no denominator.

        Parameters
        ----------
        e : Expr
            Tree.

        Returns
        -------
        fmpq_mpoly

        Raises
        ------
        Unreadable
            When it has one.
        """
        out = self.read(e)
        if out.den:
            raise Unreadable(f"{e} has a denominator")
        return out.num

    def tree(self, p: fmpq_mpoly) -> Expr:
        """Return a tree of a polynomial.

        Parameters
        ----------
        p : fmpq_mpoly
            Polynomial in the atoms.

        Returns
        -------
        Expr
        """
        terms: list[Expr] = []
        for powers, c in p.to_dict().items():
            parts = [self.atoms[k] if n == 1 else Pow(self.atoms[k], _num(int(n))) for k, n in enumerate(powers) if n]
            lead = Fraction(int(c.p), int(c.q))
            parts = parts if lead == 1 and parts else [Num(lead), *parts]
            terms.append(parts[0] if len(parts) == 1 else Mul(tuple(parts)))
        return _num(0) if not terms else terms[0] if len(terms) == 1 else Add(tuple(terms))

    def positive(self, f: fmpq_mpoly) -> bool:
        """Whether a factor is an atom ``exp(u)``, which needs no reason to be positive.

        Parameters
        ----------
        f : fmpq_mpoly
            Factor.

        Returns
        -------
        bool
        """
        return any(f == GENS[k] for k, e in enumerate(self.atoms) if isinstance(e, Call) and e.name == "exp")


def _num(c: Fraction | int) -> Num:
    return Num(Fraction(c))


def constant(c: Fraction) -> fmpq_mpoly:
    """Return a constant polynomial.

    Parameters
    ----------
    c : Fraction
        Value.

    Returns
    -------
    fmpq_mpoly
    """
    return CTX.constant(fmpq(c.numerator, c.denominator))


def value_of(r: Ratio) -> Fraction | None:
    """Return the value of a quotient that is a rational number, else None.

    Parameters
    ----------
    r : Ratio
        Quotient.

    Returns
    -------
    Fraction or None
    """
    if r.den or not r.num.is_constant():
        return None
    c = r.num.leading_coefficient() if not r.num.is_zero() else fmpq(0)
    return Fraction(int(c.p), int(c.q))


def _small(r: Ratio) -> Ratio:
    if len(r.num) > MAX_TERMS or len(r.below) > MAX_TERMS:
        raise Unreadable("too many terms")
    return r


def _reduced(num: fmpq_mpoly, den: dict[str, tuple[fmpq_mpoly, int]]) -> Ratio:
    left = []
    for _, (f, k) in sorted(den.items()):
        power = k
        while power and not num.is_zero():
            quotient, rest = divmod(num, f)
            if not rest.is_zero():
                break
            num, power = quotient, power - 1
        if power and not num.is_zero():
            left.append((f, power))
    return Ratio(num, tuple(left))


def _times(a: Ratio, b: Ratio) -> Ratio:
    den = {str(f): (f, k) for f, k in a.den}
    for f, k in b.den:
        den[str(f)] = (f, k + den.get(str(f), (f, 0))[1])
    return _reduced(a.num * b.num, den)


def _plus(a: Ratio, b: Ratio) -> Ratio:
    left, right = ({str(f): (f, k) for f, k in r.den} for r in (a, b))
    den = {n: (f, max(left.get(n, (f, 0))[1], right.get(n, (f, 0))[1])) for n, (f, _) in (left | right).items()}
    nums = []
    for r, have in ((a, left), (b, right)):
        num = r.num
        for n, (f, k) in den.items():
            num *= f ** (k - have.get(n, (f, 0))[1])
        nums.append(num)
    return _reduced(nums[0] + nums[1], den)


def _inverse(a: Ratio) -> Ratio:
    if a.num.is_zero():
        raise Unreadable("division by zero")
    lead, parts = a.num.factor()
    den: dict[str, tuple[fmpq_mpoly, int]] = {}
    for f, k in parts:
        top = f.leading_coefficient()  # every factor with leading coefficient 1, so that equal ones look equal
        lead *= top ** int(k)
        den[str(f / top)] = (f / top, int(k))
    return _reduced(a.below / lead, den)


def _read(t: Terms, e: Expr) -> Ratio:
    match e:
        case Num(c):
            return Ratio(constant(c))
        case Sym() | Const("pi"):
            return _atom(t, f"# {key(e)}", e, ())
        case Index() | Sum() | Diff() | Integral() | Limit():
            t.partial.setdefault(key(e), e)
            return _atom(t, f"# {key(e)}", e, ())
        case Neg(a):
            r = t.read(a)
            return Ratio(-r.num, r.den)
        case Add(args):
            out = t.read(args[0])
            for a in args[1:]:
                out = _small(_plus(out, t.read(a)))
            return out
        case Mul(args):
            out = t.read(args[0])
            for a in args[1:]:
                out = _small(_times(out, t.read(a)))
            return out
        case Div(a, b):
            t.partial.setdefault(key(e), e)
            return _times(t.read(a), _inverse(t.read(b)))
        case Pow():
            return _power(t, e)
        case Call(name, args):
            if FUNCTIONS[name].domain:
                t.partial.setdefault(key(e), e)
            return _call(t, e, name, tuple(map(t.read, args)))
    raise Unreadable(f"{e} is no number")


def _power(t: Terms, e: Pow) -> Ratio:
    base, exponent = t.read(e.base), t.read(e.exponent)
    c = value_of(exponent)
    if c is None or c.denominator > 1 or c < 0:
        t.partial.setdefault(key(e), e)
    if c is None:
        return _atom(t, "pow", e, (base, exponent))
    size = max([1, int(sum(base.num.degrees())), *(int(sum(f.degrees())) * k for f, k in base.den)])
    if abs(c) * size > 2 * MAX_POWER:
        raise Unreadable("the exponent is too large")
    if c.denominator == 1:
        return _raised(base, int(c)) if c >= 0 else _raised(_inverse(base), -int(c))
    if c.denominator == 2:
        root = _call(t, Call("sqrt", (e.base,)), "sqrt", (base,))
    else:
        root = _atom(t, f"root {c.denominator}", Pow(e.base, Num(Fraction(1, c.denominator))), (base,))
    return _raised(root, c.numerator) if c >= 0 else _raised(_inverse(root), -c.numerator)


def _raised(r: Ratio, n: int) -> Ratio:
    return Ratio(r.num**n, tuple((f, k * n) for f, k in r.den)) if n else Ratio(ONE)


def _call(t: Terms, e: Call, name: str, args: tuple[Ratio, ...]) -> Ratio:
    c = value_of(args[0])
    if len(args) == 1 and (name, c) in FIXED:
        return Ratio(constant(Fraction(FIXED[name, c])))  # type: ignore[index]
    if name == "exp" and args[0].num.leading_coefficient() < 0:  # exp(-u) = 1/exp(u)
        up = Call("exp", (e.args[0].arg if isinstance(e.args[0], Neg) else Neg(e.args[0]),))
        return _inverse(_atom(t, name, up, (Ratio(-args[0].num, args[0].den),)))
    return _atom(t, name, e, args)


def _atom(t: Terms, label: str, e: Expr, args: tuple[Ratio, ...]) -> Ratio:
    for k in t.places.setdefault(label, []):
        if all(_equal(a, b) for a, b in zip(t.args[k], args, strict=True)):
            return Ratio(GENS[k])
    if len(t.atoms) == SIZE:
        raise Unreadable("too many atoms")
    t.places[label].append(len(t.atoms))
    t.atoms.append(e)
    t.args.append(args)
    return Ratio(GENS[len(t.atoms) - 1])


def _equal(a: Ratio, b: Ratio) -> bool:
    return a.num * b.below == b.num * a.below
