"""Random sums: the canonical form keeps the value at every point, and what is proved about a mutant is true."""

import random
import re
from fractions import Fraction

from dltsym.errors import NotationError
from dltsym.notation.evaluate import evaluate
from dltsym.notation.scope import Scope
from dltsym.notation.tree import Expr, Num, Rel
from dltsym.prove.engines import induction, sums
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.sums import canonical_sums


def scope(lo: int) -> Scope:
    """Declare what a random sum may mention; n may be 0 when `lo` is 0."""
    v = Scope()
    n, m = v.count("n", lo=lo), v.count("m")
    v.index("k", n)
    v.real("b")
    v.pos("Z")
    v.array("X", n)
    v.array("P", n, lo=0, lo_open=True)
    v.array("M", (n, m))
    return v


class Writer:
    """Writes random sums over nested, shifted and dependent ranges."""

    def __init__(self, seed: int) -> None:
        self.random, self.used = random.Random(seed), 0

    def body(self, names: list[str], depth: int) -> str:
        pick = self.random.choice
        i, j = pick(names), pick(names)
        if depth == 0 or self.random.random() < 0.3:
            deltas = [f"delta({i},{j})", f"delta({i},{j}+1)"]
            return pick([f"X[{i}]", f"P[{i}]", f"M[{i},{j}]", f"X[{i}+1]", "b", "Z", i, "2", *deltas])
        u, w = self.body(names, depth - 1), self.body(names, depth - 1)
        return pick(
            [
                f"({u}+{w})",
                f"({u}-{w})",
                f"{u}*{w}",
                f"({u})**2",
                f"exp({u}/4)",
                f"({u})/P[{i}]",
                f"({u})/n",
                f"log(P[{i}]*Z*exp({u}/4))",
                f"sqrt(P[{i}]*Z*({u})**2)",
                f"Z**({i}-1)",
                self.sum(names, depth - 1),
            ]
        )

    def sum(self, outer: list[str], depth: int) -> str:
        names, limits, pick = [], [], self.random.choice
        for _ in range(pick([1, 1, 2])):
            self.used += 1
            around = [*outer, *names]
            lo = pick(["1", "1", "1", "0", "2", *around, *(f"{w}+1" for w in around)])
            hi = pick(["n", "n", "n", "m", "n-1", "n+1", "3", *around, *(f"{w}-1" for w in around)])
            names.append(f"i{self.used}")
            limits.append(f"(i{self.used},{lo},{hi})")
        return f"Sum({self.body([*outer, *names], depth)},{','.join(reversed(limits))})"

    def mutant(self, text: str) -> str:
        """Change one or two tokens."""
        tokens = re.findall(r"[A-Za-z_]\w*|\d+|\*\*|.", text)
        for _ in range(self.random.choice([0, 1, 1, 2])):
            k = self.random.randrange(len(tokens))
            w = tokens[k]
            if re.fullmatch(r"i\d+", w):
                tokens[k] = self.random.choice([t for t in tokens if re.fullmatch(r"i\d+", t)])
            elif w in ("n", "m"):
                tokens[k] = self.random.choice("nm")
            elif w.isdigit():
                tokens[k] = str(int(w) + self.random.choice([-1, 1]))
            else:
                tokens[k] = {"+": "-", "*": "+", "X": "P", "P": "X"}.get(w, w)
        return "".join(tokens)


def environment(seed: int, text: str, lo: int) -> dict:
    """Draw small sizes (0 where n may be 0) and array entries at every integer."""
    draw = random.Random(f"{seed} {text}")

    def array(name: str, low: int):
        def entry(idx: tuple[int, ...]) -> Fraction:
            r = random.Random(f"{seed} {text} {name} {idx}")
            return Fraction(r.randint(low, 5), r.randint(1, 3))

        return entry

    fixed = re.search(r"\bk\b", text) is not None
    n = draw.randint(max(lo, 1) if fixed else lo, 3)
    scalars = {"n": n, "m": draw.randint(1, 3), "k": draw.randint(1, max(n, 1))}
    scalars |= {"b": Fraction(draw.randint(-4, 4), 3), "Z": Fraction(draw.randint(1, 5), 3)}
    return scalars | {"X": array("X", -5), "P": array("P", 1), "M": array("M", -5)}


def agree(claim: Problem, other: Expr, text: str, lo: int, defined: bool = True) -> int:
    """Compare two expressions at four points where the first is defined; the second must be too when `defined`."""
    compared = 0
    for seed in range(4):
        env = environment(seed, text, lo)
        left = evaluate(claim.goal.lhs, env)
        if left.is_finite():
            right = evaluate(other, env)
            if not (right.is_finite() or defined):
                continue
            assert right.is_finite(), f"{text} became undefined at {env}: {other}"
            assert left.overlaps(right), f"{text} changed its value at {env}: {other}"
            compared += 1
    return compared


def check_canonical(seed: int) -> int:
    """Write one random sum and compare it with its canonical form."""
    lo, writer = seed % 2, Writer(seed)
    text = writer.sum(["k"] if seed % 3 == 0 else [], 2)
    v = scope(lo)
    claim = prepare(Rel(v.parse(text), "=", Num(Fraction(0))))
    out = canonical_sums(claim.goal.lhs, claim)
    return agree(claim, out[0], text, lo) if out is not None else 0


def check_verdict(seed: int) -> bool:
    """Write a random sum and a mutant of it: whatever is proved must hold at every point."""
    lo, writer = seed % 2, Writer(seed)
    text = writer.sum([], 2)
    other = writer.mutant(text)
    v = scope(lo)
    try:
        claim = prepare(Rel(v.parse(text), "=", v.parse(other)))
    except NotationError:
        return False
    if any(run(claim).status == "proved" for run in (sums.run, induction.run)):
        agree(claim, claim.goal.rhs, f"{text} = {other}", lo, defined=False)
        return True
    return False


def test_canonical_form_keeps_the_value() -> None:
    assert sum(check_canonical(seed) for seed in range(120)) > 300


def test_random_mutants_are_not_proved() -> None:
    assert sum(check_verdict(seed) for seed in range(60)) > 15
