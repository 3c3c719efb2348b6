"""Calls of a kernel: batches, gradients, precision, and bad input in one clear line each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compile_world import World, attention, refused, tensors, values

from dltsym import (
    DomainError,
    DTypeError,
    Scope,
    ShapeError,
    UnsupportedError,
    cases_,
    compile,
    exp,
    log,
    min_,
    prod_over,
    sqrt,
    sum_over,
)

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def soft() -> Any:
    """Attention with a temperature."""
    return compile(attention(), axes="i c")


# Batches, gradients, precision


def test_attention_in_every_respect(soft: Any) -> None:
    inputs = tensors(values(soft))
    q, k, w, eps = (inputs[a] for a in ("Q", "K", "V", "eps"))
    wanted = torch.softmax(q @ k.mT / (eps * 3**0.5), -1) @ w
    torch.testing.assert_close(soft(**inputs), wanted)
    torch.testing.assert_close(soft.to("numpy")(**{a: np.asarray(x) for a, x in inputs.items()}), wanted.numpy())
    assert soft.check(soft, **inputs).passed
    error = np.abs(soft.oracle(**inputs).error(soft(**inputs).numpy()))
    assert (error <= soft.bound("float64", **inputs)).all()
    assert (error <= 6 * soft.sigma(torch.float64, **inputs) + 2**-52).all()
    assert soft.validate().ok
    assert r"\sum" in soft.latex()
    assert soft.report == ()


def test_a_kernel_differentiates_itself(soft: Any) -> None:
    inputs = tensors(values(soft))
    leaf = inputs["Q"].clone().requires_grad_()
    cotangent = torch.randn(5, 3, dtype=torch.float64)
    soft(**{**inputs, "Q": leaf}).backward(cotangent)
    grad = soft.grad("Q")
    assert grad.signature.endswith("grad_Q[..., Q_0:n, Q_1:d]")
    torch.testing.assert_close(grad(**inputs, cotangent=cotangent), leaf.grad)
    assert grad.validate().ok
    scalar = compile(sum_over(World().n, lambda q: q))
    with pytest.raises(UnsupportedError, match="no input is called x"):
        scalar.grad("x")


def test_batches_broadcast_and_transforms_agree(soft: Any) -> None:
    base = tensors(values(soft))
    batch = {**base, "Q": torch.randn(4, 1, 5, 3).double(), "V": torch.randn(6, 7, 3).double()}
    out = soft(**batch)
    assert out.shape == (4, 6, 5, 3)
    torch.testing.assert_close(out[2, 3], soft(**{**base, "Q": batch["Q"][2, 0], "V": batch["V"][3]}))
    mapped = torch.func.vmap(lambda q: soft(**{**base, "Q": q}))(batch["Q"][:, 0])
    torch.testing.assert_close(mapped, soft(**{**base, "Q": batch["Q"][:, 0]}))
    eps = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    torch.testing.assert_close(soft(**{**base, "eps": eps})[1], soft(**{**base, "eps": 1.0}))


def test_a_scalar_parameter_keeps_its_gradient(soft: Any) -> None:
    inputs = tensors(values(soft))
    eps = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    soft(**{**inputs, "eps": eps}).sum().backward()
    step = 1e-6
    up, down = (soft(**{**inputs, "eps": 0.7 + s}).sum() for s in (step, -step))
    assert eps.grad is not None
    assert eps.grad.item() == pytest.approx(((up - down) / (2 * step)).item(), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_is_computed_in_single(soft: Any, dtype: Any) -> None:
    inputs = tensors(values(soft), dtype)
    out = soft(**inputs)
    assert out.dtype == dtype
    wide = {a: x.double() if torch.is_tensor(x) else x for a, x in inputs.items()}
    error = np.abs(soft.oracle(**wide).error(out.double().numpy()))
    assert (error <= soft.bound(dtype, **wide)).all()
    assert error.max() <= torch.finfo(dtype).eps * float(out.abs().max())


def test_a_result_that_depends_on_no_array_has_the_batch_all_the_same() -> None:
    o = World()
    kernel = compile(o.x[o.i] * 0 + min_(o.b[o.i], 1) * 0 + 1)
    inputs = tensors(values(kernel))
    assert kernel(**{k: x.expand(2, 3, 5) for k, x in inputs.items()}).shape == (2, 3, 5)


# Bad input: a right result or one clear line


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"V": torch.zeros(9, 3)}, ShapeError, "axis j has size 7 (K, dim -2) but 9 (V, dim -2)"),
        ({"Q": torch.zeros(64)}, ShapeError, "Q needs at least 2 trailing dims (i,a), got shape (64,)"),
        ({"Q": torch.zeros(())}, ShapeError, "Q[..., i:n, a:d]"),
        ({"K": torch.zeros(7, 4)}, ShapeError, "axis a has size 3 (Q, dim -1) but 4 (K, dim -1)"),
        ({"Q": torch.zeros(2, 5, 3), "K": torch.zeros(3, 7, 3)}, ShapeError, "batch dim -1 has size 2 (Q) but 3 (K)"),
        ({"Q": torch.zeros(5, 3, dtype=torch.int64)}, DTypeError, "Q is int64, but it takes a floating type"),
        ({"Q": torch.zeros(5, 3, dtype=torch.bool)}, DTypeError, "Q is bool"),
        ({"Q": torch.zeros(5, 3, dtype=torch.complex64)}, DTypeError, "Q is complex64"),
        ({"K": torch.zeros(7, 3, dtype=torch.float64)}, DTypeError, "Q is float32 but K is float64"),
        ({"Q": torch.zeros(0, 3)}, ShapeError, "n must be at least 1, got 0 (Q, dim -2)"),
        ({"eps": -0.1}, DomainError, "eps must be positive, got -0.1"),
        ({"eps": 0}, DomainError, "eps must be positive, got 0"),
        ({"eps": float("nan")}, DomainError, "eps must be positive, got nan"),
        ({"eps": torch.tensor([1.0, -2.0])}, DomainError, "eps[1] = -2.0 but eps is declared positive"),
        ({"eps": True}, DTypeError, "eps is a truth value"),
        ({"eps": "1"}, DTypeError, "eps is a str"),
        ({"Q": None}, DTypeError, "Q is a NoneType"),
        ({"Q": [[1.0], [2.0, 3.0]]}, DTypeError, "ragged"),
        ({"Q": [["a"]]}, DTypeError, "no real numbers"),
        ({"Z": 1}, DomainError, "unknown input Z"),
        ({"n": 6}, ShapeError, "n is given as 6, but the arrays say 5"),
    ],
)  # fmt: skip
def test_bad_input(soft: Any, change: dict[str, Any], kind: type[Exception], said: str) -> None:
    inputs = {**tensors(values(soft), torch.float32), **change}
    refused(kind, said, lambda: soft(**inputs))


def test_arguments_are_positional_too_and_none_is_missing(soft: Any) -> None:
    inputs = tensors(values(soft))
    torch.testing.assert_close(soft(*(inputs[k] for k in soft.inputs)), soft(**inputs))
    refused(DomainError, "missing input V", lambda: soft(inputs["Q"], inputs["K"], inputs["eps"]))
    refused(DomainError, "given twice", lambda: soft(inputs["Q"], **inputs))
    refused(DomainError, "takes 4 inputs", lambda: soft(1, 2, 3, 4, 5))
    torch.testing.assert_close(soft(**inputs, n=5), soft(**inputs))


def test_what_is_odd_but_right_works(soft: Any) -> None:
    plain = tensors(values(soft), torch.float32)
    wanted = soft(**plain)
    strided = torch.full((5, 6), float("nan"))
    strided[:, ::2] = plain["Q"]
    cases: list[dict[str, Any]] = [
        {"Q": strided[:, ::2]}, {"Q": plain["Q"].t().contiguous().t()}, {"Q": plain["Q"].numpy()[::-1][::-1]},
        {"eps": torch.tensor(plain["eps"], dtype=torch.float64)}, {"eps": np.float64(plain["eps"])},
        {"Q": torch.nn.Parameter(plain["Q"])},
    ]  # fmt: skip
    for change in cases:
        torch.testing.assert_close(soft(**{**plain, **change}).detach(), wanted)
    nan = soft(**{**plain, "Q": plain["Q"].clone().index_fill_(0, torch.tensor([1]), float("nan"))})
    assert nan.isnan()[1].all()
    assert not nan.isnan()[[0, 2, 3, 4]].any()
    refused(DTypeError, "Q is a torch tensor, but this is a numpy kernel", lambda: soft.to("numpy")(**plain))


def test_a_mix_of_devices_is_one_line(soft: Any) -> None:
    inputs = tensors(values(soft), torch.float32)
    refused(DomainError, "Q is on cpu but K is on meta", lambda: soft(**{**inputs, "K": inputs["K"].to("meta")}))


def test_entries_are_held_against_their_declaration_when_asked() -> None:
    o = World()
    kernel = compile(sum_over(o.n, lambda q: o.b[q]))
    x = torch.tensor([0.5, -0.2, 0.1])
    assert kernel(x).item() == pytest.approx(0.4)
    refused(DomainError, "b[1] = -0.2", lambda: kernel(x, validate=True))


def test_indices_out_of_range_raise() -> None:
    o = World()
    kernel = compile(o.x[o.at[o.k]])
    x = torch.arange(5.0)
    assert kernel(x=x, at=torch.tensor([1, 5])).tolist() == [0, 4]
    for bad, said in ((0, "is declared at least 1"), (6, "is out of range, at runs from 1 to 5"), (-1, "at least 1")):
        refused(DomainError, said, lambda bad=bad: kernel(x=x, at=torch.tensor([1, bad])))
    assert kernel(x=x, at=torch.tensor([2, 3], dtype=torch.int32)).tolist() == [1, 2]
    refused(DTypeError, "at is float32, but it takes an integer type", lambda: kernel(x=x, at=torch.tensor([1.0])))
    masked = compile(sum_over(o.n, lambda q: o.M[o.i, q] * o.x[q]))
    refused(DTypeError, "M is float32, but it takes bool", lambda: masked(M=torch.eye(5), x=x))


def test_places_out_of_range_are_never_clipped() -> None:
    o = World()
    with pytest.raises(ShapeError, match=r"x\[i \+ 1\] leaves the range of x"):
        compile(o.x[o.i + 1])
    with pytest.raises(ShapeError, match="leaves the range"):
        compile(o.x[o.i - 1])
    shorter = compile(o.x[o.i] + o.y[o.i])
    x, y = torch.arange(5.0), torch.arange(7.0)
    assert shorter(x=x, y=y).tolist() == [0, 2, 4, 6, 8]
    refused(ShapeError, "y[i] leaves the range of y", lambda: shorter(x=x, y=y[:4]))
    far = compile(sum_over((3, o.n), lambda q: o.x[q]))
    assert far(x=x[:2]).item() == 0
    refused(ShapeError, "goes backwards", lambda: far(x=x[:1]))
    loose = compile(cases_((o.j <= o.i + 1, o.x[o.i - o.j + 1]), 0), backend="numpy")
    with pytest.raises(IndexError):
        loose(x=np.arange(5.0))


def test_sizes_that_no_array_carries_are_arguments() -> None:
    v = Scope()
    big, x = v.count("K"), v.pos("x")
    kernel = compile(sum_over(big, lambda q: x / q), backend="numpy")
    assert kernel.inputs == ("x", "K")
    assert kernel(x=2.0, K=4) == pytest.approx(2 * (1 + 1 / 2 + 1 / 3 + 1 / 4))
    refused(DomainError, "K must be at least 1, got 0", lambda: kernel(x=2.0, K=0))
    refused(DTypeError, "K = 2.5 has to be an integer", lambda: kernel(x=2.0, K=2.5))


def test_an_axis_that_may_be_empty_has_defined_values() -> None:
    v = Scope()
    n = v.count("n", lo=0)
    x, i = v.array("x", n), v.index("i", n)
    empty = torch.zeros(2, 0)
    assert compile(v.sum(lambda q: x[q], n))(empty).tolist() == [0, 0]
    assert compile(log(v.sum(lambda q: exp(x[q]), n)))(empty).tolist() == [-np.inf] * 2
    assert compile(exp(x[i]) / v.sum(lambda q: exp(x[q]), n))(empty).shape == (2, 0)
    assert compile(prod_over(n, lambda q: x[q]))(empty).tolist() == [1, 1]


def test_a_parameter_without_a_value_is_one_line() -> None:
    o = World()
    kernel = compile(o.x[o.i] + 1 / o.r)
    refused(DomainError, "no value at these parameters and sizes (r = 0.0)", lambda: kernel(x=torch.ones(5), r=0.0))
    assert compile(o.x[o.i] * sqrt(o.r))(x=torch.ones(5), r=-1.0).isnan().all()
    refused(DomainError, "division by zero", lambda: compile(o.x[o.i] + 1 / (o.n - 1))(x=torch.ones(1)))
