"""LaTeX of trees: the author's form, and parentheses exactly where the meaning needs them."""

import pytest

from dltsym import catalogue
from dltsym.notation.latex import symbol_latex, to_latex
from dltsym.notation.latex_names import name_latex
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Eq


@pytest.fixture
def v() -> Scope:
    scope = Scope()
    for name in ("a", "b", "c", "x", "y", "q", "N_star", "lam"):
        scope.real(name)
    m = scope.count("m")
    scope.array("P", m)
    scope.array("w_0", m)
    scope.array("X", (m, m))
    scope.index("i", m)
    scope.nonneg("B")
    scope.let("T", "a*x + b")
    return scope


CASES = {
    "sqrt(B/2)": r"\sqrt{\frac{B}{2}}",
    "q + sqrt(2*q*B) + 2*B": r"q + \sqrt{2 q B} + 2 B",
    "-a*b": "-a b",
    "-a/b": r"-\frac{a}{b}",
    "x + (-a)/b": r"x + \frac{-a}{b}",
    "x + (-a)*b": "x + (-a) b",
    "a - (b - c)": "a - (b - c)",
    "a*(b*c)": "a (b c)",
    "a*(b + c)": "a (b + c)",
    "a*-b": "a (-b)",
    "a/(b/c)": r"\frac{a}{\frac{b}{c}}",
    "2*3*x": r"2 \cdot 3 x",
    "x*2": r"x \cdot 2",
    "x*Rational(1, 2)": r"x \cdot \frac{1}{2}",
    "0.05*x": "0.05 x",
    "1e-3*x": "10^{-3} x",
    "2.5e-7": r"2.5 \cdot 10^{-7}",
    "-x**2": "-x^{2}",
    "(-x)**2": "(-x)^{2}",
    "x**(1/2)": "x^{1/2}",
    "(x**a)**b": "(x^{a})^{b}",
    "(a/b)**2": r"\left(\frac{a}{b}\right)^{2}",
    "N_star**2": r"(N^{\star})^{2}",
    "P[i]**2": "P_{i}^{2}",
    "w_0[i]": "w_{0,i}",
    "X[i, i]": "X_{ii}",
    "X[i, i + 1]": "X_{i,i + 1}",
    "exp(-x**2/2)": "e^{-x^{2}/2}",
    "exp(Sum(P[j], (j, 1, m)))": r"\exp\left(\sum_{j=1}^{m} P_{j}\right)",
    "log(x)": r"\log x",
    "log(2*x)": r"\log (2 x)",
    "log(x)*y": r"(\log x) y",
    "log(x)**2": r"(\log x)^{2}",
    "log(x/y)": r"\log \frac{x}{y}",
    "kl(q, x)": r"\mathrm{kl}(q \,\|\, x)",
    "kl(q, x/y)": r"\mathrm{kl}\left(q \,\middle\|\, \frac{x}{y}\right)",
    "abs(x)**2": r"\left|x\right|^{2}",
    "delta(i, 1)": r"\delta_{i,1}",
    "Sum(P[j] + a, (j, 1, m))": r"\sum_{j=1}^{m} (P_{j} + a)",
    "Sum(P[j], (j, 1, m)) + a": r"\sum_{j=1}^{m} P_{j} + a",
    "a*Sum(P[j], (j, 1, m))*b": r"a \left(\sum_{j=1}^{m} P_{j}\right) b",
    "Sum(P[j], (j, 1, m))**2": r"\left(\sum_{j=1}^{m} P_{j}\right)^{2}",
    "Sum(X[k, j], (j, 1, k), (k, 1, m))": r"\sum_{k=1}^{m} \sum_{j=1}^{k} X_{kj}",
    "diff(x**2, x)": r"\frac{d}{dx} x^{2}",
    "diff(a*x, x)": r"\frac{\partial}{\partial x} (a x)",
    "diff(y, x)": r"\frac{dy}{dx}",
    "diff(T, x)": r"\frac{\partial T}{\partial x}",
    "diff(log(a*x), x, 2)": r"\frac{\partial^{2}}{\partial x^{2}} \log (a x)",
    "Integral(exp(-t**2), (t, 0, oo))": r"\int_{0}^{\infty} e^{-t^{2}} \, dt",
    'limit(log(1 + z)/z, z, 0, "+")': r"\lim_{z \to 0^{+}} \frac{\log (1 + z)}{z}",
}


@pytest.mark.parametrize("text", CASES)
def test_expressions(v: Scope, text: str) -> None:
    assert to_latex(v.parse(text)) == CASES[text]


def test_relations_keep_their_sign(v: Scope) -> None:
    (rel,) = v.relations("a**2 <= b")
    assert to_latex(rel) == r"a^{2} \le b"
    assert to_latex(Eq(v.symbols["a"], 1)) == "a = 1"


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"), ("lam", r"\lambda"), ("lambda_", r"\lambda"), ("x_0", "x_{0}"), ("x10", "x_{10}"),
        ("beta1", r"\beta_{1}"), ("sigma_max", r"\sigma_{\max}"), ("d_model", r"d_{\mathrm{model}}"),
        ("r_hat", r"\hat{r}"), ("rhat", r"\hat{r}"), ("p_bar", r"\bar{p}"), ("wtilde", r"\tilde{w}"),
        ("N_star", r"N^{\star}"), ("KL", r"\mathrm{KL}"), ("x_0_1", "x_{0,1}"), ("Delta", r"\Delta"),
        ("a_lam", r"a_{\lambda}"),
    ],
)  # fmt: skip
def test_names(name: str, latex: str) -> None:
    assert name_latex(name) == latex


def test_no_two_symbols_of_a_record_print_alike() -> None:
    alike = []
    for key in sorted(catalogue.keys()):
        printed: dict[tuple[str, int], list[str]] = {}
        for name, symbol in getattr(catalogue.get(key), "symbols", {}).items():  # entries x_i and a number x are apart
            printed.setdefault((symbol_latex(symbol), len(symbol.decl.shape)), []).append(name)
        alike += [f"{key}: {', '.join(names)} are {tex}" for (tex, _), names in printed.items() if len(names) > 1]
    assert alike == []


def test_the_authors_latex_wins() -> None:
    v = Scope()
    s = v.prob("s", latex=r"\hat r")
    assert to_latex(s + 1) == r"\hat r + 1"


@pytest.mark.parametrize("text", CASES)
def test_mathml_understands_every_construct(v: Scope, text: str) -> None:
    from dltsym.render.mathml import mathml

    assert mathml(to_latex(v.parse(text))).startswith("<math")
