"""What the page of a kernel says: read from its theorem, its source and the committed records, never typed."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from dltsym.implementation import DTYPES, Arithmetic, Implementation
from dltsym.notation.latex import to_latex
from dltsym.notation.tree import Decl, Expr, Index, Sym
from dltsym.notation.walk import free_symbols
from dltsym.operators import Law, Operator, Root
from dltsym.oracle.labels import evidence, source_hash
from dltsym.record import Theorem
from dltsym.render.lines import domain_latex
from dltsym.render.shared import named_parts

SHORT = {long: s for s, long in DTYPES.items()}
INTRODUCTION = """\
Each of these is written by hand in Triton, has a twin in plain torch, and is held against its theorem by the
[oracle](/explain/oracle.md). They are functions of `dltsym.kernels.<family>`; `dltsym kernel list` prints this table,
`dltsym kernel check NAME` checks one again. The label says how far a kernel was checked *as its source is now*:
`interpreted` by Triton's interpreter on the CPU, `compiled` for a GPU that need not be there, or `ran on` a device with
its date. A label falls back when the source changes."""
DOTS = {"ieee": "exact products", "tf32": "TF32", "tf32x3": "three TF32 products for one"}


@dataclass(frozen=True)
class Input:
    """An input of a statement, in the words of its record."""

    name: str
    domain: str
    meaning: str
    absent: str


def operator(record: Theorem) -> Operator:
    """Return the operator of a record.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    Operator
    """
    assert record.operator is not None, record.key
    return record.operator


def defaults(record: Theorem) -> dict[str, Any]:
    """Return the default of every mode.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    dict
    """
    return {name: values[0] for name, values in operator(record).modes.items()}


def modes(record: Theorem) -> list[tuple[str, Any, tuple[Any, ...]]]:
    """List the modes: name, default, the other values.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    list of tuple
    """
    return [(name, values[0], tuple(values[1:])) for name, values in operator(record).modes.items()]


def statement(record: Theorem) -> tuple[list[str], list[str]]:
    """Return the statement in its default modes as LaTeX: one line per output, then the parts that have a name.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    tuple of list of str
    """
    trees = operator(record).statement(**defaults(record))
    plain, named = named_parts({o: e for o, e in trees.items() if not isinstance(e, Root)})
    lines = []
    for name, tree in trees.items():
        left = output(record, name)[1]
        if isinstance(tree, Root):
            x = to_latex(tree.unknown)
            ends = rf"[{to_latex(tree.lo)}, {to_latex(tree.hi)}]"
            lines.append(rf"{left} = {x} \in {ends} \quad\text{{where}}\quad {to_latex(tree.residual)} = 0")
        else:
            lines.append(f"{left} = {to_latex(plain[name])}")
    return lines, [f"{to_latex(n.name)} = {to_latex(n.meaning)}" for n in named]


def output(record: Theorem, name: str) -> tuple[str, str, str]:
    """Return an output: name, entry as LaTeX, and how it is compared.

    Parameters
    ----------
    record : Theorem
        Record.
    name : str
        Output.

    Returns
    -------
    tuple of str
    """
    own = operator(record)
    places = tuple(record.symbols[i] for i in own.axes[name].split())
    shown = rf"\mathrm{{{name}}}".replace("_", r"\_") if len(name) > 1 else None
    array = Sym(Decl(name, "array" if places else "real", latex=shown))
    kind = "exactly" if name in own.exact else "within the tolerance"
    return name, to_latex(Index(array, places) if places else array), kind


@lru_cache(maxsize=64)
def _used(key: str) -> frozenset[str]:
    """Name the symbols that a statement mentions in some mode."""
    from dltsym import catalogue

    record = catalogue.get(key)
    assert isinstance(record, Theorem)
    own, found = operator(record), set[str]()
    for values in itertools.product(*own.modes.values()):
        trees: list[Expr] = []
        for tree in own.statement(**dict(zip(own.modes, values, strict=True))).values():
            trees += [tree.residual, tree.lo, tree.hi] if isinstance(tree, Root) else [tree]
            found -= {tree.unknown.name} if isinstance(tree, Root) else set()
        found |= {s.name for tree in trees for s in free_symbols(tree)}
    roots = own.statement(**defaults(record)).values()
    return frozenset(found - {t.unknown.name for t in roots if isinstance(t, Root)})


def inputs(record: Theorem) -> list[Input]:
    """List the inputs in the order of declaration.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    list of Input
    """
    absent, names = operator(record).absent, dict(sizes(record))
    out = []
    for name, sym in record.symbols.items():
        if name in _used(record.key) and sym.decl.sort in ("array", "real", "integer") and name not in names:
            left = f"{absent[name]:g}" if name in absent else ""
            out.append(Input(name, domain_latex(sym), sym.decl.meaning, left))
    return out


def sizes(record: Theorem) -> list[tuple[str, str]]:
    """List the sizes of all inputs with their meaning.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    list of tuple of str
    """
    used = _used(record.key)
    arrays = [s for name, s in record.symbols.items() if name in used and s.decl.sort == "array"]
    found = {x.name for s in arrays for _, hi in s.decl.shape for x in free_symbols(hi)}
    return [(name, s.decl.meaning) for name, s in record.symbols.items() if name in found]


def algorithm(module: ModuleType, told: Implementation) -> tuple[str, list[tuple[str, str]]]:
    """Return what the docstrings of a family say of its algorithm: that of the package, then those of its sources.

    Parameters
    ----------
    module : module
        Package of the family.
    told : Implementation
        Kernel.

    Returns
    -------
    tuple
        A sentence, and pairs of file and text.
    """
    folder = Path(module.__file__ or "").parent
    parts = []
    for name in told.sources:
        text = ast.get_docstring(ast.parse((folder / name).read_text("utf-8"))) or ""
        parts.append((name.removeprefix("../"), " ".join(text.split())))
    return " ".join((module.__doc__ or "").split()), parts


def contract(told: Implementation) -> list[tuple[str, ...]]:
    """Return the arithmetic contract, one row per type.

    Parameters
    ----------
    told : Implementation
        Kernel.

    Returns
    -------
    list of tuple of str
    """
    return [_row(SHORT[d], told.arithmetic(d)) for d in told.dtypes]


def _row(dtype: str, a: Arithmetic) -> tuple[str, ...]:
    words = {"P": "weights", "dS": "gradients of scores", "out": "results"}
    sums = f"in blocks of {a.block}" if a.reductions == "blocked" else f"in a {a.reductions}"
    sums = "one after the other" if a.reductions == "sequential" else sums
    casts = ", ".join(words.get(c, c) for c in a.casts)
    ulps = f"{a.exp_ulp:g}, {a.log_ulp:g} ulp"
    return dtype, a.acc, DOTS.get(a.dot, a.dot), sums, casts, ulps


def tolerance(told: Implementation) -> str:
    """Say how the tolerance follows from the contract.

    Parameters
    ----------
    told : Implementation
        Kernel.

    Returns
    -------
    str
        Markdown.
    """
    forms = {told.arithmetic(d).form for d in told.dtypes} - {""}
    form = (
        f"the form `{min(forms)}` of the statement, which the theorem declares"
        if forms
        else "the statement as it is written"
    )
    return (
        f"These columns are all that the tolerance is made of. It charges {form} with roundings in this arithmetic, at "
        "the inputs of each case: a guaranteed bound R, and a first-order estimate W of a kernel that is about as good "
        "as the formula; an entry may be off by the smaller of both. Gradients have W alone. No number is typed by "
        "hand; see [the oracle](/explain/oracle.md) and [rounding errors](/explain/rounding.md)."
    )


def relations(record: Theorem) -> list[tuple[str, str]]:
    """List relations and laws with how they are compared.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    list of tuple of str
    """
    out = []
    for one in operator(record).relations:
        if isinstance(one, Law):
            out.append((one.name, "a law of the gradients" if one.gradients else "a law of one call"))
        else:
            out.append((one.name, "bit for bit" if one.exact else "within the tolerances of both calls"))
    return out


def checked(name: str, today: str | None = None) -> list[str]:
    """Say in sentences how far a kernel was checked.

    Parameters
    ----------
    name : str
        Kernel, ``family.function``.
    today : str, optional
        Hash of the source that is there now.

    Returns
    -------
    list of str
        Markdown paragraphs.
    """
    known = evidence().get(name)
    if known is None or not known.interpreted:
        return [
            "No check of this kernel is on record: `dltsym kernel check` runs one.",
            "It was **not run on hardware**.",
        ]
    now = today or source_hash(name.split(".", maxsplit=1)[0])
    out = [_sentence("Interpreted", known.interpreted, now), _sentence("Compiled", known.compiled, now)]
    return [
        *out,
        "Runs on devices:" if known.ran else "It was **not run on hardware**: there is no record of a device.",
    ]


def _sentence(what: str, seen: Mapping[str, Any], now: str) -> str:
    if not seen:
        return f"{what}: not on record."
    told = {
        "cases": "{} cases", "launches": "{} launches under the sanitizer", "variants": "{} variants",
        "capability": "for compute capability {}", "triton": "Triton {}",
    }  # fmt: skip
    parts = [text.format(_plain(k, seen[k])) for k, text in told.items() if k in seen]
    stale = "" if seen.get("hash") == now else "; the source has changed since"
    return f"{what} on {seen.get('date')}: {seen.get('verdict')} ({', '.join(parts)}){stale}."


def _plain(key: str, value: Any) -> str:
    return f"{int(value) / 10:.1f}" if key == "capability" else str(value)


def devices(name: str) -> list[dict[str, str]]:
    """List the runs of a kernel on devices.

    Parameters
    ----------
    name : str
        Kernel.

    Returns
    -------
    list of dict
    """
    known = evidence().get(name)
    now = source_hash(name.split(".", maxsplit=1)[0])
    return [
        {
            "date": str(r["date"]), "device": str(r["device"]), "verdict": "pass" if r["passed"] else "FAIL",
            "source": "as it is now" if r["hash"] == now else "changed since",
        }
        for r in (known.ran if known is not None else ())
    ]  # fmt: skip
