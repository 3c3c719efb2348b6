"""The arithmetic that an error model assumes of a kernel: rounding units, accumulators, order of sums, extra casts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, log2
from typing import TYPE_CHECKING, Any

from dltsym.errors import UnsupportedError

if TYPE_CHECKING:
    import numpy as np

U64 = 2.0**-53
"""Rounding unit of the arithmetic the models themselves run in."""


@dataclass(frozen=True)
class Model:
    """One arithmetic. Numbers are stored with unit `u` and summed with unit `u_a`.

    Attributes
    ----------
    u : float
        Half the relative spacing of the storage type: ``fl(z) = z (1 + d) + h`` with ``|d| <= u``, ``|h| <= eta``.
    u_a : float
        The same for the accumulator of sums, scans and normalisations.
    eta, eta_a : float
        Absolute error of an operation that underflows: the smallest subnormal, or the smallest normal where results
        are flushed to zero.
    top, top_a : float
        Largest finite number of the storage type and of the accumulator.
    sums : {"sequential", "blocked", "pairwise"}
        How sums are ordered; the worst case holds for every order unless this one is `promised`.
    block : int
        Length of a block of a blocked sum.
    panel : int
        The same for a matrix product: a library adds so many products one after the other.
    fma : bool
        Whether products inside a sum are not rounded; read by the statistical model only.
    gemm : float
        Extra rounding of both factors of a matrix product (TF32 operands), 0 for none.
    weights : float
        Extra rounding of normalised weights before they meet the values they average, 0 for none.
    promised : bool
        Whether the worst case may rely on the order of sums.
    twice : bool
        Whether normalised weights that no sum takes up at once compute their scores again, perhaps in another order;
        read by the statistical model only.
    calls : float
        Factor on the error of one library call (`Op.ulp`).
    """

    u: float = 2.0**-24
    u_a: float = 2.0**-24
    eta: float = 2.0**-149
    eta_a: float = 2.0**-149
    top: float = (2 - 2.0**-23) * 2.0**127
    top_a: float = (2 - 2.0**-23) * 2.0**127
    sums: str = "sequential"
    block: int = 64
    panel: int = 384
    fma: bool = False
    gemm: float = 0.0
    weights: float = 0.0
    calls: float = 1.0
    twice: bool = False
    promised: bool = False

    def depth(self, terms: float) -> float:
        """Return the number of additions that a term of a sum meets, at most.

        Parameters
        ----------
        terms : float
            Number of terms.

        Returns
        -------
        float
            For a tree eight more than its height: the terms of a lane are added one after the other before.
        """
        if not self.promised or self.sums == "sequential" or terms <= 1:
            return terms
        short = ceil(log2(terms)) + 8.0 if self.sums == "pairwise" else self.block + ceil(terms / self.block)
        return min(terms, float(short))


F32 = Model()
F64 = Model(
    2.0**-53, 2.0**-53, 2.0**-1074, 2.0**-1074, (2 - 2.0**-52) * 2.0**1023, (2 - 2.0**-52) * 2.0**1023
)  # fmt: skip
F16 = replace(F32, u=2.0**-11, eta=2.0**-24, top=65504.0)
BF16 = replace(F32, u=2.0**-8, eta=2.0**-133, top=(2 - 2.0**-7) * 2.0**127)
TF32 = replace(F32, gemm=2.0**-11)
EXACT = replace(F64, u=0.0, u_a=0.0, eta=0.0, eta_a=0.0, top=float("inf"), top_a=float("inf"))
"""No rounding at all: what remains of a bound is the error of the float64 evaluation itself."""

MODELS = {"float32": F32, "float64": F64, "float16": F16, "bfloat16": BF16, "tf32": TF32}
_NORMAL = {"float32": 2.0**-126, "float64": 2.0**-1022, "float16": 2.0**-14, "bfloat16": 2.0**-126, "tf32": 2.0**-126}


def model_for(dtype: Any, target: str = "torch", *, acc: Any = None, flush: bool = False) -> Model:
    """Return the arithmetic of a kernel.

    Parameters
    ----------
    dtype : str or dtype
        ``float64``, ``float32``, ``float16``, ``bfloat16`` or ``tf32``, or a dtype of numpy or torch of that name.
    target : {"torch", "numpy", "triton"}
        What runs it: torch and numpy sum in blocks, triton in one sequence per block of the streamed axis.
    acc : str or dtype, optional
        Accumulator; the default is the wider of `dtype` and float32, but numpy adds float16 in float16.
    flush : bool
        Whether subnormal results become 0.

    Returns
    -------
    Model

    Raises
    ------
    UnsupportedError
        The dtype or the target is unknown.

    Examples
    --------
    >>> model_for("float16").u == 2.0**-11
    True
    """
    name = _name(dtype)
    if name not in MODELS or target not in ("torch", "numpy", "triton"):
        raise UnsupportedError(f"no error model for {name} on {target}; known: {', '.join(MODELS)}")
    model = MODELS[name]
    acc = name if acc is None and target == "numpy" and name == "float16" else acc
    inner = MODELS[_name(acc)] if acc is not None else model
    if acc is not None:
        model = replace(model, u_a=inner.u, eta_a=inner.eta, top_a=inner.top)
    if flush:
        wide = name if acc is None and name not in ("float16", "bfloat16") else _name(acc or "float32")
        model = replace(model, eta=_NORMAL[name], eta_a=_NORMAL[wide])
    if target == "triton":
        return replace(model, sums="sequential", calls=2.0, fma=True, twice=True, weights=_cast(name))
    return replace(model, sums="sequential" if target == "numpy" else "blocked")


def rounded(values: np.ndarray, model: Model) -> np.ndarray:
    """Round float64 numbers to the storage type of a model, to nearest and even.

    Parameters
    ----------
    values : ndarray
        Numbers.
    model : Model
        Arithmetic; with no rounding the numbers stay.

    Returns
    -------
    ndarray
    """
    import numpy as np

    values = np.asarray(values, float)
    if not model.u > 0.0 or model.u == U64:
        return values
    with np.errstate(all="ignore"):
        _, exponent = np.frexp(values)
        step = np.maximum(np.ldexp(2.0 * model.u, exponent - 1), model.eta)
        out = np.where(np.isfinite(values), np.rint(values / step) * step, values)
        return np.where(np.abs(out) > model.top, np.copysign(np.inf, values), out)


def _cast(name: str) -> float:
    return MODELS[name].u if name in ("float16", "bfloat16") else 0.0


def _name(dtype: Any) -> str:
    text = getattr(dtype, "name", None) or str(dtype)
    return text.removeprefix("torch.").removeprefix("<class 'numpy.").removesuffix("'>")
