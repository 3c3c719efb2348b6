"""Kernels: shapes, types, sums, refused inputs, names in the source, and `dltsym eval`."""

import dataclasses
import json
import math
import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from kernel_points import RECORDS, points, promised, special, theorem, unbound

from dltsym import Scope, delta, exp, log
from dltsym.cli import main
from dltsym.errors import DomainError, NotationError, UnknownKey, UnknownNode
from dltsym.lower.closed import backends, kernel
from dltsym.lower.closed.names import python_names
from dltsym.notation.tree import Decl, Integral, Sym, bound_symbol
from dltsym.record import Source, Theorem

torch = pytest.importorskip("torch")


# Shapes and types


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("key", RECORDS)
def test_a_batch_is_its_entries_one_by_one(key: str, backend: str) -> None:
    record = unbound(RECORDS[key])
    kept = {name: e for name, e in record.outputs.items() if not special(record, name, backend)}
    record = dataclasses.replace(record, outputs=kept)
    if not kept:
        return
    run = record.kernel(backend)
    envs = list(points(record, record.outputs, 40, np.float64, seed=2))
    sizes = {hi.name for s in record.symbols.values() for _, hi in s.decl.shape if isinstance(hi, Sym)}
    envs = [e for e in envs if all(e.get(n) == envs[0].get(n) for n in sizes)][:4]
    batch = {k: np.stack([np.asarray(e[k], np.float64) for e in envs]) for k in envs[0] if k not in sizes}
    batch |= {k: v for k, v in envs[0].items() if k in sizes}
    if backend == "torch":
        batch = {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in batch.items()}
    together, apart = run(**batch), [run(**e) for e in envs]
    for name in run.outputs:
        got = together if len(run.outputs) == 1 else together[name]
        single = [float(x if len(run.outputs) == 1 else x[name]) for x in apart]
        assert tuple(got.shape) in ((len(envs),), ())
        rows, promise = np.broadcast_to(np.asarray(got), len(single)), promised(record, name, f"{backend}-64")
        for env, one, other in zip(envs, single, rows, strict=True):
            if not np.isclose(other, one, rtol=1e-13, atol=0, equal_nan=True):
                assert abs(other - one) <= 2 * promise(env, np.float64) < np.inf, (name, env, one, other)  # sums cancel


def test_batched_scalars_with_arrays_are_padded() -> None:
    run = RECORDS["information.gibbs_identity"].kernel("numpy", "lse")
    s, eps = np.arange(9.0).reshape(3, 3), np.array([0.5, 1.0, 2.0])  # as many rows as columns: the silent trap
    wanted = [run(eps=e, s=row) for e, row in zip(eps, s, strict=True)]
    assert run(eps=eps, s=s).tolist() == wanted
    assert run(eps=eps[:, None], s=s).shape == (3, 3)
    assert run(eps=eps, s=s[0]).shape == (3,)


def test_batched_indices() -> None:
    run = RECORDS["information.softmax_jacobian"].kernel("numpy")
    rng = np.random.default_rng(0)
    s = rng.normal(size=(5, 4))
    out = run(eps=1.0, s=s, a=[1, 2, 3, 4, 1], b=2)
    weights = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    np.testing.assert_allclose(out["p"], weights[range(5), [0, 1, 2, 3, 0]], rtol=1e-14)
    np.testing.assert_allclose(out["jacobian"][1], weights[1, 1] * (1 - weights[1, 1]), rtol=1e-14)


def test_types_follow_the_arrays() -> None:
    run = RECORDS["pac_bayes.maurer_pinsker"].kernel("numpy", "bound")
    base = {"n": 100, "D": 1.0, "dlt": 0.05, "s": 0.1}
    assert run(**base).dtype == np.float64
    assert run(**base | {"D": np.float32(1)}).dtype == np.float32
    assert run(**base | {"D": np.ones(3, np.float32), "n": np.array([1, 2, 3])}).dtype == np.float32
    assert run(**base | {"D": np.ones(3, np.float32), "s": np.zeros(3)}).dtype == np.float64
    assert run(**base | {"D": np.float16(1)}).dtype == np.float16
    assert run(**base | {"D": Fraction(1)}) == run(**base)
    tensor = RECORDS["pac_bayes.maurer_pinsker"].kernel("torch", "bound")
    assert tensor(**base).dtype == torch.float64
    assert tensor(**base | {"D": torch.ones(2)}).dtype == torch.float32
    assert tensor(**base | {"D": torch.ones(2, dtype=torch.bfloat16)}).dtype == torch.bfloat16
    assert tensor(**base | {"D": torch.ones(2), "s": np.zeros(2)}).dtype == torch.float64


def test_positional_and_named_inputs() -> None:
    run = RECORDS["information.pinsker"].kernel("numpy", "bound")
    assert run(0.25, 0.75) == run(0.25, p=0.75) == run(p=0.75, q=0.25) == 0.5
    assert run.inputs == ("q", "p")
    assert "numpy kernel of information.pinsker" in repr(run)


# Sums


def test_sums() -> None:
    v = Scope()
    n = v.count("n")
    X = v.array("X", n)
    A = v.array("A", (n, n))
    k = v.integer("k")
    record = theorem(
        v,
        triangle="Sum(A[i, j], (i, 1, j), (j, 1, n))",
        plain=v.sum(lambda i: X[i], n),
        shorter=v.sum(lambda i: X[i], n - 1),
        products=v.sum(lambda i, j: A[i, j] * X[i] * X[j], n, n),
        nested=v.sum(lambda i: X[i] * v.sum(lambda j: A[i, j], n), n),
        empty=v.sum(lambda i: X[1], (k, k - 1)),
        steps=v.sum(lambda i: X[i + 1] - X[i], n - 1),
        count=v.sum(lambda i: 1, (1, k)),
        softest=log(v.sum(lambda i: exp(X[i]), n) + exp(X[1])),
        squares=v.sum(lambda i: i**2 * delta(i, 2), n),
    )
    rng = np.random.default_rng(0)
    x, a = rng.normal(size=(6, 4)), rng.normal(size=(6, 4, 4))
    wanted = {
        "triangle": np.triu(a).sum((1, 2)), "plain": x.sum(1), "shorter": x[:, :3].sum(1),
        "nested": np.einsum("bi,bij->b", x, a),
        "products": np.einsum("bij,bi,bj->b", a, x, x), "empty": 0, "steps": x[:, 3] - x[:, 0], "count": 5,
        "squares": 4, "softest": np.log(np.exp(x).sum(1) + np.exp(x[:, 0])),
    }  # fmt: skip
    for backend in ("numpy", "torch"):
        out = record.kernel(backend)(X=x, A=a, k=5)
        for name, right in wanted.items():
            np.testing.assert_allclose(np.asarray(out[name]), right, rtol=1e-13, atol=1e-13, err_msg=name)
    ragged = record.kernel("numpy", "count")(k=[0, 3, 7])
    assert ragged.tolist() == [0, 3, 7]


def test_a_missing_entry_and_an_endless_sum_are_refused() -> None:
    v = Scope()
    n, k = v.count("n"), v.count("k")
    X = v.array("X", n)
    with pytest.raises(DomainError, match=r"X\[i \+ 1\] leaves the range of X"):
        theorem(v, y=v.sum(lambda i: X[i + 1], n)).kernel("numpy")(X=[1, 2, 3])
    with pytest.raises(DomainError, match="too many terms"):
        theorem(v, y=v.sum(lambda i: 1 / i, k)).kernel("numpy")(k=10**12)


# Domains

GOOD = {"n": 100, "D": 1.0, "dlt": 0.05, "s": 0.1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dlt": 0}, "dlt (failure probability) must lie in (0, 1), got 0.0"),
        ({"dlt": [0.1, 2.0, 0.3]}, "must lie in (0, 1), got 2.0 at position 1 (counted from 0)"),
        ({"s": [[0.1], [-1]]}, "must lie in [0, 1], got -1.0 at position (1, 0)"),
        ({"n": 2.5}, "n (training examples, i.i.d.) must be a whole number in [1, oo), got 2.5"),
        ({"n": 0}, "must be a whole number in [1, oo), got 0"),
        ({"D": math.nan}, "D (KL(posterior || prior)) must lie in [0, oo), got nan"),
        ({"D": math.inf}, "got inf"),
        ({"D": "3"}, "D = '3' is not a number"),
        ({"D": True}, "D = True is not a number"),
        ({"D": None}, "D = None is not a number"),
        ({"D": 1j}, "is not a number"),
        ({"D": np.array(["a"])}, "give real numbers"),
        ({"D": np.array([1 + 1j])}, "give real numbers"),
        ({"D": [[1, 2], [3]]}, "D is not a rectangular array"),
        ({"n": 10**400}, "n is too large for floating point"),
        ({"D": [1, 2], "s": [0.1, 0.2, 0.3]}, "the batch axes of D (2,) and s (3,) do not broadcast"),
        ({"dlt": 5e-324, "D": np.float32(3)}, "got 5e-324, which is 0.0 in float32"),
        ({"q": 1}, "unknown input q"),
        ({"B": 1}, "unknown input B"),
    ],
)
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_refused_inputs(backend: str, change: dict[str, Any], said: str) -> None:
    run = RECORDS["pac_bayes.maurer_pinsker"].kernel(backend)
    with pytest.raises(DomainError) as error:
        run(**GOOD | change)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "inputs", "said"),
    [
        ("diffusion.ddpm_posterior", {"a": 0.5, "b": 0.6}, "hypothesis b < a (left side 0.6, right side 0.5)"),
        ("information.gibbs_identity", {"m": 3, "eps": 1, "s": [1, 2], "p": [0.5, 0.5]}, "of s has size 2, but m = 3"),
        ("information.gibbs_identity", {"eps": 1, "s": [1, 2], "p": [0.5, 0.6]}, "left side 1.1, right side 1"),
        ("information.gibbs_identity", {"eps": 1, "s": [1, 2], "p": [1.0]}, "of p has size 1, but axis -1 of s"),
        ("information.gibbs_identity", {"eps": 1, "s": 3.0, "p": [1.0]}, "the trailing axes (m), got shape ()"),
        ("information.gibbs_identity", {"eps": 1, "s": [1, 2], "p": [1.5, -0.5]}, "got -0.5 at position 1"),
        ("information.gibbs_identity", {"m": 2.5, "eps": 1, "s": [1, 2], "p": [1, 0]}, "must be a whole number"),
        ("information.softmax_jacobian", {"eps": 1, "s": [1, 2], "a": 3, "b": 1}, "a whole number in [1, m], got 3"),
        ("information.softmax_jacobian", {"eps": 1, "s": [1, 2], "a": [1, 0], "b": 1}, "got 0 at position 1"),
        ("pac_bayes.occam", {"n": 9, "W": 1, "D": 1, "dlt": 0.1, "P": [0.5, 0.6], "s": 0, "h": 1}, "Sum(P[j], (j,"),
        ("attention.gap_law", {"eps": 1, "M": 1, "D": 0.5, "r": [0.6, 0]}, "violate the hypothesis r[i] <= M - D"),
        ("attention.gap_law", {"eps": 1, "M": 1, "D": 0.5, "r": []}, "l (number of keys that do not win, m - 1)"),
        ("moe.balance_loss_infimum", {"f": [0.9, 0.1], "P": [0.1, 0.9]}, "violate the hypothesis (f[i] - f[j])"),
        ("information.pinsker", {"q": 0.5}, "missing input p"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("backend", ["numpy", "torch", "ball"])
def test_refused_shapes_and_hypotheses(key: str, inputs: dict[str, Any], said: str, backend: str) -> None:
    of = "gap" if key == "information.gibbs_identity" else None
    with pytest.raises(DomainError) as error:
        RECORDS[key].kernel(backend, of)(**inputs)
    assert backend == "ball" or said in str(error.value)
    assert key in str(error.value)
    assert "\n" not in str(error.value)


def test_rounded_inputs_satisfy_an_equation() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(1000)).astype(np.float32)
    run = RECORDS["information.gibbs_identity"].kernel("numpy", "gap")
    assert run(eps=1, s=np.zeros(1000, np.float32), p=p) >= 0
    ball = RECORDS["information.gibbs_identity"].kernel("ball", "gap")
    assert ball(eps=1, s=[1, 2], p=[0.1, 0.9]).is_finite()
    with pytest.raises(DomainError, match="violate the hypothesis"):
        ball(eps=1, s=[1, 2], p=["0.1", "0.8"])


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"eps": [1, 2], "s": [1, 2], "p": [1, 0]}, "takes one number for eps"),
        ({"eps": 1, "s": [[1, 2]], "p": [1, 0]}, "takes an array with 1 axes for s"),
        ({"eps": 1, "s": [1, "x"], "p": [1, 0]}, "'x' is not a number"),
        ({"eps": 1, "s": [1, math.nan], "p": [1, 0]}, "nan is not a finite number"),
        ({"eps": 0, "s": [1, 2], "p": [1, 0]}, "must lie in (0, oo), got 0"),
        ({"eps": 1, "s": [1, 2], "p": [2, -1]}, "got -1 for p[2]"),
        ({"eps": True, "s": [1, 2], "p": [1, 0]}, "True is not a number"),
    ],
)
def test_balls_refuse(inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(DomainError) as error:
        RECORDS["information.gibbs_identity"].kernel("ball", "gap")(**inputs)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_backend_and_output() -> None:
    record = RECORDS["information.pinsker"]
    with pytest.raises(UnknownKey, match="did you mean numpy"):
        record.kernel("nunpy")
    with pytest.raises(UnknownKey, match="did you mean bound"):
        record.kernel("numpy", "bond")


def test_nodes_without_an_elementwise_form() -> None:
    v = Scope()
    x = v.pos("x")
    u = bound_symbol("u", "boundreal")
    for tree in (Integral(u * x, u, v.read(0), x), v.read("limit(u*x, u, 1)")):
        record = theorem(v, y=tree)
        assert backends(record) == []
        for backend in ("numpy", "torch", "ball"):
            with pytest.raises(UnknownNode, match="elementwise"):
                kernel(record, backend)
    with pytest.raises(UnknownNode, match="no numeric output"):
        theorem(v).kernel("numpy")
    assert backends(theorem(v)) == []


# Names and source


def test_no_name_breaks_the_source() -> None:
    v = Scope()
    names = [
        "lambda",
        "sum",
        "sum_",
        "like",
        "log_sum",
        "int",
        "take",
        "_t0",
        "_i0",
        "wide",
        "print",
        "α",
        "x_1",
        "None",
    ]
    symbols = [v.pos(n) for n in names]
    tree = symbols[0]
    for s in symbols[1:]:
        tree = tree + s
    record = theorem(v, title='"""\nimport os; os.abort()\\', y=log(tree) + log(tree) ** 2, **{"a'b": tree})
    run = record.kernel("numpy")
    out = run(**dict.fromkeys(names, 1.0))
    assert out["y"] == pytest.approx(math.log(14) + math.log(14) ** 2)
    assert out["a'b"] == 14
    assert len(set(python_names(names).values())) == len(names)
    assert python_names(["ﬁ", "fi"]) == {"ﬁ": "fi", "fi": "fi_"}


@pytest.mark.parametrize("bad", ["x); import os; os.abort()", "x\ny", "", "__import__", "1x", "x.y"])
def test_a_name_that_is_not_an_identifier_is_refused(bad: str) -> None:
    sym = Sym(Decl(bad, "real"))
    record = Theorem("A title", {bad: sym}, (), Source("none"), outputs={"y": sym + 1}, key="test.record")
    with pytest.raises(NotationError, match="not a usable symbol name"):
        kernel(record)
    assert backends(record) == []


def test_source_reads_like_the_formula() -> None:
    text = RECORDS["pac_bayes.maurer_pinsker"].kernel("torch").source
    assert "B = (D + log_ratio(2 * sqrt(n), dlt)) / n" in text
    assert "s + sqrt(B / 2)" in text
    space: dict[str, Any] = {}
    exec(text, space)  # it stands alone
    out = space["kernel"](np.zeros(()), *(np.float64(x) for x in (30000, 1724, 0.05, 0.289307)))
    assert out["bound"] == pytest.approx(0.45925029229601, rel=1e-13)


def test_source_is_the_same_in_every_process() -> None:
    keys = ["scaling.chinchilla_optimum", "attention.one_sided_eot"]
    code = f"from dltsym import catalogue as c\nfor k in {keys}: print(c.get(k).kernel().source)"
    texts = set()
    for seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        texts.add(done.stdout)
    assert len(texts) == 1
    assert "def kernel" in texts.pop()


# The command line


def run_eval(*arguments: str) -> tuple[int, str]:
    """Evaluate a record; an argument with a value for a symbol stands for the option."""
    sets = [part for a in arguments for part in (["--set", a] if "=" in a else [a])]
    result = CliRunner().invoke(main, ["eval", *sets, "--json"])
    return result.exit_code, result.output


def test_eval_takes_arrays_and_indices() -> None:
    code, text = run_eval("information.softmax_jacobian", "eps=1", "s=[1, 2, 3]", "a=1", "b=2")
    wanted = math.exp(-2) / (1 + math.exp(-1) + math.exp(-2))
    assert code == 0, text
    assert json.loads(text)["value"]["p"] == pytest.approx(wanted)
    code, text = run_eval("contrastive.infonce_cap", "F=[[1, 0], [0, 1]]", "--of", "loss", "--digits", "16")
    assert code == 0, text
    assert "0.31326168751822" in json.loads(text)["enclosure"]
    code, text = run_eval("information.bernoulli_kl", "q=1/2", "p=1e-320", "--of", "slope_p")
    assert code == 0, text
    assert json.loads(text)["value"] == "-inf"


def test_eval_refuses_what_underflows() -> None:
    code, text = run_eval("information.log_bound", "t=1e-400")
    assert code == 2
    assert "too small for floating point" in text
