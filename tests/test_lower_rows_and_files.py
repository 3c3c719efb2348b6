"""What the README of `dltsym.lower` promises: a function and a monoid are one row, an array backend is one file."""

import os
import subprocess
import sys
from pathlib import Path

FUNCTION = """
from dltsym.functions import table

table.FUNCTIONS["softsgn"] = table.Function(
    "softsgn", ("u",), r"\\operatorname{{softsgn}}({0})", "u/(1 + abs(u))", ("1/(1 + abs(u))**2",), (), ("value < 1",)
)
"""
OPERATION = """
from dltsym.lower.ops import OPS, Op

OPS["softsgn"] = Op(
    "softsgn", "torch.nn.functional.softsign({0})", "{0} / (1 + np.abs({0}))", "", ("1/(1 + abs(u))**2",),
    "odd", -1.0, 1.0, 1, 3,
)
"""
USE = """
import numpy as np
from dltsym import Scope, compile

v = Scope()
n, m = v.count("n"), v.count("m")
names = {"x": v.array("x", (n, m)), "i": v.index("i", n), "m": m, "n": n}
a = np.random.default_rng(0).standard_normal((3, 4))
for backend in ("numpy", "torch"):
    kernel = compile("Sum(softsgn(x[i, j])/2, (j, 1, m))", names=names, axes="i", backend=backend)
    assert ("sign(" in kernel.source) is (backend == "torch" and LIBRARY), kernel.source
    got, want = np.asarray(kernel(x=a)), (a / (1 + abs(a))).sum(1) / 2
    worst = kernel.bound("float64", x=a)
    assert (abs(got - want) <= 2 * worst).all() and (worst < 1e-13).all() and (kernel.sigma("float64", x=a) > 0).all()
    assert kernel.validate().ok and kernel.grad("x").validate().ok
    np.testing.assert_allclose(kernel.grad("x")(a, np.ones(3)), 0.5 / (1 + abs(a)) ** 2, rtol=1e-14)
    assert "softsgn" in kernel.latex()
"""
MONOID = """
from dltsym.functions import monoids

monoids._ROWS += (
    monoids.Monoid("norm", ("x",), ("m", "s"), ("0", "0"), ("max(x, -x)", "where(x == 0, 0, 1)"),
                   ("M", "s1 * ratio(m1, M) * ratio(m1, M) + s2 * ratio(m2, M) * ratio(m2, M)"), "m * m * s",
                   (("M", "max(m1, m2)"),)),
)
monoids.MONOIDS["norm"] = monoids._ROWS[-1]
monoids.FOLDED += ("norm",)
"""
FOLD = """
import numpy as np
import torch
from dltsym import Scope, compile, fold_over

v = Scope()
n, m = v.count("n"), v.count("m")
x, i = v.array("x", (n, m)), v.index("i", n)
tree = fold_over("norm", m, lambda j: x[i, j] - 1)
assert str(tree) == "norm_over(x[i, j] - 1, (j, 1, m))"
a = np.random.default_rng(0).standard_normal((3, 4))
want = ((a - 1) ** 2).sum(1)
for backend in ("numpy", "torch"):
    kernel = compile(str(tree), names={"x": x, "i": i, "m": m, "n": n}, backend=backend)
    worst = kernel.bound("float64", x=a)
    assert (abs(np.asarray(kernel(x=a)) - want) <= 2 * worst).all() and (worst < 1e-12).all() and kernel.validate().ok
assert all(abs(float(b.mid()) - w) < 1e-14 for b, w in zip(kernel.to("ball")(a).balls, want))
seen = torch.tensor(a, requires_grad=True)
kernel(seen).sum().backward()
np.testing.assert_allclose(seen.grad, 2 * (a - 1), rtol=1e-13)
"""
TARGET = """
from dataclasses import replace

from dltsym.lower.printers.targets import numpy

TARGET = replace(numpy.TARGET, name="plain", ops=numpy.TARGET.ops | {"exp": "np.exp2({0} / np.log(2))"})
"""
BACKEND = """
import sys

import numpy as np

from dltsym import Scope, compile, exp, sum_over
from dltsym.lower.printers import targets

targets.__path__.append(sys.argv[1])
v = Scope()
n, m = v.count("n"), v.count("m")
x, i = v.array("x", (n, m)), v.index("i", n)
kernel = compile(sum_over(m, lambda j: exp(x[i, j])), backend="plain")
a = np.random.default_rng(0).standard_normal((3, 4))
np.testing.assert_allclose(kernel(a), np.exp(a).sum(1), rtol=1e-14)
assert "np.exp2(" in kernel.source and (kernel.bound("float64", x=a) > 0).all() and kernel.check(kernel, x=a).passed
"""


def python(code: str, *args: str) -> None:
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr


def test_a_function_with_a_definition_is_one_row() -> None:
    python(FUNCTION + "LIBRARY = False\n" + USE)


def test_a_library_form_is_one_more_row() -> None:
    python(FUNCTION + OPERATION + "LIBRARY = True\n" + USE)


def test_an_array_backend_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(TARGET, encoding="utf-8")
    python(BACKEND, str(tmp_path))


def test_a_monoid_is_one_row() -> None:
    python(MONOID + FOLD)
