"""Matrices: nodes of their own, so that no engine for numbers can ever commute their factors.

Products are written ``A @ B``, sums ``A + B``, multiples ``c*A``; ``transpose(A)``, ``inv(A)``, ``eye(n)``,
``zeros(n, m)``; ``trace(A)`` and ``det(A)`` are numbers. Shapes are symbolic and checked when a node is built. A
column is a matrix with one column, ``transpose(k) @ k`` a matrix of shape 1 x 1 and ``trace`` of it a number.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

from dltsym.errors import NotationError
from dltsym.notation.tree import Decl, Expr, Num, Rel, Sym, as_expr

ONE, MINUS = Num(Fraction(1)), Num(Fraction(-1))
MAX_POWER = 64
Shape = tuple[Expr, Expr]


class MatrixNode(Expr):
    """A node with a matrix in it: `parts` are its subexpressions, `with_parts` rebuilds it (and checks shapes)."""

    @property
    def parts(self) -> tuple[Expr, ...]:
        """Direct subexpressions: the fields, unless a node says otherwise."""
        return tuple(getattr(self, f.name) for f in fields(self))  # type: ignore[arg-type]

    def with_parts(self, new: tuple[Expr, ...]) -> Expr:
        """Return the node over other subexpressions.

        Parameters
        ----------
        new : tuple of Expr
            As many as `parts`.

        Returns
        -------
        Expr
        """
        return type(self)(*new)


class Matrix(MatrixNode):
    """A matrix-valued node; Python's ``@ + - *`` build larger ones."""

    is_matrix = True

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        raise NotImplementedError

    def __matmul__(self, other: Any) -> Expr:
        left = self.args if isinstance(self, MatMul) else (self,)
        return MatMul((*left, matrix(other)))

    def __add__(self, other: Any) -> Expr:
        left = self.args if isinstance(self, MatAdd) else (self,)
        return MatAdd((*left, matrix(other)))

    def __radd__(self, other: Any) -> Expr:
        return matrix(other) + self

    def __sub__(self, other: Any) -> Expr:
        return self + MatScale(MINUS, matrix(other))

    def __rsub__(self, other: Any) -> Expr:
        return matrix(other) - self

    def __neg__(self) -> Expr:
        return MatScale(MINUS, self)

    def __mul__(self, other: Any) -> Expr:
        if isinstance(other, Matrix):
            raise NotationError("write A @ B for a product of matrices; * takes a number and a matrix")
        return MatScale(as_expr(other), self)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Expr:
        if isinstance(other, Matrix):
            raise NotationError("one matrix is not divided by another; write inv(B) @ A or A @ inv(B)")
        return MatScale(ONE / as_expr(other), self)

    def __rtruediv__(self, other: Any) -> Expr:
        raise NotationError(f"{other} is not divided by a matrix; write inv(A)")

    def __pow__(self, other: Any) -> Expr:
        n = as_expr(other)
        if not (isinstance(n, Num) and n.value.denominator == 1 and 0 <= n.value <= MAX_POWER):
            raise NotationError(f"a power of a matrix is a whole number from 0 to {MAX_POWER}; write inv(A)")
        square(self)
        k = int(n.value)
        return Eye(self.shape[0]) if k == 0 else self if k == 1 else MatMul((self,) * k)

    def __rpow__(self, other: Any) -> Expr:
        raise NotationError("a matrix is no exponent")


@dataclass(frozen=True, repr=False)
class MatrixSym(Matrix, Sym):
    """A declared matrix."""

    decl: Decl

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        (_, rows), (_, columns) = self.decl.shape
        return rows, columns

    @property
    def parts(self) -> tuple[Expr, ...]:
        """A symbol has none."""
        return ()

    def with_parts(self, new: tuple[Expr, ...]) -> Expr:
        """Return the symbol itself."""
        return self


@dataclass(frozen=True, repr=False)
class Eye(Matrix):
    """Identity with `size` rows."""

    size: Expr

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        return self.size, self.size


@dataclass(frozen=True, repr=False)
class Zeros(Matrix):
    """Zero matrix."""

    rows: Expr
    columns: Expr

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        return self.rows, self.columns


@dataclass(frozen=True, repr=False)
class MatAdd(Matrix):
    """Sum of matrices of one shape."""

    args: tuple[Expr, ...]

    def __post_init__(self) -> None:
        for a in self.args[1:]:
            same_shape(matrix(self.args[0]), matrix(a))

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        return matrix(self.args[0]).shape

    @property
    def parts(self) -> tuple[Expr, ...]:
        """The terms."""
        return self.args

    def with_parts(self, new: tuple[Expr, ...]) -> Expr:
        """Return the sum of other terms."""
        return MatAdd(new)


@dataclass(frozen=True, repr=False)
class MatMul(Matrix):
    """Product of matrices in the author's order."""

    args: tuple[Expr, ...]

    def __post_init__(self) -> None:
        for a, b in zip(self.args, self.args[1:], strict=False):
            (_, inner), (outer, _) = matrix(a).shape, matrix(b).shape
            if not same_size(inner, outer):
                raise NotationError(f"{a} has {inner} columns, {b} has {outer} rows")

    @property
    def shape(self) -> Shape:
        """Rows of the first factor, columns of the last."""
        return matrix(self.args[0]).shape[0], matrix(self.args[-1]).shape[1]

    @property
    def parts(self) -> tuple[Expr, ...]:
        """The factors."""
        return self.args

    def with_parts(self, new: tuple[Expr, ...]) -> Expr:
        """Return the product of other factors."""
        return MatMul(new)


@dataclass(frozen=True, repr=False)
class MatScale(Matrix):
    """A number times a matrix."""

    factor: Expr
    arg: Expr

    def __post_init__(self) -> None:
        matrix(self.arg)
        if isinstance(self.factor, Matrix):
            raise NotationError("the factor of a multiple is a number")

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        return matrix(self.arg).shape


@dataclass(frozen=True, repr=False)
class Transpose(Matrix):
    """Transposed matrix."""

    arg: Expr

    def __post_init__(self) -> None:
        matrix(self.arg)

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        rows, columns = matrix(self.arg).shape
        return columns, rows


@dataclass(frozen=True, repr=False)
class Inverse(Matrix):
    """Inverse of a square matrix; it needs ``det(arg) != 0``."""

    arg: Expr

    def __post_init__(self) -> None:
        square(self.arg)

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        return matrix(self.arg).shape


@dataclass(frozen=True, repr=False)
class Trace(MatrixNode):
    """Trace of a square matrix, a number."""

    arg: Expr

    def __post_init__(self) -> None:
        square(self.arg)


@dataclass(frozen=True, repr=False)
class Det(MatrixNode):
    """Determinant of a square matrix, a number; used to say that the matrix is invertible."""

    arg: Expr

    def __post_init__(self) -> None:
        square(self.arg)


BUILDERS = {
    "transpose": (Transpose, 1),
    "inv": (Inverse, 1),
    "trace": (Trace, 1),
    "det": (Det, 1),
    "eye": (Eye, 1),
    "zeros": (Zeros, 2),
}


def matrix(value: Any) -> Matrix:
    """Return a matrix as it is; refuse anything else.

    Parameters
    ----------
    value : Matrix
        Any value.

    Returns
    -------
    Matrix

    Raises
    ------
    NotationError
        For a number, or anything that is no matrix.
    """
    if not isinstance(value, Matrix):
        raise NotationError(f"{value} is a number, where a matrix is needed; write {value}*eye(n)")
    return value


def square(value: Any) -> Matrix:
    """Return a square matrix as it is; refuse anything else.

    Parameters
    ----------
    value : Matrix
        Any value.

    Returns
    -------
    Matrix

    Raises
    ------
    NotationError
        For a number or a matrix that is not square by its form.
    """
    rows, columns = matrix(value).shape
    if not same_size(rows, columns):
        raise NotationError(f"{value} is not square: {rows} x {columns}")
    return value


def same_size(a: Expr, b: Expr) -> bool:
    """Return whether two sizes are equal as written.

    Parameters
    ----------
    a, b : Expr
        Sizes.

    Returns
    -------
    bool
    """
    return str(a) == str(b)


def same_shape(a: Matrix, b: Matrix) -> None:
    """Refuse two matrices whose shapes differ.

    Parameters
    ----------
    a, b : Matrix
        Matrices.

    Raises
    ------
    NotationError
        When rows or columns differ as written.
    """
    for x, y in zip(a.shape, b.shape, strict=True):
        if not same_size(x, y):
            sizes = " x ".join(map(str, a.shape)), " x ".join(map(str, b.shape))
            raise NotationError(f"shapes differ: {a} is {sizes[0]}, {b} is {sizes[1]}")


def check_relation(rel: Rel) -> Rel:
    """Return a relation; refuse one between matrices of two shapes or with a number, and an order of matrices.

    Parameters
    ----------
    rel : Rel
        Relation.

    Returns
    -------
    Rel

    Raises
    ------
    NotationError
        When the relation means nothing.
    """
    if isinstance(rel.lhs, Matrix) or isinstance(rel.rhs, Matrix):
        same_shape(matrix(rel.lhs), matrix(rel.rhs))
        if rel.op not in ("=", "!="):
            raise NotationError(f"matrices are equal or not; {rel.op} is no relation between them")
    return rel
