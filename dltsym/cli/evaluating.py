"""The verb that computes: eval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import ceil, floor, isfinite
from typing import Any

import click

from dltsym.cli.inputs import numbers, shape
from dltsym.cli.say import SHOWN, dump, ending, json_option

MOST = 100_000  # entries of one output


@click.command("eval", epilog=ending("dltsym eval information.pinsker --set q=0.3 --set p=0.7",
                                     "dltsym eval information.pinsker --set q=0.3 --set p=0.7 --digits 30",
                                     status=SHOWN))  # fmt: skip
@click.argument("key")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Value of a symbol; repeat for each.")
@click.option("--of", "output", help="Which output; all of them by default.")
@click.option("--backend", type=click.Choice(["numpy", "torch", "ball"]), help="numpy by default, ball with --digits.")
@click.option("--digits", type=click.IntRange(1, 1000), help="Digits of the certified enclosure; 15 by default.")
@json_option
def evaluate(
    key: str, settings: tuple[str, ...], output: str | None, backend: str | None, digits: int | None, as_json: bool
) -> None:
    """Evaluate the outputs of a record at given inputs.

    The backend ball gives a certified enclosure. Values are numbers (3, 0.05, 1e-3, 2/3), lists ([[1, 2/3]]) or files
    of them (@scores.npy, @scores.json). An output with an index that is not set is evaluated for every index.
    """  # noqa: DOC501 - the text is shown to users
    from dltsym import catalogue
    from dltsym.errors import UnknownKey
    from dltsym.record import Theorem

    record = catalogue.get(key)
    if not isinstance(record, Theorem):
        raise UnknownKey(f"{key} is an audit and has no kernel; see dltsym audit {key}")
    backend = backend or ("ball" if digits else "numpy")
    if digits and backend != "ball":
        raise click.UsageError("--digits is for --backend ball; the others compute in floating point")
    inputs = _inputs(record, settings, backend)
    found = results(record, inputs, output, backend, digits or 15)
    if as_json:
        word = "enclosure" if backend == "ball" else "value"
        dump({"key": record.key, "backend": backend, word: found})
        return
    for name, item in found.items() if isinstance(found, dict) else [("", found)]:
        click.echo(f"{name} = {item}" if name else item)


def _inputs(record: Any, settings: tuple[str, ...], backend: str) -> dict[str, Any]:
    from dltsym.errors import UndeclaredSymbol, suggest

    known = {s.name: s for s in record.symbols.values() if s.decl.sort != "let"}
    inputs: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals:
            raise click.UsageError(f"--set {setting!r}: write NAME=VALUE")
        if name not in known:
            hint = suggest(name, known)
            raise UndeclaredSymbol(f"{record.key} has no input {name!r}{hint}; it has {', '.join(known)}")
        if name in inputs:
            raise click.UsageError(f"--set gives {name} twice")
        value = numbers(text)
        sizes, axes = shape(value, name), len(known[name].decl.shape)
        if axes and len(sizes) != axes:
            ends = ", ".join(str(hi) for _, hi in known[name].decl.shape)
            raise click.UsageError(f"{name} is an array of shape ({ends}), got {sizes if sizes else 'a number'}")
        inputs[name] = value if backend == "ball" else floats(value)
    return inputs


def floats(value: Any) -> Any:
    """Return exact numbers as floats, whole ones as integers.

    Parameters
    ----------
    value : Fraction, float or nested tuple
        What was read.

    Returns
    -------
    int, float or nested list

    Raises
    ------
    click.UsageError
        When a number is too large or too small for floating point.
    """
    if isinstance(value, tuple):
        return [floats(item) for item in value]
    if isinstance(value, float):
        return value
    try:
        near = int(value) if value.denominator == 1 and abs(value) < 2**53 else float(value)
    except OverflowError:
        raise click.UsageError("a number is too large for floating point; use --backend ball") from None
    if value and not near:
        raise click.UsageError("a number is too small for floating point; use --backend ball")
    return near


def results(record: Any, inputs: Mapping[str, Any], output: str | None, backend: str, digits: int = 15) -> Any:
    """Evaluate one output, or all of them, as plain data.

    Parameters
    ----------
    record : Theorem
        Record.
    inputs : mapping
        Values by name.
    output : str or None
        Which one; all by default.
    backend : {"numpy", "torch", "ball"}
        Where.
    digits : int
        Digits of an enclosure.

    Returns
    -------
    number, str or nested list, or dict of them when there are several
        An enclosure is text.
    """
    names = (*record.outputs, *(record.algorithm.computes if record.algorithm else ()))
    if output is None and len(names) > 1:
        return {name: results(record, inputs, name, backend, digits) for name in names}
    kernel = record.kernel(backend, output)
    if backend != "ball":
        return _plain(_everywhere(record, kernel, inputs))
    from flint import ctx

    from dltsym.lower.front.computed import ComputedKernel

    if isinstance(kernel, ComputedKernel):
        return _enclosed(kernel(digits=digits, **inputs), digits)
    before, ctx.prec = ctx.prec, max(64, int(3.33 * digits) + 64)
    try:
        return _enclosed(_everywhere(record, kernel, inputs), digits)
    finally:
        ctx.prec = before


def _everywhere(record: Any, kernel: Any, inputs: Mapping[str, Any]) -> Any:
    """Call a kernel, for every value of its indices that are not set."""
    from dltsym.lower.closed.kernel import Kernel

    symbols = [record.symbols[name] for name in kernel.inputs if name in record.symbols]
    free = [s for s in symbols if s.decl.sort == "index" and s.name not in inputs]
    if not free or not isinstance(kernel, Kernel) or kernel.lowered is not None:
        return kernel(**inputs)
    spans = list(_spans(record, free, inputs))
    places = list(product(*spans))
    if len(places) > MOST:
        raise click.UsageError(f"{len(places)} entries are too many; set {', '.join(s.name for s in free)}")
    found = [_plain(kernel(**inputs, **dict(zip((s.name for s in free), at, strict=True)))) for at in places]
    for span in reversed(spans[1:]):
        found = [found[k : k + len(span)] for k in range(0, len(found), len(span))]
    return found


def _spans(record: Any, free: list[Any], inputs: Mapping[str, Any]) -> Iterator[range]:
    from dltsym.lower.closed.oracle import point
    from dltsym.notation.evaluate import evaluate_exact
    from dltsym.notation.walk import free_symbols

    env = point(record, inputs)
    for sym in free:
        for end in (sym.decl.lo, sym.decl.hi):
            missing = [] if end is None else sorted({s.name for s in free_symbols(end)} - set(env))
            if end is None or missing:
                told = f"--set {missing[0]}" if missing else f"--set {sym.name}"
                raise click.UsageError(f"the index {sym.name} runs over what is not known; {told}")
        lo, hi = (evaluate_exact(end, env) for end in (sym.decl.lo, sym.decl.hi))
        if lo is None or hi is None:
            raise click.UsageError(f"the index {sym.name} runs over what is not known; --set {sym.name}")
        yield range(ceil(lo), floor(hi) + 1)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if isfinite(value) else str(value)  # JSON has no infinity
    return _plain(value.tolist()) if type(value).__module__.split(".")[0] in ("numpy", "torch") else value


def _enclosed(value: Any, digits: int) -> Any:
    if isinstance(value, dict):
        return {name: _enclosed(item, digits) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_enclosed(item, digits) for item in value]
    return value.str(digits) if type(value).__module__.startswith("flint") else str(value)
