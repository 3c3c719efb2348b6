"""The inverse of relative entropy: published values, both ends, outward rounding by balls, and what the oracle says."""

import tomllib
from pathlib import Path

import pytest
import torch
from flint import arb

from dltsym.errors import DltsymError
from dltsym.kernels import kl_inverse as family
from dltsym.kernels.kl_inverse import kl_inverse, reference
from dltsym.kernels.kl_inverse.cases import CASES
from dltsym.notation.balls import working
from dltsym.oracle import mutants, run, sanitizer
from dltsym.oracle.adapters import candidate
from dltsym.oracle.statement import spec_of

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
INF, NAN = float("inf"), float("nan")
VALUES = [  # q, c, p, 1 - p
    (0, 1e-8, 9.99999995000000038e-9, None), (0, 0.1, 0.0951625819640404268, None), (0, 50, 1, 1.92874984796e-22),
    (1e-12, 1e-3, 0.000999500188327061324, None), (0.01, 1e-4, 0.0114731281712507602, None),
    (0.1, 0.02, 0.170383627568828463, None), (0.3, 1e-7, 0.300204965672604730, None),
    (0.3, 10, None, 2.61096057100e-7), (0.5, 1e-12, 0.500000707106781186, None),
    (0.5, 0.1, 0.712878631455823990, None), (0.9, 0.02, 0.949370846092184844, None), (0.99999, 1e-3, 1, 1.3685e-49),
]  # fmt: skip


def triton(q: torch.Tensor, c: torch.Tensor, outward: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    return kl_inverse(q, c, outward, backend="triton")


def pairs(count: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw means and radii over many orders of magnitude."""
    draw = torch.Generator().manual_seed(3)
    u = torch.rand(4, count, generator=draw, dtype=torch.float64)
    q = torch.stack([u[0], 10 ** (-9 * u[0]), 1 - 10 ** (-3 * u[0]), 0 * u[0]])
    c = 10 ** (6.5 * u[1] - 6)
    return q.to(dtype).reshape(-1), c.to(dtype).repeat(4)


def entropy(q: float, p: float) -> arb:
    """Return the relative entropy as a ball; p and q are exact."""
    one, a, b = arb(1), arb(q), arb(p)
    first = a * (a / b).log() if q > 0 else arb(0)
    return first + (one - a) * ((one - a) / (one - b)).log() if q < 1 else first


def below(q: torch.Tensor, c: torch.Tensor, p: torch.Tensor) -> list[int]:
    """Return the places where p is certainly below the inverse."""
    with working(200):
        rows = enumerate(zip(q.tolist(), c.tolist(), p.tolist(), strict=True))
        return [k for k, (a, b, r) in rows if r < 1 and (entropy(a, r) < arb(b) or r < a)]


@pytest.mark.parametrize("f", [triton, reference.kl_inverse], ids=["triton", "torch"])
def test_published_values(f) -> None:
    q, c = (torch.tensor([row[k] for row in VALUES], dtype=torch.float64) for k in (0, 1))
    for found, column in zip(f(q, c), (2, 3), strict=True):
        for got, row in zip(found.tolist(), VALUES, strict=True):
            if row[column] is not None:
                digits = 1e-4 if row[column] < 1e-40 else 1e-10
                assert got == pytest.approx(row[column], rel=digits)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_edges(dtype: torch.dtype) -> None:
    q = torch.tensor([0, 0, 0.5, 1, 1, 0.5, NAN, 0.5, -0.125, 1.5, 0.25, 0, 1], dtype=dtype)
    c = torch.tensor([0, 0.5, 0, 0.5, 0, INF, 0.5, -1, 0.5, 0.5, NAN, INF, INF], dtype=dtype)
    p = torch.tensor([0, 0.3934693402873666, 0.5, 1, 1, 1, NAN, NAN, NAN, NAN, NAN, 1, 1], dtype=dtype)
    for outward in (False, True):
        for f in (triton, reference.kl_inverse):
            got, rest = f(q, c, outward)
            assert torch.equal(got.isnan(), p.isnan())
            assert torch.allclose(got, p, rtol=40 * torch.finfo(dtype).eps, atol=0, equal_nan=True)
            assert torch.allclose(rest, 1 - p, rtol=64 * torch.finfo(dtype).eps, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_outward_rounding_is_an_upper_bound(dtype: torch.dtype) -> None:
    q, c = pairs(60, dtype)
    p, rest = triton(q, c)
    high, low = triton(q, c, True)
    twin, _ = reference.kl_inverse(q, c, True)
    assert not below(q, c, high)
    assert not below(q, c, twin)
    assert below(q, c, p)  # the nearest number is often too small
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    slack = 40 * torch.finfo(wide).eps + 2 * torch.finfo(dtype).eps * (dtype != wide)
    assert ((high.double() - p.double()) <= slack * p.double() + 2e-7 * (dtype == torch.float16)).all()
    assert (low <= rest).all()


def test_outward_rounding_downwards_is_caught(tmp_path: Path) -> None:
    bug = next(m for m in mutants.load("kl_inverse") if m.id == "K05")
    name = mutants.write("kl_inverse", bug, tmp_path)
    wrong = mutants.opened(name, tmp_path)
    q, c = pairs(60, torch.float32)
    assert below(q, c, wrong.kl_inverse(q, c, True, backend="triton")[0])


def test_plain_newton_from_above_is_no_bound() -> None:
    q, c = pairs(100, torch.float64)
    p, _ = triton(q, c)
    assert len(below(q, c, p)) > 50


@pytest.mark.parametrize("f", [triton, reference.kl_inverse], ids=["triton", "torch"])
def test_gradient(f) -> None:
    draw = torch.Generator().manual_seed(0)
    q = 0.02 + 0.9 * torch.rand(2, generator=draw, dtype=torch.float64)
    c = 0.01 + 0.5 * torch.rand(2, generator=draw, dtype=torch.float64)
    assert torch.autograd.gradcheck(f, (q.requires_grad_(), c.requires_grad_()))


def test_gradient_at_the_ends() -> None:
    q = torch.tensor([0.5, 1.0, 0.0], dtype=torch.float64, requires_grad=True)
    c = torch.tensor([0.0, 0.5, 0.5], dtype=torch.float64, requires_grad=True)
    dq, dc = torch.autograd.grad(triton(q, c)[0].sum(), (q, c))
    assert dc.tolist() == pytest.approx([INF, 0, 0.6065306597126334])
    assert dq.tolist() == [1, 0, INF]


@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_oracle_finds_nothing(dtype: str) -> None:
    spec = spec_of("pac_bayes.kl_inverse")
    cases = [c for c in CASES if c.sizes["n"] < 66]
    report = run.check(spec, candidate(kl_inverse, spec), dtypes=(dtype,), cases=cases, canaries=False, selftest=False)
    assert report.ok, report.table()


@pytest.mark.unwatched
def test_bits_do_not_depend_on_the_order() -> None:
    q, c = pairs(300, torch.float32)
    found = []
    for order in ("natural", "reverse"):
        with sanitizer.watch(order=order):
            found.append(triton(q, c, True))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_shapes() -> None:
    q, c = torch.rand(3, 1), torch.rand(5)
    assert triton(q, c)[0].shape == (3, 5)
    assert triton(q[:0], c)[1].shape == (0, 5)
    assert triton(torch.tensor(0.5), torch.tensor(0.5))[0].shape == ()
    wide = torch.rand(20, 2)
    assert torch.equal(triton(wide[:, 0], wide[:, 1])[0], triton(wide[:, 0].clone(), wide[:, 1].clone())[0])


@pytest.mark.parametrize(
    ("q", "c"),
    [
        (torch.rand(3), torch.rand(4)),
        (torch.rand(3), torch.rand(3).double()),
        (torch.ones(2, dtype=torch.int64), torch.ones(2, dtype=torch.int64)),
    ],
)
def test_bad_calls_are_refused(q: torch.Tensor, c: torch.Tensor) -> None:
    with pytest.raises(DltsymError):
        kl_inverse(q, c)


def test_planted_bugs_apply() -> None:
    assert not mutants.check_edits("kl_inverse")
    listed = tomllib.loads((Path(family.__file__).parent / "mutants.toml").read_text())["mutant"]
    assert {f"K0{k}" for k in range(1, 6)} <= {m["id"] for m in listed}
