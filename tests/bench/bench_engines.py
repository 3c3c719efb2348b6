"""What each engine decides of the acceptance tables and how long it takes, beside SymPy alone in the same run.

The tables are those of `tests/cases.py` (dltsym design note, tables 6.1 to 6.3). Every engine is asked every row by
itself with its full budget, then `decide` is; SymPy gets ``simplify(lhs - rhs) == 0`` and ``(lhs - rhs).equals(0)`` for
an equation, ``simplify(lhs <= rhs)`` for an inequality, each in a process that is killed after `LIMIT` seconds.
``--only L01,S03`` takes some rows, ``--no-sympy`` leaves SymPy out. Writes
``build/bench/engines.json``.
"""

import argparse
import json
import multiprocessing
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import cases  # noqa: E402 - from the folder of the tests

from dltsym.prove.decide import NORMAL, decide, run_engine  # noqa: E402
from dltsym.prove.definedness import discharge  # noqa: E402
from dltsym.prove.engines import engines  # noqa: E402
from dltsym.prove.mutants import mutants  # noqa: E402
from dltsym.prove.problem import prepare  # noqa: E402
from dltsym.prove.sample import refute  # noqa: E402
from dltsym.prove.verdict import PROVED, REFUTED  # noqa: E402

TARGET = ROOT / "build" / "bench" / "engines.json"
LIMIT = 10.0  # seconds for one question to SymPy
TABLES = {"identities": cases.IDENTITIES, "inequalities": cases.INEQUALITIES, "false": cases.MUTANTS}
METHODS = ("simplify", "equals")


def by_engine(case: cases.Case) -> dict[str, Any]:
    """Ask every engine that takes the relation, each by itself, and return status, grade and milliseconds."""
    p, out = cases.build(case), {}
    for engine in engines():
        if p.goal.op in engine.ops:
            start = time.perf_counter()
            said = run_engine(engine, p, NORMAL)
            out[engine.name] = [said.status, said.grade, round((time.perf_counter() - start) * 1e3, 2)]
    return out


def by_decide(case: cases.Case) -> dict[str, Any]:
    """Run the whole pipeline on one row."""
    p = cases.build(case)
    start = time.perf_counter()
    said = decide(p)
    ms = round((time.perf_counter() - start) * 1e3, 2)
    return {"status": said.status, "grade": said.grade, "engine": said.engine, "ms": ms, "wanted": case.grade}


def ask_sympy(case: cases.Case, method: str, say: Any) -> None:
    """Put one row to SymPy alone; runs in a process of its own."""
    import sympy

    goal = cases.build(case).goal
    left, right = goal.lhs.sympy(), goal.rhs.sympy()
    if goal.op == "=":
        zero = sympy.simplify(left - right) == 0 if method == "simplify" else (left - right).equals(0)
        answer = zero or (None if method == "simplify" else zero)  # a result that is not 0 may still be equal to it
    else:
        answer = sympy.simplify(sympy.Lt(left, right) if goal.op == "<" else sympy.Le(left, right))
    say.send("true" if answer in (True, sympy.true) else "false" if answer in (False, sympy.false) else "undecided")


def by_sympy(case: cases.Case, method: str) -> list[Any]:
    """Return what SymPy says within the limit, and milliseconds without the start of its process."""
    context = multiprocessing.get_context("fork")
    hear, say = context.Pipe(duplex=False)
    process = context.Process(target=_quiet, args=(ask_sympy, case, method, say))
    start = time.perf_counter()
    process.start()
    say.close()
    try:
        answer = hear.recv() if hear.poll(LIMIT) else "timeout"
    except EOFError:
        answer = "error"
    ms = round((time.perf_counter() - start) * 1e3, 2)
    process.kill()
    process.join()
    return [answer, ms]


def _quiet(run: Callable[..., None], *arguments: Any) -> None:
    sys.stderr = sys.stdout = Path("/dev/null").open("w", encoding="utf-8")  # noqa: SIM115 - the process ends here
    run(*arguments)


def sweep(rows: list[cases.Case]) -> dict[str, int]:
    """Return how many automatic mutants of the true rows there are and how many are certified refuted."""
    made = certified = 0
    for case in rows:
        p = cases.build(case)
        for m in mutants(p.goal if p.written is None else p.written, 12):
            altered = prepare(m.rel, p.given, p.facts, p.hint)
            made += 1
            certified += refute(altered, points=24) is not None or refute(altered, effort="full") is not None
    return {"made": made, "refuted": certified}


def figures(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Count verdicts and take times per engine, for all engines together, and for SymPy."""
    out: dict[str, Any] = {}
    for name in [e.name for e in engines()]:
        rows = [r["engines"][name] for r in found if name in r["engines"]]
        out[name] = _row([(s, ms) for s, _, ms in rows])
    said = [[s for name, (s, _, _) in r["engines"].items() if name != "sampled"] for r in found]
    out["any engine"] = _row([(PROVED if PROVED in s else REFUTED if REFUTED in s else "open", 0.0) for s in said])
    out["decide"] = _row([(r["decide"]["status"], r["decide"]["ms"]) for r in found])
    for method in METHODS:
        rows = [r["sympy"][method] for r in found if method in r["sympy"]]
        out[f"sympy {method}"] = _row([({"true": PROVED, "false": REFUTED}.get(a, a), ms) for a, ms in rows])
    return out


def _row(rows: list[tuple[str, float]]) -> dict[str, Any]:
    times = [ms for _, ms in rows] or [0.0]
    count = {s: sum(status == s for status, _ in rows) for s in (PROVED, REFUTED)}
    return {"asked": len(rows), **count, "median_ms": round(statistics.median(times), 2), "max_ms": max(times)}


def show(report: dict[str, Any]) -> None:
    """Print one table per table of the note, then the rows."""
    for table, rows in report["figures"].items():
        print(f"\n{table:22} {'asked':>6} {'proved':>7} {'refuted':>8} {'median ms':>10} {'max ms':>9}")
        for name, r in rows.items():
            if r["asked"]:
                print(
                    f"  {name:20} {r['asked']:6} {r['proved']:7} {r['refuted']:8} {r['median_ms']:10} {r['max_ms']:9}"
                )
    print(f"\n{'row':5} {'decide':8} {'grade':8} {'engine':12} {'ms':>9}   sympy simplify, equals")
    for r in report["rows"]:
        d, s = r["decide"], "   ".join(f"{m}: {a} {ms:.0f} ms" for m, (a, ms) in r["sympy"].items())
        print(f"{r['id']:5} {d['status']:8} {d['grade']:8} {d['engine']:12} {d['ms']:9.1f}   {s}")
    print(
        f"\nautomatic mutants of the true rows: {report['mutants']['refuted']} of {report['mutants']['made']} refuted"
    )


def main() -> None:
    """Measure, print and write the file."""
    parser = argparse.ArgumentParser(description="Engines on the acceptance tables, beside SymPy.")
    parser.add_argument("--only", default="", help="ids of rows, with commas")
    parser.add_argument("--no-sympy", action="store_true", help="leave SymPy out")
    options = parser.parse_args()
    import sympy  # noqa: F401 - loaded before the forks, so that its import is in nobody's time

    wanted = {w for w in options.only.split(",") if w}
    report: dict[str, Any] = {
        "machine": {"python": platform.python_version(), "cpu": platform.machine()},
        "versions": {name: version(name) for name in ("sympy", "python-flint", "z3-solver")},
        "sympy_limit_s": LIMIT,
        "figures": {},
        "rows": [],
    }
    for table, every in TABLES.items():
        found = []
        for case in (c for c in every if not wanted or c.id in wanted):
            methods = METHODS if cases.build(case).goal.op == "=" else METHODS[:1]
            asked = {} if options.no_sympy else {m: by_sympy(case, m) for m in methods}
            row = {"id": case.id, "engines": by_engine(case), "decide": by_decide(case), "sympy": asked}
            row["defined"] = not discharge(cases.build(case))[1]
            found.append(row)
        report["figures"][table] = figures(found)
        report["rows"] += found
    true = [c for c in (*cases.IDENTITIES, *cases.INEQUALITIES) if not wanted or c.id in wanted]
    report["mutants"] = sweep(true)
    show(report)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
