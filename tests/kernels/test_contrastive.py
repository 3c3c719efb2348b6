"""InfoNCE: cases of the oracle in every type, closed values, edges, memory, bits."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the torch backend is optional: pip install dltsym[torch]")
pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

from largest import Largest  # noqa: E402

from dltsym.errors import DomainError, DTypeError, ShapeError, UnknownKey  # noqa: E402
from dltsym.implementation import implementation_of  # noqa: E402
from dltsym.kernels.contrastive import infonce, infonce_reference, infonce_target  # noqa: E402
from dltsym.oracle import sanitizer  # noqa: E402
from dltsym.oracle.adapters import candidate  # noqa: E402
from dltsym.oracle.run import run_case  # noqa: E402
from dltsym.oracle.statement import spec_of  # noqa: E402

DTYPES = ("float64", "float32", "float16", "bfloat16")
RUN: dict[str, Any] = {"backend": "triton"}


def judged(function: Any, name: str, dtype: str, grads: tuple[str, ...]) -> None:
    told = implementation_of(function)
    assert told is not None
    (case,) = (c for c in told.cases if c.name == name)
    spec = spec_of(told.key)
    result = run_case(spec, candidate(function, spec), case, dtype, grads)
    assert result.verdict == "pass", result


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["one pair", "two pairs", "a block less one", "two blocks"])
def test_within_the_derived_tolerance(name: str, dtype: str) -> None:
    judged(infonce, name, dtype, ("x", "y", "T"))


@pytest.mark.parametrize("name", ["separate pairs", "equal rows", "long rows"])
def test_hard_values(name: str) -> None:
    judged(infonce, name, "float32", ("x", "y", "T"))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["more keys", "one query, one key"])
def test_targets(name: str, dtype: str) -> None:
    judged(infonce_target, name, dtype, ("x", "y", "T"))


def test_closed_values() -> None:
    loss, rows = infonce(torch.eye(2), torch.eye(2), 1.0, **RUN)
    assert rows.tolist() == pytest.approx([math.log(1 + math.exp(-1))] * 2, rel=1e-6)
    assert loss.item() == pytest.approx(0.3132616875182228, rel=1e-6)
    assert infonce(torch.eye(2), torch.eye(2), 2.0, **RUN)[0].item() == pytest.approx(0.1269280110429725, rel=1e-6)
    same = torch.full((100, 16), 0.25)
    assert infonce(same, same, 100.0, **RUN)[0].item() == pytest.approx(math.log(100), rel=1e-6)


def test_digits_of_pairs_that_are_far_apart() -> None:
    eye = torch.eye(24)
    loss, _ = infonce(eye, eye, 60.0, **RUN)
    assert loss.item() == pytest.approx(math.log1p(23 * math.exp(-60)), rel=2e-5)
    naive = torch.logsumexp(60.0 * eye, -1) - 60.0
    assert naive.abs().max() == 0  # no digit left


def test_one_pair_alone_costs_nothing() -> None:
    x, y = (torch.randn(3, 1, 8, requires_grad=True) for _ in range(2))
    T = torch.tensor(14.3, requires_grad=True)
    loss, rows = infonce(x, y, T, **RUN)
    assert loss.tolist() == [0, 0, 0]
    for g in torch.autograd.grad(rows.sum() + loss.sum(), (x, y, T)):
        assert not g.any()


def test_gradients_against_finite_differences() -> None:
    draw = torch.Generator().manual_seed(1)
    x, y = (torch.randn(3, 2, dtype=torch.float64, generator=draw, requires_grad=True) for _ in range(2))
    T = torch.tensor(1.9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *a: infonce(*a, **RUN)[1], (x, y, T))
    keys = torch.randn(4, 2, dtype=torch.float64, generator=draw, requires_grad=True)
    t = torch.tensor([3, 0, 3])  # a key of two queries, and keys of none
    assert torch.autograd.gradcheck(lambda *a: infonce_target(*a, t, **RUN)[1], (x, keys, T))


@pytest.mark.unwatched
def test_memory_is_linear_in_the_rows() -> None:
    n, d = 300, 16
    x, y = (torch.randn(n, d, requires_grad=True) for _ in range(2))
    with Largest() as seen:
        infonce(x, y, 2.0, **RUN)[0].backward()
    assert seen.entries == n * d
    with Largest() as seen:
        infonce_reference(x, y, 2.0)
    assert seen.entries == n * n


@pytest.mark.unwatched
def test_bits_do_not_depend_on_the_order_of_programs() -> None:
    x, y = (torch.randn(2, 130, 20, requires_grad=True) for _ in range(2))

    def run(order: Any) -> list[Any]:
        with sanitizer.watch(order=order):
            loss, rows = infonce(x, y, 3.0, **RUN)
            return [loss, rows, *torch.autograd.grad(loss.sum(), (x, y))]

    for a, b in zip(run("natural"), run(7), strict=True):
        assert torch.equal(a, b)


def test_nan_stays_in_its_row() -> None:
    x, y = torch.randn(70, 16), torch.randn(70, 16)
    x[66] = math.nan
    _, rows = infonce(x, y, 1.0, loss="one_sided", **RUN)
    assert rows.isnan().nonzero().flatten().tolist() == [66]


def test_views_and_empty_batches() -> None:
    wide = torch.randn(40, 64)
    x, y = wide[:, ::2], wide.T[:40, :32]
    assert torch.allclose(infonce(x, y, 1.0, **RUN)[0], infonce_reference(x, y, 1.0)[0], rtol=1e-5)
    loss, rows = infonce(torch.zeros(0, 5, 4), torch.zeros(0, 5, 4), 1.0, **RUN)
    assert loss.shape == (0,)
    assert rows.shape == (0, 5)


def test_errors_say_what_was_given() -> None:
    x = torch.zeros(4, 3)
    with pytest.raises(ShapeError, match="got 4 and 5 rows"):
        infonce(x, torch.zeros(5, 3), 1.0)
    with pytest.raises(ShapeError, match="one d"):
        infonce(x, torch.zeros(4, 2), 1.0)
    with pytest.raises(DTypeError, match="float64"):
        infonce(x, x.double(), 1.0)
    with pytest.raises(UnknownKey, match="one_sided"):
        infonce(x, x, 1.0, loss="one sided")
    with pytest.raises(DomainError, match="0 to 3"):
        infonce_target(x, x, 1.0, torch.tensor([0, 1, 2, 4]))
    with pytest.raises(ShapeError, match="at least one pair"):
        infonce(x[:0], x[:0], 1.0)
