"""Quotients of polynomials over generators, for the checker's normal form (`dltsym.prove.replay.algebra`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from dltsym.notation.tree import Add, Expr, Mul, Num, Pow

SIZE, MAX_TERMS, MAX_POWER = 32, 20000, 400
CTX = fmpq_mpoly_ctx.get(tuple(f"a{k}" for k in range(SIZE)), Ordering.lex)
ONE, NIL = CTX.constant(1), CTX.constant(0)
Sign = Callable[[Expr], tuple[int, bool]]


class Unreadable(ValueError):
    """The normal form cannot hold an expression."""


class Finer(Exception):
    """A generator has to be divided further; start again."""


@dataclass(frozen=True)
class Ratio:
    """``num/den``; `den` does not vanish where the expression is defined."""

    num: fmpq_mpoly
    den: fmpq_mpoly

    def __str__(self) -> str:
        return f"({self.num})/({self.den})"


@dataclass
class Field:
    """Generators of one normal form; `scales` says into how many parts exponents and roots are divided.

    `closed` names functions that are not looked into; `learnt` are signs that follow because the expression is defined.
    """

    sign: Sign
    scales: dict[str, int]
    closed: frozenset[str]
    learnt: dict[str, int] = field(default_factory=dict)
    at: dict[str, int] = field(default_factory=dict)
    trees: list[Expr] = field(default_factory=list)
    inner: dict[int, tuple[str, Ratio, int]] = field(default_factory=dict)
    rules: list[tuple[int, int, fmpq_mpoly]] = field(default_factory=list)


def make(f: Field, num: fmpq_mpoly, den: fmpq_mpoly) -> Ratio:
    """Return ``num/den`` in lowest terms, with the rules applied.

    Parameters
    ----------
    f : Field
        Generators.
    num, den : fmpq_mpoly
        Polynomials.

    Returns
    -------
    Ratio

    Raises
    ------
    Unreadable
        When the denominator vanishes or there are too many terms.
    """
    num, den = reduced(f, num), reduced(f, den)
    if den.is_zero():
        raise Unreadable("a denominator vanishes")
    if len(num) > MAX_TERMS or len(den) > MAX_TERMS:
        raise Unreadable("too many terms")
    common = num.gcd(den)
    num, den = num / common, den / common
    lead = den.leading_coefficient()
    return Ratio(num / lead, den / lead)


def reduced(f: Field, p: fmpq_mpoly) -> fmpq_mpoly:
    """Apply the rules ``generator**degree = value`` to a polynomial.

    Parameters
    ----------
    f : Field
        Generators.
    p : fmpq_mpoly
        Polynomial.

    Returns
    -------
    fmpq_mpoly
    """
    for v, degree, value in reversed(f.rules):
        if p.degrees()[v] >= degree:
            parts: dict[int, dict[tuple[int, ...], fmpq]] = {}
            for e, c in p.to_dict().items():
                parts.setdefault(e[v] // degree, {})[(*e[:v], e[v] % degree, *e[v + 1 :])] = c
            p = sum((CTX.from_dict(part) * value**k for k, part in parts.items()), NIL)
    return p


def times(f: Field, a: Ratio, b: Ratio) -> Ratio:
    """Multiply two quotients.

    Parameters
    ----------
    f : Field
        Generators.
    a, b : Ratio
        Quotients.

    Returns
    -------
    Ratio
    """
    return make(f, a.num * b.num, a.den * b.den)


def raised(f: Field, a: Ratio, n: int) -> Ratio:
    """Return a whole power of a quotient.

    Parameters
    ----------
    f : Field
        Generators.
    a : Ratio
        Quotient.
    n : int
        Exponent.

    Returns
    -------
    Ratio

    Raises
    ------
    Unreadable
        For a large exponent or a negative power of zero.
    """
    if abs(n) > MAX_POWER:
        raise Unreadable("a large power")
    if n < 0 and a.num.is_zero():
        raise Unreadable("a negative power of zero")
    return make(f, a.num**n, a.den**n) if n >= 0 else make(f, a.den**-n, a.num**-n)


def number(c: Fraction | int) -> Ratio:
    """Return a rational number as a quotient.

    Parameters
    ----------
    c : Fraction or int
        Number.

    Returns
    -------
    Ratio
    """
    value = Fraction(c)
    return Ratio(CTX.constant(fmpq(value.numerator, value.denominator)), ONE)


def constant(a: Ratio) -> Fraction | None:
    """Return the rational number that a quotient is, if it is one.

    Parameters
    ----------
    a : Ratio
        Quotient.

    Returns
    -------
    Fraction or None
    """
    if not (a.num.is_constant() and a.den.is_one()):
        return None
    c = a.num.leading_coefficient() if not a.num.is_zero() else fmpq(0)
    return Fraction(int(c.p), int(c.q))


def generator(f: Field, name: str, tree: Expr) -> int:
    """Return the number of a generator, made on first use.

    Parameters
    ----------
    f : Field
        Generators.
    name : str
        Name, the same for equal values.
    tree : Expr
        What it stands for.

    Returns
    -------
    int

    Raises
    ------
    Unreadable
        When there are too many.
    """
    if name not in f.at:
        if len(f.trees) == SIZE:
            raise Unreadable("too many generators")
        f.at[name] = len(f.trees)
        f.trees.append(tree)
    return f.at[name]


def var(k: int) -> Ratio:
    """Return a generator as a quotient.

    Parameters
    ----------
    k : int
        Its number.

    Returns
    -------
    Ratio
    """
    return Ratio(CTX.gens()[k], ONE)


def tree(f: Field, p: fmpq_mpoly) -> Expr:
    """Return a polynomial as a tree, for questions about its sign.

    Parameters
    ----------
    f : Field
        Generators.
    p : fmpq_mpoly
        Polynomial.

    Returns
    -------
    Expr
    """
    terms: list[Expr] = []
    for e, c in p.to_dict().items():
        powers = [f.trees[k] if n == 1 else Pow(f.trees[k], Num(Fraction(int(n)))) for k, n in enumerate(e) if n]
        terms.append(Mul((Num(Fraction(int(c.p), int(c.q))), *powers)))
    return Add(tuple(terms)) if len(terms) != 1 else terms[0]
