"""dltsym: the checked catalogue of deep-learning theory, and the machine that keeps it honest.

Public names are loaded on first use; ``import dltsym`` itself imports nothing heavy.
"""

from __future__ import annotations

from dltsym.lazy import attach

__version__ = "0.1.0"

_NOTATION = ("Eq", "Ne", "Expr", "Rel")
_SCOPE = ("Scope",)
_RECORD = (
    "Audit",
    "Bound",
    "Break",
    "Convex",
    "Gap",
    "Ode",
    "Optimum",
    "Rate",
    "Theorem",
    "derive",
    "premise",
    "value",
)
_FUNCTIONS = (
    "abs_",
    "acos",
    "asin",
    "atan",
    "bessel_i",
    "bessel_ie",
    "binary_entropy",
    "binomial",
    "cos",
    "cosh",
    "delta",
    "diff",
    "ei",
    "erf",
    "exp",
    "kl_bernoulli",
    "kl_lower",
    "kl_upper",
    "lgamma",
    "log",
    "max_",
    "min_",
    "phi1",
    "pi",
    "sigmoid",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "tan",
    "tanh",
    "xlogx",
)
_CATALOGUE = ("audit", "find", "get", "graph", "keys", "verify")
_SESSION = (
    "arrays",
    "counts",
    "forget",
    "indices",
    "integers",
    "nonnegatives",
    "positives",
    "probs",
    "reals",
)
_OPERATORS = ("Law", "Operator", "Relation", "Root")
_IMPLEMENTATION = ("Arithmetic", "Case", "Cost", "implements")
_FOLDS = (
    "argmax_over",
    "argmin_over",
    "cases_",
    "fold_over",
    "iterate",
    "lse_over",
    "max_over",
    "min_over",
    "prod_over",
    "rank_over",
    "scan_over",
    "sum_over",
    "topk_over",
)
_ERRORS = (
    "BrokenRecord",
    "CyclicLemma",
    "DTypeError",
    "DltsymError",
    "DomainError",
    "MixedDirections",
    "NotationError",
    "ProofError",
    "RecordError",
    "ShapeError",
    "SideConditionOpen",
    "StepOpen",
    "StepRefuted",
    "UndeclaredSymbol",
    "Undefined",
    "UnknownKey",
    "UnknownNode",
    "UnsupportedError",
    "VacuousHypotheses",
)
_HOME = {
    **dict.fromkeys(_NOTATION, "dltsym.notation.tree"),
    **dict.fromkeys(_SCOPE, "dltsym.statement"),
    **dict.fromkeys(_RECORD, "dltsym.record"),
    **dict.fromkeys(_FUNCTIONS, "dltsym.notation.calls"),
    **dict.fromkeys(_CATALOGUE, "dltsym.catalogue"),
    **dict.fromkeys(_SESSION, "dltsym.session.declare"),
    "bound": "dltsym.bounds.objects",
    "calc": "dltsym.session.chains",
    "check": "dltsym.session.door",
    "compare": "dltsym.session.compare",
    "explain": "dltsym.session.show",
    "given": "dltsym.session.state",
    "hyp": "dltsym.session.state",
    "minimise": "dltsym.session.optimum",
    "non_vacuous": "dltsym.session.vacuity",
    "relax": "dltsym.session.rewrite",
    "simplify": "dltsym.session.rewrite",
    "solve_for": "dltsym.session.threshold",
    "substitute": "dltsym.session.rewrite",
    "thm": "dltsym.session.shelf",
    **dict.fromkeys(_OPERATORS, "dltsym.operators"),
    **dict.fromkeys(_IMPLEMENTATION, "dltsym.implementation"),
    **dict.fromkeys(_FOLDS, "dltsym.notation.folds_api"),
    "compile": "dltsym.lower.compiler",
    "alpha_equal": "dltsym.lower.alpha",
    **dict.fromkeys(_ERRORS, "dltsym.errors"),
}
__getattr__, __dir__, __all__ = attach(__name__, _HOME, ("__version__",))
