"""Routing and expert choice: closed values, ties, masks, deterministic sums, gradients, and what the oracle says."""

import tomllib
from pathlib import Path

import pytest
import torch

from dltsym.errors import DltsymError
from dltsym.kernels import router as family
from dltsym.kernels.router import expert_choice, reference, router
from dltsym.kernels.router.cases import CHOICE_CASES, ROUTER_CASES
from dltsym.oracle import mutants, run, sanitizer
from dltsym.oracle.adapters import candidate
from dltsym.oracle.statement import spec_of

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
INF, NAN = float("inf"), float("nan")
SMOOTH = ("p", "gates", "importance", "cv2", "switch", "z_loss")


def triton(z, mask=None, K=2, renormalise=False, per_k=True):
    return router(z, mask, K, renormalise, per_k, backend="triton")


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def gradient(f, z: torch.Tensor, *args, **weights: float) -> torch.Tensor:
    """Return the gradient of a weighted sum of outputs by the logits."""
    z = z.clone().requires_grad_()
    out = f(z, *args)
    return torch.autograd.grad(sum(w * (getattr(out, n)).sum() for n, w in weights.items()), z)[0]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("T", "E", "K", "renormalise", "masked"),
    [(1, 8, 1, False, False), (63, 16, 2, True, True), (129, 64, 8, False, True), (5, 4, 8, True, False)],
)
def test_kernel_and_twin_agree(dtype, T, E, K, renormalise, masked) -> None:
    z = (2 * draw(2, T, E)).to(dtype)
    mask = draw(2, T, seed=1) < 0.5 if masked else None
    found = []
    for f in (router, reference.router):
        x = z.clone().requires_grad_()
        out = f(x, mask, K, renormalise, **({"backend": "triton"} if f is router else {}))
        smooth = [y for y in out if y.is_floating_point()]
        loss = sum((draw(*y.shape, seed=k) * y).sum() for k, y in enumerate(smooth))
        found.append((*out, torch.autograd.grad(loss, x)[0]))
    for got, expected in zip(*found, strict=True):
        assert got.dtype == expected.dtype
        unit = torch.finfo(dtype).eps if got.is_floating_point() else 0
        assert (got.double() - expected.double()).abs().max() <= 16 * unit * max(1.0, expected.abs().max())


def test_closed_values() -> None:
    z = torch.tensor([[1.0, 0, -1], [0, 2, 1]], dtype=torch.float64)
    one, two = triton(z, K=1), triton(z, K=2)
    assert one.cv2.item() == pytest.approx(0.132907293418, abs=1e-11)
    assert one.switch.item() == pytest.approx(1.248930716831, abs=1e-11)
    assert two.switch.item() == pytest.approx(1.091238535061, abs=1e-11)
    assert one.z_loss.item() == pytest.approx(3.888960515584, abs=1e-11)
    assert two.indices.tolist() == [[0, 1], [1, 2]]
    assert two.counts.tolist() == [1, 2, 1]
    by_cv2 = gradient(triton, z, None, 1, cv2=1)
    assert by_cv2[0].tolist() == pytest.approx([0, 0.056788470037, -0.056788470037], abs=1e-11)
    by_switch = gradient(triton, z, None, 1, switch=1)
    assert by_switch[1].tolist() == pytest.approx([0.01652478339, 0.122102551492, -0.138627334882], abs=1e-11)
    by_z = gradient(triton, z, None, 1, z_loss=1)
    assert by_z[0].tolist() == pytest.approx([0.936397137141, 0.344481255526, 0.126727571777], abs=1e-11)


def test_nearly_balanced_router_keeps_its_digits() -> None:
    z = 1e-5 * draw(256, 8)
    exact = triton(z).cv2.item()
    assert 0 < exact < 1e-11
    rounded = z.float()
    assert triton(rounded).cv2.item() == pytest.approx(triton(rounded.double()).cv2.item(), rel=1e-4)


def test_gates() -> None:
    z = torch.tensor([[0.0, 1, 2, 3]], dtype=torch.float64)
    assert triton(z, K=2, renormalise=True).gates[0].tolist() == pytest.approx([0.7310585786, 0.2689414214])
    assert triton(z, K=2).gates.sum().item() == pytest.approx(0.8808, abs=1e-4)
    assert torch.equal(gradient(triton, draw(20, 6), None, 1, True, gates=1), torch.zeros(20, 6, dtype=torch.float64))
    for name in ("cv2", "switch"):
        assert gradient(triton, draw(20, 6), None, 2, **{name: 1}).sum(-1).abs().max() < 1e-15


def test_ties_and_what_is_not_finite() -> None:
    z = torch.tensor([[1.0, 3, 3, 2], [0.0, -0.0, 0, -0.0], [-INF, 5, -INF, -INF], [NAN, 1, 2, 0], [-INF] * 4])
    for out in (triton(z), reference.router(z)):
        assert out[1].tolist() == [[1, 2], [0, 1], [1, 0], [2, 1], [0, 1]]
        assert out[0][2].tolist() == [0, 1, 0, 0]
        assert out[0][3].isnan().all()
        assert out[0][4].tolist() == [0, 0, 0, 0]


def test_padding_never_enters() -> None:
    z, mask = draw(100, 8), torch.arange(100) < 70
    dirty = torch.where(mask[:, None], z, NAN)
    short, long = triton(z[:70]), triton(dirty, mask)
    for name in ("counts", "importance", "cv2", "switch", "z_loss"):
        assert torch.allclose(getattr(short, name), getattr(long, name), rtol=1e-13)
    assert torch.equal(long.p[70:], torch.zeros_like(long.p[70:]))
    assert (long.indices[70:] == -1).all()
    by_z = gradient(triton, dirty, mask, 2, **dict.fromkeys(SMOOTH, 1))
    assert torch.equal(by_z[70:], torch.zeros_like(by_z[70:]))
    none = triton(z, torch.zeros(100))
    assert [none.cv2.item(), none.switch.item(), none.z_loss.item()] == [0, 0, 0]


def test_layers_are_not_pooled() -> None:
    z = 40 * torch.eye(4)[:, None, :].expand(4, 16, 4)
    out = triton(z, K=1)
    assert out.switch.tolist() == pytest.approx([4.0] * 4)
    assert triton(z.reshape(-1, 4), K=1).switch.item() == pytest.approx(1.0)
    assert triton(torch.zeros(0, 5, 4)).cv2.shape == (0,)
    assert triton(torch.zeros(0, 4)).p.shape == (0, 4)


@pytest.mark.unwatched
def test_bits_do_not_depend_on_the_order() -> None:
    z, s = draw(500, 64, dtype=torch.float32), draw(300, 5, dtype=torch.float32)
    found = []
    for order in ("natural", "reverse", 5):
        with sanitizer.watch(order=order):
            by_z = gradient(triton, z, None, 2, **dict.fromkeys(SMOOTH, 1))
            found.append((*triton(z), by_z, *expert_choice(s, None, 40, backend="triton")))
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("T", "E", "C", "masked"), [(1, 4, 1, False), (100, 3, 16, True), (1100, 2, 200, True)])
def test_expert_choice_is_exact(dtype, T, E, C, masked) -> None:
    s = draw(2, T, E).mul(4).round().div(4).to(dtype)  # many ties
    mask = draw(2, T, seed=1) < 0.5 if masked else None
    found = []
    for f in (expert_choice, reference.expert_choice):
        x = s.clone().requires_grad_()
        out = f(x, mask, C, **({"backend": "triton"} if f is expert_choice else {}))
        found.append((*out, torch.autograd.grad((out[1] * draw(*out[1].shape, seed=2)).sum(), x)[0]))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_expert_choice_takes_the_largest() -> None:
    s = torch.softmax(draw(200, 8), -1)
    out = expert_choice(s, None, 50, backend="triton")
    values, _ = torch.topk(s.mT, 50)
    assert torch.equal(out.gates.sort(-1, descending=True).values, values)
    assert (out.indices[:, 1:] > out.indices[:, :-1]).all()
    assert out.covered.sum() == 8 * 50
    assert torch.equal(out.covered, (out.indices[..., None] == torch.arange(200)).sum((0, 1)))


def test_expert_choice_at_edges() -> None:
    s = torch.tensor([[0.0], [-0.0], [NAN], [1.0], [-INF], [0.0]])
    assert expert_choice(s, None, 3, backend="triton").indices.tolist() == [[0, 1, 3]]
    few = expert_choice(s, torch.tensor([1, 0, 0, 1, 0, 0]), 4, backend="triton")
    assert few.indices.tolist() == [[0, 3, -1, -1]]
    assert few.gates.tolist() == [[0, 1, 0, 0]]
    assert expert_choice(torch.zeros(0, 3), None, 2, backend="triton").indices.tolist() == [[-1, -1]] * 3


@pytest.mark.parametrize("dtype", ["f32", "bf16"])
@pytest.mark.parametrize(("f", "cases"), [(router, ROUTER_CASES), (expert_choice, CHOICE_CASES)], ids=["k", "choice"])
def test_oracle_finds_nothing(f, cases, dtype: str) -> None:
    spec = spec_of("moe.router" if f is router else "moe.expert_choice")
    few = [c for c in cases if c.sizes["T"] * c.sizes["E"] < 1200][::3]
    report = run.check(spec, candidate(f, spec), dtypes=(dtype,), cases=few, canaries=False, selftest=False)
    assert report.ok, report.table()


@pytest.mark.parametrize(
    "change",
    [
        {"K": 0}, {"K": 9}, {"z": torch.zeros(3)}, {"z": torch.zeros(3, 0)}, {"z": torch.zeros(3, 300)},
        {"z": torch.zeros(3, 4, dtype=torch.int64)}, {"mask": torch.ones(5)}, {"mask": torch.ones(2, 3)},
        {"backend": "cuda"},
    ],
    ids=str,
)  # fmt: skip
def test_bad_calls_are_refused(change: dict) -> None:
    with pytest.raises(DltsymError):
        router(**({"z": torch.zeros(3, 4)} | change))


def test_bad_choices_are_refused() -> None:
    with pytest.raises(DltsymError):
        expert_choice(torch.zeros(3, 4), None, 0)
    with pytest.raises(DltsymError):
        expert_choice(torch.zeros(3, 4), torch.ones(4), 1)


def test_planted_bugs_apply() -> None:
    assert not mutants.check_edits("router")
    listed = tomllib.loads((Path(family.__file__).parent / "mutants.toml").read_text())["mutant"]
    assert {f"M{k:02}" for k in range(1, 11)} <= {m["id"] for m in listed}
