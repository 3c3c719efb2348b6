"""Python names of arguments and sizes, and where sizes are read."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping, Sequence

from dltsym.errors import UnsupportedError
from dltsym.lower.program import Input
from dltsym.lower.sizes import Carrier, carriers

_TAKEN = frozenset(
    ("torch", "np", "math", "special", "range", "int", "float", "len", "slice", "tuple", "dtype", "device",
     "exp", "log", "sqrt", "sin", "cos", "abs", "max", "min", "sum", "pow", "enumerate", "zip", "reversed", "list",
     "isinstance", "ValueError", "IndexError")
)  # fmt: skip
_WORD = re.compile(r"[^\W\d]\w*")


def python_name(name: str, taken: Iterable[str] = ()) -> str:
    """Return a Python identifier for a name, different from those already taken.

    Parameters
    ----------
    name : str
        Name of an array, a scalar or a size.
    taken : iterable of str
        Identifiers in use.

    Returns
    -------
    str

    Examples
    --------
    >>> python_name("lambda"), python_name("Q"), python_name("_t0"), python_name("x'")
    ('lambda_', 'Q', '_t0_', 'x_')
    """
    taken = frozenset(taken)
    out = re.sub(r"\W", "_", name) or "_"
    out = f"a{out}" if out[0].isdigit() else out
    if keyword.iskeyword(out) or keyword.issoftkeyword(out) or out in _TAKEN or out.startswith("_"):
        out += "_"
    while out in taken:
        out += "_"
    return out


def argument_names(inputs: Sequence[Input], function: str) -> dict[str, str]:
    """Return the Python name of every argument.

    Parameters
    ----------
    inputs : sequence of Input
        Arguments in order.
    function : str
        Name of the function, which no argument may have.

    Returns
    -------
    dict of str to str
    """
    names: dict[str, str] = {}
    for i in inputs:
        names[i.name] = python_name(i.name, {function, *names.values()})
    return names


class Sizes:
    """Python text of size arithmetic, and the statements that read the sizes it needs.

    Parameters
    ----------
    inputs : sequence of Input
        Arguments.
    names : mapping of str to str
        Their Python names.
    """

    def __init__(self, inputs: Sequence[Input], names: Mapping[str, str]) -> None:
        self._inputs, self._names = inputs, names
        self._local: dict[str, str] = {}

    def text(self, size: str) -> str:
        """Return Python text of a size.

        Parameters
        ----------
        size : str
            Canonical text.

        Returns
        -------
        str
        """
        return _WORD.sub(lambda m: self._name(m[0]), size)

    def _name(self, size: str) -> str:
        if any(i.name == size and not i.shape for i in self._inputs):
            return self._names[size]
        if size not in self._local:
            self._local[size] = python_name(size, {*self._names.values(), *self._local.values()})
        return self._local[size]

    def prologue(self) -> list[str]:
        """Return the statements that read the sizes used so far, in the order of their names.

        Returns
        -------
        list of str

        Raises
        ------
        UnsupportedError
            When no array tells a size.
        """
        known = carriers(tuple(t for i in self._inputs for t in i.shape))
        needed = list(self._local)
        for size in needed:  # grows: what a size is computed from is needed too
            if size not in known:
                raise UnsupportedError(f"no array carries the size {size}")
            for name in sorted(known[size].factor.names | known[size].rest.names):
                self._name(name)
                needed += [name] if name not in needed else []
        plain = sorted(s for s in needed if known[s].text == s)
        derived = [s for s in known if s in needed and known[s].text != s]
        return [f"{self._local[s]} = {self._source(known[s])}" for s in (*plain, *derived)]

    def _source(self, carrier: Carrier) -> str:
        places = ((i, k - len(i.shape)) for i in self._inputs for k, t in enumerate(i.shape) if t == carrier.text)
        first, dim = next(places)
        code = f"{self._names[first.name]}.shape[{dim}]"
        if carrier.rest.terms:
            left = self.text((-carrier.rest).text)
            code += f" - {left[1:]}" if left.startswith("-") else f" + {left}"
        factor = self.text(carrier.factor.text)
        if factor == "1":
            return code
        code = f"({code})" if carrier.rest.terms else code
        return f"{code} // {factor}" if factor.isalnum() else f"{code} // ({factor})"
