"""Streaming triton kernels against float64 torch and the derived error model, in triton's interpreter."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when triton is first imported
pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

from dltsym import Scope, UnsupportedError, exp, log, sqrt
from dltsym.lower.compiler import compile as lower
from dltsym.notation.folds_api import argmax_over, argmin_over, cases, max_over, min_over, prod_over
from dltsym.notation.tree import Call, Diff

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
NEGATIVE = -float("inf")


class Attention:
    """Scope of attention with a mask, and what is computed of it."""

    def __init__(self) -> None:
        v = self.v = Scope()
        self.n, self.m, self.d, self.e = (v.count(s) for s in "nmde")
        self.eps = v.pos("eps")
        self.Q, self.K, self.V = (
            v.array("Q", (self.n, self.d)),
            v.array("K", (self.m, self.d)),
            v.array("V", (self.m, self.e)),
        )
        self.M = v.array("M", (self.n, self.m), entries="bool")
        self.b = v.array("b", (self.m,), lo=0)
        self.i, self.c, self.l = v.index("i", self.n), v.index("c", self.e), v.index("l", self.d)

    def score(self, i: Any, j: Any) -> Any:
        return self.v.sum(lambda k: self.Q[i, k] * self.K[j, k], self.d) / (self.eps * sqrt(self.d))

    def sum(self, f: Any) -> Any:
        return self.v.sum(f, self.m)

    def mean(self, weight: Any) -> Any:
        return self.sum(lambda j: weight(j) * self.V[j, self.c]) / self.sum(weight)


def attention() -> Any:
    a = Attention()
    return a.mean(lambda j: exp(a.score(a.i, j))), "i c"


def transposed() -> Any:
    return attention()[0], "c i"


def masked() -> Any:
    a = Attention()
    return a.mean(lambda j: a.M[a.i, j] * exp(a.score(a.i, j))), "i c"


def causal() -> Any:
    a = Attention()
    return a.mean(lambda j: cases((j <= a.i, exp(a.score(a.i, j))), 0)), "i c"


def prior() -> Any:
    a = Attention()
    return a.mean(lambda j: a.b[j] * exp(a.score(a.i, j))), "i c"


def smooth() -> Any:
    a = Attention()
    return a.eps * log(a.sum(lambda j: exp(a.score(a.i, j)))), "i"


def slope() -> Any:
    a = Attention()
    return Diff(a.eps * log(a.sum(lambda j: exp(a.score(a.i, j)))), a.Q[a.i, a.l]), "i l"


def entropy() -> Any:
    a = Attention()
    p = lambda j: exp(a.score(a.i, j)) / a.sum(lambda q: exp(a.score(a.i, q)))  # noqa: E731
    return -a.sum(lambda j: p(j) * log(p(j))), "i"


def best() -> Any:
    a = Attention()
    return argmax_over(a.m, lambda j: a.score(a.i, j)) * prod_over(a.m, lambda j: a.b[j]), "i"


def distance() -> Any:
    a = Attention()
    return log(a.sum(lambda j: exp(-a.v.sum(lambda k: (a.Q[a.i, k] - a.K[j, k]) ** 2, a.d) / a.eps))), "i"


def scores(Q: Any, K: Any, eps: Any, **_: Any) -> Any:
    return Q @ K.mT / (eps * Q.shape[-1] ** 0.5)


def softmax(x: Any) -> Any:
    return torch.where(torch.isinf(x).all(-1, keepdim=True), 0.0, torch.softmax(x, -1))


REFERENCE: dict[Any, Any] = {
    attention: lambda **a: softmax(scores(**a)) @ a["V"],
    transposed: lambda **a: (softmax(scores(**a)) @ a["V"]).mT,
    masked: lambda **a: softmax(scores(**a).masked_fill(~a["M"], NEGATIVE)) @ a["V"],
    causal: lambda **a: softmax(scores(**a).masked_fill(torch.ones_like(a["M"]).triu(1), NEGATIVE)) @ a["V"],
    prior: lambda **a: softmax(scores(**a) + a["b"].log()) @ a["V"],
    smooth: lambda **a: a["eps"] * scores(**a).logsumexp(-1),
    slope: lambda **a: softmax(scores(**a)) @ a["K"] / a["K"].shape[-1] ** 0.5,
    entropy: lambda **a: torch.special.entr(softmax(scores(**a))).sum(-1),
    distance: lambda **a: torch.logsumexp(
        -((a["Q"][..., :, None, :] - a["K"][..., None, :, :]) ** 2).sum(-1) / a["eps"], -1
    ),
}


def inputs(
    n: int, m: int, d: int, e: int, dtype: torch.dtype = torch.float64, batch: tuple[int, ...] = ()
) -> dict[str, Any]:
    """Draw inputs inside storage that is poisoned with nan, with strides that are not those of a fresh tensor."""
    g = torch.Generator().manual_seed(n + 7 * m)

    def hidden(*shape: int) -> torch.Tensor:
        room = torch.full((*batch, shape[-1] + 3, *shape[:-1], 2), float("nan"), dtype=torch.float64)
        view = room[..., 0].movedim(len(batch), -1)[..., 1 : shape[-1] + 1]
        view.copy_(torch.randn(*batch, *shape, generator=g, dtype=torch.float64))
        out = torch.full_like(room, float("nan"), dtype=dtype).copy_(room)
        return out.to(DEVICE)[..., 0].movedim(len(batch), -1)[..., 1 : shape[-1] + 1]

    out: dict[str, Any] = {"Q": hidden(n, d), "K": hidden(m, d), "V": hidden(m, e), "eps": 0.7}
    out["M"] = (torch.rand(n, m, generator=g) < 0.6).to(DEVICE)
    out["M"][n // 2] = False
    out["M"][-1, : (2 * m) // 3] = False  # the first block of this row is dead
    if m == 1:
        out["M"][:] = out["b"] = torch.ones(1, dtype=dtype, device=DEVICE)
        return out
    out["b"] = torch.rand(m, generator=g, dtype=torch.float64).mul(torch.arange(m) % 3).to(dtype).to(DEVICE)
    return out


def run(build: Any, given: dict[str, Any], **options: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what the kernel gives and the reference in float64."""
    kernel = lower(*build(), backend="triton", **options)
    wide = {k: x.double() if isinstance(x, torch.Tensor) and x.is_floating_point() else x for k, x in given.items()}
    return kernel(**{k: x for k, x in given.items() if k in kernel.inputs}), REFERENCE[build](**wide)


def gap(got: torch.Tensor, want: torch.Tensor) -> float:
    assert got.shape == want.shape
    return float((got.double() - want).abs().max() / want.abs().max().clamp(min=1e-300))


SIZES = [(1, 1, 1, 1), (63, 100, 24, 17), (100, 63, 16, 65), (5, 130, 3, 2)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("build", REFERENCE, ids=lambda f: f.__name__)
def test_float64_agrees(build: Any, size: tuple[int, ...]) -> None:
    n, m, d, e = size
    assert gap(*run(build, inputs(n, m, d, e))) < 1e-13


def test_half_precision_within_the_model() -> None:
    given = inputs(70, 90, 32, 20, torch.float16)
    assert gap(*run(attention, given)) < 2e-3
    assert gap(*run(smooth, given)) < 1e-3


@pytest.mark.parametrize("build", [attention, masked, smooth, slope, entropy], ids=lambda f: f.__name__)
def test_float32_is_within_the_derived_rounding_error(build: Any) -> None:
    given = {k: x for k, x in inputs(20, 70, 8, 6, torch.float32).items()}
    kernel = lower(*build())
    given = {k: x for k, x in given.items() if k in kernel.inputs}
    result = kernel.check(kernel.to("triton"), **given)
    assert result.passed, result


def test_batch_dimensions_broadcast() -> None:
    given = inputs(20, 33, 8, 5, batch=(2, 3))
    given["K"] = given["K"][:, :1]
    given["V"] = given["V"][0, 0]
    given["eps"] = torch.tensor([[0.3], [0.9]], dtype=torch.float64, device=DEVICE)
    kernel = lower(*attention(), backend="triton")
    got = kernel(**{k: x for k, x in given.items() if k in kernel.inputs})
    eps = given["eps"][..., None, None]
    assert gap(got, REFERENCE[attention](**{**given, "eps": eps})) < 1e-13


def test_named_outer_axes() -> None:
    v = Scope()
    h, n, m = v.count("h"), v.count("n"), v.count("m")
    x, a, i = v.array("x", (n, h, m)), v.index("a", h), v.index("i", n)
    kernel = lower(log(v.sum(lambda j: exp(x[i, a, j] + a), m)), "a i", backend="triton")
    data = torch.randn(7, 3, 100, dtype=torch.float64, device=DEVICE)
    shift = torch.arange(1, 4, device=DEVICE)[:, None]
    assert gap(kernel(x=data), data.logsumexp(-1).mT + shift) < 1e-14


def test_map_and_reduce_without_a_product() -> None:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, w, i = v.array("x", (n, m)), v.array("w", (m,)), v.index("i", n)
    X, W = (
        torch.randn(40, 100, dtype=torch.float64, device=DEVICE),
        torch.randn(100, dtype=torch.float64, device=DEVICE),
    )
    pairs = [
        (v.sum(lambda j: x[i, j] ** 2 * w[j], m), (X**2 * W).sum(-1)),
        (max_over(m, lambda j: x[i, j] + w[j]), (X + W).amax(-1)),
        (min_over(m, lambda j: x[i, j] * w[j]), (X * W).amin(-1)),
        (prod_over(m, lambda j: 1 + x[i, j] / 9), (1 + X / 9).prod(-1)),
        (argmax_over(m, lambda j: x[i, j]) + 0, X.argmax(-1) + 1.0),
        (argmin_over(m, lambda j: x[i, j] * w[j]) + 0, (X * W).argmin(-1) + 1.0),
    ]
    for what, want in pairs:
        assert (
            gap(lower(what, "i", backend="triton")(**{"x": X, "w": W} if "w[" in str(what) else {"x": X}), want) < 1e-12
        )
    total = lower(v.sum(lambda j: w[j] ** 3, m), "", backend="triton")
    assert gap(total(w=W), (W**3).sum()) < 1e-13


def test_squared_distance_is_expanded_only_when_asked_and_then_centred() -> None:
    given = inputs(30, 50, 6, 4)
    given = {k: given[k] for k in ("Q", "K", "eps")}
    exact, want = run(distance, given)
    assert "tl.dot" not in lower(*distance(), backend="triton").source
    assert "tl.dot" in lower(*distance(), backend="triton", cells=("sqdist_gemm",)).source
    far = {k: (x.double() + 1e3).float() if k != "eps" else x for k, x in given.items()}
    wide = {k: x.double() if k != "eps" else x for k, x in far.items()}
    got = lower(*distance(), backend="triton", cells=("sqdist_gemm",))(**far)
    assert gap(exact, want) < 1e-13
    assert gap(got, REFERENCE[distance](**wide)) < 1e-5


def test_extremes() -> None:
    given = inputs(30, 70, 8, 6, torch.float32)
    given["Q"] = given["Q"] * 1e6
    got, want = run(attention, given)
    assert torch.isfinite(got).all()
    assert gap(got, want) < 1e-3  # scores of 1e6 keep a tenth in float32
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, i = v.array("x", (n, m)), v.index("i", n)
    kernel = lower(log(v.sum(lambda j: exp(x[i, j]), m)), "i", backend="triton")
    rows = torch.zeros(5, 130, device=DEVICE)
    rows[0, 100], rows[1], rows[2, 7], rows[3, :64], rows[4, 129] = torch.inf, NEGATIVE, torch.nan, NEGATIVE, 1e4
    got = kernel.function(rows)
    assert got[0] == torch.inf
    assert got[1] == NEGATIVE
    assert got[2].isnan()
    assert torch.allclose(got[3:], rows[3:].logsumexp(-1))


def test_nan_passes_through_a_maximum() -> None:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, i = v.array("x", (n, m)), v.index("i", n)
    kernel = lower(max_over(m, lambda j: x[i, j]), "i", backend="triton")
    rows = torch.zeros(2, 100, device=DEVICE)
    rows[0, 3] = torch.nan
    assert kernel.function(rows).isnan().tolist() == [True, False]


def test_the_derivative_of_the_derivative_kernel_streams_too() -> None:
    kernel = lower(*attention()).grad("Q")
    given = {k: x for k, x in inputs(40, 70, 8, 6).items() if k in kernel.inputs}
    given["cotangent"] = torch.randn(40, 6, dtype=torch.float64, device=DEVICE)
    assert gap(kernel.to("triton")(**given), kernel(**given)) < 1e-12


REFUSED = {
    "one output": (
        lambda v, x, y, i, j, n, m: {"a": v.sum(lambda k: x[i, k], m), "b": v.sum(lambda k: x[i, k] ** 2, m)},
        "one output at a time",
    ),
    "two axes": (
        lambda v, x, y, i, j, n, m: v.sum(lambda k: x[i, k] * log(v.sum(lambda q: exp(y[k, q]), n)), m),
        "two streamed axes",
    ),
    "no fold": (lambda v, x, y, i, j, n, m: exp(x[i, j]), "nothing is reduced"),
    "function": (lambda v, x, y, i, j, n, m: v.sum(lambda k: Call("lgamma", (x[i, k],)), m), "lgamma has no form"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_reason(name: str) -> None:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, y = v.array("x", (n, m)), v.array("y", (m, n))
    i, j = v.index("i", n), v.index("j", m)
    build, reason = REFUSED[name]
    what = build(v, x, y, i, j, n, m)
    with pytest.raises(UnsupportedError, match=reason):
        lower(what, "i j" if name == "no fold" else "i", backend="triton")


def test_every_reason_is_in_one_error() -> None:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, y, i = v.array("x", (n, m)), v.array("y", (m, n)), v.index("i", n)
    inner = lambda k: log(v.sum(lambda q: exp(y[k, q]), n))  # noqa: E731
    with pytest.raises(UnsupportedError) as caught:
        lower(v.sum(lambda k: Call("lgamma", (x[i, k] ** 2 + 1,)) * inner(k), m), "i", backend="triton")
    assert "lgamma has no form" in str(caught.value)
    assert "two streamed axes" in str(caught.value)


def test_inputs_that_cannot_work_are_refused() -> None:
    kernel = lower(*smooth(), backend="triton")
    given = {k: x for k, x in inputs(4, 5, 3, 2, torch.float32).items() if k in kernel.inputs}
    with pytest.raises(ValueError, match="no autograd"):
        kernel(**{**given, "Q": given["Q"].clone().requires_grad_()})
    wide = {**given, "Q": torch.zeros(2, 2000, device=DEVICE), "K": torch.zeros(3, 2000, device=DEVICE)}
    with pytest.raises(ValueError, match="axis d has size 2000; one block holds at most 1024"):
        kernel(**wide)
    if DEVICE == "cpu":
        half = {k: x.bfloat16() if isinstance(x, torch.Tensor) else x for k, x in given.items()}
        with pytest.raises(RuntimeError, match="bfloat16"):
            kernel(**half)


def test_empty_axes() -> None:
    function = lower(*smooth(), backend="triton").function  # a call of the kernel itself refuses empty axes
    assert function(1.0, torch.zeros(0, 4, device=DEVICE), torch.zeros(3, 4, device=DEVICE)).shape == (0,)
    assert (function(1.0, torch.zeros(2, 4, device=DEVICE), torch.zeros(0, 4, device=DEVICE)) == NEGATIVE).all()


COMPILE = """
import sys, triton, triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
for path in sys.argv[1:]:
    space = {"__name__": "generated"}
    exec(compile(open(path).read(), path, "exec"), space)
    kernel = space["_kernel"]
    fixed = {a: 32 for a in kernel.arg_names if a.startswith("BLOCK_")} | {"ACC": tl.float32, "PREC": "ieee"}
    real, truth = {"out", "consts", "Q", "K", "V", "eps", "b"}, {"M"}
    kind = lambda a: ("constexpr" if a in fixed else "*i1" if a in truth else "*fp32" if a in real
                      else "*i64" if a.endswith("_by") else "i32")
    signature = {a: kind(a) for a in kernel.arg_names}
    triton.compile(ASTSource(kernel, signature, fixed), target=GPUTarget("cuda", 90, 32))
"""


@pytest.mark.slow
def test_the_compiler_of_triton_takes_the_source(tmp_path: Path) -> None:
    paths = []
    for build in (masked, slope, entropy, best):
        paths.append(tmp_path / f"{build.__name__}.py")
        paths[-1].write_text(lower(*build(), backend="triton", name="kernel").source)
    clean = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"} | {"TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, *map(str, paths)], env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
