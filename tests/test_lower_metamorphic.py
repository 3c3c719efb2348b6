"""What must hold whatever the formula: shifts, permutations, padding, splitting, scaling; and poisoned buffers.

Each relation is exact mathematics, so the tolerance is the derived one of both sides; inputs are poisoned with nan
where nothing may be read.
"""

import numpy as np
import pytest
import torch

from dltsym import Scope, exp, log, sqrt
from dltsym.lower.checks.validate import tolerance
from dltsym.lower.compiler import compile as compile_kernel
from dltsym.lower.interpret.bound import running
from dltsym.lower.interpret.model import model_for
from dltsym.notation.folds_api import lse_over, scan_over, sum_over

v = Scope()
n, m, d, c = (v.count(s) for s in ("n", "m", "d", "c"))
i, j, t, e = v.index("i", n), v.index("j", m), v.index("t", n), v.index("e", c)
x, a, S = v.array("x", n), v.array("a", n, lo=-1, hi=1), v.array("S", (n, m))
Q, K, V = v.array("Q", (n, d)), v.array("K", (m, d)), v.array("V", (m, c))
M, b, eps = v.array("M", (n, m), entries="bool"), v.array("b", m, lo=0), v.pos("eps")
BACKENDS = ("numpy", "torch")


def score(r, s):
    return sum_over(d, lambda k: Q[r, k] * K[s, k]) / sqrt(d)


def kernels(tree, axes):
    return {backend: compile_kernel(tree, axes=axes, backend=backend) for backend in BACKENDS}


SOFTMAX = kernels(exp(S[i, j]) / sum_over(m, lambda s: exp(S[i, s])), "i j")
LSE = kernels(lse_over(m, lambda s: S[i, s]), "i")


def weight(s):
    return M[i, s] * b[s] * exp(S[i, s])


MEAN = kernels(sum_over(m, lambda s: weight(s) * V[s, e]) / sum_over(m, weight), "i e")
ATTENTION = kernels(sum_over(m, lambda s: exp(score(i, s)) * V[s, e]) / sum_over(m, lambda s: exp(score(i, s))), "i e")
POTENTIAL = kernels(-eps * log(sum_over(m, lambda s: b[s] * exp(S[i, s] / eps))), "i")
SCAN = kernels(scan_over(t, lambda s, h: a[s] * h + x[s]), "t")
SUFFIX = kernels(sum_over((t, n), lambda s: x[s]), "t")
PREFIX = kernels(sum_over((1, t), lambda s: x[s]), "t")


def call(kernel, **data):
    """Call on numpy arrays, whatever the backend."""
    if kernel.backend == "torch":
        data = {name: torch.from_numpy(x.copy()) if isinstance(x, np.ndarray) else x for name, x in data.items()}
    return np.asarray(kernel(**data))


def agree(kernel, left, right, *data):
    """Compare two results that are equal in exact arithmetic."""
    allowed = sum(np.max(running(kernel.final, one, model_for("float64"))["value"][1]) for one in data)
    assert left.shape == right.shape
    assert np.isfinite(left).all()
    assert np.abs(left - right).max(initial=0) <= allowed + 1e-300


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.mark.parametrize("backend", BACKENDS)
def test_shifts(backend, rng) -> None:
    for scale in (1.0, 300.0):
        A = {"S": np.round(scale * rng.standard_normal((5, 7)) * 64) / 64}
        B = {"S": A["S"] + 1024.0}  # exact in float64
        k = SOFTMAX[backend]
        agree(k, call(k, **A), call(k, **B), A, B)
        k = LSE[backend]
        agree(k, call(k, **A) + 1024.0, call(k, **B), A, B)


@pytest.mark.parametrize("backend", BACKENDS)
def test_permutation_duplication_padding_and_splitting(backend, rng) -> None:
    k = MEAN[backend]
    A = {"S": 30 * rng.standard_normal((4, 6)), "V": rng.standard_normal((6, 3)),
         "M": rng.random((4, 6)) < 0.6, "b": rng.uniform(0, 2, 6)}  # fmt: skip
    A["M"][:, 2] = True
    order = rng.permutation(6)
    B = {"S": A["S"][:, order], "V": A["V"][order], "M": A["M"][:, order], "b": A["b"][order]}
    agree(k, call(k, **A), call(k, **B), A, B)
    twice = {"S": np.tile(A["S"], 2), "V": np.tile(A["V"], (2, 1)), "M": np.tile(A["M"], 2), "b": np.tile(A["b"], 2)}
    agree(k, call(k, **A), call(k, **twice), A, twice)
    for junk in (1e30, -1e30):
        padded = {
            "S": np.hstack([A["S"], np.full((4, 2), junk)]),
            "V": np.vstack([A["V"], np.ones((2, 3))]),
            "M": np.hstack([A["M"], np.zeros((4, 2), dtype=bool)]),
            "b": np.append(A["b"], [1.0, 5.0]),
        }
        agree(k, call(k, **A), call(k, **padded), A, padded)
    lse = LSE[backend]
    parts = [{"S": A["S"][:, :2]}, {"S": A["S"][:, 2:]}]
    joined = np.logaddexp(*(call(lse, **p) for p in parts))
    agree(lse, call(lse, S=A["S"]), joined, {"S": A["S"]}, *parts, {"S": A["S"]})


@pytest.mark.parametrize("backend", BACKENDS)
def test_scaling_and_transposition(backend, rng) -> None:
    k = POTENTIAL[backend]
    A = {"S": rng.standard_normal((4, 6)), "b": rng.uniform(0, 2, 6), "eps": 0.125}
    B = {"S": 8 * A["S"], "b": A["b"], "eps": 1.0}
    agree(k, 8 * call(k, **A), call(k, **B), A, A, A, A, A, A, A, A, B)
    k, other = (kernels(sum_over(d, lambda s: Q[i, s] * K[j, s]), axes)[backend] for axes in ("i j", "j i"))
    A = {"Q": rng.standard_normal((4, 3)), "K": rng.standard_normal((6, 3))}
    agree(k, call(k, **A), call(other, **A).T, A, A)


@pytest.mark.parametrize("backend", BACKENDS)
def test_scans(backend, rng) -> None:
    for size in (1, 2, 63, 64, 65, 130):
        A = {"x": rng.standard_normal(size)}
        B = {"x": A["x"][::-1]}
        forward, back = PREFIX[backend], SUFFIX[backend]
        agree(forward, call(forward, **A), call(back, **B)[::-1], A, B)
        k = SCAN[backend]
        A["a"] = rng.uniform(-1, 1, size)
        cut = size // 2 or 1
        whole, head = call(k, **A), call(k, x=A["x"][:cut], a=A["a"][:cut])
        agree(k, whole[:cut], head, A, A)
        if cut < size:
            rest = {"x": A["x"][cut:].copy(), "a": A["a"][cut:]}
            rest["x"][0] += rest["a"][0] * head[-1]
            agree(k, whole[cut:], call(k, **rest), A, A, rest)


@pytest.mark.parametrize("backend", BACKENDS)
def test_single_precision_is_within_six_sigma(backend, rng) -> None:
    cases = {
        "attention": (ATTENTION, {"Q": (9, 8), "K": (11, 8), "V": (11, 5)}),
        "lse": (LSE, {"S": (9, 40)}),
        "softmax": (SOFTMAX, {"S": (9, 40)}),
    }
    for made, shapes in cases.values():
        data = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        wide = {name: x.astype(np.float64) for name, x in data.items()}
        single, double = call(made[backend], **data), call(made[backend], **wide)
        assert single.dtype == np.float32
        limits = tolerance(made[backend].final, wide, "float32")["value"]
        assert (np.abs(single - double) <= limits.allowed(double) + 1e-12).all()


def views(array, rng):
    """Yield views of equal entries into storage that is full of nan."""
    shape = array.shape
    wide = np.full(tuple(2 * s + 3 for s in shape), np.nan)
    spaced = wide[tuple(slice(1, 1 + 2 * s, 2) for s in shape)]
    spaced[...] = array
    yield spaced
    flipped = np.full(tuple(s + 2 for s in shape), np.nan)[tuple(slice(1, 1 + s) for s in shape)]
    flipped[...] = np.flip(array)
    yield np.flip(flipped)
    turned = np.full(shape[::-1], np.nan)
    turned[...] = array.T
    yield turned.T


def test_poisoned_buffers(rng) -> None:
    data = {"Q": rng.standard_normal((5, 4)), "K": rng.standard_normal((7, 4)), "V": rng.standard_normal((7, 3))}
    for backend in BACKENDS:
        k = ATTENTION[backend]
        want = call(k, **data)
        for name in data:
            for view in views(data[name], rng):
                if backend == "numpy":
                    got = k(**{**data, name: view})
                elif min(view.strides) < 0:
                    continue  # torch has no negative strides
                else:
                    tensors = {s: torch.from_numpy(x) for s, x in data.items()}
                    got = np.asarray(k(**{**tensors, name: torch.from_numpy(view)}))
                agree(k, np.asarray(got), want, data, data)
        still = np.broadcast_to(data["Q"][:1], (5, 4))  # zero stride
        if backend == "numpy":
            agree(k, k(**{**data, "Q": still}), np.broadcast_to(want[:1], want.shape), data, data)
        else:
            expanded = torch.from_numpy(data["Q"][:1]).expand(5, 4)
            got = k(Q=expanded, K=torch.from_numpy(data["K"]), V=torch.from_numpy(data["V"]))
            agree(k, np.asarray(got), np.broadcast_to(want[:1], want.shape), data, data)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_mask_hides_is_not_read(backend, rng) -> None:
    k = MEAN[backend]
    data = {"S": rng.standard_normal((5, 6)), "V": rng.standard_normal((6, 3)), "M": rng.random((5, 6)) < 0.5,
            "b": rng.uniform(0.5, 2, 6)}  # fmt: skip
    data["M"][0] = False
    want = call(k, **data)
    assert (want[0] == 0).all()
    for junk in (1e30, -1e30, np.nan, np.inf):
        hidden = {**data, "S": np.where(data["M"], data["S"], junk)}
        got = call(k, **hidden)
        assert np.array_equal(got, want), junk


def test_gradients_through_dead_rows_are_zero(rng) -> None:
    k = MEAN["torch"]
    mask = torch.from_numpy(rng.random((5, 6)) < 0.5)
    mask[0] = False
    S_, V_ = (torch.from_numpy(rng.standard_normal(s)).requires_grad_() for s in ((5, 6), (6, 3)))
    out = k(S=S_, V=V_, M=mask, b=torch.ones(6, dtype=torch.float64))
    slope_s, slope_v = torch.autograd.grad(out.square().sum(), (S_, V_))
    assert torch.isfinite(slope_s).all()
    assert torch.isfinite(slope_v).all()
    assert (slope_s[0] == 0).all()
    assert (slope_s[~mask] == 0).all()
