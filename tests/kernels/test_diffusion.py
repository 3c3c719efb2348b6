"""Denoising steps: published checksums, replayed noise, the family at its ends, and what the oracle says."""

import pytest
import torch

from dltsym.errors import DltsymError
from dltsym.kernels.diffusion import coefficients, normal, reference, step
from dltsym.kernels.diffusion.cases import CASES
from dltsym.oracle import run, sanitizer
from dltsym.oracle.adapters import candidate
from dltsym.oracle.statement import spec_of

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def triton(*args, **options):
    return step(*args, backend="triton", **options)


def schedule() -> torch.Tensor:
    """Return the signal kept by the linear schedule of the published tests, single precision."""
    return torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float32), 0)


def bed() -> torch.Tensor:
    """Return the sample that the published checksums start from."""
    return (torch.arange(768, dtype=torch.float32) / 768).reshape(3, 8, 8, 4).permute(3, 0, 1, 2).contiguous()


def guess(x: torch.Tensor, t: int) -> torch.Tensor:
    return x * t / (t + 1)


@pytest.mark.unwatched  # 1000 launches; the watch has seen this kernel elsewhere
def test_ddpm_reaches_the_published_checksum() -> None:
    kept, x = schedule().double(), bed()
    source = torch.Generator().manual_seed(0)
    for t in range(999, -1, -1):
        z = torch.randn(x.shape, generator=source) if t > 0 else None
        x = triton(x, guess(x, t), kept[t].item(), kept[t - 1].item() if t else 1.0, z, clip=True)
    assert x.abs().sum().item() == pytest.approx(258.9606, abs=1e-2)
    assert x.abs().mean().item() == pytest.approx(0.3372, abs=1e-4)


def test_ddim_reaches_the_published_checksum() -> None:
    kept, x = schedule().double(), bed()
    for t in range(900, -1, -100):
        before = kept[t - 100].item() if t else 1.0
        x = triton(x, guess(x, t), kept[t].item(), before, method="ddim", clip=True)
    assert x.abs().sum().item() == pytest.approx(172.0067, abs=1e-2)
    assert x.abs().mean().item() == pytest.approx(0.223967, abs=1e-5)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("options", [{}, {"clip": True}, {"method": "ddim", "eta": 0.5, "prediction": "v"}], ids=str)
def test_kernel_and_twin_agree_with_their_gradients(dtype: torch.dtype, options: dict) -> None:
    draw = torch.Generator().manual_seed(1)
    given = [torch.randn(3, 700, generator=draw, dtype=torch.float64).to(dtype) for _ in range(4)]
    now = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    found = []
    for f in (triton, reference.step):
        x, model, z = (a.clone().requires_grad_() for a in given[:3])
        out = f(x, model, now, now + 0.05, z, **options)
        found.append((out, *torch.autograd.grad((out * given[3]).sum(), (x, model, z))))
    unit = torch.finfo(dtype).eps
    for got, expected in zip(*found, strict=True):
        assert (got - expected).abs().max() <= 4 * unit * expected.abs().max()


@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_oracle_finds_nothing(dtype: str) -> None:
    spec = spec_of("diffusion.step")
    report = run.check(spec, candidate(step, spec), dtypes=(dtype,), cases=CASES[::3], canaries=False, selftest=False)
    assert report.ok, report.table()


def test_noise_is_replayed() -> None:
    x = torch.zeros(2, 1050)
    whole = triton(x, x, 0.3, 0.5, seed=7)
    sigma = coefficients(
        *(torch.tensor(a, dtype=torch.float64) for a in (0.3, 0.5, 0.0)), "ddpm", "eps", "posterior", False
    )
    drawn = normal(2100, 7, backend="triton")
    assert torch.equal(whole.reshape(-1), triton(x, x, 0.3, 0.5, drawn.reshape(2, 1050)).reshape(-1))
    assert torch.equal(drawn[1028:], normal(1072, 7, 1028, backend="triton"))
    assert not torch.equal(drawn[:1024], normal(1024, 8, backend="triton"))
    assert (whole.std() / sigma.sigma).item() == pytest.approx(1, abs=0.05)
    assert drawn.mean().abs() < 0.1
    assert (drawn - normal(2100, 7)).abs().max() <= 1e-5
    far = 2**40
    assert (normal(9, 2**33 + 5, far, backend="triton") - normal(9, 2**33 + 5, far)).abs().max() <= 1e-5


def test_philox_gives_the_known_words() -> None:
    words = reference.philox(0, torch.tensor([0]), torch.tensor([0]))
    assert [int(w) for w in words] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


@pytest.mark.parametrize("method", ["ddpm", "ddim"])
def test_no_noise_at_the_first_time(method: str) -> None:
    x, model, z = torch.randn(3, 50).unbind()
    for variance in ("posterior", "beta"):
        quiet = triton(x, model, 0.7, 1.0, variance=variance, method=method, eta=1.0)
        assert torch.equal(quiet, triton(x, model, 0.7, 1.0, z, variance=variance, method=method, eta=1.0))


def test_variances_along_the_schedule() -> None:
    """The marginal variance goes from 1 - now to 1 - before when both samples share x0."""
    kept = schedule().double()
    for method in ("ddpm", "ddim"):
        c = coefficients(kept[1:], kept[:-1], torch.ones(999, dtype=torch.float64), method, "eps", "posterior", False)
        spread = c.x * (1 - kept[1:]) ** 0.5 + c.model  # x = sqrt(now) x0 + sqrt(1 - now) e, model = e
        assert torch.allclose(spread**2 + c.sigma**2, 1 - kept[:-1], rtol=1e-10, atol=1e-14)
        assert torch.allclose(c.x * kept[1:] ** 0.5, kept[:-1] ** 0.5, rtol=1e-13)


@pytest.mark.unwatched
def test_bits_do_not_depend_on_the_order() -> None:
    x, model = torch.randn(2, 5000).unbind()
    found = []
    for order in ("natural", "reverse", 3):
        with sanitizer.watch(order=order):
            found.append(triton(x, model, 0.3, 0.5, seed=3))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_edges() -> None:
    x = torch.tensor([1.0, float("nan"), float("inf"), -float("inf"), 0.5])
    out = triton(x, torch.zeros(5), 0.3, 0.5, clip=True)
    assert out.isnan().tolist() == [False, True, False, False, False]
    assert triton(torch.zeros(0), torch.zeros(0), 0.3, 0.5).shape == (0,)
    assert triton(torch.zeros(3, 0), torch.zeros(3, 0), 0.3, 0.5).shape == (3, 0)
    view = torch.randn(40, 6).t()[::2]
    assert torch.equal(triton(view, view, 0.3, 0.5), triton(view.contiguous(), view.contiguous(), 0.3, 0.5))


@pytest.mark.parametrize(
    "change",
    [
        {"now": 0.6}, {"before": 1.5}, {"eta": 2.0}, {"method": "dpm"}, {"prediction": "x0"}, {"variance": "fixed"},
        {"model": torch.zeros(4)}, {"model": torch.zeros(5).double()}, {"noise": torch.zeros(2)},
        {"seed": 1, "noise": torch.zeros(5)}, {"seed": 1, "counter": 2}, {"backend": "cuda"},
    ],
    ids=str,
)  # fmt: skip
def test_bad_calls_are_refused(change: dict) -> None:
    given = {"x": torch.zeros(5), "model": torch.zeros(5), "now": 0.3, "before": 0.5} | change
    with pytest.raises(DltsymError):
        step(**given)
