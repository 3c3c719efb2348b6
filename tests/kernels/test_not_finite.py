"""Inputs of nan, infinity and extreme size: kernel and twin do alike, and as the docstrings say."""

import math

import pytest
import torch

from dltsym.kernels.bpd import smoothed_bpd, token_sums
from dltsym.kernels.contrastive import infonce, infonce_target
from dltsym.kernels.router import router
from dltsym.kernels.scan import selective_scan
from dltsym.kernels.ssd import ssd
from dltsym.kernels.transport import sinkhorn

INF, NAN = math.inf, math.nan
BOTH = pytest.mark.parametrize("backend", ["triton", "torch"])


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def put(x: torch.Tensor, at, value: float) -> torch.Tensor:
    x = x.clone()
    x[at] = value
    return x


def slopes(outputs, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad(sum((x * draw(*x.shape, seed=9)).sum() for x in outputs), inputs)


def alike(a: torch.Tensor, b: torch.Tensor) -> None:
    assert torch.equal(a.isfinite(), b.isfinite())
    known = a.isfinite()
    assert torch.allclose(a[known], b[known], rtol=1e-4, atol=1e-5)


@BOTH
@pytest.mark.parametrize("renormalise", [False, True])
@pytest.mark.parametrize("value", [INF, NAN])
def test_a_spoilt_token_of_the_router(backend: str, renormalise: bool, value: float) -> None:
    clean, z = draw(20, 6), put(draw(20, 6), (3, 2), value).requires_grad_()
    out = router(z, K=2, renormalise=renormalise, backend=backend)
    assert out.p[3].isnan().all()
    assert out.gates[3].isnan().all()
    for x in (out.importance, out.cv2, out.switch, out.z_loss):
        assert x.isnan().all()
    others = torch.arange(20) != 3
    want = router(clean, K=2, renormalise=renormalise, backend=backend)
    assert torch.equal(out.gates[others], want.gates[others])
    (by_gates,) = slopes([out.gates], z)
    assert by_gates[3].isnan().all()
    assert by_gates[others].isfinite().all()


@BOTH
def test_a_token_that_may_go_nowhere(backend: str) -> None:
    z = put(draw(20, 6), 3, -INF).requires_grad_()
    out = router(z, K=8, renormalise=True, backend=backend)
    assert out.indices[3].tolist() == [0, 1, 2, 3, 4, 5, -1, -1]
    assert not out.p[3].any()
    assert not out.gates[3].any()
    assert out.z_loss == INF
    assert out.cv2.isfinite()
    (by_z,) = slopes([out.p, out.gates, out.cv2, out.switch, out.z_loss], z)
    assert not by_z[3].any()
    assert by_z.isfinite().all()


@BOTH
@pytest.mark.parametrize("value", [INF, NAN])
@pytest.mark.parametrize("place", [(2, 1), (2, 69), 2])
def test_bits_of_a_spoilt_token(backend: str, value: float, place) -> None:
    value = -value if isinstance(place, int) else value  # every word hidden, or nan
    z, al = put(draw(4, 70), place, value).requires_grad_(), torch.tensor([0.1, 0.5])
    mean, bits, entropy = smoothed_bpd(z, torch.tensor([0, 1, 2, 69]), al, backend=backend)
    assert mean.isnan().all()
    for x in (bits, entropy, slopes([bits, entropy], z)[0]):
        assert x[2].isnan().all()
        assert x[[0, 1, 3]].isfinite().all()


@pytest.mark.parametrize("value", [3e38, -3e38, -1e31])
def test_huge_logits_keep_their_bits(value: float) -> None:
    found = []
    for backend in ("triton", "torch"):
        z = put(draw(4, 70), (2, 68), value).requires_grad_()
        out = smoothed_bpd(z, torch.tensor([0, 1, 68, 2]), torch.tensor([0.1]), backend=backend)
        found.append([*out, *slopes(out[1:], z)])
    for a, b in zip(*found, strict=True):
        assert a.isfinite().all()
        alike(a.detach(), b.detach())


@pytest.mark.parametrize("T", [1e30, -1e30, 1e8, 1e-30, 0.0])
@pytest.mark.parametrize("loss", ["symmetric", "one_sided"])
def test_extreme_scales_of_infonce(T: float, loss: str) -> None:
    found = []
    for backend in ("triton", "torch"):
        x, y, scale = draw(70, 16).requires_grad_(), draw(70, 16, seed=1).requires_grad_(), torch.tensor(T)
        out = infonce(x, y, scale.requires_grad_(), loss=loss, backend=backend)
        found.append([*out, *slopes(out[:1], x, y, scale)])
    for a, b in zip(*found, strict=True):
        assert a.isfinite().all()
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-3 * b.abs().max().item())


@BOTH
@pytest.mark.parametrize("value", [INF, -INF, NAN])
def test_scores_that_are_not_finite(backend: str, value: float) -> None:
    x, y, t = draw(70, 16), draw(40, 16, seed=1), torch.arange(70) % 40
    _, rows = infonce_target(put(x, (50, 2), value), y, 1.0, t, backend=backend)
    assert rows.isnan().nonzero().flatten().tolist() == [50]
    _, rows = infonce_target(x, put(y, (3, 2), value), 1.0, t, backend=backend)
    assert rows.isnan().all()
    assert infonce(put(x[:1], (0, 0), value), x[:1], 1.0, backend=backend)[0].isnan()


@pytest.mark.parametrize("value", [INF, -INF, NAN])
@pytest.mark.parametrize("name", ["x", "log_a", "B", "C", "h0"])
def test_ssd_never_spoils_earlier_steps(name: str, value: float) -> None:
    value = -abs(value) if name == "log_a" else value
    given = {"x": draw(2, 40, 5), "log_a": -draw(2, 40, seed=1).abs(), "B": draw(1, 40, 3, seed=2)}
    given |= {"C": draw(1, 40, 3, seed=3), "h0": draw(2, 3, 5, seed=4)}
    at = {"x": (1, 21, 2), "log_a": (1, 21), "B": (0, 21, 1), "C": (0, 21, 1), "h0": (1, 1, 1)}[name]
    given[name] = put(given[name], at, value)
    found = []
    for backend in ("triton", "torch"):
        x = {k: v.clone().requires_grad_() for k, v in given.items()}
        out = ssd(**x, chunk=16, backend=backend)
        assert name == "h0" or out[0][:, :21].isfinite().all()
        assert name in ("B", "C") or out[0][0].isfinite().all()
        found.append([*out, *slopes(out, *x.values())])
    for i, (a, b) in enumerate(zip(*found, strict=True)):
        if (name, i) in (("B", 5), ("C", 4)):  # one spoils the gradient of the other in its chunk
            assert torch.equal(a.isfinite() & b.isfinite(), a.isfinite())
            assert a[:, :16].isfinite().all() or name == "C"
        else:
            alike(a.detach(), b.detach())


@pytest.mark.parametrize("mode", ["euler", "zoh"])
def test_a_rate_of_minus_infinity_forgets(mode: str) -> None:
    given = {"u": draw(20, 3), "raw": draw(20, 3, seed=1), "A": put(-draw(3, 2, seed=2).abs(), (1, 1), -INF)}
    given |= {"B": draw(20, 2, seed=3), "C": draw(20, 2, seed=4)}
    found = []
    for backend in ("triton", "torch"):
        x = {k: v.clone().requires_grad_() for k, v in given.items()}
        out = selective_scan(**x, mode=mode, backend=backend)
        found.append([*out, *slopes(out, *x.values())])
    for a, b in zip(*found, strict=True):
        assert a.isfinite().all()
        alike(a.detach(), b.detach())
    last = found[0][1]
    size = torch.nn.functional.softplus(given["raw"][-1, 1]) if mode == "euler" else 0.0
    assert last[1, 1].item() == pytest.approx(float(size * given["B"][-1, 1] * given["u"][-1, 1]), rel=1e-5, abs=1e-30)


@BOTH
@pytest.mark.parametrize("value", [INF, -INF, NAN])
def test_spoilt_values_and_queries_of_sinkhorn(backend: str, value: float) -> None:
    q, k, v = draw(2, 5, 16), draw(2, 7, 16, seed=1), draw(2, 7, 3, seed=2)
    out, row, column, mass = sinkhorn(q, k, put(v, (1, 2, 1), value), 4.0, T=3, backend=backend)
    assert not out[1, :, 1].isfinite().any()
    for x in (out[0], out[1][:, [0, 2]], row, column, mass):
        assert x.isfinite().all()
    spoilt = sinkhorn(put(q, (1, 2, 1), value), k, v, 4.0, T=3, backend=backend)
    for x in spoilt:
        assert x[0].isfinite().all()
    assert not spoilt[0][1].isfinite().all()
    later = {"rho": 0.7, "marginal": "relaxed", "causal": True}
    _, _, column, _ = sinkhorn(put(q, (1, 0, 1), value), k, v, 4.0, T=3, backend=backend, **later)
    assert column[1, 3:].isfinite().all()  # the first query sees three keys


@pytest.mark.parametrize("T", [1, 3])
def test_sinkhorn_without_mass_and_hot(T: int) -> None:
    for more in ({"lb": torch.full((7,), -INF)}, {"la": torch.full((5,), -INF)}, {"eps": 1e30}):
        found = []
        for backend in ("triton", "torch"):
            q, k, v = (x.requires_grad_() for x in (draw(5, 16), draw(7, 16, seed=1), draw(7, 3, seed=2)))
            eps = torch.tensor(more.get("eps", 4.0), requires_grad=True)
            rest = {n: x for n, x in more.items() if n != "eps"}
            out = sinkhorn(q, k, v, eps, **rest, T=T, backend=backend)
            found.append([*out, *slopes(out[:1], q, k, v, eps)])
        for a, b in zip(*found, strict=True):
            alike(a.detach(), b.detach())
            assert not a.isnan().any()


@pytest.mark.parametrize("mode", ["euler", "zoh"])
def test_steps_up_to_the_documented_range(mode: str) -> None:
    given = {"u": draw(20, 3), "raw": put(draw(20, 3, seed=1), (7, 1), 3e17), "A": -draw(3, 2, seed=2).abs()}
    given |= {"B": draw(20, 2, seed=3), "C": draw(20, 2, seed=4)}
    found = []
    for backend in ("triton", "torch"):
        x = {k: v.clone().requires_grad_() for k, v in given.items()}
        out = selective_scan(**x, mode=mode, backend=backend)
        found.append([*out, *slopes(out, *x.values())])
    for a, b in zip(*found, strict=True):
        assert a.isfinite().all()
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-5 * b.abs().max().item())


@BOTH
def test_huge_losses_of_tokens(backend: str) -> None:
    A, s = torch.tensor([1.0, 2e38, -0.5, 1e38]), torch.tensor([0.5, 0.01])
    found = token_sums(A, s, backend=backend)
    assert found.tolist() == pytest.approx([1.5e38, 3e36], rel=1e-6)
    assert not token_sums(torch.full((4,), 3e38), s[:1], backend="triton").isfinite().any()  # beyond single precision


@BOTH
def test_a_huge_logit_of_the_router(backend: str) -> None:
    z = put(draw(5, 4), (2, 1), 3e38).requires_grad_()
    out = router(z, K=2, backend=backend)
    assert out.z_loss == INF
    for x in (out.p, out.gates, out.importance, out.cv2, out.switch):
        assert x.isfinite().all()
    assert slopes([out.p, out.gates, out.cv2, out.switch], z)[0].isfinite().all()


@BOTH
def test_scores_that_overflow_make_the_loss_nan(backend: str) -> None:
    x, y = draw(7, 16).requires_grad_(), draw(7, 16, seed=1).requires_grad_()
    mean, rows = infonce(x, y, torch.tensor(3e38), backend=backend)
    assert mean.isnan()
    assert rows.isnan().all()
    assert slopes([mean], x)[0].isnan().any()
