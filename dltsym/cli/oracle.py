"""Verbs on kernels that people write: list, check, bench, mutate, resources, replay.

Exit status: 0 all pass, 1 mismatch, 2 misuse or a mapping that does not fit, 3 the check sees nothing, 4 crash, hang or
a changed input, 5 a device or an extra is missing.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from dltsym.cli.asking import (
    PASS,
    WRONG,
    Listed,
    asked,
    coloured,
    dtype_option,
    erase,
    json_to,
    missing,
    require,
    told,
    written,
)  # fmt: skip
from dltsym.cli.say import Seconds, dump, ending, json_option, note, table
from dltsym.errors import suggest

JUDGED = (
    "0 pass; 1 mismatch; 2 misuse; 3 the check sees nothing; 4 crash or hang; 5 a device or an extra is missing; "
    "70 a defect of dltsym."
)


@click.command("list", epilog=ending("dltsym kernel list", status="0 fine; 2 misuse."))
@json_option
def list_(as_json: bool) -> None:
    """List the kernels that people wrote, with what is known of each."""
    from dltsym import kernels
    from dltsym.implementation import DTYPES, implementation_of
    from dltsym.oracle.labels import label

    short = {long: s for s, long in DTYPES.items()}
    rows = []
    for name, function in sorted(kernels.everything().items()):
        own = implementation_of(function)
        assert own is not None
        types = ",".join(short[d] for d in own.dtypes)
        rows.append({"kernel": name, "key": own.key, "backend": own.backend, "dtypes": types,
                     "grads": ",".join(own.grads), "label": label(function)})  # fmt: skip
    if as_json:
        dump(rows)
        return
    click.echo(table(("kernel", "theorem", "backend", "types", "gradients", "label"), (r.values() for r in rows)))


@click.command(epilog=ending("dltsym kernel check kl_inverse.kl_inverse --dtype f32",
                             "dltsym kernel check mine.py:attend --against attention.one_sided_eot",
                             status=JUDGED))  # fmt: skip
@click.argument("what")
@click.option("--against", help="Theorem, or module:name of one; kernels of ours know theirs.")
@dtype_option("f32")
@asked
@click.option("--cases", type=click.IntRange(min=1), default=None, show_default="all", help="At most so many inputs.")
@click.option("--seed", type=int, default=0, show_default=True, help="Other inputs of the same kinds.")
@click.option("--grads", type=Listed(), default="", help="Inputs to differentiate by, or all.")
@click.option("--search", type=Seconds(), default=None, help="Seconds to search for worse inputs.")
@click.option("--no-selftest", is_flag=True, help="Do not count how many wrong formulas the check would catch.")
@click.option("--plot", default="", metavar="FILE", help="Plot of errors in units of their tolerance.")
@click.option("--allow-skip", is_flag=True, help="A missing device or extra is not a failure.")
@json_to
def check(
    what: str, against: str | None, no_selftest: bool, search: float | None, allow_skip: bool, where: str | None,
    cases: int | None, **options: Any,
) -> None:  # fmt: skip
    """Hold a callable against a theorem: package.module:function, file.py:function, or a kernel of ours.

    Tolerances are derived from the theorem and the arithmetic; nothing is typed by hand. The callable runs in a
    process of its own. The status is 0 when all is well, 1 for a mismatch, 3 when the check cannot see anything, 4 for
    a crash, a hang or a changed input, 5 when a device or an extra is missing.
    """
    require("torch", allow_skip)
    from dltsym.oracle.sandbox import Request

    for target, theorem in _targets(what, against):
        if ":" not in target:  # ours, in Triton
            require("triton", allow_skip)
        options |= {"selftest": not no_selftest, "search": search or 0.0, "cases": cases or 0, "colour": coloured()}
        request = Request(target, theorem, **options)
        _answer(request, where, allow_skip)


def _targets(what: str, against: str | None) -> list[tuple[str, str]]:
    """Say what is held against what; the key of a theorem stands for its kernels."""
    from dltsym import kernels
    from dltsym.implementation import implementation_of

    if ":" in what:
        if against is None:
            raise click.UsageError(f"say what {what} is held against: --against KEY (dltsym list shows the keys)")
        return [(what, against)]
    every = kernels.everything()
    own = {name: implementation_of(f) for name, f in every.items()}
    names = [what] if what in every else [n for n, x in own.items() if x is not None and x.key == what]
    if not names:
        from dltsym.oracle.replay import ours

        ours(what)
    return [(name, against or own[name].key) for name in names]  # type: ignore[union-attr]


def _answer(request: Any, where: str | None, allow_skip: bool) -> None:
    from dltsym.oracle.sandbox import MISSING as NO_DEVICE
    from dltsym.oracle.sandbox import run

    answer = run(request, told)
    erase()
    if answer.exit_code == NO_DEVICE:
        missing(answer.text, allow_skip)
    if not written(answer.data, where):
        click.echo(answer.text, err=answer.data.get("verdict") == "error")
    if answer.exit_code:
        raise click.exceptions.Exit(answer.exit_code)


@click.command(epilog=ending("dltsym kernel replay CASE mine.py:attend", status=JUDGED))
@click.argument("case")
@click.argument("what", required=False)
@asked
@click.option("--grads", type=Listed(), default="", help="Inputs to differentiate by, or all.")
@json_to
def replay(case: str, what: str | None, where: str | None, **options: Any) -> None:
    """Run one case again, by the name that a report prints; WHAT is by default what was checked last.

    The status is that of `check`.
    """  # noqa: DOC501 - the text is shown to users
    require("torch")
    from dltsym.errors import KernelMapError
    from dltsym.oracle import replay as again
    from dltsym.oracle.sandbox import Request

    wanted = again.parsed(case)
    last = again.remembered(wanted.key)
    if what is None and last is None:
        raise KernelMapError(f"nothing was checked against {wanted.key} yet; name the callable after the case")
    plain: dict[str, Any] = {"against": last["against"] if last is not None else wanted.key}
    if last is not None and what in (None, last["what"]):
        cwd = last.pop("cwd")
        plain = last | {"cases": 0}
        if Path(cwd) != Path.cwd():
            note(f"note: {last['what']} was checked in {cwd}")
    given = {k: x for k, x in options.items() if x not in ("", (), "auto")}
    case_only = {"only": wanted.case, "seed": wanted.seed, "dtypes": [wanted.dtype]}
    plain |= {"what": what or plain["what"], **given, **case_only}
    plain |= {"relations": False, "canaries": False, "selftest": False, "search": 0.0, "plot": "", "colour": coloured()}
    request = Request(**{k: tuple(x) if isinstance(x, list) else x for k, x in plain.items()})
    note(f"replays {request.what} on {case}")
    _answer(request, where, False)


@click.command(epilog=ending("dltsym kernel mutate kl_inverse --dtype f32",
                             status="0 fine; 1 too few bugs are caught; 2 misuse; 5 an extra is missing."))  # fmt: skip
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="All families.")
@dtype_option("f32,f64,bf16,f16")
@click.option("--only", type=Listed(), default="", help="Names of mutants, such as E01,E05.")
@click.option("--full", is_flag=True, help="Stop at the first kill in each type, not at the first: rates by type.")
@click.option("--edits", is_flag=True, help="Only check that every edit applies to the sources of today.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; one per core by default.")
@json_to
def mutate(
    name: str | None, every: bool, dtypes: tuple[str, ...], only: tuple[str, ...], full: bool, edits: bool,
    jobs: int | None, where: str | None,
) -> None:  # fmt: skip
    """Plant bugs in a family of kernels and count how many the check catches, and how often it cries wolf.

    The status is 1 when less than 95 % of the observable bugs are caught, or a good kernel is accused.
    """  # noqa: DOC501 - the text is shown to users
    from dltsym.oracle import mutants

    if bool(name) == every:
        raise click.UsageError("name a family, or say --all; there are " + ", ".join(mutants.families_with_mutants()))
    names = mutants.families_with_mutants() if every else [str(name)]
    if edits:
        wrong = [f"{n}: {text}" for n in names for text in mutants.check_edits(n)]
        click.echo("\n".join(wrong) or f"every edit applies ({', '.join(names)})")
        raise click.exceptions.Exit(WRONG if wrong else PASS)
    for package in ("torch", "triton"):
        require(package)
    from dltsym.oracle import mutate as hunts
    from dltsym.oracle import outcomes

    known = [m.id for n in names for m in mutants.load(hunts.split(n)[0])] if only else []
    if lost := [one for one in only if one not in known]:
        raise click.UsageError(f"no planted bug {lost[0]!r}{suggest(lost[0], known)}; there are {', '.join(known)}")
    reports: list[dict[str, Any]] = []
    for one in names:
        report = hunts.mutate(one, dtypes=dtypes, stop=not full, only=only, jobs=jobs, progress=told)
        erase()
        reports.append(report.json())
        if where != "-":
            click.echo(report.table())
            written(outcomes.record(reports) if every else reports[0], where)  # a hunt that is cut off leaves a record
    if every and where == "-":
        dump(outcomes.record(reports))
    elif where == "-":
        dump(reports[0])
    elif every:
        click.echo(outcomes.line(reports))
    if not all(r["ok"] for r in reports):
        raise click.exceptions.Exit(WRONG)


@click.command(epilog=ending("dltsym kernel resources kl_inverse --arch 90",
                             status="0 fine; 1 no compilation, or a spill; 2 misuse; 5 no extra."))  # fmt: skip
@click.argument("name")
@click.option("--arch", type=click.Choice(["80", "90", "100"]), default="90", show_default=True,
              help="Compute capability times ten.")  # fmt: skip
@json_option
def resources(name: str, arch: str, as_json: bool) -> None:
    """Compile a family for a GPU that need not be there: registers, stack, shared memory, tensor cores.

    The status is 1 when a kernel does not compile, or spills without a reason on file.
    """  # noqa: DOC501 - the text is shown to users
    for package in ("torch", "triton"):
        require(package)
    from dltsym.oracle import compiled, mutants

    family = mutants.package_of(name.partition(".")[0])
    if find_spec(f"{family}.variants") is None:
        raise click.UsageError(f"{name} has no variants.py, which lists example calls")
    found = compiled.compile_variants(f"{family}.variants", int(arch))
    faults = [fault for variant in found for fault in variant.faults()]
    rows = compiled.table(found)
    if as_json:
        dump({"family": family, "arch": arch, "kernels": rows, "faults": faults})
    else:
        head = list(dict.fromkeys(key for row in rows.values() for key in row))
        click.echo(table(("kernel", *head), ([label, *(row.get(k, "") for k in head)] for label, row in rows.items())))
        for fault in faults:
            note(fault, "red")
    if faults:
        raise click.exceptions.Exit(WRONG)


@click.command(epilog=ending("dltsym kernel bench kl_inverse.kl_inverse",
                             status="0 fine; 2 misuse; 5 a device or an extra is missing."))  # fmt: skip
@click.argument("name")
@dtype_option("f32,bf16")
@click.option("--allow-skip", is_flag=True, help="A missing device is not a failure.")
@json_option
def bench(name: str, dtypes: tuple[str, ...], allow_skip: bool, as_json: bool) -> None:
    """Time a kernel of ours and its torch twin on this machine's GPU, on its largest cases."""
    for package in ("torch", "triton"):
        require(package, allow_skip)
    from dltsym.oracle import timing

    if not timing.device():
        missing("no CUDA device; times are measured on hardware only", allow_skip)
    rows = timing.measured(name, dtypes, told)
    erase()
    if as_json:
        dump(rows)
    else:
        click.echo(table(timing.HEAD, ([row[k] for k in timing.HEAD] for row in rows)))


VERBS = (list_, check, bench, mutate, resources, replay)
