"""Peak memory: no result of any operation inside a kernel is larger than its largest input or output."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from largest import Largest

from dltsym.kernels.diffusion import step
from dltsym.kernels.kl_inverse import kl_inverse
from dltsym.kernels.particles import particle_step
from dltsym.kernels.router import expert_choice, router
from dltsym.kernels.ssd import ssd

pytestmark = pytest.mark.unwatched
N, HEADS, WIDTH, EXPERTS = 300, 2, 8, 16


def move(rule: str, backend: str) -> None:
    x = torch.nn.functional.normalize(torch.randn(N, WIDTH), dim=-1)
    particle_step(x, 2.0, 0.1, rule, "geodesic", backend=backend)


def route(backend: str) -> None:
    z = torch.randn(N, EXPERTS, requires_grad=True)
    out = router(z, torch.rand(N) < 0.7, K=4, backend=backend)
    torch.autograd.grad(out.p.sum() + out.gates.sum() + out.cv2 + out.switch + out.z_loss, z)


def pick(backend: str) -> None:
    s = torch.randn(N, EXPERTS, requires_grad=True)
    torch.autograd.grad(expert_choice(s, C=20, backend=backend).gates.sum(), s)


def scan(backend: str) -> None:
    shapes = ((HEADS, N, WIDTH), (HEADS, N), (1, N, 4), (1, N, 4))
    x, log_a, b, c = (torch.randn(s, requires_grad=True) for s in shapes)
    out = ssd(x, -log_a.abs(), b, c, chunk=64, backend=backend)
    torch.autograd.grad(out[0].sum() + out[1].sum(), (x, log_a, b, c))


def invert(backend: str) -> None:
    kl_inverse(torch.rand(5000), torch.rand(5000), True, backend=backend)


def denoise(method: str, backend: str) -> None:
    x, guess = torch.randn(70, 33), torch.randn(70, 33)
    step(x, guess, 0.5, 0.7, torch.randn(70, 33), eta=0.5 if method == "ddim" else 0.0, method=method, backend=backend)


def largest(f: Callable[..., None], *args: Any) -> int:
    with Largest() as seen:
        f(*args)
    return seen.entries


@pytest.mark.parametrize(
    ("run", "allowed", "twin"),
    [
        (lambda b: move("sa", b), N * WIDTH, N * N),  # never all pairs
        (lambda b: move("usa", b), N * WIDTH, N * N),
        (route, N * EXPERTS, N * EXPERTS * 4),  # never tokens times experts times choices
        (pick, N * EXPERTS, N * EXPERTS),
        (scan, HEADS * N * WIDTH, HEADS * N * WIDTH),  # neither all pairs of steps, nor the states of all steps
        (invert, 5000, 5000),
        (lambda b: denoise("ddpm", b), 70 * 33, 70 * 33),
        (lambda b: denoise("ddim", b), 70 * 33, 70 * 33),
    ],
    ids=["particles sa", "particles usa", "router", "expert choice", "ssd", "kl inverse", "ddpm", "ddim"],
)
def test_nothing_larger_than_input_and_output(run: Callable[[str], None], allowed: int, twin: int) -> None:
    assert largest(run, "triton") <= allowed
    assert largest(run, "torch") >= twin  # the plain function shows that the measure sees what is made
