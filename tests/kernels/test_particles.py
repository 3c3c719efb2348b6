"""A step of attention dynamics: the Triton kernel against theorem and twin, published values, and the sphere."""

import math

import pytest
import torch

from dltsym.errors import DltsymError, DomainError, DTypeError, ShapeError, UnknownKey, UnsupportedError
from dltsym.implementation import Case
from dltsym.kernels.particles import CASES, arithmetic, particle_step
from dltsym.oracle import run, sanitizer
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.statement import spec_of

DTYPES = ("float64", "float32", "float16", "bfloat16")
OUTPUTS = ("y", "l", "speed2", "log_energy")
CHOICES = [(rule, move) for rule in ("sa", "usa") for move in ("project", "geodesic")]


def triton(x, beta, h, *choices):
    return particle_step(x, beta, h, *choices, backend="triton")


def candidate() -> Candidate:
    def call(inputs, modes):
        return dict(zip(OUTPUTS, particle_step(**inputs, **modes, backend="triton"), strict=True))

    return Candidate("particle_step", call, OUTPUTS, arithmetic)


def tokens(n: int, d: int) -> torch.Tensor:
    """Return the configuration X(n, d) of the published values, sin((i+1)(k+2)), normalised."""
    x = torch.sin(
        torch.arange(1.0, n + 1, dtype=torch.float64)[:, None] * torch.arange(2.0, d + 2, dtype=torch.float64)
    )
    return x / x.norm(dim=-1, keepdim=True)


def unit(n: int, d: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(n + d), dtype=torch.float64)
    return (x / x.norm(dim=-1, keepdim=True)).to(dtype)


@pytest.mark.parametrize(
    ("dtype", "case"),
    [(d, c) for k, d in enumerate(DTYPES) for c in CASES[k::4] if d in (c.dtypes or DTYPES)],
    ids=lambda x: x if isinstance(x, str) else x.name,
)
def test_within_the_tolerance_of_the_theorem(dtype: str, case: Case) -> None:
    result = run.run_case(spec_of("particles.step"), candidate(), case, dtype)
    assert result.verdict == "pass", result.message


@pytest.mark.parametrize(
    ("rule", "first", "rate"),
    [
        ("sa", (0.0275823805400739, -0.107491086917719, 0.0130964745228422), 0.0841100306369561),
        ("usa", (0.0766050116603612, -0.298536812468133, 0.0363730600436875), 0.213178512032997),
    ],
)
def test_published_drift_and_dissipation(rule: str, first: tuple[float, ...], rate: float) -> None:
    x, h = tokens(5, 3), 1e-7
    y, lse, speed2, log_energy = triton(x, 2.0, h, rule)
    assert torch.allclose((y - x)[0] / h, torch.tensor(first, dtype=torch.float64), atol=1e-6)
    energy = math.exp(float(log_energy))
    assert energy == pytest.approx(0.626692702543989, rel=1e-13)
    weight = lse.exp() / 5 if rule == "sa" else 1.0
    assert float((weight * speed2).mean()) == pytest.approx(rate, rel=1e-13)
    later = math.exp(float(triton(y, 2.0, h, rule)[3]))
    assert (later - energy) / h == pytest.approx(rate, rel=1e-5)


@pytest.mark.parametrize(("rule", "move"), CHOICES)
def test_norm_and_energy(rule: str, move: str) -> None:
    x, last = unit(100, 3, torch.float32), -math.inf
    for _ in range(3):
        x, _, _, energy = triton(x, 2.0, 0.1, rule, move)
        assert float((x.double().norm(dim=-1) - 1).abs().max()) <= (2 if move == "project" else 20) * 2.0**-24
        assert float(energy) > last
        last = float(energy)


@pytest.mark.parametrize("move", ["project", "geodesic"])
def test_two_orthogonal_tokens_meet_like_tanh(move: str) -> None:
    """At beta near 0 the inner product of two orthogonal tokens is tanh t."""
    x, h = torch.eye(2, dtype=torch.float64), 1e-3
    for _ in range(100):
        x = triton(x, 1e-12, h, "sa", move)[0]
    assert float(x[0] @ x[1]) == pytest.approx(math.tanh(0.1), abs=3e-4)


def test_tokens_at_rest_stay() -> None:
    for x in (torch.eye(3)[:1], torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.eye(4)[[0, 0, 0]]):
        for rule, move in CHOICES:
            y, _, speed2, _ = triton(x, 2.0, 0.5, rule, move)
            assert torch.equal(y, x)
            assert float(speed2.abs().max()) == 0


def test_batches_views_and_dispatch() -> None:
    x = unit(140, 16).reshape(2, 70, 16)
    beta = torch.tensor([1.0, 3.0], dtype=torch.float64)
    for own in (x, x.mT.contiguous().mT):
        got, expected = (particle_step(own, beta, 0.2, "usa", "geodesic", backend=b) for b in ("triton", "torch"))
        for a, b in zip(got, expected, strict=True):
            assert a.shape == b.shape
            assert torch.allclose(a, b, rtol=1e-12)
    assert triton(torch.zeros(0, 5, 3), 1.0, 0.1)[0].shape == (0, 5, 3)
    assert torch.equal(particle_step(x, beta, 0.2)[0], particle_step(x, beta, 0.2, backend="torch")[0])


def test_bits_do_not_depend_on_the_order_of_programs() -> None:
    x = unit(130, 8, torch.float32)
    first = triton(x, 4.0, 0.1)
    with sanitizer.watch(order="reverse"):
        assert all(torch.equal(a, b) for a, b in zip(first, triton(x, 4.0, 0.1), strict=True))


def test_nan_spreads_to_every_token_that_feels_it() -> None:
    x = unit(70, 4, torch.float32)
    x[3, 1] = float("nan")
    assert all(bool(y.isnan().all()) for y in triton(x, 1.0, 0.1))


def test_bad_input_is_refused_in_words() -> None:
    x = unit(4, 3, torch.float32)
    for wrong, error, told in (
        ({"x": x[0]}, ShapeError, "rows"),
        ({"x": x[:0]}, ShapeError, "n >= 1"),
        ({"x": torch.zeros(2, 300)}, ShapeError, "256"),
        ({"x": x.int()}, DTypeError, "floating"),
        ({"beta": 0.0}, DomainError, "above 0"),
        ({"beta": 81.0, "rule": "usa"}, DomainError, "above 80"),
        ({"beta": torch.tensor([1.0, 90.0]), "x": x.expand(2, 4, 3), "rule": "usa"}, DomainError, "above 80"),
        ({"beta": torch.ones(2), "h": torch.ones(3)}, ShapeError, "broadcast"),
        ({"rule": "softmax"}, UnknownKey, "sa, usa"),
        ({"move": "euler"}, UnknownKey, "project"),
        ({"x": x.clone().requires_grad_()}, UnsupportedError, "torch"),
    ):
        with pytest.raises(error, match=told) as caught:
            particle_step(**{"x": x, "beta": 1.0, "h": 0.1, "backend": "triton", **wrong})
        assert isinstance(caught.value, DltsymError)
    assert bool(triton(x.double(), 81.0, 1e-30, "usa")[2].isfinite().all())
