"""Algorithms of records: what has no closed formula (limits, roots, quadratures), as code over a system of numbers.

The code is a plain function ``f(m, **inputs)``. Over `dltsym.notation.numbers.Balls` it returns enclosures, over
floating point its best numbers. Nothing that it computes can prove a claim.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from dltsym.errors import DltsymError, DomainError, RecordError, Undecided, UnknownKey, suggest
from dltsym.notation.tree import Sym

PRECISIONS = (64, 128, 256, 512, 1024)  # two of them at least, which must agree

_PLACE = re.compile(r"([A-Za-z_]\w*)(?:\[([0-9]+(?:,[0-9]+)*)\])?", re.ASCII)
_DEFECTS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Algorithm:
    """Code that computes results of a record.

    Attributes
    ----------
    run : callable
        ``run(m, **inputs)`` returns the results by name: a number, or nested lists of numbers.
    takes : tuple of Sym
        Its inputs, by the names of its parameters.
    computes : tuple of str
        Names of its results.
    """

    run: Callable[..., Mapping[str, Any]]
    takes: tuple[Sym, ...]
    computes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the function with its inputs."""
        return f"{self.run.__name__}({', '.join(s.name for s in self.takes)})"

    def __call__(self, m: Any, env: Mapping[str, Any]) -> dict[str, Any]:
        """Compute the results over a system of numbers.

        Parameters
        ----------
        m : Balls or Floats
            System of numbers.
        env : mapping
            Exact inputs by name: rationals, balls or nested sequences of them.

        Returns
        -------
        dict
            Numbers or nested lists, as the system leaves them.

        Raises
        ------
        DomainError
            When an input is missing, or the code fails or does not return what it promised.
        """
        missing = [s.name for s in self.takes if s.name not in env]
        if missing:
            raise DomainError(f"missing input {', '.join(missing)}; the algorithm takes {self.name}")
        try:
            with m:
                return self._results(m, self.run(m, **{s.name: _given(m, s, env[s.name]) for s in self.takes}))
        except _DEFECTS as error:  # code of a record: its defects are told, never taken for a value
            if isinstance(error, DltsymError):
                raise
            raise DomainError(f"the algorithm {self.name} failed: {type(error).__name__}: {error}") from error

    def _results(self, m: Any, found: Any) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise DomainError(f"the algorithm {self.name} returns {type(found).__name__}, not a dict by name")
        absent = [name for name in self.computes if name not in found]
        if absent:
            raise DomainError(f"the algorithm {self.name} does not return {absent[0]}{suggest(absent[0], found)}")
        return {name: _result(m, found[name], f"{self.name}: {name}") for name in self.computes}


def algorithm(run: Any, computes: Any, symbols: Mapping[str, Sym]) -> Algorithm:
    """Check the form of an algorithm.

    Parameters
    ----------
    run : callable
        Code; its first parameter is the system of numbers, every other one a declared symbol.
    computes : sequence of str
        Names of the results.
    symbols : mapping of str to Sym
        Declared symbols.

    Returns
    -------
    Algorithm

    Raises
    ------
    RecordError
        For anything else.
    """
    names = (computes,) if isinstance(computes, str) else tuple(computes)
    if not callable(run) or not names or not all(isinstance(n, str) and n.isidentifier() for n in names):
        raise RecordError("an algorithm is a function, with computes=(names of what it returns)")
    if len(set(names)) < len(names):
        raise RecordError(f"computes names a result twice: {', '.join(names)}")
    parameters = list(inspect.signature(run).parameters.values())
    plain = all(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters)
    if not plain or not parameters:
        raise RecordError("an algorithm takes the numbers m, then symbols by name: def f(m, S, eps)")
    takes = []
    for parameter in parameters[1:]:
        sym = symbols.get(parameter.name)
        if sym is None or sym.decl.sort == "let" or sym.is_matrix:
            hint = suggest(parameter.name, symbols)
            raise RecordError(f"the algorithm takes {parameter.name}, which is no declared number or array{hint}")
        if sym.name in names:
            raise RecordError(f"the algorithm takes {sym.name} and computes it")
        takes.append(sym)
    return Algorithm(run, tuple(takes), names)


def place(text: str, known: Any) -> tuple[str, tuple[int, ...]]:
    """Read the name of a result, or of one of its entries.

    Parameters
    ----------
    text : str
        ``value`` or ``A[1,2]``; entries are counted from 1.
    known : collection of str
        Names of results.

    Returns
    -------
    tuple of str and tuple of int

    Raises
    ------
    UnknownKey
        For anything else.

    Examples
    --------
    >>> place("A[1,2]", ("A",))
    ('A', (1, 2))
    """
    found = _PLACE.fullmatch(text.replace(" ", ""))
    if found is None or found[1] not in known:
        name = text.split("[")[0]
        raise UnknownKey(f"there is no result {text!r}; there are {', '.join(known)}{suggest(name, known)}")
    return found[1], tuple(map(int, found[2].split(","))) if found[2] else ()


def entry(result: Any, at: tuple[int, ...], text: str) -> Any:
    """Return an entry of a result.

    Parameters
    ----------
    result : number or nested list
        Result.
    at : tuple of int
        Place, counted from 1; nothing for the result itself.
    text : str
        Named in errors.

    Returns
    -------
    number or nested list

    Raises
    ------
    DomainError
        When there is no such place.
    """
    for k in at:
        if not isinstance(result, list):
            raise DomainError(f"{text} has more indices than the result")
        if not 1 <= k <= len(result):
            raise DomainError(f"{text}: the place {k} is outside 1..{len(result)}")
        result = result[k - 1]
    return result


def enclosed(
    what: Algorithm, env: Mapping[str, Any], text: str, digits: int, runs: dict[int, Any] | None = None
) -> Any:
    """Enclose a result, or an entry of one, at rising precision until its digits are certain.

    Parameters
    ----------
    what : Algorithm
        Code.
    env : mapping
        Exact inputs by name.
    text : str
        ``value``, ``A`` or ``A[1,2]``.
    digits : int
        Significant digits that have to be certain, of every entry.
    runs : dict, optional
        Earlier results at these inputs, by precision.

    Returns
    -------
    arb or nested list

    Raises
    ------
    RecordError
        When two precisions give enclosures that do not meet: one of them encloses nothing.
    Undecided
        When more bits do not help; the message names the width.
    """
    from dltsym.notation.numbers import Balls

    name, at = place(text, what.computes)
    runs = {} if runs is None else runs
    last, reason = None, ""
    for prec in PRECISIONS:
        try:
            found = runs.setdefault(prec, None) or what(Balls(prec), env)
        except Undecided as error:
            reason = str(error)
            continue
        runs[prec] = found
        value = entry(found[name], at, text)
        now = list(_flat(value))
        if last is not None:
            if len(last) != len(now) or not all(x.overlaps(y) for x, y in zip(last, now, strict=True)):
                raise RecordError(f"{what.name}: the enclosures of {text} at two precisions do not meet")
            if all(_certain(x, digits) for x in now):
                return value
            if not any(2 * y.rad() < x.rad() for x, y in zip(last, now, strict=True)):
                break
        last = now
    if last is None:
        raise Undecided(f"{what.name}: {reason}")
    worst = max(last, key=lambda x: float(x.rad()))
    raise Undecided(f"{what.name}: {text} is certain only to {worst.str(8)}, which is not {digits} digits")


def _certain(ball: Any, digits: int) -> bool:
    return bool(abs(ball).upper() < 10.0 ** (-digits - 3)) or ball.rel_accuracy_bits() > 3.4 * digits + 4


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _given(m: Any, sym: Sym, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_given(m, sym, x) for x in value]
    whole = sym.decl.sort in ("integer", "index") or (sym.decl.sort == "array" and sym.decl.entries != "real")
    if whole and not (isinstance(value, int | Fraction) and value.denominator == 1):
        raise DomainError(f"{sym.name} is an integer, not {value}")
    return int(value) if whole else m.number(value)


def _result(m: Any, value: Any, text: str) -> Any:
    if isinstance(value, list | tuple):
        found = [_result(m, x, text) for x in value]
        if len({_shape(x) for x in found}) > 1:
            raise DomainError(f"the algorithm {text} is not a rectangular array")
        return found
    return m.result(value, text)


def _shape(value: Any) -> tuple[int, ...]:
    return (len(value), *(_shape(value[0]) if value else ())) if isinstance(value, list) else ()
