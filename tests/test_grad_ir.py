"""Derivatives IR to IR: every rule against differences of balls, exact where they are exact."""

from collections.abc import Callable, Mapping
from fractions import Fraction as F

import numpy as np
import pytest

from dltsym.errors import UnsupportedError
from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.axes import Axis, Shift, Slot
from dltsym.lower.grad import gradient, jacobian, pullback
from dltsym.lower.interpret.ir_arb import ir_balls
from dltsym.lower.ir import State, Table
from dltsym.lower.nodes import Node
from dltsym.lower.program import Input, Output, Program

SIZES = {"n": 2, "m": 3, "d": 4, "t": 5}
i, j, k, t, c = Axis("i", "n"), Axis("j", "m"), Axis("k", "d"), Axis("t", "t"), Axis("c", "m")
INPUTS = {
    "Q": Input("Q", ("n", "d")),
    "K": Input("K", ("m", "d")),
    "V": Input("V", ("m", "d")),
    "x": Input("x", ("n", "m")),
    "S": Input("S", ("m", "m")),
    "a": Input("a", ("t",)),
    "b": Input("b", ("t",)),
    "p": Input("p", ("t",), lo=F(0), lo_open=True),
    "w": Input("w", ("m",), lo=F(0), lo_open=True),
    "I": Input("I", ("n",), "integer"),
    "M": Input("M", ("n", "m"), "bool"),
    "eps": Input("eps", (), lo=F(0), lo_open=True),
    "h": Input("h", ()),
}
s = Axis("s", "t - 1")
Build = Callable[[Algebra], Node]


def data(seed: int = 0) -> dict[str, np.ndarray]:
    """Draw exact inputs; no two entries of an array are equal."""
    rng, out = np.random.default_rng(seed), {}
    for name, given in INPUTS.items():
        shape = tuple(SIZES[s] for s in given.shape)
        count = int(np.prod(shape))
        if given.entries == "integer":
            out[name] = np.array([2, 0])
        elif given.entries == "bool":
            out[name] = np.array([[True, False, True], [False, True, True]])
        else:
            steps = rng.permutation(np.arange(1, 4 * count + 1))[:count] * (
                1 if given.lo is not None else rng.choice([-1, 1], count)
            )
            out[name] = (steps / 16.0 + 1 / 64).reshape(shape)
    return out


def exact(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Turn floats into fractions."""
    return {n: np.vectorize(F, otypes=[object])(x) if x.dtype == float else x for n, x in values.items()}


def program_of(build: Build, axes: tuple[Axis, ...]) -> tuple[Algebra, Program]:
    """Build a program with one output."""
    algebra = Algebra(Table(), INPUTS)
    node = build(algebra)
    return algebra, Program(algebra.table, tuple(INPUTS.values()), (Output("out", node, axes),))


def mids(array) -> np.ndarray:
    """Midpoints of balls as exact fractions, flattened."""
    return np.array(
        [F(int(m), 1) * F(2) ** int(e) for m, e in (b.mid().man_exp() for b in array.balls.flat)], dtype=object
    )


def difference(program: Program, name: str, values: Mapping[str, np.ndarray], cotangent: np.ndarray) -> np.ndarray:
    """Central difference of the sum of cotangent times output, at every entry of `name`."""
    step, out = F(1, 2**60), []
    base = values[name]
    for at in np.ndindex(*base.shape):
        ends = []
        for sign in (1, -1):
            moved = base.copy()
            moved[at] = base[at] + sign * step
            ends.append((mids(ir_balls(program, {**values, name: moved}, 512)["out"]) * cotangent).sum())
        out.append((ends[0] - ends[1]) / (2 * step))
    return np.array(out, dtype=object)


def agrees(build: Build, axes: tuple[Axis, ...], wrt: str, values: Mapping[str, np.ndarray]) -> None:
    """Compare the pullback with differences."""
    _, program = program_of(build, axes)
    shape = tuple(SIZES[a.size] for a in axes)
    cotangent = np.array([F(3 * q + 2, 8) * (-1) ** q for q in range(int(np.prod(shape)))], dtype=object)
    if not axes:
        cotangent = np.array([F(1)], dtype=object)
    expected = difference(program, wrt, values, cotangent)
    more = {"cotangent": cotangent.reshape(shape)} if axes else {}
    found = mids(ir_balls(pullback(program, wrt), {**values, **more})[f"grad_{wrt}"])
    worst = max(abs(float(f - e)) / (1 + abs(float(e))) for f, e in zip(found, expected, strict=True))
    assert worst < 1e-15
    assert any(expected), "a test without teeth"


def refs(al: Algebra) -> dict[str, Node]:
    """References that the cases use."""
    return {
        "x": al.ref("x", (i, j)), "a": al.ref("a", (t,)), "b": al.ref("b", (t,)), "p": al.ref("p", (t,)),
        "w": al.ref("w", (j,)), "eps": al.ref("eps"), "h": al.ref("h"), "M": al.ref("M", (i, j)),
    }  # fmt: skip


def score(al: Algebra) -> Node:
    """Scaled products of rows."""
    s = al.contract([al.ref("Q", (i, k)), al.ref("K", (j, k))], (k,))
    return al.div(s, al.mul(al.ref("eps"), al.power(al.size("d"), F(1, 2))))


def attention(al: Algebra) -> Node:
    """Rows of V averaged with softmax weights."""
    e = al.exp(score(al))
    return al.div(al.contract([e, al.ref("V", (j, k))], (j,)), al.contract([e], (j,)))


def masked(al: Algebra) -> Node:
    """Attention under a boolean mask."""
    e = al.mul(al.where(al.ref("M", (i, j)), al.one, al.zero), al.exp(score(al)))
    return al.div(al.contract([e, al.ref("V", (j, k))], (j,)), al.contract([e], (j,)))


def entropy(al: Algebra) -> Node:
    """Entropy of softmax rows."""
    p = al.div(al.exp(al.ref("x", (i, j))), al.contract([al.exp(al.ref("x", (i, j)))], (j,)))
    return al.neg(al.contract([p, al.log(p)], (j,)))


def scan(monoid: str, way: int, included: bool, *names: str) -> Build:
    """A scan along t of some inputs, with 0 or -inf before a recurrence."""

    def build(al: Algebra) -> Node:
        args = [refs(al)[n] for n in names]
        return al.scan(monoid, t, way, included, *args)

    return build


def above_minus_inf(build: Build) -> Build:
    """Add e^h in the logarithm, so that an empty sum is finite."""
    return lambda al: al.call("logaddexp", build(al), al.ref("h"))


def pointwise(op: str, *names: str) -> Build:
    """One operation on inputs."""
    return lambda al: al.call(op, *(refs(al)[n] for n in names))


CASES: dict[str, tuple[Build, tuple[Axis, ...], tuple[str, ...]]] = {
    "lse": (lambda al: al.mul(al.ref("eps"), al.log(al.contract([al.exp(score(al))], (j,)))), (i,), ("Q", "K", "eps")),
    "attention": (attention, (i, k), ("Q", "K", "V", "eps")),
    "masked attention": (masked, (i, k), ("Q", "K", "V")),
    "entropy": (entropy, (i,), ("x",)),
    "reverse axes": (lambda al: al.mul(al.ref("x", (i, j)), al.ref("w", (j,))), (j, i), ("x", "w")),
    "quotient": (lambda al: al.div(refs(al)["x"], al.contract([al.power(refs(al)["x"], 2)], (j,))), (i, j), ("x",)),
    "diagonal": (lambda al: al.contract([al.ref("S", (j, j)), al.ref("w", (j,))], (j,)), (), ("S", "w")),
    "twice": (lambda al: al.contract([al.ref("S", (j, c)), al.ref("S", (c, j))], (j, c)), (), ("S",)),
    "shift": (lambda al: al.contract([al.ref("a", (Shift(s, 1),)), al.ref("a", (Shift(s, 0),))], (s,)), (), ("a",)),
    "constant place": (lambda al: al.mul(al.ref("x", (i, 1)), al.ref("x", (0, j))), (i, j), ("x",)),
    "gather": (lambda al: al.power(al.ref("x", (i, Slot(0)), al.ref("I", (i,))), 3), (i,), ("x",)),
    "product": (lambda al: al.reduce("prod", refs(al)["x"], (j,)), (i,), ("x",)),
    "product over two": (lambda al: al.reduce("prod", refs(al)["x"], (i, j)), (), ("x",)),
    "max": (lambda al: al.reduce("max", refs(al)["x"], (j,)), (i,), ("x",)),
    "max over two": (lambda al: al.reduce("max", refs(al)["x"], (i, j)), (), ("x",)),
    "min": (lambda al: al.reduce("min", al.mul(refs(al)["x"], refs(al)["w"]), (j,)), (i,), ("x", "w")),
    "where": (lambda al: al.where(refs(al)["M"], al.exp(refs(al)["x"]), al.power(refs(al)["x"], 2)), (i, j), ("x",)),
    "relu": (lambda al: al.call("maximum", refs(al)["x"], al.zero), (i, j), ("x",)),
    "smaller of two": (lambda al: al.call("minimum", refs(al)["a"], refs(al)["b"]), (t,), ("a", "b")),
    "greater of two": (lambda al: al.call("maximum", refs(al)["a"], refs(al)["b"]), (t,), ("a", "b")),
    "power": (lambda al: al.power(refs(al)["p"], F(-3, 2)), (t,), ("p",)),
    "log": (lambda al: al.log(al.add(refs(al)["p"], al.power(refs(al)["p"], 2))), (t,), ("p",)),
    "broadcast": (lambda al: al.add(al.ref("w", (j,)), al.contract([al.ref("a", (t,))], (t,))), (i, j), ("a", "w")),
    "take": (lambda al: al.take(al.exp(al.mul(refs(al)["a"], refs(al)["b"])), t, 3), (), ("a", "b")),
    "softmax": (lambda al: al.table.make("softmax", (refs(al)["x"],), ((j,),)), (i, j), ("x",)),
    "log_softmax": (lambda al: al.table.make("log_softmax", (refs(al)["x"],), ((j,),)), (i, j), ("x",)),
    "xlogy": (pointwise("xlogy", "a", "p"), (t,), ("a", "p")),
    "logaddexp": (pointwise("logaddexp", "a", "b"), (t,), ("a", "b")),
} | {
    f"{op}": (pointwise(op, arg), (t,), (arg,))
    for op, arg in [
        ("abs", "a"), ("exp", "a"), ("log1p", "p"), ("expm1", "a"), ("log1mexp", "p"), ("softplus", "a"),
        ("sigmoid", "a"), ("logsigmoid", "a"), ("sin", "a"), ("cos", "a"), ("tan", "a"), ("atan", "a"), ("sinh", "a"),
        ("cosh", "a"), ("tanh", "a"), ("log_cosh", "a"), ("sech2", "a"), ("erf", "a"), ("erfc", "a"),
        ("log_ndtr", "a"), ("lgamma", "p"), ("digamma", "p"), ("xlogx", "p"), ("phi1", "a"), ("log1pmx", "p"),
        ("expm1mx", "a"), ("sqrt", "p"), ("rsqrt", "p"),
    ]
} | {
    f"{monoid} scan, way {way}, {'with' if own else 'without'} own entry": (scan(monoid, way, own, "a"), (t,), ("a",))
    for monoid in ("sum", "prod") for way in (1, -1) for own in (True, False)
} | {
    f"lse scan, way {way}, {own}": (above_minus_inf(scan("lse", way, own, "a")), (t,), ("a", "h"))
    for way in (1, -1) for own in (True, False)
} | {
    f"{monoid} scan, way {way}": (scan(monoid, way, True, "a"), (t,), ("a",))
    for monoid in ("max", "min") for way in (1, -1)
} | {
    f"affine scan, way {way}, {own}": (scan("affine", way, own, "a", "b", "h"), (t,), ("a", "b", "h"))
    for way in (1, -1) for own in (True, False)
} | {
    f"log-affine scan, way {way}, {own}": (scan("log-affine", way, own, "a", "b", "h"), (t,), ("a", "b", "h"))
    for way in (1, -1) for own in (True, False)
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_pullback_is_the_derivative(name: str) -> None:
    build, axes, inputs = CASES[name]
    values = exact(data(len(name)))
    for wrt in inputs:
        agrees(build, axes, wrt, values)


# Jacobians, second derivatives, single entries


@pytest.mark.parametrize(
    "name", ["attention", "entropy", "max", "affine scan, way 1, True", "lse scan, way -1, True", "softmax"]
)
def test_jacobian_rows_are_pullbacks_of_units(name: str) -> None:
    build, axes, inputs = CASES[name]
    values = exact(data(5))
    for wrt in inputs:
        _, program = program_of(build, axes)
        whole = mids(ir_balls(jacobian(program, wrt), values)[f"jac_{wrt}"]).reshape(
            -1, int(np.prod(values[wrt].shape, dtype=int))
        )
        for row, line in enumerate(whole):
            unit = np.array([F(int(q == row)) for q in range(len(whole))], dtype=object)
            shape = tuple(SIZES[a.size] for a in axes)
            got = ir_balls(pullback(program, wrt), {**values, "cotangent": unit.reshape(shape)})[f"grad_{wrt}"]
            assert max(abs(float(p - q)) for p, q in zip(mids(got), line, strict=True)) < 1e-15


@pytest.mark.parametrize(
    "name", ["lse", "entropy", "where", "power", "softplus", "tanh", "prod scan, way 1, with own entry"]
)
def test_second_derivatives(name: str) -> None:
    build, axes, inputs = CASES[name]

    def once(al: Algebra) -> Node:
        given = INPUTS[inputs[0]]
        at = tuple(Axis(f"z{q}", size) for q, size in enumerate(given.shape))
        slopes = al.contract([gradient(al, build(al), inputs[0], at)], axes)
        return al.contract([slopes, slopes], at)

    agrees(once, (), inputs[0], exact(data(2)))


def test_an_entry_of_the_own_row_needs_no_delta() -> None:
    l = Axis("l", "d")  # noqa: E741
    al = Algebra(Table(), INPUTS)
    smooth = al.mul(al.ref("eps"), al.log(al.contract([al.exp(score(al))], (j,))))
    slope = gradient(al, smooth, "Q", (i, l))
    p = al.div(al.exp(score(al)), al.contract([al.exp(score(al))], (j,)))
    assert slope is al.div(al.contract([p, al.ref("K", (j, l))], (j,)), al.power(al.size("d"), F(1, 2)))


def test_the_derivative_at_a_constant_entry() -> None:
    al = Algebra(Table(), INPUTS)
    whole = al.contract([al.power(al.ref("x", (i, j)), 2)], (i, j))
    assert gradient(al, whole, "x", (1, 0)) is al.mul(al.num(2), al.ref("x", (1, 0)))


# Conventions and findings


def test_a_dead_row_has_gradient_zero() -> None:
    _, program = program_of(masked, (i, k))
    values = exact(data())
    values["M"] = np.array([[False] * 3, [True] * 3])
    cotangent = np.array([[F(1)] * 4] * 2, dtype=object)
    for wrt in ("Q", "K", "V"):
        assert np.isfinite(
            ir_balls(pullback(program, wrt), {**values, "cotangent": cotangent})[f"grad_{wrt}"].mid()
        ).all()
    slope = mids(ir_balls(pullback(program, "Q"), {**values, "cotangent": cotangent})["grad_Q"])
    assert not any(slope[:4])
    assert any(slope[4:])


def test_the_slope_at_a_weight_of_zero_is_finite() -> None:
    def build(al: Algebra) -> Node:
        e = al.mul(al.ref("v", (j,)), al.exp(al.ref("x", (i, j))))
        return al.div(al.contract([e, al.ref("w", (j,))], (j,)), al.contract([e], (j,)))

    al = Algebra(Table(), {**INPUTS, "v": Input("v", ("m",), lo=F(0))})
    program = Program(al.table, tuple(al.inputs.values()), (Output("out", build(al), (i,)),))
    given = {**exact(data()), "v": np.array([F(0), F(2), F(1)], dtype=object)}
    step, cotangent = F(1, 2**70), np.array([F(1), F(3)], dtype=object)
    got = mids(ir_balls(pullback(program, "v"), {**given, "cotangent": cotangent})["grad_v"])
    for at in range(3):
        moved = given["v"].copy()
        moved[at] += step
        ends = [(mids(ir_balls(program, {**given, "v": v}, 512)["out"]) * cotangent).sum() for v in (given["v"], moved)]
        assert abs(float(got[at] - (ends[1] - ends[0]) / step)) < 1e-12


def test_ties_go_to_the_smallest_index() -> None:
    _, program = program_of(lambda al: al.reduce("max", al.ref("x", (i, j)), (j,)), (i,))
    values = exact(data())
    values["x"] = np.array([[F(2), F(2), F(1)], [F(0), F(3), F(3)]], dtype=object)
    given = {**values, "cotangent": np.array([F(5), F(7)], dtype=object)}
    assert mids(ir_balls(pullback(program, "x"), given)["grad_x"]).tolist() == [5, 0, 0, 0, 7, 0]


def test_a_guard_protects_the_slope() -> None:
    def build(al: Algebra) -> Node:
        p = al.ref("a", (t,))
        return al.where(al.cmp("<", al.zero, p), al.log(p), al.zero)

    _, program = program_of(build, (t,))
    values = exact(data())
    values["a"] = np.array([F(0), F(2), F(-1), F(4), F(0)], dtype=object)
    given = {**values, "cotangent": np.array([F(1)] * 5, dtype=object)}
    assert mids(ir_balls(pullback(program, "a"), given)["grad_a"]).tolist() == [0, F(1, 2), 0, F(1, 4), 0]


def test_order_statistics_are_flat_and_reported() -> None:
    def build(al: Algebra) -> Node:
        x = al.ref("x", (i, j))
        return al.contract([al.where(al.order("topk", j, 2, x), al.one, al.zero), x], (j,))

    _, program = program_of(build, (i,))
    slopes = pullback(program, "x")
    assert [f.code for f in slopes.findings] == ["W13"]
    values = exact(data())
    got = mids(ir_balls(slopes, {**values, "cotangent": np.array([F(1), F(1)], dtype=object)})["grad_x"]).reshape(2, 3)
    assert [sorted(row) for row in got.tolist()] == [[0, 1, 1]] * 2


def test_a_steep_root_is_reported() -> None:
    _, program = program_of(lambda al: al.power(al.ref("a", (t,)), F(1, 2)), (t,))
    assert [f.code for f in pullback(program, "a").findings] == ["W10"]
    _, program = program_of(lambda al: al.power(al.ref("p", (t,)), F(1, 2)), (t,))
    assert pullback(program, "p").findings == ()


@pytest.mark.parametrize(
    ("build", "wrt", "message"),
    [
        (lambda al: al.call("trigamma", al.ref("p", (t,))), "p", "trigamma has no derivative"),
        (lambda al: al.ref("a", (t,)), "I", "only real ones have a derivative"),
        (lambda al: al.ref("a", (t,)), "nothing", "no input is called nothing"),
    ],
)
def test_what_has_no_derivative_is_refused(build: Build, wrt: str, message: str) -> None:
    _, program = program_of(build, (t,))
    with pytest.raises(UnsupportedError, match=message):
        pullback(program, wrt)


def test_an_iteration_is_refused_with_the_way_out() -> None:
    def build(al: Algebra) -> Node:
        entry = al.ref("u", (j,))
        step = al.add(al.mul(entry, al.num(F(1, 2))), al.ref("w", (j,)))
        return al.table.iterate(al.num(3), [State("u", (j,), al.zero, step)], al.ref("u", (j,)))

    _, program = program_of(build, (j,))
    with pytest.raises(UnsupportedError, match="autograd through the torch kernel"):
        pullback(program, "w")


def test_what_does_not_depend_is_zero() -> None:
    al, program = program_of(lambda al: al.exp(al.ref("a", (t,))), (t,))
    assert pullback(program, "b").outputs[0].node is al.zero
