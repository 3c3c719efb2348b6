"""Algorithms of records: enclosures that hold, comparisons that do not guess, and defects that are told."""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from flint import arb, ctx

from dltsym import Eq, Scope, cos, value
from dltsym.algorithms import Algorithm, enclosed, place
from dltsym.cli import main
from dltsym.errors import DltsymError, DomainError, RecordError, Undecided, UnknownKey, UnsupportedError
from dltsym.lower.floats import Floats
from dltsym.notation.balls import REAL
from dltsym.notation.enclosed import bare
from dltsym.notation.numbers import Balls
from dltsym.prove.check import check_theorem
from dltsym.record import Theorem

Code = Callable[..., Mapping[str, Any]]
FIXED = "0.739085133215160641655312"
RECORD = '''"""The fixed point of a cosine."""

from dltsym import Scope, value

v = Scope()
n = v.count("n", "number of slopes")
a = v.array("a", n, "slopes", lo=0, hi=1)


def fixed(m, a):
    return {"x": [m.root(lambda t: m.cos(s * t) - t, 0, 2) for s in a]}


theorem = v.theorem(
    title="Fixed points",
    cite=("euclid", "nowhere"),
    claim="a[1] <= a[1] + 1",
    algorithm=fixed,
    computes=("x",),
    values=[value("0.7390851332", "here", of="x[2]", a=("1/2", 1))],
)
'''


def fixed(m: Any, a: Any) -> dict[str, Any]:
    return {"x": m.root(lambda t: m.cos(a * t) - t, 0, 1), "pair": [a, a + 1]}


def record(code: Code = fixed, printed: str = FIXED, computes: tuple[str, ...] = ("x",), of: str = "x") -> Theorem:
    v = Scope()
    a = v.real("a", "slope", lo=0, hi=1)
    x = v.real("x", "fixed point", lo=0, hi=1)
    return v.theorem(
        title="Fixed point",
        cite=("levy1925", "here"),
        given=Eq(cos(a * x), x),
        claim=x * x <= x * cos(a * x),
        algorithm=code,
        computes=computes,
        values=[value(printed, "here", of=of, a=1)],
    )


def wrong(theorem: Theorem) -> str:
    """Return what the checker says of values and results."""
    report = check_theorem(theorem, lambda key: theorem, lambda key: None)  # type: ignore[arg-type, return-value]
    said = [v.got for v in report.values if not v.ok]
    return "\n".join([*said, *(p for p in report.problems if "satisfiability" not in p)])


# Numbers


def test_balls_and_floats_have_the_same_functions_and_agree() -> None:
    balls, floats = Balls(), Floats()
    names = [n for n in REAL if ":" not in n and n not in ("delta", "binomial")]
    for name in names:
        two = ("max", "min", "kl_bernoulli", "logaddexp", "xlogy", "bessel_i", "bessel_ie", "kl_upper", "kl_lower")
        count = 2 if name in two else 1
        for x in (0.05, 0.3, 0.7, 0.95):
            args = (x, 0.4)[:count]
            want, got = getattr(balls, name)(*args).value, getattr(floats, name)(*args)
            assert abs(float(want.mid()) - got) <= 4e-15 * max(abs(got), 0.1), (name, args)
    for m in (balls, floats):
        with pytest.raises(AttributeError):
            _ = m.no_such_function


@pytest.mark.parametrize("m", [Balls(200), Floats()])
def test_the_same_code_runs_over_both(m: Any) -> None:
    def code(m: Any) -> dict[str, Any]:
        x, two = m.number("0.75"), m.number(2)
        return {
            "powers": [two**3, 2**two, x**-2, x ** Fraction(1, 2), (-x) ** 3, 1 - x, 1 / x, Fraction(1, 3) * x, +x],
            "means": [m.max(1, x, 2), m.min([3, x]), m.sum([x, 1]), m.logsumexp([x, 1, 2]), sum([x, x]), abs(-x)],
            "calls": [m.pi, m.integral(lambda t: m.exp(-t * t), 0, x), m.root(lambda t: t**3 - two, 0, 2)],
            "widths": [m.upper(x), m.lower(x), m.middle(x), *m.widen([x], 0)],
        }

    r = 0.75
    want = {
        "powers": [8, 4, r**-2, r**0.5, -(r**3), 0.25, 1 / r, r / 3, r],
        "means": [2, r, 1.75, math.log(math.exp(r) + math.e + math.e**2), 1.5, r],
        "calls": [math.pi, math.erf(r) * math.sqrt(math.pi) / 2, 2 ** (1 / 3)],
        "widths": [r] * 4,
    }
    with m:
        found = bare(code(m))
    for name, items in want.items():
        assert [float(x) if isinstance(x, float | int) else float(x.mid()) for x in found[name]] == pytest.approx(items)


def test_a_comparison_that_is_not_certain_raises() -> None:
    m = Balls(64)
    near = m.widen(1, "1e-9")
    for unsure in (lambda: near < 1, lambda: near >= 1, lambda: near == 1, lambda: near != 1, lambda: max(near, 1),
                   lambda: bool(m.widen(0, 1)), lambda: m.sqrt(-1) > 0, lambda: sorted([near, 1])):  # fmt: skip
        with pytest.raises(Undecided):
            unsure()
    assert near < 2
    assert not near > 2
    assert near != 0
    assert near
    assert m.upper(near) > 1 > m.lower(near)
    for refused in (lambda: float(near), lambda: int(near), lambda: m.number("nan"), lambda: m.number(near) + math.nan):
        with pytest.raises(DomainError):
            refused()
    with pytest.raises(TypeError):
        hash(near)


@pytest.mark.parametrize("prec", [64, 200])
def test_roots_are_enclosed(prec: int) -> None:
    m = Balls(prec)
    with m:
        cases = [
            (lambda t: m.exp(t) - 2, 0, 1, m.log(2)), (lambda t: 2 - t**3, 0, 2, m.number(2) ** Fraction(1, 3)),
            (lambda t: t, -1, 2, m.number(0)), (lambda t: m.exp(50 * t) - 1, -7, 9, m.number(0)),
            (lambda t: 3 * t - 1, -10**9, 1, m.number("1/3")), (lambda t: t - 1, 1, 2, m.number(1)),
            (lambda t: m.max(t - 1, 0) ** 2 - m.number("0.25"), 0, 9, m.number("1.5")),
        ]  # fmt: skip
        for f, lo, hi, want in cases:
            got = m.root(f, lo, hi).value
            assert got.overlaps(want.value)
            assert got.rad() < arb(2) ** (10 - prec)
        for f, lo, hi in ((lambda t: t - 1, 2, 3), (lambda t: t, 1, 1), (lambda t: t, 1, -1)):
            with pytest.raises(DomainError):
                m.root(f, lo, hi)
        with pytest.raises(Undecided):
            m.root(lambda t: m.sqrt(t) - 1, -1, 2)
        noisy = m.root(lambda t: m.widen(t - 1, "1e-6"), 0, 3).value  # the noise of the function stays inside
        assert arb(1) in noisy
        assert noisy.rad() > arb("1e-7")


def test_integrals_take_only_what_is_analytic() -> None:
    m = Balls()
    for f in (abs, lambda t: t if t > 0 else -t, lambda t: m.max(t, 0), lambda t: m.upper(t)):
        with pytest.raises(DltsymError):
            m.integral(f, -1, 1)
    assert not m.integral(lambda t: 1 / t, -1, 1).value.is_finite()
    assert ctx.prec == 53


# Records


def test_a_record_reproduces_the_digits_of_its_algorithm() -> None:
    assert wrong(record()) == ""


def narrow(m: Any, a: Any) -> dict[str, Any]:
    x = m.number(1)
    for _ in range(60):
        x = m.cos(a * x)
    return {"x": x}


def cut(m: Any, a: Any) -> dict[str, Any]:
    return {"x": m.middle(m.root(lambda t: m.cos(a * t) - t, 0, 1))}


def far(m: Any, a: Any) -> dict[str, Any]:
    return {"x": m.widen(m.root(lambda t: m.cos(a * t) - t, 0, 1), "1e-6")}


def guessing(m: Any, a: Any) -> dict[str, Any]:
    x = m.root(lambda t: m.cos(a * t) - t, 0, 1)
    return {"x": x if m.cos(a * x) >= x else -x}


MUTANTS = {
    "one digit": (fixed, FIXED[:-1] + "3", FIXED[:6]),
    "another number": (lambda m, a: {"x": a / 2}, "0.50000000", "violate"),
    "an iterate for its limit": (narrow, FIXED[:10], "violate"),
    "a point for an enclosure": (cut, FIXED, "do not meet"),
    "too wide": (far, FIXED, "certain only to"),
    "a guess": (guessing, FIXED, "not certain"),
    "another name": (lambda m, a: {"y": a}, FIXED, "does not return x"),
    "not a number": (lambda m, a: {"x": m.log(a - 1)}, FIXED, "not a finite enclosure"),
    "a float": (lambda m, a: {"x": 0.7390851332151607}, FIXED[:17], "an algorithm returns enclosures"),
    "text": (lambda m, a: {"x": "0.7"}, FIXED, "returns enclosures"),
    "nothing": (lambda m, a: None, FIXED, "not a dict"),
    "a ragged array": (lambda m, a: {"x": [[a], [a, a]]}, FIXED, "rectangular"),
    "an array": (lambda m, a: {"x": [a, a]}, FIXED, "name an entry"),
    "a defect": (lambda m, a: {"x": a.no_such}, FIXED, "AttributeError"),
    "a zero division": (lambda m, a: {"x": 1 / 0}, FIXED, "ZeroDivisionError"),
    "outside its bounds": (lambda m, a: {"x": a + m.number("1/2")}, "1.5000000", "violate"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_algorithm_is_found(name: str) -> None:
    code, printed, said = MUTANTS[name]
    assert said in wrong(record(code, printed))


def test_a_place_outside_the_array_is_told() -> None:
    def code(m: Any, a: Any) -> dict[str, Any]:
        return {"pair": [a, a + m.exp(1)]}

    assert wrong(record(code, "1", ("pair",), "pair[1]")) == ""
    assert wrong(record(code, "4", ("pair",), "pair[2]")) != ""  # short, and an enclosure is never equal
    assert "outside 1..2" in wrong(record(code, "2.0000000", ("pair",), "pair[3]"))
    assert "outside 1..2" in wrong(record(code, "2.0000000", ("pair",), "pair[0]"))
    assert "more indices" in wrong(record(code, "2.0000000", ("pair",), "pair[1,1]"))
    for text in ("pear", "pair[]", "pair[-1]", "pair[1", "pair[1]x"):
        with pytest.raises(UnknownKey):
            place(text, ("pair",))


@pytest.mark.parametrize(("change", "said"), [
    ({"code": lambda m, b: {"x": b}}, "takes b"),
    ({"code": lambda m, x: {"x": x}}, "takes x and computes it"),
    ({"code": lambda m, a=1: {"x": a}}, "def f"),
    ({"code": lambda *a: {"x": a}}, "def f"),
    ({"code": lambda: {}}, "def f"),
    ({"code": 3}, "is a function"),
    ({"computes": ()}, "computes="),
    ({"computes": ("x", "x")}, "twice"),
    ({"computes": ("x", "y")}, "no value holds the result y"),
    ({"of": "z"}, "no output z"),
])  # fmt: skip
def test_a_malformed_algorithm_is_one_clear_error(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecordError, match=said.replace("(", r"\(")):
        record(**change)


def test_an_output_and_a_result_may_not_share_a_name() -> None:
    v = Scope()
    a = v.real("a", "number")
    with pytest.raises(RecordError, match="output and a result"):
        v.theorem(title="t", cite=("levy1925", ""), claim=a <= a + 1, outputs={"x": a}, computes=("x",),
                  algorithm=lambda m, a: {"x": a}, values=[value("2", "here", of="x", a=2)])  # fmt: skip


def test_enclosures_meet_the_wanted_digits_or_say_how_wide_they_are() -> None:
    code = record().algorithm
    assert isinstance(code, Algorithm)
    ball = enclosed(code, {"a": Fraction(1)}, "x", 60)
    assert ball.rel_accuracy_bits() > 200
    with pytest.raises(Undecided, match="certain only to"):
        enclosed(Algorithm(far, code.takes, ("x",)), {"a": Fraction(1)}, "x", 60)


# Evaluation


def test_the_three_backends_agree() -> None:
    torch = pytest.importorskip("torch")
    theorem = record()
    ball = theorem.kernel("ball", "x")(a=0.5)
    assert abs(float(ball.mid()) - theorem.kernel("numpy", "x")(a=0.5)) < 1e-15
    got = theorem.kernel("torch", "x")(a=torch.tensor(0.5))
    assert isinstance(got, torch.Tensor)
    assert got.item() == pytest.approx(float(ball.mid()), abs=1e-15)
    assert "by its algorithm" in repr(theorem.kernel())
    for bad in ({"a": 2}, {"a": math.nan}, {}, {"b": 1}, {"x": 1, "a": 1}, {"a": [1]}):
        with pytest.raises(DomainError):
            theorem.kernel("numpy", "x")(**bad)
    with pytest.raises(UnknownKey):
        theorem.kernel("numpy", "y")
    with pytest.raises(UnsupportedError):
        theorem.kernel("triton", "x")


def test_eval_show_and_check_from_a_file(pack: Callable[..., Path], tmp_path: Path) -> None:
    pack(algebra__fixed=RECORD)

    def run(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == status, result.output
        return result.output

    assert "computes x by the algorithm fixed(a)" in run("show", "algebra.fixed")
    assert "10 of 10 digits" in run("check", "algebra.fixed")
    np.save(tmp_path / "a.npy", np.array([0.5, 1.0]))
    for backend in ("numpy", "torch", "ball"):
        for text in ("a=[1/2, 1]", f"a=@{tmp_path / 'a.npy'}"):
            assert "0.90036722" in run("eval", "algebra.fixed", "--set", text, "--backend", backend, "--of", "x[1]")
    assert "0.900367222589747146073077393" in run("eval", "algebra.fixed", "--set", "a=[1/2]", "--digits", "30")
    assert "must lie in" in run("eval", "algebra.fixed", "--set", "a=[2]", status=2)
    pack(algebra__fixed=RECORD.replace("0.7390851332", "0.7390851342"))
    assert "WRONG x[2]" in run("check", "algebra.fixed", status=1)  # the text of the code is part of what is cached
