"""From a user's callable to a candidate: mappings, layouts, buffers, adapters, and what they refuse."""

import math
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dltsym import Scope, exp, log
from dltsym.errors import KernelMapError
from dltsym.implementation import Case
from dltsym.oracle.adapters import candidate, contract_of
from dltsym.oracle.candidate import Candidate, Misbehaved
from dltsym.oracle.expressions import Axed, Evaluator, parsed
from dltsym.oracle.mapping import read
from dltsym.oracle.run import run_case, settled
from dltsym.oracle.spec import Spec
from dltsym.oracle.statement import spec_of


@cache
def attention() -> Spec:
    """Attention with a prior and its log-sum-exp."""
    v = Scope()
    n, m, d, c = (v.count(x) for x in "nmdc")
    q, k, w, lp = v.array("q", (n, d)), v.array("k", (m, d)), v.array("v", (m, c)), v.array("lp", m)
    tau = v.pos("tau")
    i, e = v.index("i", n), v.index("e", c)

    def weight(j: Any) -> Any:
        return exp(v.sum(lambda x: q[i, x] * k[j, x], d) / tau + lp[j])

    return spec_of({"o": v.sum(lambda j: weight(j) * w[j, e], m) / v.sum(weight, m), "lse": log(v.sum(weight, m))})


def inputs(*batch: int) -> dict[str, torch.Tensor]:
    """Draw inputs with leading dimensions; the prior has the last of them only."""
    g = torch.Generator().manual_seed(0)
    shapes = {"q": (*batch, 5, 4), "k": (*batch, 7, 4), "v": (*batch, 7, 6), "lp": (*batch[-1:], 7)}
    return {n: torch.randn(s, generator=g) for n, s in shapes.items()} | {"tau": torch.tensor(1.3)}


def expected(x: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return what is right, in double precision."""
    d = {n: t.double() for n, t in x.items()}
    s = d["q"] @ d["k"].mT / d["tau"] + d["lp"][..., None, :]
    return {"o": s.softmax(-1) @ d["v"], "lse": s.logsumexp(-1)}


def right(own: Candidate, x: dict[str, torch.Tensor]) -> bool:
    """Tell whether a candidate returns what is right, in the right shapes."""
    got, wanted = own.call(x, {}), expected(x)
    return all(got[n].shape == wanted[n].shape and torch.allclose(got[n].double(), wanted[n], atol=1e-5) for n in got)


def blhd(q: Any, k: Any, v: Any, softmax_scale: float, bias: Any) -> tuple[Any, Any]:
    """Attend with heads behind positions, as many libraries do; the log-sum-exp is in base 2."""
    s = torch.einsum("bnhd,bmhd->bhnm", q, k) * softmax_scale + bias
    return torch.einsum("bhnm,bmhd->bnhd", s.softmax(-1), v), s.logsumexp(-1) / math.log(2)


BLHD = "softmax_scale=1/tau, q=q:bnhd, k=k:bmhd, v=v:bmhc, bias=lp[None], out[0]=o:bnhc, out[1]=lse/ln2"


@pytest.mark.parametrize("batch", [(2, 3), (3,), (), (2, 2, 3)])
def test_layouts_scales_and_inverted_results(batch: tuple[int, ...]) -> None:
    own = candidate(blhd, attention(), BLHD)
    assert own.outputs == ("o", "lse")
    assert right(own, inputs(*batch))


def test_a_mapping_is_text_or_texts_or_a_mapping() -> None:
    as_dict = {k.strip(): x for k, _, x in (part.partition("=") for part in BLHD.split(", "))}
    for mapping in (BLHD, BLHD.split(", "), as_dict):
        assert right(candidate(blhd, attention(), mapping), inputs(2, 3))


def test_merged_batches_and_gradients() -> None:
    def merged(q: Any, k: Any, v: Any, scale: float, mask: Any) -> Any:
        assert q.ndim == 3
        return F.scaled_dot_product_attention(q, k, v, scale=scale, attn_mask=mask)

    mapping = "q=q:(bh)nd, k=k:(bh)md, v=v:(bh)mc, scale=1/tau, mask=lp:(bh)m, out=o:(bh)nc"
    own = candidate(lambda mask, **x: merged(mask=mask[:, None], **x), attention(), mapping)
    x = inputs(2, 3)
    assert right(own, x)
    x["q"].requires_grad_()
    own.call(x, {})["o"].sum().backward()
    assert x["q"].grad is not None


def test_functions_of_numpy_arrays_see_one_batch_at_a_time() -> None:
    def plain(q: Any, k: Any, v: Any, tau: float, lp: Any) -> Any:
        assert isinstance(q, np.ndarray)
        assert isinstance(tau, float)
        s = q @ k.T / tau + lp
        p = np.exp(s - s.max(1, keepdims=True))
        return p @ v / p.sum(1, keepdims=True)

    own = candidate(plain, attention(), "q=q:nd, k=k:md, v=v:mc, lp=lp:m, out=o", arrays="numpy")
    assert own.dtypes == ("float64", "float32", "float16")
    assert own.grads == ()
    assert right(own, inputs(2, 3))


def test_outputs_that_are_passed_in_are_guarded() -> None:
    def fills(q: Any, k: Any, v: Any, tau: Any, lp: Any, o: Any) -> None:
        o.copy_(F.scaled_dot_product_attention(q, k, v, scale=1 / tau, attn_mask=lp[..., None, :]))

    def beside(q: Any, k: Any, v: Any, tau: Any, lp: Any, o: Any) -> None:
        fills(q, k, v, tau, lp, o)
        o.as_strided((1,), (1,), o.storage_offset() + o.numel()).zero_()

    def partly(q: Any, k: Any, v: Any, tau: Any, lp: Any, o: Any) -> None:
        o[..., :-1, :] = 0

    def changes(q: Any, k: Any, v: Any, tau: Any, lp: Any, o: Any) -> None:
        fills(q, k, v, tau, lp, o)
        k += 1

    x = inputs(2, 3)
    assert right(candidate(fills, attention()), x)
    for function, kind in ((beside, "out of bounds"), (partly, "unwritten"), (changes, "mutated input")):
        with pytest.raises(Misbehaved) as caught:
            candidate(function, attention()).call(x, {})
        assert caught.value.kind == kind


def test_fixed_inputs_are_untested() -> None:
    def short(q: Any, k: Any, v: Any) -> Any:
        return F.scaled_dot_product_attention(q, k, v)

    own = candidate(short, attention(), "tau=sqrt(d), lp=0, out=o")
    assert own.untested == ("tau", "lp")
    assert own.fixed["tau"]({"d": 16}) == 4.0
    assert own.fixed["lp"]({}) == 0.0
    bare = "tau=sqrt(d), lp=absent, slope=absent, out=o"
    assert candidate(short, spec_of("attention.one_sided_eot"), bare).modes == {"causal": (False,)}


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("", "softmax_scale=1/tau"),
        ("softmax_scale=1/tau", "lp"),
        ("softmax_scale=1/tua, bias=lp[None]", "did you mean tau"),
        ("softmax_scale=1/tau, bais=lp", "did you mean bias"),
        (BLHD.replace("lse/ln2", "lse*lse"), "cannot solve|exactly"),
        (BLHD.replace("lse/ln2", "o"), "twice"),
        (BLHD.replace(":bmhd", ":bmh"), "must name each of the axes"),
        (BLHD.replace("lp[None]", "__import__('os')"), "no function '__import__'"),
        (BLHD.replace("lp[None]", "lp.data"), "not allowed"),
        (BLHD.replace("lp[None]", "(lambda: lp)()"), "no function"),
        (BLHD + ", q=k", "twice"),
        ("softmax_scale", "parameter=expression"),
        (BLHD.replace("bias=lp[None]", "bias=0, lp=absent"), "may not be absent"),
    ],
)
def test_what_does_not_fit_says_what_to_add(mapping: str, told: str) -> None:
    with pytest.raises(KernelMapError, match=told):
        candidate(blhd, attention(), mapping)


def test_raw_kernels_and_what_is_not_there_are_refused() -> None:
    triton = pytest.importorskip("triton")
    kernel = triton.jit(_raw)
    for what, told in (
        (kernel, "Pass a launcher"), ("nowhere:f", "no module"), ("math:nothing", "has no"), ("math", "package.module"),
        ("nowhere.py:f", "no file"), (3, "cannot be called"),
    ):  # fmt: skip
        with pytest.raises(KernelMapError, match=told):
            candidate(what, attention())


class Module(torch.nn.Module):
    """Attention as a module; its ``__call__`` takes anything."""

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, tau: float, lp: torch.Tensor) -> torch.Tensor:
        """Attend."""
        return F.softmax(q @ k.mT / tau + lp[..., None, :], -1) @ v


def test_a_module_tells_what_its_forward_takes() -> None:
    assert right(candidate(Module(), attention()), inputs(2))
    with pytest.raises(KernelMapError, match="is a class; name an instance"):
        candidate(Module, attention())


def test_what_is_no_array_says_what_to_map() -> None:
    x = inputs()

    def writes(q: Any, k: Any, v: Any, tau: Any, lp: Any, out: Any) -> None:
        out.copy_(Module()(q, k, v, tau, lp))

    with pytest.raises(KernelMapError, match=r'--map "out=out\(o\)"'):
        candidate(writes, attention())
    assert right(candidate(writes, attention(), "out=out(o)"), x)
    for got, told in (({"a": 1}, r"out\['a'\]=..."), (None, "it returns None")):
        with pytest.raises(KernelMapError, match=told):
            candidate(lambda q, k, v, tau, lp, got=got: got, attention())


def test_a_function_of_numpy_arrays_that_gets_tensors_is_told_how() -> None:
    def wrong(q: Any, k: Any, v: Any, tau: Any, lp: Any) -> Any:
        raise TypeError("two\nlines")

    with pytest.raises(KernelMapError, match=r"two lines.*--arrays numpy"):
        candidate(wrong, attention())


def _raw(x: Any) -> None:
    """Do nothing; a kernel of Triton."""


def test_a_shared_library(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, library = tmp_path / "lse.c", tmp_path / "lse.so"
    source.write_text(
        "#include <math.h>\nvoid lse(const float* x, float* y, int n) {\n  double m = -1e300, s = 0;\n"
        "  for (int i = 0; i < n; i++) if (x[i] > m) m = x[i];\n  for (int i = 0; i < n; i++) s += exp(x[i] - m);\n"
        "  y[0] = m + log(s);\n}\n"
    )
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
    v = Scope()
    n = v.count("n")
    x = v.array("x", n)
    spec = spec_of({"y": log(v.sum(lambda j: exp(x[j]), n))})
    own = candidate(f"{library}:lse", spec, c_signature="ptr f32 x; out f32 y; int n")
    given = torch.randn(3, 5)
    assert torch.allclose(own.call({"x": given}, {})["y"], given.logsumexp(-1))
    assert own.dtypes == ("float32",)
    for signature, told in (("", "needs its C signature"), ("ptr f33 x", "cannot read")):
        with pytest.raises(KernelMapError, match=told):
            candidate(f"{library}:lse", spec, c_signature=signature)
    with pytest.raises(KernelMapError, match="has no function"):
        candidate(f"{library}:sle", spec, c_signature="ptr f32 x; out f32 y; int n")


def test_functions_that_tell_no_signature() -> None:
    v = Scope()
    n = v.count("n")
    spec = spec_of(exp(v.array("x", n)[v.index("i", n)]) - 1)
    for function in (torch.expm1, np.expm1, torch.ops.aten.expm1):
        got = candidate(function, spec).call({"x": torch.ones(3)}, {})["value"]
        assert torch.allclose(got.double(), torch.full((3,), math.e - 1).double())


def value(text: str, **names: Any) -> Any:
    """Evaluate an expression of a mapping."""
    out = Evaluator(names, torch.float32).evaluate(parsed(text))
    return out.value if isinstance(out, Axed) else out


def test_arithmetic_lines_up_own_axes_and_batches() -> None:
    head, row = Axed(torch.arange(2.0), 0), Axed(torch.arange(6.0).reshape(2, 3), 1)
    assert value("s * arange(3)", s=head).tolist() == [[0, 0, 0], [0, 1, 2]]
    assert value("x[None] - s", x=row, s=head).shape == (2, 1, 3)
    assert value("x.T", x=Axed(torch.zeros(4, 2, 3), 2)).shape == (4, 3, 2)
    assert value("where(x > 1, x, -inf)", x=row).isinf().sum() == 2
    assert value("sum(x)", x=row).tolist() == [3, 12]
    assert value("2 if c else 3", c=False) == 3
    assert value("1/tau", tau=4.0) == 0.25


@pytest.mark.parametrize("text", ["1/0", "x[5]", "x.T", "sqrt('a')", "a + 'b'", "1 < 2 < 3", "sum(1)", "9**9**9"])
def test_what_cannot_be_evaluated_is_a_mapping_error(text: str) -> None:
    with pytest.raises(KernelMapError):
        value(text, x=Axed(torch.zeros(3), 1), a=1.0)


def test_contracts() -> None:
    told = contract_of("dot=tf32, casts=P+out, block=128, acc=io, ftz=true")
    assert told == {"dot": "tf32", "casts": ("P", "out"), "block": 128, "acc": "io", "ftz": True}
    own = candidate(blhd, attention(), BLHD, contract="dot=tf32, acc=io")
    assert own.arithmetic("float16").acc == "float16"
    assert own.arithmetic("float16").dot == "tf32"
    for text in ("dto=tf32", "dot=tf33", "block=many", "acc=f33"):
        with pytest.raises(KernelMapError):
            contract_of(text)


def test_reading_keeps_texts_and_brackets_whole() -> None:
    entries = read("mode='a,b=c', x=where(a <= b, 1, 0), y=out(o, f32):bn, arg[0]=q")
    assert sorted(entries.named) == ["mode", "x", "y"]
    assert entries.named["y"].layout == "bn"
    assert list(entries.positional) == [0]


def test_numbers_in_a_mapping_keep_the_double_precision_of_numbers() -> None:
    """A Python float was made float32 on its way to an array, which rounded the slopes of a mask in float64."""
    x = torch.ones(3, dtype=torch.float64)
    for text in ("0.1*x", "where(x > 0, 0.1, x)", "maximum(0.1, 0*x)"):
        out = Evaluator({"x": Axed(x, 1)}, torch.float64).evaluate(parsed(text))
        assert out.value.dtype == torch.float64
        assert out.value.tolist() == [0.1] * 3


def test_a_mode_that_the_mapping_fixes_holds_for_cases_that_leave_it_open() -> None:
    def ddim(x: Any, eps: Any, now: Any, before: Any) -> Any:
        guess = (x - (1 - now) ** 0.5 * eps) / now**0.5
        return before**0.5 * guess + (1 - before) ** 0.5 * eps

    told = "eps=model, noise=absent, eta=0, "
    open_ = Case("open", {"n": 33}, values={"now": "0.25", "before": "0.5"})
    spec = spec_of("diffusion.step")
    assert run_case(spec, candidate(ddim, spec, told + "method='ddim'"), open_, "f32").verdict == "pass"
    assert run_case(spec, candidate(ddim, spec, told + "method='ddpm'"), open_, "f32").verdict == "fail"
    ours = candidate(ddim, spec, told + "method='ddim'")
    assert settled(spec, ours, open_).modes == {"method": "ddim"}
    other = Case("other", {"n": 33}, modes={"method": "ddpm"})
    assert settled(spec, ours, other) is other


def test_an_input_that_no_mode_left_reads_need_not_be_given() -> None:
    def scan(u: Any, raw: Any, A: Any, B: Any, C: Any, D: Any) -> Any:
        h, out = torch.zeros(A.shape), []
        for step, row, b, c in zip(raw, u, B, C, strict=True):
            h = torch.exp(step[:, None] * A) * h + (step * row)[:, None] * b
            out.append(h @ c + D * row)
        return torch.stack(out)

    told = "softplus=False, bias=absent, h0=absent, out=y, u=u:LE, raw=raw:LE, B=B:LN, C=C:LN"
    spec = spec_of("ssm.selective_scan")
    with pytest.raises(KernelMapError, match="needs 'z'"):
        candidate(scan, spec, told)
    own = candidate(scan, spec, told + ", gate=False")
    case = Case("plain", {"L": 9, "E": 3, "N": 2}, values={"raw": "uniform"})
    assert run_case(spec, own, case, "f32").verdict == "pass"
