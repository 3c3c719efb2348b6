"""One-sided entropic attention: the Triton kernels against their twin, the theorem, and what they promise of edges."""

import itertools

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dltsym.errors import DltsymError, DomainError, DTypeError, ShapeError, UnknownKey
from dltsym.implementation import Case
from dltsym.kernels.attention import CASES, arithmetic, one_sided_eot, reference
from dltsym.oracle import run, sanitizer
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.cases import make_inputs
from dltsym.oracle.statement import spec_of

NAMES = ("q", "k", "v", "tau", "lp", "slope")
OUTPUTS = ("o", "lse", "entropy")
INF = float("inf")


def triton(inputs, modes):
    return dict(zip(OUTPUTS, one_sided_eot(**inputs, **modes, backend="triton"), strict=True))


def candidate():
    return Candidate("one_sided_eot", triton, OUTPUTS, arithmetic, grads=NAMES)


def draw(*shapes, seed=0, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=g, dtype=torch.float64).to(dtype) for s in shapes]


def both(case: Case):
    """Run kernel and twin in double precision; yield pairs of results and gradients, random in all results."""
    drawn = make_inputs(spec_of("attention.one_sided_eot"), case, "float64")
    found = []
    for f, options in ((one_sided_eot, {"backend": "triton"}), (reference.one_sided_eot, {})):
        x = {n: torch.tensor(a, dtype=torch.float64).requires_grad_() for n, a in drawn.items()}
        out = f(**x, **case.modes, **options)
        finite = [torch.where(y.isfinite(), y, 0.0) for y in out]
        weight = draw(*(y.shape for y in out), seed=5)
        loss = sum((w * y).sum() for w, y in zip(weight, finite, strict=True))
        found.append([*out, *torch.autograd.grad(loss, list(x.values()))])
    return zip((*OUTPUTS, *drawn), *found, strict=True)


@pytest.mark.parametrize("case", CASES[1::3], ids=lambda c: c.name)
def test_double_precision_agrees_with_the_twin(case: Case) -> None:
    for name, got, expected in both(case):
        assert torch.equal(got.isfinite(), expected.isfinite()), name
        scale = 1 + expected[expected.isfinite()].abs().max() if expected.isfinite().any() else 1.0
        gap = torch.where(expected.isfinite(), got - expected, 0.0).abs().max()
        assert gap <= 1e-10 * scale, name


TRIED = {
    "float64": ("2x2 causal", "3x5 head 1 causal"),
    "float32": ("63x63", "129x129 growing causal", "64x64 hidden half causal", "100x50 causal"),
    "float16": ("2x2", "50x100 causal", "66x66 scattered causal", "63x63 peaked"),
    "bfloat16": ("100x1", "64x100", "128x65 odd head", "70x70 cold"),
}
"""Cases of every type; the oracle runs all of them in all types (``dltsym kernel check``)."""


@pytest.mark.parametrize(
    ("dtype", "case"),
    [(d, c) for d, names in TRIED.items() for c in CASES if c.name in names],
    ids=lambda x: x if isinstance(x, str) else x.name,
)
def test_within_the_tolerance_of_the_theorem(dtype: str, case: Case) -> None:
    result = run.run_case(spec_of("attention.one_sided_eot"), candidate(), case, dtype, NAMES)
    assert result.verdict == "pass", result.message
    assert not [c for c in result.comparisons if c.note], "a result without a reference"


def test_gradcheck_in_every_input() -> None:
    q, k, v, lp = draw((2, 2), (3, 2), (3, 2), (3,))
    tau, slope = torch.tensor(0.9, dtype=torch.float64), torch.tensor(0.4, dtype=torch.float64)
    inputs = [x.requires_grad_() for x in (q, k, v, tau, lp, slope)]
    assert torch.autograd.gradcheck(lambda *x: one_sided_eot(*x, True, backend="triton"), inputs, atol=1e-7)


class Largest(TorchDispatchMode):
    """Note the largest array that any operation makes."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for y in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(y, torch.Tensor):
                self.bytes = max(self.bytes, y.untyped_storage().nbytes())
        return out


def test_no_array_of_scores_is_ever_made() -> None:
    n, m, d = 200, 260, 16
    q, k, v, lp = (x.requires_grad_() for x in draw((n, d), (m, d), (m, d), (m,), dtype=torch.float32))
    with Largest() as seen:
        o, lse, entropy = one_sided_eot(q, k, v, 3.0, lp, causal=True, backend="triton")
        (o.sum() + lse.sum() + entropy.sum()).backward()
    assert seen.bytes <= m * d * 4
    with Largest() as seen:
        reference.one_sided_eot(q, k, v, 3.0, lp, causal=True)
    assert seen.bytes >= n * m * 4


def test_bits_do_not_depend_on_the_order_of_programs() -> None:
    q, k, v, lp = draw((2, 80, 16), (2, 70, 16), (2, 70, 16), (2, 70), dtype=torch.float32)
    slope = torch.tensor([0.5, 0.125])

    def call():
        x = [y.clone().requires_grad_() for y in (q, k, v, torch.tensor(2.0), lp, slope)]
        out = one_sided_eot(*x, True, backend="triton")
        return [*out, *torch.autograd.grad(out[0].sum() + out[2].sum(), x)]

    first = call()
    for order in ("reverse", 3):
        with sanitizer.watch(order=order):
            assert all(torch.equal(a, b) for a, b in zip(first, call(), strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rows_without_keys(dtype: torch.dtype) -> None:
    q, k, v = (x.requires_grad_() for x in draw((5, 16), (3, 16), (3, 8), dtype=dtype))
    lp = torch.tensor([-INF, 0.0, 1.0], requires_grad=True)
    o, lse, entropy = one_sided_eot(q, k, v, 1.5, lp, causal=True, backend="triton")
    empty = torch.tensor([True, True, True, False, False])  # two see nothing, one only a key that is hidden
    assert torch.equal(lse == -INF, empty)
    assert o[empty].abs().max() == 0
    assert entropy[empty].abs().max() == 0
    (o.sum() + (lse**2).sum() + entropy[empty].log().sum()).backward()  # infinite slopes at the empty rows
    assert q.grad is not None
    assert q.grad[empty].abs().max() == 0
    assert lp.grad is not None
    assert lp.grad[0] == 0
    assert all(bool(x.grad.isfinite().all()) for x in (k, v, lp))


def test_no_keys_no_queries_no_batch() -> None:
    for lead, n, m in (((2,), 0, 3), ((2,), 3, 0), ((0, 2), 3, 3)):
        q, k, v = (torch.zeros(*lead, r, 4, requires_grad=True) for r in (n, m, m))
        for backend in ("triton", "torch"):
            o, lse, entropy = one_sided_eot(q, k, v, 1.0, backend=backend)
            assert o.shape == (*lead, n, 4)
            assert lse.shape == entropy.shape == (*lead, n)
            assert bool((lse == -INF).all())
            (o.sum() + entropy.sum()).backward()


def test_nan_and_infinity() -> None:
    q, k, v = draw((70, 16), (70, 16), (70, 16), dtype=torch.float32)
    q[7, 3] = float("nan")
    for backend in ("triton", "torch"):
        o, lse, entropy = one_sided_eot(q, k, v, 2.0, backend=backend)
        for y in (o.sum(-1), lse, entropy):
            assert torch.equal(y.isnan().nonzero().flatten(), torch.tensor([7]))
        lp = torch.zeros(70)
        lp[2] = INF
        assert bool(one_sided_eot(q[8:9], k, v, 2.0, lp, backend=backend)[1].isnan().all())


@pytest.mark.parametrize("tau", [2.0**-60, 2.0**60])
def test_temperatures_near_their_limits(tau: float) -> None:
    q, k, v = draw((3, 16), (70, 16), (70, 16), dtype=torch.float32)
    o, _, entropy = one_sided_eot(q, k, v, tau, backend="triton")
    best = (q @ k.T).argmax(-1)
    assert torch.allclose(o, v[best] if tau < 1 else v.mean(0).expand(3, 16), atol=1e-5)
    assert torch.allclose(entropy, torch.full((3,), 0.0 if tau < 1 else float(torch.tensor(70.0).log())), atol=1e-5)


def test_leading_dimensions_broadcast() -> None:
    q, k, v, lp = draw((2, 1, 3, 5, 4), (3, 6, 4), (2, 3, 6, 2), (6,))
    tau = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    x = [y.requires_grad_() for y in (q, k, v, tau, lp)]
    found = []
    for backend in ("triton", "torch"):
        out = one_sided_eot(*x, backend=backend)
        found.append([*out, *torch.autograd.grad(sum(y.square().sum() for y in out), x)])
    for got, expected in zip(*found, strict=True):
        assert torch.allclose(got, expected, rtol=1e-10)
    assert [y.shape for y in found[0][:2]] == [(2, 2, 3, 5, 2), (2, 2, 3, 5)]


def test_only_one_result_is_differentiated() -> None:
    q, k, v = draw((9, 4), (7, 4), (7, 3))
    for which in range(3):
        found = []
        for backend in ("triton", "torch"):
            x = [y.clone().requires_grad_() for y in (q, k)]
            out = one_sided_eot(*x, v, 1.3, backend=backend)[which]
            found.append(torch.autograd.grad(out.sin().sum(), x))
        for got, expected in zip(*found, strict=True):
            assert torch.allclose(got, expected, rtol=1e-9)


def test_second_derivatives_are_refused() -> None:
    q = torch.ones(2, 4, requires_grad=True)
    (g,) = torch.autograd.grad(one_sided_eot(q, q, q, 1.0, backend="triton")[0].sum(), q, create_graph=True)
    with pytest.raises(RuntimeError, match=r"does not require grad|once_differentiable"):
        g.sum().backward()


def test_bad_input_is_refused_in_words() -> None:
    q, k, v = draw((5, 4), (6, 4), (6, 3), dtype=torch.float32)
    for wrong, error, told in (
        ({"k": k[:, :3]}, ShapeError, "a key 3"),
        ({"v": v[:5]}, ShapeError, "5 values"),
        ({"lp": torch.zeros(5)}, ShapeError, "lp of shape"),
        ({"q": q[0]}, ShapeError, "rows and columns"),
        ({"q": q.double()}, DTypeError, "one floating type"),
        ({"q": q.int(), "k": k.int(), "v": v.int()}, DTypeError, "one floating type"),
        ({"tau": 0.0}, DomainError, "above 0"),
        ({"tau": torch.tensor([1.0, -1.0])}, DomainError, "above 0"),
        ({"q": torch.zeros(2, 300), "k": torch.zeros(6, 300)}, ShapeError, "1 to 256"),
        ({"slope": torch.zeros(2), "tau": torch.ones(3)}, ShapeError, "broadcast"),
        ({"backend": "cuda"}, UnknownKey, "triton"),
        ({"input_precision": "bf16"}, UnknownKey, "tf32"),
    ):
        with pytest.raises(error, match=told) as caught:
            one_sided_eot(**{"q": q, "k": k, "v": v, "tau": 1.0, "backend": "triton", **wrong})
        assert isinstance(caught.value, DltsymError)


def test_precision_shows_in_the_error() -> None:
    q, k, v = draw((64, 32), (64, 32), (64, 32), dtype=torch.float32)
    truth = reference.one_sided_eot(q.double(), k.double(), v.double(), 1.0)[0]
    gaps = [
        float((one_sided_eot(q, k, v, 1.0, backend="triton", input_precision=p)[0] - truth).abs().max())
        for p in ("tf32", "tf32x3", "ieee")
    ]
    assert gaps[0] > 1e-4
    assert all(gap < 1e-5 for gap in gaps[1:])


def test_cases_cover_every_choice() -> None:
    assert len(CASES) >= 22
    assert len({c.name for c in CASES}) == len(CASES)
    for causal, bare in itertools.product((False, True), (False, True)):
        assert any(c.modes["causal"] is causal and (c.values["lp"] == "absent") is bare for c in CASES)
