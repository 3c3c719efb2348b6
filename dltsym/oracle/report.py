"""Reports of a check: a table for people, JSON for machines, exit codes for scripts."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dltsym.implementation import implementation_of
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.formats import SHORT
from dltsym.oracle.metrics import Comparison
from dltsym.oracle.spec import Spec
from dltsym.oracle.verdicts import EXIT, CaseResult, Found, of_row, overall

SCHEMA = 1
_COLOURS = {"pass": "32", "FAIL": "31", "CRASH": "31", "TIMEOUT": "31", "vacuous": "33", "ill": "33", "skip": "33"}


@dataclass(frozen=True)
class Row:
    """One output in one type, over all cases."""

    output: str
    dtype: str
    verdict: str
    comparisons: tuple[tuple[CaseResult, Comparison], ...]

    @property
    def worst(self) -> tuple[CaseResult, Comparison]:
        """Case and comparison with the largest ratio; one that fails before all others."""
        failed = [p for p in self.comparisons if p[1].verdict == "fail"]
        return max(failed or self.comparisons, key=lambda p: p[1].ratio)

    def largest(self, name: str) -> float:
        """Return the largest of a number over all cases, by magnitude; nan where none is known.

        Parameters
        ----------
        name : str
            Field of `Comparison`.

        Returns
        -------
        float
        """
        found = [x for x in (getattr(c, name) for _, c in self.comparisons) if x == x]
        return max(found, key=abs, default=float("nan"))


@dataclass(frozen=True, eq=False)
class Report:
    """What a check found.

    Attributes
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        What was checked.
    found : Found
        Verdicts.
    environment : mapping
        Versions and device.
    more : mapping
        What is shown besides: ``search``, ``ratchet``, ``hints``, ``diagnosis``.
    """

    spec: Spec
    candidate: Candidate
    found: Found
    environment: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Verdict of the whole check."""
        return overall(self.found)

    @property
    def ok(self) -> bool:
        """Whether the candidate passed a check that sees something."""
        return self.verdict == "pass"

    @property
    def exit_code(self) -> int:
        """Exit code: 0 pass, 1 mismatch, 3 the check sees nothing, 4 crash."""
        return EXIT[self.verdict]

    @property
    def results(self) -> tuple[CaseResult, ...]:
        """Results by case."""
        return self.found.cases

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row for each output and type, in the order in which they first occur."""
        grouped: dict[tuple[str, str], list[tuple[CaseResult, Comparison]]] = {}
        for result in self.found.cases:
            for c in result.comparisons:
                grouped.setdefault((c.output, result.dtype), []).append((result, c))
        verdicts = {k: of_row(c for _, c in found) for k, found in grouped.items()}
        return tuple(Row(*k, verdicts[k], tuple(found)) for k, found in grouped.items())

    @property
    def failures(self) -> tuple[CaseResult, ...]:
        """Cases that failed, crashed or hung."""
        return tuple(r for r in self.found.cases if r.verdict in ("fail", "crash", "timeout"))

    def table(self, colour: bool | None = None) -> str:
        """Return the report as text.

        Parameters
        ----------
        colour : bool, optional
            Whether verdicts are coloured; by default on a terminal, unless NO_COLOR is set.

        Returns
        -------
        str
        """
        from dltsym.oracle.tables import text

        wanted = _wants_colour() if colour is None else colour
        return text(self, _COLOURS if wanted else {})

    def markdown(self) -> str:
        """Return the rows as a Markdown table.

        Returns
        -------
        str
        """
        from dltsym.oracle.tables import markdown

        return markdown(self)

    def booktabs(self) -> str:
        """Return the rows as a LaTeX table.

        Returns
        -------
        str
        """
        from dltsym.oracle.tables import booktabs

        return booktabs(self)

    def plot(self, path: str | Path) -> None:
        """Draw the ratios of error and tolerance by output and type.

        Parameters
        ----------
        path : str or Path
            File; its suffix says of what kind.
        """
        from dltsym.oracle.plots import ratios

        ratios(self, path)

    def json(self) -> dict[str, Any]:
        """Return everything as data that `json.dumps` takes.

        Returns
        -------
        dict
        """
        own = self.found
        whole = {
            "schema": SCHEMA,
            "theorem": {"key": self.spec.key, "title": self.spec.title, "statement": statement_hash(self.spec)},
            "candidate": self.candidate.name,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            **provenance(self.candidate),
            "backend": self.candidate.kind,
            **self.environment,
            "arithmetic": {
                SHORT[d]: asdict(self.candidate.arithmetic(d)) for d in dict.fromkeys(r.dtype for r in own.cases)
            },
            "untested": list(self.candidate.untested),
            "levels": sorted({r.level for r in own.cases if r.level}),
            "cases": [_case(r) for r in own.cases],
            "relations": [asdict(r) for r in own.relations],
            "canaries": None if own.canaries is None else asdict(own.canaries),
            "mutation": None if own.selftest is None else asdict(own.selftest),
            "notes": list(own.notes),
            "listed": list(self.more.get("notes", ())),
            "ratchet": self.more.get("ratchet"),
            "search": self.more.get("search"),
            "timing": self.more.get("timing", []),
            "hints": list(self.more.get("hints", ())),
            "diagnosis": self.more.get("diagnosis", ""),
        }
        return json.loads(json.dumps(whole, default=str), parse_constant=str)  # nan and inf as text: JSON has none

    def __str__(self) -> str:
        return self.table(colour=False)


def environment(candidate: Candidate) -> dict[str, str]:
    """Return versions and device.

    Parameters
    ----------
    candidate : Candidate
        What is checked.

    Returns
    -------
    dict of str to str
    """
    found = {"python": platform.python_version(), "platform": platform.platform(), "device": candidate.device}
    for package in ("dltsym", "torch", "triton", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    found["interpreter"] = "yes" if os.environ.get("TRITON_INTERPRET") == "1" else "no"
    if candidate.device.startswith("cuda"):
        import torch

        found["driver"] = str(torch.version.cuda)
        found["gpu"] = torch.cuda.get_device_name()
    return found


def provenance(candidate: Candidate) -> dict[str, str]:
    """Return where the code comes from: commit, hash of the kernel's source, and how far it was checked before.

    Parameters
    ----------
    candidate : Candidate
        What is checked.

    Returns
    -------
    dict of str to str
        Texts are empty for what is not a kernel of this package, or no checkout.
    """
    from dltsym import kernels
    from dltsym.oracle.labels import label, source_hash

    found = {"git": _commit(), "kernel": "", "label": ""}
    module, _, name = candidate.name.partition(":")
    if name and module.startswith(f"{kernels.__name__}."):
        function = getattr(import_module(module), name, None)
        if implementation_of(function) is not None:
            family = module.removeprefix(f"{kernels.__name__}.").split(".")[0]
            found |= {"kernel": source_hash(family), "label": label(function)}
    return found


def _commit() -> str:
    """Return the commit of the checkout, with a mark when files have changed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        run = partial(subprocess.run, cwd=root, capture_output=True, text=True, check=True, timeout=20)
        sha = run(["git", "rev-parse", "HEAD"]).stdout.strip()
        return sha + (" with changes" if run(["git", "status", "--porcelain"]).stdout.strip() else "")
    except (OSError, subprocess.SubprocessError):
        return ""


def statement_hash(spec: Spec) -> str:
    """Return a hash of what a statement says in its default modes; empty where it has no expressions.

    Parameters
    ----------
    spec : Spec
        Statement.

    Returns
    -------
    str
    """
    from dltsym.notation.walk import digest, key
    from dltsym.oracle.statement import Statement, kernel_of

    if not isinstance(spec, Statement):
        return ""
    kernel = kernel_of(spec, {})
    return digest(*(key(e) for e in kernel.asked.outputs.values()))[:16] if kernel is not None else ""


def _case(r: CaseResult) -> dict[str, Any]:
    case = r.case
    return {
        "name": case.name, "shape": dict(case.sizes), "batch": {k or "*": list(v) for k, v in case.batch.items()},
        "modes": {k: repr(v) for k, v in case.modes.items()}, "seed": case.seed, "dtype": SHORT[r.dtype],
        "kind": {n: v if isinstance(v, str) else getattr(v, "__name__", "function") for n, v in case.values.items()},
        "verdict": r.verdict, "level": r.level, "message": r.message, "crash": r.kind, "seconds": round(r.seconds, 6),
        "replay": command(r), "metrics": [asdict(c) for c in r.comparisons],
    }  # fmt: skip


def command(r: CaseResult) -> str:
    """Return the command that runs a case again.

    Parameters
    ----------
    r : CaseResult
        Result.

    Returns
    -------
    str
    """
    return f"dltsym kernel replay '{r.replay}'"


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
