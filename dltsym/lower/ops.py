"""The pointwise operations of the tensor IR: one row each, read by every printer, evaluator and error model.

Templates use ``{0}``, ``{1}`` for the operands. A name in front of a bracket that starts with an underscore, such as
``_log1mexp(``, is a helper of `dltsym.lower.printers.helpers`, whose source is copied into the generated file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Op:
    """One pointwise operation.

    Attributes
    ----------
    name : str
        Name in the IR.
    torch, numpy, triton : str
        Templates; an empty one means that the backend has no form.
    derivative : tuple of str
        One text per operand in the grammar of `dltsym.notation.parse`, in the names ``u``, ``w``; empty for none.
    sign : str
        What is known of every value: ``+``, ``>=0``, ``<=0``, ``odd`` (the sign of the operand) or ``real``.
    lo, hi : float or None
        Range.
    trend : int
        1 increasing, -1 decreasing, 0 neither or not told; the error rules of a monotone row need nothing else.
    ulp : float
        Error of one call in units of the rounding unit, of the common libraries.
    """

    name: str
    torch: str
    numpy: str
    triton: str = ""
    derivative: tuple[str, ...] = ()
    sign: str = "real"
    lo: float | None = None
    hi: float | None = None
    trend: int = 0
    ulp: float = 1.0


def _same(name: str, numpy: str | None = None, triton: str | None = None, **more: Any) -> Op:
    return Op(
        name,
        f"torch.{name}({{0}})",
        f"np.{numpy or name}({{0}})",
        f"tl.{triton or name}({{0}})" if triton != "" else "",
        **more,
    )  # type: ignore[arg-type]


def _kl_inverse(name: str, other: str) -> Op:
    # p and 1 - p keep their digits at both ends; dp/dc = p (1 - p)/(p - q), dp/dq the log odds ratio times it
    p, rest = f"{name}(u, w)", f"{other}(1 - u, w)"
    by_c = f"{p}*{rest}/({p} - u)"
    slopes = (f"(log({p}/u) + log((1 - u)/{rest}))*{by_c}", by_c)
    return Op(name, f"_{name}({{0}}, {{1}})", f"_{name}({{0}}, {{1}})", "", slopes, ">=0", 0.0, 1.0, ulp=4)


_ROWS = (
    # Arithmetic; the printers write add and mul with operators, exact powers of two are free of rounding
    Op("add", "{0} + {1}", "{0} + {1}", "{0} + {1}", ("1", "1")),
    Op("mul", "{0} * {1}", "{0} * {1}", "{0} * {1}", ("w", "u")),
    # data = (exponent,), a Fraction; 2, -1, 1/2, -1/2 have forms of their own in the printers
    Op("pow", "{0} ** {1}", "{0} ** {1}", "", ()),
    Op("maximum", "torch.maximum({0}, {1})", "np.maximum({0}, {1})", "tl.maximum({0}, {1})", ulp=0),
    Op("minimum", "torch.minimum({0}, {1})", "np.minimum({0}, {1})", "tl.minimum({0}, {1})", ulp=0),
    _same("abs", sign=">=0", lo=0.0, ulp=0),
    _same("sign", triton="", lo=-1.0, hi=1.0, ulp=0, sign="odd"),
    _same("floor", ulp=0),
    Op("step", "({0} > 0).to({0}.dtype)", "({0} > 0).astype({0}.dtype)",
       "({0} > 0).to(tl.float32)", sign=">=0", lo=0.0, hi=1.0, ulp=0),
    # Exponentials and logarithms
    _same("exp", derivative=("exp(u)",), sign="+", lo=0.0, trend=1),
    _same("log", derivative=("1/u",), trend=1),
    _same("log1p", triton="", derivative=("1/(1 + u)",), sign="odd", trend=1),
    _same("expm1", triton="", derivative=("exp(u)",), sign="odd", lo=-1.0, trend=1),
    Op("log1mexp", "_log1mexp({0})", "_log1mexp({0})", "", ("1/expm1(u)",), "<=0",
       hi=0.0, trend=1, ulp=3),
    Op("logaddexp", "torch.logaddexp({0}, {1})", "np.logaddexp({0}, {1})", "",
       ("sigmoid(u - w)", "sigmoid(w - u)"), trend=1, ulp=3),
    Op("softplus", "_softplus({0})", "np.logaddexp({0}, 0)", "", ("sigmoid(u)",), "+",
       0.0, trend=1, ulp=3),
    Op("sigmoid", "torch.sigmoid({0})", "_sigmoid({0})", "tl.sigmoid({0})",
       ("sigmoid(u)*sigmoid(-u)",), "+", 0.0, 1.0, 1, 4),
    Op("logsigmoid", "torch.nn.functional.logsigmoid({0})", "-np.logaddexp(-{0}, 0)", "", ("sigmoid(-u)",),
       "<=0", None, 0.0, 1, 3),
    # Powers with forms of their own
    _same("sqrt", derivative=("1/(2*sqrt(u))",), sign=">=0", lo=0.0, trend=1, ulp=1),
    Op("rsqrt", "torch.rsqrt({0})", "1 / np.sqrt({0})", "tl.rsqrt({0})",
       ("-rsqrt(u)/(2*u)",), "+", 0.0, trend=-1, ulp=2),
    # Circular and hyperbolic
    _same("sin", derivative=("cos(u)",), lo=-1.0, hi=1.0),
    _same("cos", derivative=("-sin(u)",), lo=-1.0, hi=1.0),
    _same("tan", triton="", derivative=("1 + tan(u)**2",), ulp=3),
    _same("asin", "arcsin", "", derivative=("1/sqrt(1 - u**2)",), trend=1, ulp=3),
    _same("acos", "arccos", "", derivative=("-1/sqrt(1 - u**2)",), sign=">=0", trend=-1, ulp=3),
    _same("atan", "arctan", "", derivative=("1/(1 + u**2)",), sign="odd", trend=1, ulp=3),
    _same("sinh", triton="", derivative=("cosh(u)",), sign="odd", trend=1, ulp=3),
    _same("cosh", triton="", derivative=("sinh(u)",), sign="+", lo=1.0, ulp=3),
    _same("tanh", triton="", derivative=("sech2(u)",), sign="odd", lo=-1.0,
          hi=1.0, trend=1, ulp=3),
    Op("log_cosh", "_log_cosh({0})", "_log_cosh({0})", "", ("tanh(u)",), ">=0", 0.0, ulp=6),
    Op("sech2", "_sech2({0})", "_sech2({0})", "", ("-2*tanh(u)*sech2(u)",), "+", 0.0, 1.0, ulp=8),
    # Gaussian and gamma family
    Op("erf", "torch.erf({0})", "special.erf({0})", "tl.erf({0})",
       ("2*exp(-u**2)/sqrt(pi)",), "odd", -1.0, 1.0, 1, 4),
    Op("erfc", "torch.erfc({0})", "special.erfc({0})", "", ("-2*exp(-u**2)/sqrt(pi)",),
       "+", 0.0, 2.0, -1, 8),
    Op("log_ndtr", "_log_ndtr({0})", "special.log_ndtr({0})", "", (),
       "<=0", None, 0.0, 1, ulp=16),
    Op("lgamma", "torch.lgamma({0})", "special.gammaln({0})", "", ("digamma(u)",), ulp=8),
    Op("digamma", "torch.digamma({0})", "special.psi({0})", "", ("trigamma(u)",), ulp=16),
    Op("trigamma", "_trigamma({0})", "special.polygamma(1, {0})", "", (), "+",
       0.0, trend=-1, ulp=32),
    # of whole numbers; differences of lgamma lose the digits of a binomial coefficient
    Op("log_binomial", "_log_binomial({0}, {1})", "_log_binomial({0}, {1})", "", (), ulp=6),
    # Inverses of Bernoulli relative entropy: computed in double precision whatever the type
    _kl_inverse("kl_upper", "kl_lower"),
    _kl_inverse("kl_lower", "kl_upper"),
    # Cancelling combinations with stable forms
    Op("xlogx", "-torch.special.entr({0})", "-special.entr({0})", "", ("1 + log(u)",), ulp=3),
    # x e^x with the value 0 at -inf: p log p for p = e^x
    Op("xexpx", "_xexpx({0})", "_xexpx({0})", "", ("(1 + u)*exp(u)",), lo=-0.36787944117144233, ulp=3),
    Op("xlogy", "torch.special.xlogy({0}, {1})", "special.xlogy({0}, {1})", "", ("log(w)", "u/w"), ulp=3),
    Op("phi1", "_phi1({0})", "_phi1({0})", "", ("phi1d(u)",), "+", 0.0, trend=1, ulp=4),
    Op("phi1d", "_phi1d({0})", "_phi1d({0})", "", (), "+", 0.0, trend=1, ulp=8),
    Op("log1pmx", "_log1pmx({0})", "_log1pmx({0})", "", ("-u/(1 + u)",), "<=0", None, 0.0, ulp=10),
    Op("expm1mx", "_expm1mx({0})", "_expm1mx({0})", "", ("expm1(u)",), ">=0", 0.0, ulp=10),
)  # fmt: skip

OPS: dict[str, Op] = {row.name: row for row in _ROWS}
"""Besides these a node may be ``where`` (truth, value, value), ``cmp`` (data
``("<",)``, ``<=``, ``=``, ``!=``), ``and``, ``or`` and ``not`` (truths)."""
