"""What users hand in: right code in other words passes, wrong code is caught, and what cannot be seen is said."""

from dataclasses import replace
from functools import partial
from typing import Any

import foreign as statements
import pytest
import torch
from torch.nn import functional as F

from dltsym import Scope, exp, log
from dltsym.errors import UnknownKey
from dltsym.implementation import Arithmetic, Case
from dltsym.kernels.attention.cases import CASES
from dltsym.oracle.adapters import candidate
from dltsym.oracle.cases import automatic, make_inputs
from dltsym.oracle.report import Report
from dltsym.oracle.run import check, run_case
from dltsym.oracle.statement import spec_of
from dltsym.oracle.tolerance import tolerance

PLAIN: dict[str, Any] = {"relations": False, "canaries": False, "selftest": False}
EOT = "attention.one_sided_eot"
BARE = "softmax_scale=1/tau, lp=absent, slope=absent, out[0]=o, out[1]=lse"


def attend(q: Any, k: Any, v: Any, softmax_scale: float, bug: str = "") -> Any:
    """Attend with a scale that is one Python number."""
    s = q @ k.mT * softmax_scale
    p = torch.softmax(s.clamp(max=50.0) if bug == "clamped" else s, -1)
    return p @ v, torch.logsumexp(s, -1)


def one(name: str, **changes: Any) -> Case:
    """Return a case of the attention kernels by name, smaller."""
    case = next(c for c in CASES if c.name == name)
    return Case(name, {**case.sizes, "n": 20, "m": 20}, case.batch, case.modes, case.values, case.seed, **changes)


def weighed(q: Any, k: Any, v: Any, eps: float, lb: Any, off: float = 0.0) -> Any:
    """Attend with a prior that is normalised first, as one would write it."""
    return torch.softmax(q @ k.mT / eps + torch.log_softmax(lb * (1 + off), -1)[..., None, :], -1) @ v


@pytest.mark.parametrize(
    ("contract", "off", "verdict"), [("", 0.0, "pass"), ("normalised=no", 0.0, "fail"), ("", 1e-4, "fail")]
)
def test_weights_may_be_normalised_before_they_are_used(contract: str, off: float, verdict: str) -> None:
    """The gradient by the weight of a key that no query looks at is a difference of larger numbers then."""
    spec = spec_of("attention.sinkhorn", {"T": 1, "causal": False, "marginal": "balanced"})
    own = candidate(partial(weighed, off=off), spec, "la=absent, out=o", contract=contract)
    case = Case("spread", {"n": 3, "m": 6, "d": 4, "dv": 2}, {"": (8,)}, values={"q": "4 normal", "lb": "normal"})
    found = run_case(spec, own, replace(case, seed=4), "float32", ("q", "lb"))
    assert found.verdict == verdict, found.message
    assert verdict == "pass" or found.output == "dlb" or off


@pytest.mark.parametrize("tau", [(2,), (3, 1), (3, 2)])
def test_a_number_is_never_a_batch_for_a_foreign_function(tau: tuple[int, ...]) -> None:
    spec, seen = spec_of(EOT), []

    def told(q: Any, k: Any, v: Any, softmax_scale: float) -> Any:
        seen.append(softmax_scale)
        return attend(q, k, v, softmax_scale)

    own = candidate(told, spec, BARE)
    sizes = {"n": 5, "m": 7, "d": 4, "dv": 3}
    case = Case("numbers", sizes, {"": (3, 2), "tau": tau, "q": ()})
    found = run_case(spec, own, case, "float64", ("q", "k", "v", "tau"))
    assert found.verdict == "pass", found.message
    assert all(isinstance(s, float) or s.ndim == 0 for s in seen)


def test_a_layout_says_that_a_number_may_be_a_batch() -> None:
    spec, seen = spec_of(EOT), []

    def told(q: Any, k: Any, v: Any, tau: Any) -> Any:
        seen.append(tau.shape)
        return attend(q, k, v, 1 / tau[:, None, None])[0]

    own = candidate(told, spec, "q=q:bhnd, k=k:bhmd, v=v:b h m dv, tau=tau:h, lp=absent, slope=absent, out=o:b h n dv")
    assert run_case(spec, own, one("66x66 temperatures"), "float32").verdict == "pass"
    assert seen[-1] == (2,)


def test_what_the_mapping_fixes_is_counted_apart() -> None:
    spec = spec_of(EOT)
    own = candidate(attend, spec, BARE)
    report = check(spec, own, dtypes=("f32",), cases=[one("100x100"), one("66x66 temperatures")], relations=False)
    found = report.found.selftest
    assert found is not None
    assert found.tried
    assert not found.missed
    assert any(name.startswith("slope") for name in found.unseen)
    assert f"{len(found.unseen)} more concern only inputs that the mapping fixes" in report.table()


def test_a_form_never_widens_the_tolerance_of_a_root() -> None:
    spec = spec_of("pac_bayes.kl_inverse")
    inputs = {"q": [0.39173406248092651], "c": [21.594003677368164]}
    for name in ("p", "complement"):
        plain, named = (tolerance(spec, inputs, {}, Arithmetic(form=f)).limit[name] for f in ("", "centred"))
        assert 0 < named <= plain
    assert named < 1e-3 * 1.27e-16, "the condition is 35: some hundred roundings, not one, and not all digits"


CANCEL = ("large", "small", "x-300")


def gelu(x: Any) -> Any:
    return x * (1 + torch.erf(x / 2**0.5)) / 2


def gelu_of_erfc(x: Any) -> Any:
    return x * torch.erfc(-x / 2**0.5) / 2


def judged(function: Any, form: str, mapping: str | None = None) -> Report:
    spec = spec_of(statements.gelu())
    own = candidate(function, spec, mapping, contract=f"form={form}" if form else "")
    return check(
        spec, own, dtypes=("f32", "f64"), cases=[c for c in automatic(spec) if c.name in CANCEL], grads=("x",), **PLAIN
    )


def test_the_stable_form_catches_what_cancels() -> None:
    for function, mapping in ((gelu, None), (F.gelu, "input=x")):
        report = judged(function, "", mapping)
        assert report.verdict == "pass", "the statement as written cancels as well"
        assert "against its stable form" in report.table()
        assert judged(function, "stable", mapping).verdict == "fail"
    good = judged(gelu_of_erfc, "stable")
    assert good.verdict == "pass"
    assert "stable form" not in good.table()
    with pytest.raises(UnknownKey, match="no form"):
        tolerance(spec_of(statements.gelu()), {"x": [1.0]}, {}, Arithmetic(form="stabel"))


def test_a_size_is_one_number_in_every_call() -> None:
    spec = spec_of("pac_bayes.maurer_pinsker")
    assert all("n" not in c.batch for c in automatic(spec))

    def bound(off: float) -> Any:
        def function(n: Any, D: Any, dlt: Any, s: Any) -> Any:
            r = (D + torch.log(2 * (1 + off) * torch.as_tensor(float(n)) ** 0.5 / dlt)) / n
            return s + torch.sqrt(r / 2), r

        return candidate(function, spec)

    assert check(spec, bound(0.0), dtypes=("f32",), **PLAIN).verdict == "pass"
    assert check(spec, bound(1e-4), dtypes=("f32",), **PLAIN).verdict == "fail"


def rows() -> Any:
    v = Scope()
    n, m = v.count("n"), v.count("m")
    x, i, j = v.array("x", (n, m)), v.index("i", n), v.index("j", m)
    total = v.sum(lambda k: exp(x[i, k]), m)
    return spec_of({"p": exp(x[i, j]) / total, "lse": log(total)})


def test_rows_at_other_levels_tell_a_maximum_of_the_wrong_axes() -> None:
    spec = rows()
    case = next(c for c in automatic(spec) if c.name == "x in levels")
    x = make_inputs(spec, case, "float64")["x"]
    assert {round(float(r) / 1000) for r in x.mean(-1).ravel()} == {-1, 0, 1}

    def shifted(*axes: int) -> Any:
        def function(x: Any) -> Any:
            e = torch.exp(x - x.amax(axes, keepdim=True))
            return e / e.sum(-1, keepdim=True)

        return candidate(function, spec, "out=p")

    assert run_case(spec, shifted(-1), case, "float32").verdict == "pass"
    for axes in ((-2, -1), (0, -1), (0, 1, 2)):
        assert run_case(spec, shifted(*axes), case, "float32").verdict == "fail"


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_autograd_of_two_outputs_recomputes_from_the_saved_sum(dtype: str) -> None:
    spec = rows()
    own = candidate(lambda x: (torch.softmax(x, -1), torch.logsumexp(x, -1)), spec)
    case = Case("large", {"n": 64, "m": 129}, {}, {}, {"x": "12 normal"}, 16)
    assert run_case(spec, own, case, dtype, ("x",)).ratio < 0.5


def written(z: Any, y: Any) -> Any:
    return (torch.logsumexp(z, -1) - z.gather(-1, y[..., None].long())[..., 0]).mean(-1)


def shifted_losses(z: Any, y: Any) -> Any:
    return -torch.log_softmax(z, -1).gather(-1, y[..., None].long())[..., 0].mean(-1)


def test_a_difference_as_written_is_charged_both_of_its_terms() -> None:
    spec = spec_of(statements.cross_entropy())
    case = Case("levels", {"n": 5, "c": 7}, {"": (3,)}, {}, {"z": "levels"}, 3)
    for dtype in ("f64", "f32"):
        assert run_case(spec, candidate(written, spec), case, dtype, ("z",)).verdict == "pass"
        stable = candidate(shifted_losses, spec, contract="form=stable")
        assert run_case(spec, stable, case, dtype, ("z",)).verdict == "pass"
    claims = candidate(written, spec, contract="form=stable")
    assert run_case(spec, claims, case, "f32").verdict == "fail", "that it is not"


def online(q: Any, k: Any, v: Any, softmax_scale: float) -> Any:
    """Block by block, with a running maximum."""
    wide = torch.float64 if q.dtype == torch.float64 else torch.float32
    io, q, k, v = q.dtype, q.to(wide), k.to(wide), v.to(wide)
    m: Any = torch.full((*q.shape[:-1], 1), -torch.inf, dtype=wide)
    z: Any = 0.0
    o: Any = 0.0
    for b in range(0, k.shape[-2], 8):
        s = torch.einsum("...qd,...kd->...qk", q * softmax_scale, k[..., b : b + 8, :])
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        a, p = torch.exp(m - new), torch.exp(s - new)
        m, z, o = new, a * z + p.sum(-1, keepdim=True), a * o + p @ v[..., b : b + 8, :]
    return (o / z).to(io), (torch.log(z) + m)[..., 0]


@pytest.mark.parametrize("dtype", ["f64", "f32", "f16", "bf16"])
def test_attention_in_other_words_passes(dtype: str) -> None:
    spec = spec_of(EOT)
    grads = ("q", "k", "v", "tau")
    for name in ("63x63 peaked", "66x66 temperatures", "70x70 cold"):
        found = run_case(spec, candidate(online, spec, BARE), one(name), dtype, grads)
        assert found.verdict == "pass", found.message


def test_attention_that_clamps_its_scores_is_caught() -> None:
    spec = spec_of(EOT)
    bad = candidate(lambda q, k, v, softmax_scale: attend(q, k, v, softmax_scale, "clamped"), spec, BARE)
    assert run_case(spec, bad, one("70x70 cold"), "f32").verdict == "fail"
