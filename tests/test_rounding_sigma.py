"""The statistical model: healthy kernels never alarm, seeded rounding mistakes do, and common errors add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from rounding_sim import Array, Build, I, J, K

from dltsym.lower.interpret.bound import running
from dltsym.lower.interpret.model import BF16, F16, F32, Model, model_for
from dltsym.lower.interpret.sigma import spread
from dltsym.lower.interpret.twin import magnitude
from dltsym.lower.nodes import Node
from dltsym.lower.program import Program

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def attention() -> Program:
    """Build softmax(Q K^T / 4) V."""
    b = Build()
    score = b.op("mul", b.num(Fraction(1, 4)), b.total((b.ref("q_ik"), b.ref("k_jk")), "k"))
    weights = b.op("softmax", score, data=((J,),))
    return b.program(b.total((weights, b.ref("v_j")), "j"))


def drawn(rng: np.random.Generator, dtype: torch.dtype, batch: int = 200) -> dict[str, torch.Tensor]:
    shapes = {"q_ik": (batch, 32, 16), "k_jk": (batch, 32, 16), "v_j": (batch, 32)}
    return {k: torch.tensor(1.5 * rng.standard_normal(s)).to(dtype) for k, s in shapes.items()}


def plain(inputs: dict[str, torch.Tensor]) -> dict[str, Array]:
    return {k: x.double().numpy() for k, x in inputs.items()}


def exact(inputs: dict[str, Array]) -> Array:
    q, k, v = (x.astype(np.longdouble) for x in inputs.values())
    s = np.einsum("bik,bjk->bij", q, k) / 4
    p = np.exp(s - s.max(-1, keepdims=True))
    return ((p * v[:, None]).sum(-1) / p.sum(-1)).astype(float)


def healthy(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return (torch.softmax(0.25 * (q @ k.mT), -1) @ v[..., None])[..., 0]


def wrong_constant(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    s = 0.25 * (q @ k.mT)
    p = torch.exp2((s - s.amax(-1, keepdim=True)) * 1.44270)
    return (p @ v[..., None])[..., 0] / p.sum(-1)


def weights_in_half(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    p = torch.softmax(0.25 * (q @ k.mT), -1).half().float()
    return (p @ v[..., None])[..., 0]


def scores_in_bfloat16(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    s = (q.bfloat16() @ k.bfloat16().mT).float() * 0.25
    return (torch.softmax(s, -1) @ v[..., None])[..., 0]


def deviations(got: Array, truth: Array, variance: Array) -> Array:
    return (got - truth) / np.sqrt(variance)


def test_healthy_attention_never_alarms() -> None:
    rng, program = np.random.default_rng(0), attention()
    for dtype, model in ((torch.float32, F32), (torch.float64, model_for("float64"))):
        inputs = drawn(rng, dtype, 160)
        known = plain(inputs)
        _, w = spread(program, known, model)["out"]
        z = deviations(healthy(*inputs.values()).double().numpy(), exact(known), w)
        assert 0.1 < np.sqrt((z**2).mean()) < 0.9
        assert np.abs(z).max() <= 4
        assert abs(z.mean()) < 0.1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_healthy_half_precision_never_alarms(dtype: torch.dtype) -> None:
    rng, program = np.random.default_rng(1), attention()
    inputs = drawn(rng, dtype)
    known = plain(inputs)
    _, w = spread(program, known, F16 if dtype is torch.float16 else BF16)["out"]
    z = deviations(healthy(*inputs.values()).double().numpy(), exact(known), w)
    assert 0.1 < np.sqrt((z**2).mean()) < 0.9
    assert np.abs(z).max() <= 4


@pytest.mark.parametrize(("mutant", "least"), [(wrong_constant, 9), (weights_in_half, 100), (scores_in_bfloat16, 3000)])
def test_seeded_mistakes_alarm(mutant: Callable[..., torch.Tensor], least: float) -> None:
    rng, program = np.random.default_rng(2), attention()
    inputs = drawn(rng, torch.float32, 4)
    known = plain(inputs)
    _, w = spread(program, known, F32)["out"]
    truth = exact(known)
    for batch in range(4):
        z = deviations(
            mutant(*(x[batch : batch + 1] for x in inputs.values())).double().numpy(), truth[batch], w[batch]
        )
        assert np.abs(z).max() > least
    good = healthy(*inputs.values()).double().numpy()
    assert (np.abs(good - truth) <= 6 * np.sqrt(w) + F32.u * np.abs(truth) + F32.eta).all()
    if mutant is wrong_constant:
        torch.testing.assert_close(
            mutant(*inputs.values()), torch.tensor(truth, dtype=torch.float32), rtol=1e-3, atol=1e-3
        )


def test_truncating_casts_show_as_bias() -> None:
    rng = np.random.default_rng(3)
    b = Build()
    program = b.program(b.op("exp", b.ref("x_i")))
    x = rng.standard_normal(20000).astype(np.float32).astype(float)
    model = replace(F32, u=2.0**-8)
    _, w = spread(program, {"x_i": x}, model)["out"]
    t = torch.tensor(x).exp().float()
    near = t.bfloat16().double().numpy()
    cut = (t.view(torch.int32) & -65536).view(torch.float32).double().numpy()
    assert abs(deviations(near, np.exp(x), w).mean()) < 0.02
    assert deviations(cut, np.exp(x), w).mean() < -0.5


# Sums


def sequential(x: Array, y: Array) -> Array:
    return np.cumsum(x * y, -1, dtype=np.float32)[..., -1]


def pairwise(x: Array, y: Array) -> Array:
    z = x * y
    while z.shape[-1] > 1:
        z = z[..., ::2] + z[..., 1::2]
    return z[..., 0]


def blocked(x: Array, y: Array) -> Array:
    z = (x * y).reshape(*x.shape[:-1], -1, 64)
    return np.cumsum(np.cumsum(z, -1, dtype=np.float32)[..., -1], -1, dtype=np.float32)[..., -1]


SUMS = {"sequential": sequential, "pairwise": pairwise, "blocked": blocked}


@pytest.mark.parametrize("length", [64, 1024])
@pytest.mark.parametrize("data", ["zero mean", "positive", "offset"])
@pytest.mark.parametrize("sums", list(SUMS))
def test_sums(length: int, data: str, sums: str) -> None:
    rng = np.random.default_rng(4)
    x, y = (rng.standard_normal((1000, length)) for _ in range(2))
    if data == "positive":
        x, y = np.abs(x), np.abs(y)
    elif data == "offset":
        x, y = x + 10, y + 10
    x, y = x.astype(np.float32), y.astype(np.float32)
    b = Build()
    program = b.program(b.total((b.ref("x_i"), b.ref("y_i")), "i"))
    known = {"x_i": x.astype(float), "y_i": y.astype(float)}
    _, w = spread(program, known, replace(F32, sums=sums, block=64))["out"]
    truth = (known["x_i"] * known["y_i"]).sum(-1)
    z = deviations(SUMS[sums](x, y).astype(float), truth, w)
    assert 0.1 < np.sqrt((z**2).mean()) < 0.95
    assert np.abs(z).max() <= 4.5
    bound = running(program, known, F32)["out"][1]
    assert (np.abs(SUMS[sums](x, y) - truth) <= bound).all()


def test_errors_common_to_a_row_do_not_average_out() -> None:
    # x_i / 3 has one error per row; the mean over j of x_i / 3 + y_ij must keep all of it.
    rng = np.random.default_rng(5)
    b = Build()
    third = b.op("exp", b.op("mul", b.ref("x_i"), b.num(Fraction(1, 3))))
    node = b.total((b.op("add", third, b.ref("y_ij")),), "j")
    program = b.program(node)
    x, y = (
        rng.standard_normal((400, 5)).astype(np.float32),
        rng.standard_normal((400, 5, 1024)).astype(np.float32) * 1e-3,
    )
    known = {"x_i": 4 * x.astype(float), "y_ij": y.astype(float)}
    t = np.exp((4 * x) * np.float32(1 / 3))
    got = (t[..., None].astype(float) + known["y_ij"]).sum(-1)
    truth = (np.exp(known["x_i"] / 3)[..., None] + known["y_ij"]).sum(-1)
    _, w = spread(program, known, replace(F32, sums="pairwise"))["out"]
    z = deviations(got, truth, w)
    assert 0.1 < np.sqrt((z**2).mean()) < 1.1
    assert np.abs(z).max() < 5


def test_shift_of_a_row_cancels_in_softmax() -> None:
    b = Build()
    shift = b.op("exp", b.ref("x_i"))
    program = b.program(b.op("softmax", b.op("add", shift, b.ref("y_ij")), data=((J,),)))
    known = {"x_i": np.array([3.0]), "y_ij": np.array([[0.5, 0.25, -0.125]])}
    with_shift = spread(program, known, F32)["out"][1]
    assert (np.sqrt(with_shift) < 2e-6).all()


# Magnitude


def test_magnitude_covers_errors_of_any_algorithm() -> None:
    rng = np.random.default_rng(6)
    program, inputs = attention(), drawn(rng, torch.float32)
    known = plain(inputs)
    size = magnitude(program, known)["out"]
    error = np.abs(healthy(*inputs.values()).double().numpy() - exact(known))
    assert (error <= 4 * F32.u * size).all()
    assert (size >= np.abs(exact(known))).all()


def test_magnitude_turns_minus_into_plus() -> None:
    b = Build()
    node: Node = b.op("add", b.ref("x_i"), b.neg(b.ref("y_i")))
    assert magnitude(b.program(node), {"x_i": np.array([3.0]), "y_i": np.array([2.0])})["out"] == [5.0]


# Extra casts


def test_tensor_float_products_are_less_accurate() -> None:
    b = Build()
    program = b.program(b.total((b.ref("x_ik"), b.ref("y_jk")), "k"))
    rng = np.random.default_rng(7)
    known = {"x_ik": rng.standard_normal((8, 64)), "y_jk": rng.standard_normal((9, 64))}
    fine, coarse = (np.sqrt(spread(program, known, m)["out"][1]) for m in (F32, model_for("tf32")))
    assert (coarse > 100 * fine).all()
    tight, loose = (running(program, known, m)["out"][1] for m in (F32, model_for("tf32")))
    assert (loose > 50 * tight).all()
    assert {I, J, K} >= set(program.outputs[0].axes)


def test_cast_of_the_weights_enters() -> None:
    program, rng = attention(), np.random.default_rng(8)
    inputs = drawn(rng, torch.float16, 20)
    known = plain(inputs)
    native: Model = replace(F32, weights=F16.u)
    q, k, v = (x.float() for x in inputs.values())
    got = weights_in_half(q, k, v).double().numpy()
    _, w = spread(program, known, native)["out"]
    z = deviations(got, exact(known), w)
    assert 0.1 < np.sqrt((z**2).mean()) < 1
    assert np.abs(z).max() <= 4.5
    assert (np.abs(got - exact(known)) <= running(program, known, native)["out"][1]).all()
