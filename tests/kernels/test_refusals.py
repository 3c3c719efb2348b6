"""What no kernel can take is refused in one sentence, by both backends alike, before anything runs."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from dltsym.errors import DltsymError, DomainError, DTypeError, ShapeError, UnknownKey, UnsupportedError
from dltsym.kernels.attention import one_sided_eot
from dltsym.kernels.bpd import smoothed_bpd, token_sums
from dltsym.kernels.contrastive import infonce, infonce_target
from dltsym.kernels.diffusion import step
from dltsym.kernels.kl_inverse import kl_inverse
from dltsym.kernels.particles import particle_step
from dltsym.kernels.router import expert_choice, router
from dltsym.kernels.scan import complex_scan, selective_scan
from dltsym.kernels.ssd import ssd
from dltsym.kernels.transport import sinkhorn

INF, NAN = float("inf"), float("nan")
Q, K, V = torch.ones(5, 4), torch.ones(7, 4), torch.ones(7, 3)
Z, Y = torch.ones(5, 8), torch.zeros(5, dtype=torch.long)
GRID = torch.tensor([0.5])
TWO, THREE = torch.ones(2, 5, 4), torch.ones(3, 5, 4)
PAIRED = (torch.ones(6, 3), torch.ones(6, 3), -torch.ones(3, 2))
VECTORS = (torch.ones(6, 2), torch.ones(6, 2))
HEADS = (torch.ones(2, 20, 3), -torch.ones(2, 20), torch.ones(1, 20, 2), torch.ones(1, 20, 2))

REFUSED: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], type[DltsymError], str]] = [
    (one_sided_eot, (Q, K, V, 1.0, None, 0.5), {}, DTypeError, "slope is of type float"),
    (one_sided_eot, (Q.tolist(), K, V, 1.0), {}, DTypeError, "q is of type list"),
    (one_sided_eot, (Q.to_sparse(), K, V, 1.0), {}, DTypeError, "q has the layout torch.sparse"),
    (one_sided_eot, (Q, K, V, "1"), {}, DTypeError, "tau is of type str"),
    (one_sided_eot, (Q, K, V, None), {}, DTypeError, "tau is of type NoneType"),
    (one_sided_eot, (Q, K, V, 1e-300), {}, DomainError, "least temperature"),
    (one_sided_eot, (Q, K, V, torch.tensor(NAN)), {}, DomainError, "above 0"),
    (infonce, (Q, Q, "2"), {}, DTypeError, "T is of type str"),
    (infonce, (Q, Q, INF), {}, DomainError, "must be finite"),
    (infonce, (Q, Q, 1.0), {"dot": "tf31"}, UnknownKey, "no dot 'tf31'; did you mean tf32"),
    (infonce, (TWO, THREE, 1.0), {}, ShapeError, r"x \(2,\), y \(3,\)"),
    (infonce_target, (Q, K, 1.0, [0, 1, 2, 3, 4]), {}, DTypeError, "t is of type list"),
    (kl_inverse, (0.3, 0.1), {}, DTypeError, "q is of type float"),
    (step, (Q, Q, "a", 0.5), {}, DTypeError, "now is of type str"),
    (step, (Q, Q, torch.ones(2), 0.5), {}, ShapeError, "do not broadcast"),
    (step, (Q, Q, torch.full((2, 5), 0.1), 0.5), {}, ShapeError, "more than one number for each row"),
    (step, (Q, Q, 0.3, 0.5), {"seed": 2**70}, DomainError, "more than 64 bits"),
    (step, (Q, Q, 0.3, 0.5), {"seed": 1.5}, DTypeError, "seed = 1.5 is no integer"),
    (smoothed_bpd, (Z, Y, 0.1), {}, DTypeError, "al is of type float"),
    (
        smoothed_bpd,
        (torch.ones(2, 5, 8), torch.zeros(3, 5, dtype=torch.long), GRID),
        {},
        ShapeError,
        "do not broadcast",
    ),
    (token_sums, ([1.0], GRID), {}, DTypeError, "A is of type list"),
    (token_sums, (torch.tensor([1, 2]), GRID), {}, DTypeError, "floating-point"),
    (token_sums, (torch.ones(2), torch.ones(1)), {}, DomainError, r"scales s in \(0, 1\)"),
    (token_sums, (torch.tensor([-3.0]), GRID), {}, DomainError, "at least -1"),
    (router, (Z, None, 2.0), {}, DTypeError, "K = 2.0 is no integer"),
    (router, (Z, None, True), {}, DTypeError, "K = True is no integer"),
    (expert_choice, (Z, None, 1.5), {}, DTypeError, "C = 1.5 is no integer"),
    (particle_step, (Q, INF, 0.1), {}, DomainError, "finite"),
    (particle_step, (Q, 1e-50, 0.1), {}, DomainError, "at least"),
    (particle_step, (Q, 4.0, None), {}, DTypeError, "h is of type NoneType"),
    (sinkhorn, (Q, K, V, torch.tensor(-1.0)), {}, DomainError, "temperature eps"),
    (sinkhorn, (Q, K, V, 1e-45), {}, DomainError, "temperature eps"),
    (sinkhorn, (Q, K, V, 1.0, None, None, torch.tensor(-1.0)), {"marginal": "relaxed"}, DomainError, "rho in"),
    (sinkhorn, (Q[:, :0], K[:, :0], V, 1.0), {}, ShapeError, "one entry in each"),
    (sinkhorn, (Q, K, V, 1.0), {"dot": "tf31"}, UnknownKey, "no dot 'tf31'"),
    (sinkhorn, (TWO, THREE, THREE, 1.0), {}, ShapeError, "do not broadcast"),
    (selective_scan, (*PAIRED, *VECTORS), {"mode": "zoh", "chunk": 4.0}, DTypeError, "chunk = 4.0 is no integer"),
    (selective_scan, ([1.0], *PAIRED[1:], *VECTORS), {"mode": "zoh"}, DTypeError, "u is of type list"),
    (complex_scan, (*PAIRED, torch.ones(3, 3), *VECTORS), {"mode": "zoh"}, ShapeError, "A_im"),
    (complex_scan, (*PAIRED, PAIRED[2].tolist(), *VECTORS), {"mode": "zoh"}, DTypeError, "A_im is of type list"),
    (ssd, HEADS, {"chunk": 16.0}, DTypeError, "chunk = 16.0 is no integer"),
    (ssd, (HEADS[0].tolist(), *HEADS[1:]), {}, DTypeError, "x is of type list"),
]


@pytest.mark.parametrize("backend", ["torch", "triton"])
@pytest.mark.parametrize(
    ("kernel", "given", "options", "error", "told"), REFUSED, ids=[f"{r[0].__name__}-{r[4]}" for r in REFUSED]
)
def test_it_is_refused_in_words(
    kernel: Callable[..., Any], given: tuple[Any, ...], options: dict[str, Any], error: type[DltsymError], told: str,
    backend: str,
) -> None:  # fmt: skip
    with pytest.raises(error, match=told) as caught:
        kernel(*given, **options, backend=backend)
    assert "\n" not in str(caught.value)


def test_a_kernel_without_a_gradient_says_so_instead_of_giving_none() -> None:
    losses = torch.ones(3, requires_grad=True)
    with pytest.raises(UnsupportedError, match="no gradient"):
        token_sums(losses, GRID, backend="triton")
    with torch.no_grad():
        assert token_sums(losses, GRID, backend="triton").shape == (1,)
    assert token_sums(losses, GRID, backend="torch").requires_grad


@pytest.mark.parametrize("backend", ["torch", "triton"])
def test_nan_of_a_token_that_does_not_count_reaches_nothing(backend: str) -> None:
    z = torch.ones(5, 8).index_fill(0, torch.tensor([4]), NAN).requires_grad_()
    mean, bits, entropy = smoothed_bpd(z, Y, GRID, torch.tensor([1, 1, 1, 1, 0]), backend=backend)
    (gradient,) = torch.autograd.grad(mean.sum() + bits.sum() + entropy.sum(), z)
    assert bool(gradient.isfinite().all())
    assert not bool(gradient[4].any())


def test_seeds_are_64_bits_in_both_backends() -> None:
    x = torch.zeros(1, 8)
    for seed in (-(2**63), -3, 2**63 - 1):
        plain, written = (step(x, x, 0.3, 0.5, seed=seed, backend=b) for b in ("torch", "triton"))
        torch.testing.assert_close(plain, written)
