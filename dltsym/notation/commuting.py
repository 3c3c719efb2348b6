"""Polynomials in commuting atoms with rational coefficients, and the alphabet that says what the atoms mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from dltsym.errors import UnknownNode

Mono = tuple[tuple[str, int], ...]
Scalar = dict[Mono, Fraction]
Word = tuple[str, ...]
Poly = dict[Word, Scalar]
UNIT: Scalar = {(): Fraction(1)}
MAX_TERMS = 4000


@dataclass
class Alphabet:
    """What the letters and atoms of some polynomials stand for; it grows while trees are expanded.

    `sizes` are rows and columns of a letter, `inverses` the matrices that inverse letters invert, `traces` the words
    of trace atoms, `dens` what reciprocal atoms are the reciprocals of, `scales` the sizes as numbers,
    `divided` the atoms that something is divided by.
    """

    sizes: dict[str, tuple[str, str]] = field(default_factory=dict)
    inverses: dict[str, Poly] = field(default_factory=dict)
    symmetric: set[str] = field(default_factory=set)
    traces: dict[str, Word] = field(default_factory=dict)
    dens: dict[str, Scalar] = field(default_factory=dict)
    scales: dict[str, Scalar] = field(default_factory=dict)
    divided: set[str] = field(default_factory=set)

    def shape(self, letter: str) -> tuple[str, str]:
        """Return rows and columns of a letter.

        Parameters
        ----------
        letter : str
            Letter.

        Returns
        -------
        tuple of str
        """
        rows, columns = self.sizes[letter.removesuffix("'")]
        return (columns, rows) if letter.endswith("'") else (rows, columns)

    def flip(self, letter: str) -> str:
        """Return the transposed letter.

        Parameters
        ----------
        letter : str
            Letter.

        Returns
        -------
        str
        """
        if letter in self.symmetric:
            return letter
        return letter[:-1] if letter.endswith("'") else f"{letter}'"


# Scalars


def scalar_add(a: Scalar, b: Scalar, times: Fraction | int = 1) -> Scalar:
    """Return ``a + times*b``.

    Parameters
    ----------
    a, b : Scalar
        Polynomials in atoms.
    times : Fraction or int
        Number.

    Returns
    -------
    Scalar
    """
    out = dict(a)
    for mono, c in b.items():
        out[mono] = out.get(mono, Fraction(0)) + times * c
    return {m: c for m, c in out.items() if c}


def scalar_mul(a: Scalar, b: Scalar) -> Scalar:
    """Return the product of two scalars.

    Parameters
    ----------
    a, b : Scalar
        Polynomials in atoms.

    Returns
    -------
    Scalar

    Raises
    ------
    UnknownNode
        When the product has too many terms.
    """
    if len(a) * len(b) > MAX_TERMS:
        raise UnknownNode("too many terms")
    out: Scalar = {}
    for m, c in a.items():
        for n, d in b.items():
            powers = dict(m)
            for atom, k in n:
                powers[atom] = powers.get(atom, 0) + k
            mono = tuple(sorted((x, k) for x, k in powers.items() if k))
            out[mono] = out.get(mono, Fraction(0)) + c * d
    return {m: c for m, c in out.items() if c}


def vanishes(al: Alphabet, a: Scalar) -> bool:
    """Return whether a scalar is zero wherever its reciprocals are defined; False means unknown.

    Parameters
    ----------
    al : Alphabet
        Meaning of the atoms.
    a : Scalar
        Polynomial in atoms.

    Returns
    -------
    bool
    """
    while a:
        used = [x for x in {atom for m in a for atom, _ in m} if x in al.dens]
        if not used:
            return False
        atom = max(used, key=lambda x: (len(x), x))  # a reciprocal inside another has a shorter name
        top = max(dict(m).get(atom, 0) for m in a)
        cleared: Scalar = {}
        for m, c in a.items():
            part: Scalar = {tuple(p for p in m if p[0] != atom): c}
            for _ in range(top - dict(m).get(atom, 0)):
                part = scalar_mul(part, al.dens[atom])
            cleared = scalar_add(cleared, part)
        a = cleared
    return True


def scalar_text(a: Scalar) -> str:
    """Return a text that equal polynomials share.

    Parameters
    ----------
    a : Scalar
        Polynomial in atoms.

    Returns
    -------
    str
    """
    return " + ".join(f"{c}*[{' '.join(f'{x}^{k}' for x, k in m)}]" for m, c in sorted(a.items())) or "0"


def reciprocal(al: Alphabet, a: Scalar) -> Scalar:
    """Return ``1/a``: a monomial with negative powers, or a new atom.

    Parameters
    ----------
    al : Alphabet
        Where the atom is recorded.
    a : Scalar
        Denominator, defined to be non-zero.

    Returns
    -------
    Scalar

    Raises
    ------
    UnknownNode
        For the reciprocal of zero.
    """
    if not a:
        raise UnknownNode("a reciprocal of zero")
    if len(a) == 1:
        ((mono, c),) = a.items()
        al.divided.update(x for x, _ in mono)
        return {tuple((x, -k) for x, k in mono): 1 / c}
    atom = f"1/({scalar_text(a)})"
    al.dens[atom] = a
    return {((atom, 1),): Fraction(1)}
