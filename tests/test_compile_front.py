"""What may be compiled, names in the source, records, and the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from compile_world import World, refused, values

import dltsym
from dltsym import (
    Eq,
    Scope,
    UnknownKey,
    UnsupportedError,
    alpha_equal,
    compile,
    exp,
    sum_over,
)
from dltsym.cli import main
from dltsym.record import Theorem

torch = pytest.importorskip("torch")


# Names, text and determinism


def test_names_that_python_or_the_source_uses_get_an_underscore() -> None:
    v = Scope()
    n = v.count("torch")
    names = ("_t0", "lambda", "math", "out", "kernel", "class")
    arrays = [v.array(a, n) for a in names]
    i = v.index("i", n)
    total = arrays[0][i]
    for k, a in enumerate(arrays[1:], 2):
        total = total + k * a[i]
    kernel = compile(exp(total) + arrays[0][i], backend="torch")
    inputs = {a: torch.full((3,), 0.1 * k) for k, a in enumerate(names, 1)}
    sums = sum(k * inputs[a] for k, a in enumerate(names, 1))
    torch.testing.assert_close(kernel(**inputs), torch.exp(sums) + inputs["_t0"])
    torch.testing.assert_close(kernel(*inputs.values()), torch.exp(sums) + inputs["_t0"])
    renamed = {f"{a}_" if a in ("lambda", "class") else a: x for a, x in inputs.items()}
    torch.testing.assert_close(kernel(**renamed), torch.exp(sums) + inputs["_t0"])


def test_two_symbols_of_one_name_are_refused() -> None:
    a, b = World(), World()
    with pytest.raises(UnsupportedError, match="called p"):
        compile(a.p + Scope().real("p"))
    assert compile(a.x[a.i] + b.x[b.i]).inputs == ("x",)  # the same declaration


PROGRAM = """
import hashlib
from dltsym import Scope, compile, exp, sqrt, sum_over, scan_over, iterate, topk_over, log
v = Scope()
n, m = v.count("n"), v.count("m")
A, B, x, b = v.array("A", (n, m)), v.array("B", (n, m)), v.array("x", m), v.array("b", m, lo=0)
i, t = v.index("i", n), v.index("t", m)
top = lambda j: topk_over(m, lambda q: A[i, q], at=j, k=2)
outputs = [
    sum_over(m, lambda j: exp(A[i, j] * B[i, j]) * b[j] * x[j]) / sum_over(m, lambda j: exp(A[i, j]*B[i, j]) * b[j]),
    scan_over(t, lambda q, h: A[i, q] * h + B[i, q] * x[q], 0) + sum_over((1, t), lambda q: x[q]),
    iterate(3, {"u": ([n], 1, lambda u, r: 1 / sum_over(m, lambda j: exp(A[r, j]) * b[j] * u[r]))}, lambda u: u[i]),
    sum_over(m, lambda j: top(j) * exp(A[i, j])) / sum_over(m, lambda j: top(j) * exp(A[i, j])) + sqrt(b[t]),
]
for e in outputs:
    for backend in ("torch", "numpy"):
        print(hashlib.sha256(compile(e, backend=backend).source.encode()).hexdigest())
"""


def test_the_source_is_the_same_in_every_process() -> None:
    runs = [
        subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
                       env={**os.environ, "PYTHONHASHSEED": seed}).stdout
        for seed in ("0", "1", "77")
    ]  # fmt: skip
    assert runs[0].count("\n") == 8
    assert len(set(runs)) == 1


def test_equal_expressions_have_equal_source() -> None:
    o = World()
    left = sum_over(o.n, lambda q: o.A[o.i, q] * o.x[q] * exp(o.b[q]))
    right = sum_over(o.n, lambda s: exp(o.b[s]) * o.x[s] * o.A[o.i, s])
    one, other = (compile(e).source.split("\n\n\n", 1)[1].partition("):")[2] for e in (left, right))
    assert one == other


def test_the_source_is_what_tracebacks_show() -> None:
    import inspect

    kernel = compile(World().x[1] + 1)
    assert inspect.getsource(kernel.function) in kernel.source


# What may be compiled


def test_text_mappings_and_axes() -> None:
    o = World()
    kernel = compile("Sum(A[i, j]*x[j], (j, 1, n))", names=o.v, backend="numpy")
    inputs = values(kernel)
    np.testing.assert_allclose(kernel(**inputs), inputs["A"] @ inputs["x"])
    many = compile({"row": sum_over(o.m, lambda q: o.B[o.i, q]), "all": o.B[o.i, o.k]}, axes="k i", backend="numpy")
    out = many(B=np.arange(6.0).reshape(2, 3))
    assert out["all"].shape == (3, 2)
    assert out["row"].tolist() == [3, 12]
    assert many.outputs == ("row", "all")
    assert compile(o.B[o.i, o.k], axes=(o.k, o.i)).signature.endswith("value[..., k:m, i:n]")
    with pytest.raises(UnsupportedError, match="free indices of value are i, k"):
        compile(o.B[o.i, o.k], axes="i")
    with pytest.raises(UnsupportedError, match="no output 'rows'; there are row"):
        compile({"row": o.x[o.i]}, of="rows")
    with pytest.raises(UnknownKey, match="did you mean torch"):
        compile(o.x[o.i], backend="torc")
    with pytest.raises(UnknownKey, match="accuracy"):
        compile(o.x[o.i], accuracy="fast")
    with pytest.raises(dltsym.NotationError, match="is no expression"):
        compile(3)


def test_hypotheses_reach_the_inputs() -> None:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    p, x = v.array("p", (n, m)), v.array("x", m)
    i, j = v.index("i", n), v.index("j", m)
    given = [Eq(v.sum(lambda q: p[i, q], m), 1), p[i, j] >= 0, x[j] > 2]
    kernel = compile(v.sum(lambda q: p[i, q] * x[q], m), given=given)
    found = {a.name: a for a in kernel.arguments.inputs}
    assert found["p"].sum_one == (1,)
    assert (found["p"].lo, found["x"].lo, found["x"].lo_open) == (0, 2, True)
    part = compile(p[i, 1], given=[Eq(v.sum(lambda q: p[1, q], m), 1), p[1, j] >= 0])
    assert part.arguments.inputs[0].sum_one == ()
    assert part.arguments.inputs[0].lo is None


def test_what_has_no_tensor_form_is_named() -> None:
    from dltsym.notation.tree import Integral, bound_symbol

    o, u = World(), bound_symbol("u", "boundreal")
    for tree, said in (
        (Integral(exp(u), u, dltsym.sum_over(o.n, lambda q: o.x[q]), o.p), "Integral has no tensor form"),
        (o.v.parse("ei(n)") * o.x[o.i], "ei"),
        (sum_over((1, o.at[o.k]), lambda q: o.x[q]), "no end that sizes alone bound"),
        (o.x[o.p], "need not be an integer"),
        (o.x + o.p, "without its indices"),
    ):
        refused(UnsupportedError, said, lambda tree=tree: compile(tree))


def test_alpha_equality() -> None:
    o = World()
    a = o.A
    one = o.v.sum(lambda p, q, r: a[p, q] * a[q, r] * a[r, p], o.n, o.n, o.n)
    assert alpha_equal(one, o.v.sum(lambda p, q, r: a[q, p] * a[p, r] * a[r, q], o.n, o.n, o.n)) is True
    assert alpha_equal(one, o.v.sum(lambda p, q, r: a[p, q] * a[q, r] * a[p, r], o.n, o.n, o.n)) is False
    nested = sum_over(o.n, lambda p: exp(sum_over(o.n, lambda q: a[p, q])))
    assert alpha_equal(nested, sum_over(o.n, lambda q: exp(sum_over(o.n, lambda p: a[q, p])))) is True
    assert alpha_equal(nested, sum_over(o.n, lambda q: exp(sum_over(o.n, lambda p: a[p, q])))) is False
    assert alpha_equal(o.x[o.i] + 1, 1 + o.x[o.i]) is True
    assert alpha_equal(o.x[o.i], o.x[o.j]) is False


# Records and the command line


def test_records_have_closed_and_tensor_kernels() -> None:
    record = dltsym.get("attention.one_sided_eot")
    closed = record.kernel("numpy", "attention")
    tensor = record.kernel("torch", "attention", axes="i j")
    cost = np.random.default_rng(0).normal(size=(3, 4))
    plan = tensor(C=torch.tensor(cost), eps=0.5)
    torch.testing.assert_close(plan, torch.softmax(-torch.tensor(cost) / 0.5, -1))
    entry = {"C": cost, "eps": 0.5, "i": 2, "j": 3}
    assert closed(**entry) == pytest.approx(plan[1, 2].item(), rel=1e-14)
    assert closed.bound("float64", **entry) == tensor.bound("float64", C=cost, eps=0.5)[1, 2]
    assert closed.oracle(**entry).contains(closed.oracle(prec=300, **entry).mid())
    assert closed.report == tensor.report == ()
    assert closed.ir == tensor.ir
    assert "softmax" in closed.grad("C").source
    assert r"\sum" in closed.latex()


def test_every_record_with_outputs_has_a_tensor_kernel_or_a_reason() -> None:
    reasons = {}
    for key in sorted(dltsym.keys()):
        record = dltsym.get(key)
        outputs = getattr(record, "outputs", {})
        if outputs and isinstance(record, Theorem):
            try:
                assert record.kernel("numpy", axes=()).source
            except UnsupportedError as error:
                reasons[key] = str(error)
    missing = {key: match[1] for key, why in reasons.items() if (match := re.match(r"the function (\w+) has no", why))}
    assert set(missing.values()) <= {"ei", "bessel_i", "kl_upper", "kl_lower"}
    assert set(missing) == set(reasons)


def cli(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == status, result.output
    return result.output


def test_the_command_line_shows_kernels() -> None:
    key = "attention.one_sided_eot"
    assert "torch.softmax" in cli("kernel", key, "--of", "attention")
    told = json.loads(cli("kernel", key, "--of", "attention", "--signature", "--report", "--validate", "--json"))
    assert told["signature"] == "kernel(eps, C[..., i:n, j:m]) -> attention[..., i:n, j:m]"
    assert told["report"] == []
    assert told["valid"] is True
    assert "attention[..., j:m, i:n]" in cli("kernel", key, "--of", "attention", "--axes", "j i", "--signature")
    assert "grad_C" in cli("kernel", key, "--of", "attention", "--grad", "C", "--signature", "--backend", "numpy")
    assert "def kernel" in cli("kernel", key, "--closed", "--backend", "numpy")
    assert "--closed" in cli("kernel", key, "--closed", "--axes", "i j", status=2)
    assert "did you mean" in cli("kernel", key, "--of", "atention", status=2)
