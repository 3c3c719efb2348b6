"""Which argument of a callable gets what: its parameters against the inputs of a statement, by name and by mapping.

Nothing is guessed in silence. A parameter without a value and an input that nobody takes are errors which say what to
add to the mapping.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from dltsym.errors import KernelMapError, suggest
from dltsym.oracle.expressions import CONSTANTS, Expression, parsed
from dltsym.oracle.mapping import ABSENT, Buffer, Entries, Given, Result, axes_of, inverse, primed
from dltsym.oracle.spec import Spec

LIKELY = {"tau": ("softmax_scale", "sm_scale", "scale", "scaling"), "eps": ("reg", "epsilon", "blur")}
"""Names by which others call a quantity; only for the advice in an error."""
LIKELY_FORM = {"softmax_scale": "1/tau", "sm_scale": "1/tau", "scale": "1/tau", "scaling": "1/tau"}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a callable."""

    name: str
    required: bool
    positional: bool = False


@dataclass(frozen=True)
class Signature:
    """Parameters of a callable; `known` is false where nothing can be found out, `open` if it takes any name."""

    parameters: tuple[Parameter, ...]
    known: bool = True
    open: bool = False


@dataclass(frozen=True)
class Binding:
    """How a callable is called.

    Attributes
    ----------
    named, positional : mapping
        What each argument is.
    results : tuple of Result
        What each result is; empty if it is still to be found out by a call.
    optional : frozenset of str
        Parameters with a default: left out where their input is absent.
    fixed : mapping of str to Expression or None
        Inputs that the mapping fixes; None for absent.
    modes : mapping of str to tuple
        Modes with allowed values: only the default of one that no argument takes.
    batch : tuple of str or None
        Names of the batch dimensions in the layouts, in order; None without layouts.
    buffers : tuple of str
        Outputs that are passed in.
    """

    named: Mapping[str, Given]
    positional: Mapping[int, Given]
    results: tuple[Result, ...]
    optional: frozenset[str]
    fixed: Mapping[str, Expression | None]
    modes: Mapping[str, tuple[Any, ...]]
    batch: tuple[str, ...] | None = None
    buffers: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[Given, ...]:
        """All arguments."""
        return (*self.positional.values(), *self.named.values())


def signature_of(function: Callable[..., Any]) -> Signature:
    """Find out the parameters of a callable: from Python, or from the first line of a compiled function's docstring.

    Parameters
    ----------
    function : callable
        Function.

    Returns
    -------
    Signature
    """
    function = getattr(function, "forward", function)  # a module of torch; its __call__ takes anything
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return _from_schema(function) or _from_docstring(function) or Signature((), known=False, open=True)
    kinds = [p.kind for p in found]
    named = [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    parameters = (Parameter(p.name, p.default is p.empty, p.kind is p.POSITIONAL_ONLY) for p in named)
    variadic = inspect.Parameter.VAR_POSITIONAL in kinds
    bare = variadic and not named
    return Signature(tuple(parameters), known=not bare, open=variadic or inspect.Parameter.VAR_KEYWORD in kinds)


def _from_schema(function: Any) -> Signature | None:
    """Read the schema of an operator registered with torch."""
    schema = getattr(getattr(function, "default", function), "_schema", None)
    if schema is None:
        return None
    return Signature(tuple(Parameter(a.name, not a.has_default_value()) for a in schema.arguments))


def _from_docstring(function: Any) -> Signature | None:
    """Read ``name(q: torch.Tensor, scale: float = 1.0) -> torch.Tensor``, as pybind11 writes it."""
    name = re.escape(getattr(function, "__name__", ""))
    found = re.match(rf"\s*{name}\((?P<inside>[^()]*)\)\s*->", getattr(function, "__doc__", None) or "")
    if not found or ":" not in found["inside"]:
        return None
    parts = [p.strip() for p in found["inside"].split(",") if p.strip()]
    named = [(p.split(":")[0].strip(), "=" not in p) for p in parts]
    positional = all(re.fullmatch(r"arg\d+", n) for n, _ in named)
    return Signature(tuple(Parameter(n, r, positional) for n, r in named))


def bind(name: str, signature: Signature, spec: Spec, entries: Entries) -> Binding:
    """Say what every argument of a callable is.

    Parameters
    ----------
    name : str
        Callable, for messages.
    signature : Signature
        Its parameters.
    spec : Spec
        Statement.
    entries : Entries
        Mapping of the user.

    Returns
    -------
    Binding

    Raises
    ------
    KernelMapError
        When a parameter has no value, an input is taken by nobody, or the mapping names what does not exist.
    """
    inputs, outputs = [i.name for i in spec.inputs], [o.name for o in spec.outputs]
    parameters = {p.name: p for p in signature.parameters}
    named, fixed, modes = _told(name, signature, spec, entries)
    positional = dict(entries.positional)
    places = {p.name: k for k, p in enumerate(signature.parameters)}
    missing = []
    for p in signature.parameters:
        if p.name in named or places[p.name] in positional:
            continue
        if (p.name in inputs and p.name not in fixed) or p.name in spec.modes:
            named[p.name] = Given(parsed(p.name))
        elif p.name in outputs and p.required:
            named[p.name] = Given(Buffer(p.name))
        elif p.name in spec.sizes and p.required:
            named[p.name] = Given(parsed(p.name))
        elif p.required:
            missing.append(p.name)
    if not signature.known and not named and not positional and len(inputs) == 1:
        positional[0] = Given(parsed(inputs[0]))
    for p in signature.parameters:  # positional-only parameters cannot be named
        if p.positional and p.name in named:
            positional[places[p.name]] = named.pop(p.name)
    arguments = (*named.values(), *positional.values())
    taken = {n for g in arguments if isinstance(g.value, Expression) for n in g.value.names}
    modes = {m: tuple(v) if m in taken else (v[0],) for m, v in spec.modes.items()} | modes
    unused = _read(spec, modes, [i for i in inputs if i not in taken and i not in fixed])
    if missing or unused:
        raise KernelMapError(_advice(name, signature, spec, missing, unused))
    buffers = tuple(g.value.output for g in arguments if isinstance(g.value, Buffer))
    optional = frozenset(p.name for p in parameters.values() if not p.required)
    results = _results(name, spec, entries, buffers)
    batch = _batch(spec, arguments, results)
    return Binding(named, positional, results, optional, fixed, modes, batch, buffers)


def _read(spec: Spec, modes: Mapping[str, tuple[Any, ...]], names: list[str]) -> list[str]:
    """Keep those inputs that the statement reads in some of the modes, such as no gate where a mode leaves it out."""
    if not (names and modes):
        return names
    from dltsym.oracle.cases import mentioned

    read = {n for values in product(*modes.values()) for n in mentioned(spec, dict(zip(modes, values, strict=True)))}
    return [n for n in names if n in read]


def _told(
    name: str, signature: Signature, spec: Spec, entries: Entries
) -> tuple[dict[str, Given], dict[str, Expression | None], dict[str, tuple[Any, ...]]]:
    """Sort what the mapping tells into arguments, fixed inputs and fixed modes."""
    inputs, outputs = {i.name: i for i in spec.inputs}, [o.name for o in spec.outputs]
    parameters = {p.name for p in signature.parameters}
    named: dict[str, Given] = {}
    fixed: dict[str, Expression | None] = {}
    modes: dict[str, tuple[Any, ...]] = {}
    for given in (*entries.named.values(), *entries.positional.values()):
        _known(name, spec, given)
    for left, given in entries.named.items():
        value = given.value
        free = set() if isinstance(value, Buffer) else {*value.names} & {*inputs}
        if left in parameters:
            named[left] = given
            if left not in inputs or free or isinstance(value, Buffer):
                continue
            named[left] = Given(parsed(left))  # tau=sqrt(d) for a parameter tau: the input is what is fixed
        if left in inputs and not free and isinstance(value, Expression):
            fixed[left] = _fixed(left, value, inputs[left].absent)
        elif left in spec.modes and isinstance(value, Expression):
            modes[left] = (_mode(left, value, spec),)
        elif signature.open:
            named[left] = given
        else:
            known = [*parameters, *inputs, *spec.modes]
            raise KernelMapError(
                f"{name} has no parameter {left!r} and {spec.key} no such input{suggest(left, known)}; "
                f"it has ({', '.join(p.name for p in signature.parameters)})"
                + (f"; write out={left}=... for results" if left in outputs else "")
            )
    return named, fixed, modes


def _fixed(name: str, value: Expression, absent: float | None) -> Expression | None:
    if value.symbol != ABSENT:
        return value
    if absent is None:
        raise KernelMapError(f"{name} may not be absent; fix it to a number instead")
    return None


def _mode(name: str, value: Expression, spec: Spec) -> Any:
    allowed = {repr(x): x for x in spec.modes[name]} | {str(x): x for x in spec.modes[name]}
    if value.text not in allowed:
        raise KernelMapError(f"{spec.key}: the mode {name} is one of {', '.join(map(repr, spec.modes[name]))}")
    return allowed[value.text]


def _known(name: str, spec: Spec, given: Given) -> None:
    """Refuse names that the statement does not have."""
    inputs, outputs = [i.name for i in spec.inputs], [o.name for o in spec.outputs]
    if isinstance(given.value, Buffer):
        if given.value.output not in outputs:
            raise KernelMapError(f"{spec.key} has no output {given.value.output!r}; there are {', '.join(outputs)}")
        return
    known = {*inputs, *spec.modes, *spec.sizes, *CONSTANTS, ABSENT, *(("dist",) if {"n", "m"} <= {*spec.sizes} else ())}
    unknown = sorted(given.value.names - known)
    if unknown:
        raise KernelMapError(
            f"{name}: {given.value.text!r} names {unknown[0]!r}, which {spec.key} does not have"
            f"{suggest(unknown[0], known)}; inputs {', '.join(inputs)}; sizes {', '.join(spec.sizes)}; "
            f"modes {', '.join(spec.modes) or 'none'}; texts need quotes"
        )


def _advice(name: str, signature: Signature, spec: Spec, missing: list[str], unused: list[str]) -> str:
    """Say what is missing and what to add, in one sentence each."""
    has = ", ".join(p.name for p in signature.parameters) if signature.known else "parameters that it does not tell"
    told, add = [], []
    free = list(unused)
    for p in missing:
        likely = next((i for i in free if p in LIKELY.get(i, ())), free[0] if len(free) == len(missing) == 1 else "")
        buffer = f"out({spec.outputs[0].name})" if p in ("out", "output", "dst") else "..."
        add.append(f"{p}={LIKELY_FORM.get(p, likely) if likely else buffer}")
        if likely:
            free.remove(likely)
    scales = {p.name for p in signature.parameters} & set(LIKELY_FORM)
    for i in free:
        absent = next(s.absent for s in spec.inputs if s.name == i)
        via = next((p for p in sorted(scales) if p in LIKELY.get(i, ())), "")
        add.append(f"{via}={LIKELY_FORM[via]}" if via else f"{i}=absent" if absent is not None else f"<parameter>={i}")
    if unused:
        told.append(f"{spec.key} needs {', '.join(map(repr, unused))}")
    told.append(f"{name} has ({has})" + (f" and nothing is known of {', '.join(missing)}" if missing else ""))
    fix = " An input may also be fixed, and is then untested." if unused else ""
    return f'{"; ".join(told)}. Add --map "{", ".join(add)}".{fix}'


def _results(name: str, spec: Spec, entries: Entries, buffers: tuple[str, ...]) -> tuple[Result, ...]:
    """Check what the mapping says of results: one output of the statement in each, and no output twice."""
    outputs = {o.name: o for o in spec.outputs}
    seen = list(buffers)
    for result in entries.results:
        named = [x.id for x in ast.walk(result.value.tree) if isinstance(x, ast.Name)]
        inside = [n for n in named if n in outputs]
        if len(inside) != 1:
            what = f"one of {', '.join(outputs)}"
            raise KernelMapError(f"{name}: {result.place}={result.value.text} must contain exactly {what}, once")
        inverse(result.value.tree, inside[0])
        if inside[0] in seen:
            raise KernelMapError(f"{name}: the mapping names the output {inside[0]} twice")
        seen.append(inside[0])
        if result.layout:
            axes_of(result.layout, outputs[inside[0]].axes)
    return entries.results


def own_axes(spec: Spec, value: Expression | Buffer, layout: str) -> tuple[str, ...]:
    """Return the own axes of what a layout orders: those of its symbol, else the sizes that the layout names.

    Parameters
    ----------
    spec : Spec
        Statement.
    value : Expression or Buffer
        What is ordered.
    layout : str
        Order of the axes.

    Returns
    -------
    tuple of str
    """
    axes = {i.name: i.axes for i in spec.inputs} | {o.name: o.axes for o in spec.outputs}
    outputs = {o.name for o in spec.outputs}
    inside = [value.output] if isinstance(value, Buffer) else [n for n in value.names if n in outputs] or [value.symbol]
    if inside[0] in axes:
        return axes[inside[0]]
    words = layout.replace("(", " ").replace(")", " ").split() if " " in layout else list(layout)
    return tuple(w for w in words if w in spec.sizes)


def _batch(spec: Spec, arguments: tuple[Given, ...], results: tuple[Result, ...]) -> tuple[str, ...] | None:
    """Return the names of the batch dimensions in the layouts, in the order of the layout that names most of them."""
    found = []
    for x in (*arguments, *results):
        if x.layout:
            own = own_axes(spec, x.value, x.layout)
            letters = [a for dim in axes_of(x.layout, own) for a in dim]
            found.append(tuple(a for a in letters if a not in primed(own)))
    if not found:
        return None
    order = max(found, key=len)
    stray = [a for other in found for a in other if a not in order]
    if stray:
        raise KernelMapError(f"no layout names all the batches {', '.join(dict.fromkeys([*order, *stray]))}")
    return order
