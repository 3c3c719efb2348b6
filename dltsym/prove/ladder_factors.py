"""Factors of a level of the ladder: what may be taken out of it because it is never negative."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flint import fmpq

from dltsym.notation.calculus import ZERO
from dltsym.notation.tree import Div, Expr, Neg, Sym
from dltsym.notation.walk import free_symbols
from dltsym.prove.domains import affine
from dltsym.prove.exactsign import Exact
from dltsym.prove.generators import argument
from dltsym.prove.named import Quotient, Sparse, dense, poly_expr, product
from dltsym.prove.region import Product, Sign


@dataclass(frozen=True)
class Apart:
    """A factor that vanishes at isolated points only: its coefficient of ``term**power`` has a strict sign."""

    term: Expr
    power: int
    sign: Sign


@dataclass(frozen=True)
class Piece:
    """A signed product to a power; `apart` says that it vanishes at isolated points only."""

    product: Product
    power: int = 1
    apart: Apart | None = None


def pieces_of(sign: Sign) -> tuple[Piece, ...]:
    """Return what a proved sign is about, piece by piece.

    Parameters
    ----------
    sign : Sign
        Sign of a form or of a polynomial.

    Returns
    -------
    tuple of Piece
    """
    if isinstance(sign.proof, Product):
        return (Piece(sign.proof),)
    assert isinstance(sign.proof, tuple)
    return tuple(Piece(p, n) for p, n in sign.proof)


def constant(c: fmpq) -> Piece:
    """Return a rational number as a piece.

    Parameters
    ----------
    c : fmpq
        Number.

    Returns
    -------
    Piece
    """
    return Piece(Product(None, c))


def unsigned(
    q: Quotient, store: Exact, var: Sym, strict: bool, above: bool, bottom: Sign
) -> tuple[Sparse, tuple[Piece, ...], list[str]]:
    """Split a form into a product of known sign, made positive, and the rest of its numerator.

    A strict claim needs strictly positive factors; above the first level, where the factor is integrated, one that
    vanishes at isolated points only will do.

    Parameters
    ----------
    q : Quotient
        Form of a level.
    store : Exact
        Signs off the contact.
    var : Sym
        Variable.
    strict : bool
        Whether the claim is strict.
    above : bool
        Whether the level is above the first one.
    bottom : Sign
        Sign of the denominator.

    Returns
    -------
    tuple
        The rest, the positive pieces, and the reasons for their signs.
    """
    content, factors = store.factors(q)
    left: Sparse = {(): fmpq(1)}
    negative, pieces, why = content < 0, [], [f"{abs(content)}"]
    for f, e in factors:
        nearly = almost(f, q, store, var) if strict and above else None
        weak = not strict or nearly is not None
        got = store.sign_poly(f, strict) or (store.sign_poly(f, False) if nearly is not None else None)
        if got is not None:
            negative ^= not got.positive and e % 2 == 1
            assert isinstance(got.proof, Product)
            pieces.append(Piece(got.proof, e, None if got.strict else nearly))
            why.append(got.why)
            continue
        if weak and e > 1:
            pieces.append(Piece(_even(f, e - e % 2, store), 1, nearly))
        for _ in range(e % 2 if weak else e):
            left = product(left, f)
    if negative == bottom.positive:  # an odd number of negative factors, counting the denominator
        left, content = {m: -c for m, c in left.items()}, -content
    assert isinstance(bottom.proof, Product)
    return left, (constant(content), *pieces, Piece(bottom.proof, -1)), [t for t in why if t]


def _even(f: Sparse, power: int, store: Exact) -> Product:
    region, at = store.region(tuple(sorted({g for m in f for g, _ in m})))
    return Product(region, fmpq(1), ((dense(f, region.ctx, at), power, None),))


def leaf_pieces(q: Quotient, store: Exact, var: Sym) -> tuple[Piece, ...]:
    """Return a form as signed pieces, one per factor, with the isolated zeros of those that are not strict.

    Parameters
    ----------
    q : Quotient
        Form that is never negative and vanishes at isolated points only.
    store : Exact
        Signs off the contact.
    var : Sym
        Variable.

    Returns
    -------
    tuple of Piece
    """
    bottom = store.bottom(q)
    assert bottom is not None
    _, pieces, _ = unsigned(q, store, var, True, True, bottom)
    return pieces


def almost_all(q: Quotient, store: Exact, var: Sym) -> bool:
    """Whether a numerator vanishes at isolated values of the variable only, whatever the other variables are.

    Parameters
    ----------
    q : Quotient
        Form.
    store : Exact
        Signs.
    var : Sym
        Variable.

    Returns
    -------
    bool
    """
    factors = store.factors(q)[1]
    return all(store.sign_poly(f, True) is not None or almost(f, q, store, var) is not None for f, _ in factors)


def almost(f: Sparse, q: Quotient, store: Exact, var: Sym) -> Apart | None:
    """Show that a factor vanishes at isolated values of the variable only, whatever the other variables are.

    It must be a polynomial in one generator that is a one-to-one function of the variable, and one of its coefficients
    must never vanish.

    Parameters
    ----------
    f : Sparse
        Polynomial.
    q : Quotient
        Form that owns the generators.
    store : Exact
        Signs.
    var : Sym
        Variable.

    Returns
    -------
    Apart or None
    """
    mine = sorted({g for m in f for g, _ in m if var in free_symbols(q.gens[g].arg)})
    if len(mine) != 1:
        return None
    gen = q.gens[mine[0]]
    inner = gen.arg if gen.kind == "symbol" else argument(gen)
    split = affine(inner, var) if inner is not None else None
    if split is None or split[0] == 0:
        return None
    parts: dict[int, Sparse] = {}
    for mono, c in f.items():
        power = dict(mono).get(mine[0], 0)
        parts.setdefault(power, {})[tuple(p for p in mono if p[0] != mine[0])] = c
    found = ((k, store.sign_poly(part, True)) for k, part in parts.items())
    return next((Apart(gen.arg, k, got) for k, got in found if got is not None), None)


def isolated(
    rest: Sparse, q: Quotient, store: Exact, var: Sym, pieces: tuple[Piece, ...]
) -> tuple[Expr, tuple[Piece, ...]] | None:
    """Divide by the signed coefficient of the only logarithm or exponential that depends on the variable.

    Parameters
    ----------
    rest : Sparse
        Rest of a level.
    q : Quotient
        Its form.
    store : Exact
        Signs.
    var : Sym
        Variable.
    pieces : tuple of Piece
        What was taken out before.

    Returns
    -------
    tuple or None
        What is left, and all pieces.
    """
    mine = [
        g
        for g in sorted({g for m in rest for g, _ in m})
        if q.gens[g].kind in ("log", "exp") and var in free_symbols(q.gens[g].arg)
    ]
    if len(mine) != 1:
        return None
    top = {tuple(p for p in m if p[0] != mine[0]): c for m, c in rest.items() if (mine[0], 1) in m}
    low = {m: c for m, c in rest.items() if all(g != mine[0] for g, _ in m)}
    if len(top) + len(low) != len(rest) or not top or all(not m for m in top):
        return None
    got = store.sign_poly(top, True)
    if got is None:
        return None
    main = q.gens[mine[0]].arg
    ratio = Div(poly_expr(low, q), poly_expr(top, q)) if low else ZERO
    assert isinstance(got.proof, Product)
    sign = got.proof if got.positive else replace(got.proof, content=-got.proof.content)
    return (main + ratio if got.positive else Neg(main) + Neg(ratio)), (*pieces, Piece(sign))
