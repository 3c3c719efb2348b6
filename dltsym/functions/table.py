r"""One row per named function: arguments, LaTeX, definition, derivative, domain and sign facts.

A row is plain data in the text syntax of `dltsym.notation.parse`; nothing here imports the notation layer. A function
with a `definition` is *defined* (``kl``, ``sigmoid``): engines expand it. One without is *primitive* (``exp``): each
engine and printer knows it by name. ``domain`` lists the relations that make the value a real number; engines turn each
of them into a side condition. ``facts`` are relations that hold wherever the domain holds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """Metadata of one named function.

    Attributes
    ----------
    name : str
        Name in Python and in the text syntax.
    args : tuple of str
        Argument names, used by the other fields.
    latex : str
        Template with ``{0}``, ``{1}`` for the printed arguments.
    definition : str or None
        Expression in the arguments; None for a primitive.
    derivative : tuple of str
        One expression per argument; empty when not differentiable everywhere in the domain, and an empty text for an
        argument that is a parameter.
    domain, facts : tuple of str
        Relations in the arguments; in ``facts`` the name ``value`` stands for the function value.
    """

    name: str
    args: tuple[str, ...]
    latex: str
    definition: str | None = None
    derivative: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    doc: str = ""


_PRIMITIVES = (
    Function("exp", ("u",), r"e^{{{0}}}", None, ("exp(u)",), (), ("value > 0", "value >= 1 + u"), "Exponential."),
    Function("log", ("u",), r"\log {0}", None, ("1/u",), ("u > 0",), ("value <= u - 1",), "Natural logarithm."),
    Function(
        "sqrt",
        ("u",),
        r"\sqrt{{{0}}}",
        None,
        ("1/(2*sqrt(u))",),
        ("u >= 0",),
        ("value >= 0", "value**2 = u"),
        "Square root of a non-negative number.",
    ),
    Function("sin", ("u",), r"\sin {0}", None, ("cos(u)",), (), ("value <= 1", "value >= -1"), "Sine."),
    Function("cos", ("u",), r"\cos {0}", None, ("-sin(u)",), (), ("value <= 1", "value >= -1"), "Cosine."),
    Function(
        "acos",
        ("u",),
        r"\arccos {0}",
        None,
        ("-1/sqrt(1-u**2)",),
        ("u <= 1", "u >= -1"),
        ("value >= 0",),
        "Inverse cosine, in [0, pi].",
    ),
    Function(
        "asin",
        ("u",),
        r"\arcsin {0}",
        None,
        ("1/sqrt(1-u**2)",),
        ("u <= 1", "u >= -1"),
        (),
        "Inverse sine, in [-pi/2, pi/2].",
    ),
    Function("atan", ("u",), r"\arctan {0}", None, ("1/(1+u**2)",), (), (), "Inverse tangent."),
    Function(
        "erf",
        ("u",),
        r"\operatorname{{erf}}({0})",
        None,
        ("2*exp(-u**2)/sqrt(pi)",),
        (),
        ("value < 1", "value > -1"),
        "Error function.",
    ),
    Function(
        "abs", ("u",), r"\left|{0}\right|", None, (), (), ("value >= 0", "value >= u", "value >= -u"), "Absolute value."
    ),
    Function(
        "max", ("u", "w"), r"\max({0}, {1})", None, (), (), ("value >= u", "value >= w"), "Larger of two numbers."
    ),
    Function(
        "min", ("u", "w"), r"\min({0}, {1})", None, (), (), ("value <= u", "value <= w"), "Smaller of two numbers."
    ),
    Function(
        "delta",
        ("i", "j"),
        r"\delta_{{{0}{1}}}",
        None,
        (),
        (),
        ("value >= 0", "value <= 1"),
        "Kronecker delta: 1 if the two integers are equal, else 0.",
    ),
    Function(
        "binomial",
        ("n", "k"),
        r"\binom{{{0}}}{{{1}}}",
        None,
        (),
        ("k >= 0", "n >= k"),
        ("value >= 1",),
        "Binomial coefficient of two integers with 0 <= k <= n.",
    ),
)

_DEFINED = (
    Function("sinh", ("u",), r"\sinh {0}", "(exp(u) - exp(-u))/2", ("cosh(u)",), (), (), "Hyperbolic sine."),
    Function(
        "cosh", ("u",), r"\cosh {0}", "(exp(u) + exp(-u))/2", ("sinh(u)",), (), ("value >= 1",), "Hyperbolic cosine."
    ),
    Function(
        "tanh",
        ("u",),
        r"\tanh {0}",
        "(exp(u) - exp(-u))/(exp(u) + exp(-u))",
        ("1 - tanh(u)**2",),
        (),
        ("value < 1", "value > -1"),
        "Hyperbolic tangent.",
    ),
    Function("tan", ("u",), r"\tan {0}", "sin(u)/cos(u)", ("1 + tan(u)**2",), ("cos(u) != 0",), (), "Tangent."),
    Function(
        "sigmoid",
        ("u",),
        r"\sigma({0})",
        "1/(1 + exp(-u))",
        ("sigmoid(u)*(1 - sigmoid(u))",),
        (),
        ("value > 0", "value < 1"),
        "Logistic function.",
    ),
    Function(
        "softplus",
        ("u",),
        r"\operatorname{{softplus}}({0})",
        "log(1 + exp(u))",
        ("sigmoid(u)",),
        (),
        ("value > 0", "value > u"),
        "log(1 + e^u).",
    ),
    Function(
        "kl_bernoulli",
        ("q", "p"),
        r"\mathrm{{kl}}({0} \,\|\, {1})",
        "q*log(q/p) + (1 - q)*log((1 - q)/(1 - p))",
        ("log(q*(1-p)/(p*(1-q)))", "(p - q)/(p*(1 - p))"),
        ("q >= 0", "q <= 1", "p > 0", "p < 1"),
        ("value >= 0",),
        "Relative entropy of two Bernoulli laws in nats, 0 log 0 = 0.",
    ),
    Function(
        "binary_entropy",
        ("p",),
        r"H_b({0})",
        "-p*log(p) - (1 - p)*log(1 - p)",
        ("log((1 - p)/p)",),
        ("p >= 0", "p <= 1"),
        ("value >= 0",),
        "Entropy of a Bernoulli law in nats, 0 log 0 = 0.",
    ),
    Function(
        "phi1",
        ("z",),
        r"\varphi_1({0})",
        "(exp(z) - 1)/z",
        ("phi1d(z)",),
        ("z != 0",),
        ("value > 0",),
        "(e^z - 1)/z; its removable singularity has value 1.",
    ),
    Function(
        "xlogx", ("u",), r"{0}\log {0}", "u*log(u)", ("1 + log(u)",), ("u >= 0",), (), "u log u, extended by 0 at 0."
    ),
)

_DENSITY = "exp(-u**2/2)/sqrt(2*pi)"


def _kl_inverse(name: str, latex: str, facts: tuple[str, ...], doc: str) -> Function:
    p = f"{name}(q, c)"
    by_c = f"{p}*(1 - {p})/({p} - q)"
    slopes = (f"log({p}*(1 - q)/(q*(1 - {p})))*{by_c}", by_c)
    return Function(name, ("q", "c"), latex, None, slopes, ("q >= 0", "q <= 1", "c >= 0"), facts, doc)


_NUMERIC = (
    # Primitives without a closed form
    Function("lgamma", ("u",), r"\log\Gamma({0})", None, ("digamma(u)",), ("u > 0",), ("value > -1/8",),
             "Logarithm of the gamma function."),
    Function("digamma", ("u",), r"\psi({0})", None, ("trigamma(u)",), ("u > 0",), (), "Derivative of lgamma."),
    Function("trigamma", ("u",), r"\psi'({0})", None, (), ("u > 0",), ("value > 0",), "Derivative of digamma."),
    Function("ei", ("u",), r"\operatorname{{Ei}}({0})", None, ("exp(u)/u",), ("u != 0",), ("value < exp(u)",),
             "Exponential integral: the principal value of the integral of e^t/t up to u."),
    Function("bessel_i", ("nu", "u"), r"I_{{{0}}}({1})", None, ("", "bessel_i(nu + 1, u) + nu*bessel_i(nu, u)/u"),
             ("nu >= 0", "u >= 0"), ("value >= 0", "value <= exp(u)"), "Modified Bessel function of the first kind."),
    _kl_inverse("kl_upper", r"\mathrm{{kl}}^{{+}}({0} \,|\, {1})", ("value >= q", "value <= 1"),
                "Largest p with kl(q, p) <= c, where kl(1, 1) = 0."),
    _kl_inverse("kl_lower", r"\mathrm{{kl}}^{{-}}({0} \,|\, {1})", ("value <= q", "value >= 0"),
                "Smallest p with kl(q, p) <= c, where kl(0, 0) = 0."),
    Function("sign", ("u",), r"\operatorname{{sgn}}({0})", None, (), (), ("value <= 1", "value >= -1"),
             "1 above 0, -1 below, 0 at 0."),
    Function("floor", ("u",), r"\left\lfloor {0} \right\rfloor", None, (), (), ("value <= u", "value > u - 1"),
             "Largest integer that is not above the argument."),
    # What a kernel computes in a stable way
    Function("relu", ("u",), r"\operatorname{{relu}}({0})", "max(u, 0)", (), (), ("value >= 0", "value >= u"),
             "Positive part."),
    Function("huber", ("u", "w"), r"\operatorname{{Huber}}_{{{1}}}({0})",
             "min(abs(u), w)*(abs(u) - min(abs(u), w)/2)", ("max(min(u, w), -w)", "max(abs(u) - w, 0)"),
             ("w > 0",), ("value >= 0",), "u^2/2 where |u| <= w, else w(|u| - w/2)."),
    Function("log1p", ("u",), r"\log(1 + {0})", "log(1 + u)", ("1/(1 + u)",), ("u > -1",), ("value <= u",),
             "log(1 + u)."),
    Function("expm1", ("u",), r"\operatorname{{expm1}}({0})", "exp(u) - 1", ("exp(u)",), (),
             ("value > -1", "value >= u"), "e^u - 1."),
    Function("log1mexp", ("u",), r"\operatorname{{log1mexp}}({0})", "log(1 - exp(-u))", ("1/(exp(u) - 1)",),
             ("u > 0",), ("value < 0",), "log(1 - e^-u)."),
    Function("logaddexp", ("u", "w"), r"\operatorname{{logaddexp}}({0}, {1})", "log(exp(u) + exp(w))",
             ("sigmoid(u - w)", "sigmoid(w - u)"), (), ("value > u", "value > w"), "log(e^u + e^w)."),
    Function("logsigmoid", ("u",), r"\log \sigma({0})", "-log(1 + exp(-u))", ("sigmoid(-u)",), (),
             ("value < 0", "value < u"), "Logarithm of the logistic function."),
    Function("log_cosh", ("u",), r"\operatorname{{log\,cosh}}({0})", "log(cosh(u))", ("tanh(u)",), (),
             ("value >= 0",), "Logarithm of the hyperbolic cosine."),
    Function("sech2", ("u",), r"\operatorname{{sech}}^2({0})", "1/cosh(u)**2", ("-2*tanh(u)*sech2(u)",), (),
             ("value > 0", "value <= 1"), "1 - tanh(u)^2."),
    Function("rsqrt", ("u",), r"{0}^{{-1/2}}", "1/sqrt(u)", ("-1/(2*u*sqrt(u))",), ("u > 0",), ("value > 0",),
             "Reciprocal of the square root."),
    Function("erfc", ("u",), r"\operatorname{{erfc}}({0})", "1 - erf(u)", ("-2*exp(-u**2)/sqrt(pi)",), (),
             ("value > 0", "value < 2"), "Complementary error function."),
    Function("log_ndtr", ("u",), r"\log\Phi({0})", "log(erfc(-u/sqrt(2))/2)",
             (f"{_DENSITY}/(erfc(-u/sqrt(2))/2)",), (), ("value < 0",), "Logarithm of the normal distribution."),
    Function("bessel_ie", ("nu", "u"), r"\widehat{{I}}_{{{0}}}({1})", "exp(-u)*bessel_i(nu, u)",
             ("", "bessel_ie(nu + 1, u) + (nu/u - 1)*bessel_ie(nu, u)"), ("nu >= 0", "u >= 0"),
             ("value >= 0", "value <= 1"), "Bessel function times e^-u, which stays in range for any u."),
    Function("xlogy", ("u", "w"), r"{0}\log {1}", "u*log(w)", ("log(w)", "u/w"), ("w > 0",), (), "u log w."),
    Function("phi1d", ("z",), r"\varphi_1'({0})", "(exp(z)*(z - 1) + 1)/z**2", (), ("z != 0",), ("value > 0",),
             "Derivative of phi1; its removable singularity has value 1/2."),
    Function("log1pmx", ("u",), r"\operatorname{{log1pmx}}({0})", "log(1 + u) - u", ("-u/(1 + u)",), ("u > -1",),
             ("value <= 0",), "log(1 + u) - u."),
    Function("expm1mx", ("u",), r"\operatorname{{expm1mx}}({0})", "exp(u) - 1 - u", ("exp(u) - 1",), (),
             ("value >= 0",), "e^u - 1 - u."),
)  # fmt: skip

NUMERIC = frozenset(row.name for row in _NUMERIC)
"""Names that a symbol or an abbreviation may take, too: many texts have a `relu` or a `sign` of their own."""

FUNCTIONS: dict[str, Function] = {row.name: row for row in (*_PRIMITIVES, *_DEFINED, *_NUMERIC)}
ALIASES = {
    "kl": "kl_bernoulli",
    "ln": "log",
    "Abs": "abs",
    "Max": "max",
    "Min": "min",
    "KroneckerDelta": "delta",
    "sg": "sigmoid",
    "spl": "softplus",
    "gammaln": "lgamma",
    "loggamma": "lgamma",
    "Ei": "ei",
    "expi": "ei",
    "besseli": "bessel_i",
    "iv": "bessel_i",
    "ive": "bessel_ie",
}


def lookup(name: str) -> Function | None:
    """Return the row of a function name or alias, or None.

    Parameters
    ----------
    name : str
        Name or alias.

    Returns
    -------
    Function or None

    Examples
    --------
    >>> lookup("ln").name
    'log'
    """
    return FUNCTIONS.get(ALIASES.get(name, name))
