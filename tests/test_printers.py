"""Printed torch and numpy functions against plain loops, under batches, transforms and types, and their text."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from lower_eval import plain
from lower_programs import BY_NAME, CASES, SIZES, C, Case, I, J, K, arrays, scores

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.ir import Table
from dltsym.lower.printers.base import Header, Source, print_program
from dltsym.lower.printers.layout import layout
from dltsym.lower.program import Input, Output, Program

ONES = dict.fromkeys(SIZES, 1)
SHAPES = ({"n": 3, "m": 5, "d": 2, "c": 4}, {"n": 1, "m": 3, "d": 4, "c": 2}, {"n": 4, "m": 1, "d": 1, "c": 3}, ONES)
every = pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
DATA = [c for c in CASES if c.name != "constant"]  # a value that depends on sizes only has no batch dimensions
data = pytest.mark.parametrize("case", DATA, ids=[c.name for c in DATA])


def made(source: Source):
    space: dict = {}
    exec(source.text, space)
    return space[source.name]


def printed(case: Case, target: str):
    program = case.program()
    return program, made(print_program(program, target, case.name + "_"))


def inputs(program: Program, sizes=SIZES, batch=(), seed=0):
    return arrays(tuple(i.name for i in program.inputs), sizes, seed, batch)


def derivative(x):
    assert x.grad is not None
    return x.grad


def tensors(values, dtype=torch.float64):
    return [torch.tensor(v, dtype=dtype) if np.asarray(v).dtype == float else torch.tensor(v) for v in values.values()]


@every
@pytest.mark.parametrize("sizes", SHAPES, ids=["different", "n1", "m1", "ones"])
def test_values(case, sizes):
    values = inputs(case.program(), sizes)
    want = plain(case.raw(), values, sizes)[0]
    for target in ("numpy", "torch"):
        _, f = printed(case, target)
        with np.errstate(all="ignore"):
            got = f(*(values.values() if target == "numpy" else tensors(values)))
        assert got.shape == want.shape, target
        np.testing.assert_allclose(np.asarray(got), want, rtol=1e-13, atol=1e-14, err_msg=target)


@data
@pytest.mark.parametrize("size", [3, 5])  # these are sizes of axes: a wrong broadcast would go unseen
def test_batch_is_stack_is_vmap(case, size):
    program, f = printed(case, "torch")
    single = [tensors(inputs(program, seed=s)) for s in range(size)]
    want = torch.stack([f(*one) for one in single])
    batch = [torch.stack(column) for column in zip(*single, strict=True)]
    torch.testing.assert_close(f(*batch), want, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(torch.func.vmap(f)(*batch), want, rtol=1e-12, atol=1e-13)
    _, g = printed(case, "numpy")
    np.testing.assert_allclose(g(*(b.numpy() for b in batch)), want.numpy(), rtol=1e-12, atol=1e-13)


@data
def test_one_batched_argument(case):
    program, f = printed(case, "torch")
    single = tensors(inputs(program))
    for place, name in enumerate(i.name for i in program.inputs):
        if name not in case.reads():
            continue
        other = tensors(inputs(program, seed=7))[place]
        given = list(single)
        given[place] = torch.stack([single[place], other, single[place]])
        got = f(*given)
        swapped = [other if k == place else v for k, v in enumerate(single)]
        want = [f(*single), f(*swapped), f(*single)]
        torch.testing.assert_close(got, torch.stack(want), rtol=1e-12, atol=1e-13)
        places = tuple(0 if k == place else None for k in range(len(single)))
        torch.testing.assert_close(torch.func.vmap(f, places)(*given), got, rtol=1e-12, atol=1e-13)


@data
def test_two_batch_dimensions(case):
    program, f = printed(case, "torch")
    values = inputs(program, batch=(2, 3))
    got = f(*tensors(values))
    one = f(*tensors({k: v[1, 2] for k, v in values.items()}))
    torch.testing.assert_close(got[1, 2], one, rtol=1e-12, atol=1e-13)


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_types(case, dtype):
    program, f = printed(case, "torch")
    given = tensors(inputs(program), dtype)
    got = f(*given)
    assert got.dtype == dtype
    want = f(*[g.double() if g.dtype == dtype else g for g in given])
    loose = {torch.float32: 2e-5, torch.bfloat16: 0.15}[dtype]
    torch.testing.assert_close(got.double(), want, rtol=loose, atol=loose)


@every
def test_everything_is_on_the_device_of_the_inputs(case):
    program, f = printed(case, "torch")
    given = tensors(inputs(program))
    got = f(*(g.to("meta") for g in given))  # a device without data: operations that mix devices fail
    assert got.device.type == "meta"
    assert got.shape == f(*given).shape


@every
def test_numpy_keeps_float32(case):
    program, f = printed(case, "numpy")
    values = inputs(program)
    got = f(*(v.astype(np.float32) if v.dtype == float else v for v in values.values()))
    assert np.asarray(got).dtype == np.float32
    np.testing.assert_allclose(got, f(*values.values()), rtol=1e-4, atol=1e-5)


# torch compiles its forward derivatives on first use with a function that it has deprecated itself.
forward = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
SMOOTH = [c for c in CASES if c.name not in ("count", "constant")]


@forward
@pytest.mark.parametrize("case", SMOOTH, ids=[c.name for c in SMOOTH])
def test_gradients(case):
    program, f = printed(case, "torch")
    given = tensors(inputs(program))
    real = [g.requires_grad_() if g.dtype.is_floating_point else g for g in given]
    assert torch.autograd.gradcheck(f, tuple(real), check_forward_ad=True)


@forward
@pytest.mark.parametrize("name", ["attention", "dual", "masked", "centred", "special"])
def test_hessian(name):
    program, f = printed(BY_NAME[name], "torch")
    given = tensors(inputs(program))

    def total(x):
        return (f(x, *given[1:]) ** 2).sum()

    first = torch.func.grad(total)
    step = torch.zeros_like(given[0])
    step.view(-1)[0] = 1e-6
    want = (first(given[0] + step) - first(given[0] - step)) / 2e-6
    got = torch.func.hessian(total)(given[0]).reshape(-1, given[0].numel())[0].reshape(given[0].shape)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)


def test_compiles_without_breaks():
    program, f = printed(BY_NAME["attention"], "torch")
    given = tensors(inputs(program))
    torch.testing.assert_close(torch.compile(f, backend="eager", fullgraph=True)(*given), f(*given))


def test_python_scalars_and_tensor_scalars():
    program, f = printed(BY_NAME["attention"], "torch")
    q, k, v, eps = tensors(inputs(program), torch.float32)
    want = f(q, k, v, eps)
    assert f(q, k, v, float(eps)).dtype == torch.float32
    torch.testing.assert_close(f(q, k, v, float(eps)), want)
    eps = torch.tensor([0.5, 2.0, 1.0], requires_grad=True)
    f(q, k, v, eps).sum().backward()
    assert (derivative(eps) != 0).all()


GOLDEN = {
    ("attention", "torch"): """\
def attention_(Q, K, V, eps):
    d = Q.shape[-1]
    eps = _scalar(eps, Q.dtype, Q.device)
    _t0 = Q @ (K * _pad(1 / (eps * math.sqrt(d)), 2)).mT
    _t1 = torch.softmax(_t0, -1); del _t0
    return _t1 @ V
""",
    ("attention", "numpy"): """\
def attention_(Q, K, V, eps):
    d = Q.shape[-1]
    eps = _scalar(eps, Q.dtype)
    _t0 = Q @ np.swapaxes(K * _pad(1 / (eps * math.sqrt(d)), 2), -1, -2)
    _t1 = _softmax(_t0, -1); del _t0
    return _t1 @ V
""",
    ("dual", "torch"): """\
def dual_(Q, K, a, b, eps):
    eps = _scalar(eps, Q.dtype, Q.device)
    _t0 = (0 < b).any(-1)
    _t1 = (Q.mT.contiguous()[..., None] - K.mT.contiguous()[..., None, :]).square().sum(-3)
    _t2 = a[..., None] - _t1; del _t1
    _t3 = _axpy(torch.log(torch.where(_t0[..., None], b, 1))[..., None, :], _t2, _pad(1 / eps, 2)); del _t2
    _t4 = torch.logsumexp(_t3, -1); del _t3
    return _pad(-eps, 1) * torch.where(_t0[..., None], _t4, -math.inf)
""",
    ("masked", "torch"): """\
def masked_(x, V, M):
    _t0 = M.any(-1)
    _t1 = torch.where(M, x, torch.where(_t0, torch.full((), -math.inf, dtype=x.dtype, device=x.device), 0)[..., None])
    _t2 = torch.softmax(_t1, -1); del _t1
    _t3 = _t2 @ V; del _t2
    return _t3.mul_(_t0[..., None])
""",
    ("masked", "numpy"): """\
def masked_(x, V, M):
    _t0 = M.any(-1)
    _t1 = _softmax(np.where(M, x, np.where(_t0, np.asarray(-math.inf, x.dtype), 0)[..., None]), -1)
    _t2 = _t1 @ V; del _t1
    return _t0.astype(x.dtype)[..., None] * _t2
""",
    ("causal", "torch"): """\
def causal_(S):
    n = S.shape[-2]
    _t0 = <index>(n, S) <= <index>(n, S)[:, None]
    _t1 = torch.where(_t0, S, -math.inf); del _t0
    return torch.softmax(_t1, -1)
""",
    ("mean", "torch"): """\
def mean_(x):
    return x - x.mean(-1, keepdim=True)
""",
    ("einsum", "torch"): """\
def einsum_(x, W):
    return torch.einsum("...abc,...db->...dac", W, x)
""",
    ("logic", "torch"): """\
def logic_(x, M):
    _t0 = M & (~(x < 0))
    _t1 = torch.where(_t0, x, 0.5)
    _t2 = torch.sqrt(_t1); del _t1
    return torch.where(_t0, _t2, 1 / 3)
""",
    ("held", "torch"): """\
def held_(x, V):
    return _held(x[..., None], V[..., None, :, :], False)
""",
}
INDEX = "torch.arange(n, dtype=torch.int64, device=S.device)"


@pytest.mark.parametrize(("name", "target"), GOLDEN, ids=["-".join(k) for k in GOLDEN])
def test_golden(name, target):
    text = print_program(BY_NAME[name].program(), target, name + "_").text
    assert text[text.index("def " + name) :] == GOLDEN[name, target].replace("<index>(n, S)", INDEX)


def test_header():
    text = print_program(BY_NAME["attention"].program(), "torch", "f", Header("Sum e^s V", "abc")).text
    head = text.splitlines()
    assert head[:4] == [
        "# f: Sum e^s V",
        "# axes: i < n, c < c",
        "# arrays, after any batch dimensions: Q(n, d), K(m, d), V(m, c)",
        "# expression: abc",
    ]
    assert head[5:7] == ["import math", "import torch"]


def test_same_text_in_every_process():
    code = (
        "import hashlib; from lower_programs import CASES; from dltsym.lower.printers.base import print_program;"
        "text = ''.join(print_program(c.program(), t, c.name).text for c in CASES for t in ('torch', 'numpy'));"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    out = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1")
    }  # fmt: skip
    assert len(out) == 1


def test_names_that_clash():
    table, n = Table(), Axis("i", "n")
    names = ("lambda", "_t0", "torch", "n", "f", "x'")
    refs = [table.make("ref", (), (name, (n,))) for name in names]
    node = table.make("mul", (table.make("size", (), ("n",)), table.bind("contract", (table.make("add", refs),), (n,))))
    program = Program(table, tuple(Input(name, ("n",)) for name in names), (Output("y", node, ()),))
    source = print_program(layout(program), "torch", "f")
    assert source.argnames == ("lambda_", "_t0_", "torch_", "n", "f_", "x_")
    got = made(source)(*(torch.full((3,), float(k)) for k in range(6)))
    assert got == 3 * 3 * 15


def test_repeated_scores_are_printed_once():
    def build(t):
        p = t.softmax(scores(t), J)
        entropy = t.sum((J,), p, t("log", p))
        other = t.sum((J,), t.softmax(scores(t, I, J), J), t.ref("V", J, C))
        return t("mul", other, entropy)

    text = print_program(Case("twice", build, (I, C)).program(), "torch", "f").text
    assert text.count(" @ ") == 2
    assert text.count("softmax") == 1


def test_scores_under_two_binders_are_one_product():
    def build(t):
        table = t.sum((K,), t.ref("Q", I, K), t.ref("K", J, K))
        rows = t.fold("lse", (J,), table)
        return t("add", t.sum((I,), rows), t.fold("max", (I, J), table))

    text = print_program(Case("two", build, ()).program(), "torch", "f").text
    assert text.count(" @ ") == 1


def test_dead_rows_are_zero_with_zero_gradient():
    program, f = printed(BY_NAME["masked"], "torch")
    x, v, m = tensors(inputs(program))
    m[1] = False
    x[1] = 1e30
    x.requires_grad_()
    got = f(x, v, m)
    assert (got[1] == 0).all()
    got.square().sum().backward()
    slope = derivative(x)
    assert torch.isfinite(slope).all()
    assert (slope[1] == 0).all()
    with np.errstate(all="ignore"):
        assert (printed(BY_NAME["masked"], "numpy")[1](x.detach().numpy(), v.numpy(), m.numpy())[1] == 0).all()


def test_zero_prior_weights():
    case = Case("prior", lambda t: t.sum((J,), t.softmax(t("add", t.ref("x", I, J), t("log", t.ref("b", J))), J),
                                         t.ref("V", J, C)), (I, C))  # fmt: skip
    program, f = printed(case, "torch")
    given = inputs(program)
    given["b"][[0, 2]] = 0
    np.testing.assert_allclose(f(*tensors(given)), plain(case.raw(), given, SIZES)[0], rtol=1e-13)
    given["b"][:] = 0
    assert (f(*tensors(given)) == 0).all()


def test_branches_not_taken_have_no_gradient():
    program, f = printed(BY_NAME["logic"], "torch")
    x, m = tensors(inputs(program))
    x.requires_grad_()
    x.data[0] = 0.0
    x.data[1] = -1.0
    f(x, m).sum().backward()
    slope = derivative(x)
    assert torch.isfinite(slope[1:]).all()
    assert torch.isfinite(slope[~m]).all()


def test_a_guarded_scalar_may_be_zero():
    _, f = printed(BY_NAME["cold"], "torch")
    x = torch.ones(3, 5)
    eps = torch.zeros((), requires_grad=True)
    assert f(x, 0.0) == 0
    f(x, eps).backward()
    assert derivative(eps) == 0


def test_unsupported_says_what():
    table = Table()
    node = table.make("nothing", (table.make("ref", (), ("a", (Axis("i", "n"),))),))
    program = Program(table, (Input("a", ("n",)),), (Output("y", node, (Axis("i", "n"),)),))
    with pytest.raises(UnsupportedError, match="torch: no form for nothing"):
        print_program(program, "torch", "f")
    with pytest.raises(UnsupportedError, match="no printer for jax"):
        print_program(program, "jax", "f")
