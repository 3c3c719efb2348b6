"""Studies B and D of the design note: do the derived tolerances catch planted bugs, and leave good kernels alone?

Continuous integration runs a part of both; ``python tests/kernels/test_studies.py`` runs them whole and prints the
table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from eot_emulation import BUGS, GRADS, OUTPUTS, Emulation, backward, forward
from row_kernels import KERNELS, ROW_BUGS, row_inputs

from dltsym import Arithmetic
from dltsym.oracle.gradients import gradient_reference
from dltsym.oracle.reference import Reference, reference
from dltsym.oracle.statement import spec_of
from dltsym.oracle.tolerance import Tolerance, gradient_tolerance, tolerance

TYPES = {"f64": torch.float64, "f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
SHAPES: dict[str, tuple[int, int, int, int, int]] = {
    "1": (2, 2, 1, 1, 16), "2": (2, 3, 2, 2, 16), "63": (2, 3, 63, 63, 16), "100": (2, 2, 100, 100, 16),
    "growing": (1, 2, 129, 129, 32), "50 x 100": (2, 2, 50, 100, 16), "64 x 100": (2, 2, 64, 100, 16),
    "prior + 300": (1, 2, 100, 100, 16), "prior - 300": (1, 2, 100, 100, 16), "12 q": (1, 2, 63, 63, 16),
    "half hidden": (1, 2, 64, 64, 16),
}  # fmt: skip
ALL = [(name, causal) for name in SHAPES for causal in (False, True)]
PART = [("63", True), ("50 x 100", True), ("prior - 300", False), ("half hidden", True), ("prior + 300", True)]


@dataclass(frozen=True)
class Limits:
    """What a result is compared with: exact value, allowed error, and what the reference may be off by."""

    value: np.ndarray
    limit: np.ndarray
    tail: Any

    def ratio(self, got: torch.Tensor) -> float:
        """Return the largest error in units of the limit; infinite where a number is not one and should be."""
        y = got.detach().double().numpy()
        with np.errstate(all="ignore"):
            error = np.abs(y - self.value - self.tail)
            same = (y == self.value) | (np.isnan(y) & np.isnan(self.value))
            out = np.where(same | np.isinf(self.limit), 0.0, error / self.limit)
        return float(np.max(np.where(np.isnan(out), np.inf, out), initial=0.0))


def limits(found: Reference, allowed: Tolerance) -> dict[str, Limits]:
    """Join a reference with its tolerance."""
    return {
        n: Limits(v, allowed.limit[n] + found.radius[n], found.tail.get(n, 0.0)) for n, v in found.values.items()
    }  # fmt: skip


# Study D: attention forward and backward


@dataclass(frozen=True)
class Prepared:
    """One case of attention in one type."""

    x: Mapping[str, torch.Tensor]
    cotangents: Mapping[str, torch.Tensor]
    causal: bool
    out: dict[str, Limits]
    grads: dict[str, Limits]

    def run(self, bug: str = "") -> dict[str, torch.Tensor]:
        """Return all results of the emulated kernel."""
        io = self.x["q"].dtype
        e = Emulation(self.x, torch.float64 if io == torch.float64 else torch.float32, self.causal, bug)
        out = forward(e)
        return out | {f"d{n}": g for n, g in backward(e, out, self.cotangents).items()}

    def ratios(self, results: Mapping[str, torch.Tensor]) -> dict[str, float]:
        """Return the largest error of each result in units of its limit."""
        wanted = self.out | {f"d{n}": one for n, one in self.grads.items()}
        return {n: wanted[n].ratio(got) for n, got in results.items()}


def attention_inputs(name: str, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Draw the inputs of a case."""
    b, h, n, m, d = SHAPES[name]
    g = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    x = {"q": normal(b, h, n, d), "k": normal(b, h, m, d), "v": normal(b, h, m, d), "lp": normal(h, m)}
    x |= {"tau": torch.tensor(0.8 * d**0.5, dtype=torch.float64), "slope": torch.rand(h, generator=g).double()}
    if name == "growing":
        x["k"] *= torch.linspace(0.1, 2, m, dtype=torch.float64)[:, None]
    if name == "12 q":
        x["q"] *= 12
    if name == "half hidden":
        x["lp"][..., : m // 2] = -torch.inf
    x["lp"] += {"prior + 300": 300.0, "prior - 300": -300.0}.get(name, 0.0)
    return {n: x[n].to(dtype) for n in GRADS}


def prepared(name: str, causal: bool, kind: str) -> Prepared:
    """Return a case with its reference and its tolerances."""
    spec, dtype = spec_of("attention.one_sided_eot"), TYPES[kind]
    x, modes = attention_inputs(name, dtype), {"causal": causal}
    exact = {n: t.double().numpy() for n, t in x.items()}
    io, half = str(dtype).removeprefix("torch."), kind in ("bf16", "f16")
    acc = "float64" if kind == "f64" else "float32"
    contract = Arithmetic(io, acc, "ieee", "blocked", 32, ("P", "dS", "out") if half else ("out",))
    g, wide = torch.Generator().manual_seed(5), torch.float64 if kind == "f64" else torch.float32
    found = reference(spec, exact, modes)
    cotangents = {
        n: torch.randn(found.values[n].shape, generator=g).to(dtype if n == "o" else wide) for n in OUTPUTS
    }  # fmt: skip
    weights = {n: t.double().numpy() for n, t in cotangents.items()}
    allowed = tolerance(spec, exact, modes, contract, {"lse": acc, "entropy": acc})
    grads = gradient_reference(spec, exact, modes, weights)
    assert not grads.unsupported
    more = gradient_tolerance(spec, exact, modes, weights, contract)
    return Prepared(x, cotangents, causal, limits(found, allowed), limits(grads, more))


def same(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor]) -> bool:
    """Tell whether two results are bit-identical."""
    return all(torch.equal(a[n].nan_to_num(7.0), b[n].nan_to_num(7.0)) for n in a)


def study_d(cases: list[tuple[str, bool]], kind: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the largest ratio of each result of the good kernel, and of each observable bug."""
    good: dict[str, float] = {}
    found: dict[str, float] = {}
    for name, causal in cases:
        case = prepared(name, causal, kind)
        right = case.run()
        for n, r in case.ratios(right).items():
            good[n] = max(good.get(n, 0.0), r)
        for bug in BUGS:
            got = case.run(bug)
            if not same(right, got):
                found[bug] = max(found.get(bug, 0.0), *case.ratios(got).values())
    return good, found


@pytest.mark.parametrize(
    ("kind", "cases", "missed"), [("f32", PART, {"E23"}), ("bf16", PART[1:3], {"E23", "G02", "G12", "Delta in bf16"})]
)
def test_attention_bugs_are_caught_and_the_good_kernel_passes(
    kind: str, cases: list[tuple[str, bool]], missed: set[str]
) -> None:
    good, found = study_d(cases, kind)
    assert max(good.values()) <= 1, good
    alive = {bug for bug, r in found.items() if r <= 1}
    print(f"{kind}: {len(found) - len(alive)} of {len(found)} bugs caught, alive {sorted(alive)}; good {good}")  # noqa: T201
    assert alive <= missed


# Study B: seven kernels over rows


def study_b(kind: str) -> tuple[float, dict[str, float]]:
    """Return the largest ratio of the good kernels, and of each bug."""
    good, found = 0.0, {}
    for name, kernel in KERNELS.items():
        spec = spec_of(kernel.statement())
        io = str(TYPES[kind]).removeprefix("torch.")
        contract = Arithmetic(io, "float64" if kind == "f64" else "float32", casts=("out",))
        for x in row_inputs(TYPES[kind]):
            inputs = kernel.inputs(x)
            exact = {n: t.double().numpy() for n, t in inputs.items()}
            (one,) = limits(reference(spec, exact, {}), tolerance(spec, exact, {}, contract)).values()
            good = max(good, one.ratio(kernel.run(inputs, "")))
            for bug in ROW_BUGS[name]:
                found[bug] = max(found.get(bug, 0.0), one.ratio(kernel.run(inputs, bug)))
    return good, found


@pytest.mark.parametrize(("kind", "least"), [("f32", 12), ("bf16", 7)])
def test_row_bugs_are_caught_and_good_kernels_pass(kind: str, least: int) -> None:
    good, found = study_b(kind)
    caught = sorted(bug for bug, r in found.items() if r > 1)
    print(f"{kind}: {len(caught)} of {len(found)} bugs caught: {caught}; good {good:.2f}")  # noqa: T201
    assert good <= 1
    assert len(caught) >= least


def _lines(kinds: list[str]) -> Iterator[str]:
    for kind in kinds:
        good, found = study_b(kind)
        yield f"B {kind}: caught {sum(r > 1 for r in found.values())} of {len(found)}; good {good:.2f}; {found}"
        ratios, bugs = study_d(ALL, kind)
        alive = {bug: round(r, 3) for bug, r in bugs.items() if r <= 1}
        yield f"D {kind}: caught {len(bugs) - len(alive)} of {len(bugs)}, alive {alive}, no-ops {set(BUGS) - set(bugs)}"
        yield f"D {kind}: good { ({n: round(r, 3) for n, r in ratios.items()}) }"
        weak = sorted(bugs.items(), key=lambda item: item[1])[:12]
        yield f"D {kind}: weakest {[(b, float(f'{r:.3g}')) for b, r in weak]}"


if __name__ == "__main__":
    for line in _lines(sys.argv[1:] or list(TYPES)):
        print(line, flush=True)  # noqa: T201
