"""Count false alarms: hold good code, ours and others', against its theorem with fresh seeds, and keep the outcome.

``python tests/kernels/alarms.py [--seeds 0,1,2] [--json FILE] [NAME...]``; a name is a kernel of ours, or of `FOREIGN`.
Runs of our kernels and their twins on their own seeds are counted by ``dltsym kernel mutate`` already.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import foreign as statements
import gpu_boot  # noqa: F401
import numpy as np
import test_foreign as others
import torch
from torch.nn import functional as F

from dltsym import kernels
from dltsym.implementation import implementation_of
from dltsym.oracle import outcomes
from dltsym.oracle.adapters import candidate
from dltsym.oracle.run import check
from dltsym.oracle.statement import spec_of
from dltsym.oracle.trials import watched

FINDINGS = (
    {"name": "torch softmax, gradient in bf16 and f16",
     "reason": "it starts from the result as rounded to half precision; the contract acc=io says so and passes"},
    {"name": "torch log_softmax, logsumexp, cross_entropy in bf16 and f16",
     "reason": "on the CPU they store sums and logarithms in half precision; the contract acc=io says so and passes"},
    {"name": "torch layer_norm, gradients in f16", "reason": "it stores the mean in half precision"},
    {"name": "torch expm1, gradient in f32", "reason": "it adds 1 to the rounded result: the slope is 0 below -17"},
    {"name": "scipy cont2discrete, fast systems", "reason": "its matrix exponential loses three digits of e^x"},
)  # fmt: skip
"""What good libraries do that is no false alarm, each pinned by a test in `test_foreign`."""
SINGLE, EVERY = ("f32", "f64"), ("f32", "f64", "bf16", "f16")
RECORD = Path(__file__).resolve().parent / "alarms.json"


def transport(semi: bool) -> Any:
    """Return a solver of POT under the names of the statement."""
    import ot

    def log_domain(a: Any, b: Any, M: Any, reg: float) -> Any:
        return ot.bregman.sinkhorn_log(a, b, M, reg, numItermax=10, stopThr=0, warn=False)

    def semi_relaxed(a: Any, b: Any, M: Any, reg: float, rho: float) -> Any:
        pair = (float("inf"), rho)
        return ot.unbalanced.sinkhorn_unbalanced(a, b, M, reg, pair, reg_type="kl", numItermax=10, stopThr=0)

    return semi_relaxed if semi else log_domain


def foreign() -> dict[str, tuple[Any, ...]]:
    """List good code of others: function, statement, types, mapping, gradients, and options of the check.

    Where a library stores sums in half precision, the contract says so: those are its findings in `test_foreign`.
    """
    half = {"contract": "acc=io"}
    rows = {name: (f, s(), EVERY if name == "gelu" else SINGLE, mapping, (wrt,), {})
            for name, (f, s, mapping, wrt) in others.ROWS.items()}  # fmt: skip
    rows |= {f"{name}, half": (f, s(), ("f16", "bf16"), mapping, (wrt,), half)
             for name, (f, s, mapping, wrt) in others.ROWS.items() if name != "gelu"}  # fmt: skip
    rows["softmax, values in half"] = (F.softmax, statements.softmax(), ("f16", "bf16"), others.ROW, (), {})
    plans = {"cases": others.PLAIN, "arrays": "numpy"}
    return rows | {
        "expm1": (torch.expm1, statements.expm1(), EVERY, "", (), {}),
        "numpy expm1": (np.expm1, statements.expm1(), SINGLE, "", (), {}),
        "layer_norm": (F.layer_norm, statements.layer_norm(), SINGLE, others.NORM, ("x", "g", "b"), {}),
        "layer_norm, half": (F.layer_norm, statements.layer_norm(), ("f16", "bf16"), others.NORM, (), {}),
        "attention": (F.scaled_dot_product_attention, "attention.one_sided_eot", SINGLE, others.SDPA,
                      ("q", "k", "v", "lp", "slope"), {"cases": others.QUERIES}),
        "scan": (others.loop, statements.scan(), SINGLE, "", ("a", "x"), {}),
        "POT sinkhorn_log": (transport(False), statements.plan(10), SINGLE, "a=a:n, b=b:m, M=M:nm", (), plans),
        "POT sinkhorn_unbalanced": (transport(True), statements.unbalanced(10), ("f64",), "a=a:n, b=b:m, M=M:nm", (),
                                    {"cases": others.PLANS, "arrays": "numpy"}),
        "scipy cont2discrete": (others.held, statements.hold(), ("f64",), "A=A:n, B=B:n, out[0]=decay, out[1]=gain", (),
                                {"cases": others.holds(others.slow), "arrays": "numpy"}),
    }  # fmt: skip


def subjects(names: list[str]) -> Iterator[tuple[str, Any, Any, tuple[str, ...], Any]]:
    """Yield name, statement, candidate, types and cases of what is held."""
    for name, (function, statement, dtypes, mapping, grads, options) in foreign().items():
        if not names or name in names or "foreign" in names:
            spec, cases = spec_of(statement), options.get("cases")
            rest = {k: x for k, x in options.items() if k != "cases"}
            yield name, spec, (candidate(function, spec, mapping, **rest), grads), dtypes, cases
    if names == ["foreign"]:
        return
    for name, function in kernels.everything().items():
        told = implementation_of(function)
        if told is None or (names and not {name, name.split(".")[0], "ours"} & set(names)):
            continue
        spec = spec_of(told.key)
        yield name, spec, (candidate(function, spec), told.grads), told.dtypes, told.cases
        if told.reference is not None:
            twin = candidate(told.reference, spec, told=replace(told, backend="torch"))
            yield f"{name} (twin)", spec, (twin, told.grads), told.dtypes, told.cases


def held(name: str, spec: Any, own: tuple[Any, Any], dtype: str, cases: Any, seed: int) -> dict[str, Any]:
    """Run all cases in one type with one seed."""
    start = time.perf_counter()
    function, grads = own
    with warnings.catch_warnings(), watched():
        warnings.simplefilter("ignore")
        report = check(
            spec, function, dtypes=(dtype,), cases=cases, seed=seed, grads=grads, canaries=False, selftest=False
        )
    kinds = [r.verdict for r in report.results]
    wrong = [f"{r.replay} (seed +{seed}): {r.output} {r.message}" for r in report.failures]
    wrong += [f"relation {r.name}: {r.message}" for r in report.found.relations if r.verdict in ("fail", "crash")]
    return {
        "name": name, "dtype": dtype, "seed": seed, "runs": len(kinds) - kinds.count("skip"), "alarms": wrong,
        "relations": sum(r.verdict == "pass" for r in report.found.relations),
        "verdicts": {v: kinds.count(v) for v in sorted(set(kinds))},
        "worst": float(f"{max((r.ratio for r in report.results if np.isfinite(r.ratio)), default=0.0):.3g}"),
        "seconds": round(time.perf_counter() - start, 1),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="kernels, families or names of FOREIGN; 'ours', 'foreign'; all")
    parser.add_argument("--dtypes", type=lambda text: text.split(","), default=list(EVERY))
    parser.add_argument("--seeds", type=lambda text: [int(x) for x in text.split(",")], default=[1])
    parser.add_argument("--json", type=Path, help="record to which rows are added")
    options = parser.parse_args()
    from dltsym.implementation import DTYPES

    known = json.loads(options.json.read_text()) if options.json and options.json.is_file() else {"rows": []}
    rows = {(r["name"], r["dtype"], r["seed"]): r for r in known["rows"]}
    for name, spec, own, dtypes, cases in subjects(options.names):
        for dtype in options.dtypes:
            if DTYPES[dtype] not in {DTYPES.get(d, d) for d in dtypes}:
                continue
            for seed in options.seeds:
                row = held(name, spec, own, dtype, cases, seed)
                if "." in name:
                    row |= outcomes.stamp(name.split(".")[0])
                rows[name, dtype, seed] = row
                sys.stdout.write(f"{name:32} {dtype:5} +{seed}: {row['runs']} runs, {len(row['alarms'])} alarms, "
                                 f"{row['seconds']} s\n" + "".join(f"  {a}\n" for a in row["alarms"]))  # fmt: skip
                sys.stdout.flush()
                if options.json:
                    told = {"schema": 1, "date": datetime.now(UTC).strftime("%Y-%m-%d"), **outcomes.environment()}
                    total = {"runs": sum(r["runs"] for r in rows.values()),
                             "alarms": sum(len(r["alarms"]) for r in rows.values())}  # fmt: skip
                    text = json.dumps(
                        {**told, "total": total, "findings": list(FINDINGS), "rows": list(rows.values())}, indent=1
                    )
                    options.json.write_text(text + "\n")
    return int(any(r["alarms"] for r in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
