"""Search for certificates of the inverse of relative entropy on the wrong side of the truth, or too far from it.

``python tests/fuzz_inversion.py [cases] [seed]`` runs 100000 cases and prints every violation. The truth is a sign: a
number above q is not below the solution exactly when relative entropy there is at least c, which flint's balls decide
at 200 bits or as many as it takes, without solving anything.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from flint import arb

from dltsym.bounds.inversion import kl_lower, kl_upper
from dltsym.notation.balls import working

MEANS = (0.0, 5e-324, 1e-300, 1e-17, 2.0**-54, 2.0**-53, 0.01, 0.5, 0.99999, 1 - 2.0**-52, 1 - 2.0**-53, 1.0)
RADII = (0.0, 5e-324, 1e-300, 1e-16, 1e-8, 0.02, 1.0, 36.7, 745.0, 1e4, 1e300, math.inf)
EDGES = [(q, c) for q in MEANS for c in RADII]


def cases(count: int, seed: int) -> tuple[Any, Any]:
    """Return means and radii: all edges, then random ones on several scales, near the ends and on round numbers."""
    rng = np.random.default_rng(seed)
    logs = 10.0 ** rng.uniform(-300, 0, count)
    kinds = [
        rng.uniform(size=count), logs, 1 - 10.0 ** rng.uniform(-16, 0, count), 10.0 ** rng.uniform(-12, 0, count),
        np.round(rng.uniform(size=count) * 100) / 100, rng.uniform(size=count).astype(np.float32).astype(np.float64),
    ]  # fmt: skip
    q = np.choose(rng.integers(0, len(kinds), count), kinds)
    far = rng.uniform(size=count) < 0.1
    c = np.where(far, 10.0 ** rng.uniform(-323, 4, count), 10.0 ** rng.uniform(-12, 1.5, count))
    edges = np.array(EDGES)[: count // 2]
    q[: len(edges)], c[: len(edges)] = edges.T
    return q, c


def at_least(q: float, x: arb, c: float) -> bool:
    """Return whether relative entropy from q to x is at least c, for 0 <= x <= 1 given exactly."""
    for bits in (200, 800, 3200, 12800):
        with working(bits):
            p, r, a, b = arb(x), 1 - x, arb(q), 1 - arb(q)
            if not (p > 0 and r > 0):
                if (p == 0 and q == 0) or (r == 0 and q == 1):
                    return c <= 0
                if p == 0 or r == 0:
                    return True
                continue
            value = (a * (a / p).log() if q > 0 else arb(0)) + (b * (b / r).log() if q < 1 else arb(0)) - arb(c)
            if value >= 0 or value < 0:
                return bool(value >= 0)
            if p == a:
                return c <= 0
    raise AssertionError(f"undecided at q = {q!r}, p = {x}, c = {c!r}")


def faults(q: float, c: float, value: float, side: int, mirrored: bool = False) -> list[str]:
    """Return what is wrong with a certificate: `side` 1 lies above q, -1 below; mirrored it stands for 1 - value."""
    with working(2400):
        beyond = arb(value) if not mirrored else 1 - arb(value)
        inner = arb(_moved(value, -side if not mirrored else side, 2))
        inner = inner if not mirrored else 1 - inner
        past = (inner - arb(q)) * side
        at_q = bool((beyond - arb(q)) * side < 0)
    end = 1.0 if side > 0 else 0.0
    if math.isinf(c) or q == end:
        return [] if value == (1 - end if mirrored else end) else [f"{value!r} is not the end"]
    if at_q:
        return [f"{value!r} lies on the wrong side of q"]
    wrong = [] if at_least(q, beyond, c) else [f"{value!r} is no bound"]
    far = bool(past > 0) and at_least(q, inner, c) and not _equal(q, inner, c)
    return wrong + ([f"{value!r} is more than two units away"] if far else [])


def _moved(x: float, way: int, steps: int) -> float:
    for _ in range(steps):
        x = math.nextafter(x, math.inf if way > 0 else -math.inf)
    return min(max(x, 0.0), 1.0)


def _equal(q: float, x: arb, c: float) -> bool:
    return c == 0 and bool(x == arb(q))


def violations(q: Any, c: Any) -> list[tuple[float, float, str, list[str]]]:
    """Return every fault of the four certificates at these pairs."""
    p, r = kl_upper(q, c, mode="certified", complement=True)
    low, high = kl_lower(q, c, mode="certified", complement=True)
    found = []
    for i in range(len(q)):
        a, b = float(q[i]), float(c[i])
        for name, x, side, mirrored in (
            ("upper", p, 1, False), ("1 - upper", r, 1, True), ("lower", low, -1, False), ("1 - lower", high, -1, True)
        ):  # fmt: skip
            wrong = faults(a, b, float(x[i]), side, mirrored)
            if wrong:
                found.append((a, b, name, wrong))
    return found


if __name__ == "__main__":
    total, seed = (int(x) for x in (*sys.argv[1:], *("100000", "1")[len(sys.argv) - 1 :]))
    bad = []
    for start in range(0, total, 5000):
        bad += violations(*cases(min(5000, total - start), seed + start))
        sys.stdout.write(f"{min(start + 5000, total)} cases, {len(bad)} violations\n")
        sys.stdout.flush()
    sys.stdout.write("".join(f"{x}\n" for x in bad[:50]))
