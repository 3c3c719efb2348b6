"""How the arguments of an attention function are read: by the mapping of the user, else by names that everyone uses.

Guesses are told among the facts of a report. A parameter whose meaning is guessed is judged less strictly than one that
the user has explained: nobody promised that a ``temperature`` belongs to raw scores.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dltsym.errors import KernelMapError
from dltsym.oracle.binding import signature_of
from dltsym.oracle.expressions import Expression
from dltsym.oracle.mapping import Entries, read
from dltsym.oracle.spec import Spec, SpecInput, SpecOutput

INPUTS: Mapping[str, SpecInput] = {
    "q": SpecInput("q", ("n", "d")), "k": SpecInput("k", ("m", "d")), "v": SpecInput("v", ("m", "dv")),
    "S": SpecInput("S", ("n", "m")), "C": SpecInput("C", ("n", "m")), "tau": SpecInput("tau", (), lo=0.0, lo_open=True),
    "lp": SpecInput("lp", ("m",), absent=0.0), "bias": SpecInput("bias", ("n", "m"), absent=0.0),
    "keep": SpecInput("keep", ("n", "m"), "bool"), "keep_keys": SpecInput("keep_keys", ("m",), "bool"),
    "a": SpecInput("a", ("n",)), "b": SpecInput("b", ("m",)), "T": SpecInput("T", (), "integer"),
}  # fmt: skip
"""What an attention function can take: queries, keys, values, scores, costs, a temperature, a log-prior of keys, a bias
of pairs, masks of pairs and of keys, masses of queries and keys, a number of half-steps."""
OUTPUTS = {"o": ("n", "dv"), "A": ("n", "m"), "P": ("n", "m")}
NAMES: Mapping[str, tuple[str, ...]] = {
    "q": ("q", "query", "queries", "Q"), "k": ("k", "key", "keys", "K"), "v": ("v", "value", "values", "V"),
    "S": ("s", "S", "scores", "score", "logits", "sim", "similarity"), "C": ("C", "cost", "costs", "M"),
    "tau": ("tau", "eps", "epsilon", "reg", "temperature", "temp", "blur"),
    "1/tau": ("scale", "softmax_scale", "sm_scale", "scaling", "beta", "inv_temperature"),
    "bias": ("bias", "attn_bias", "attention_bias", "position_bias"),
    "lp": ("lp", "log_prior", "logprior", "key_bias", "prior"),
    "keep": ("mask", "attn_mask", "attention_mask"),
    "keep_keys": ("key_padding_mask", "padding_mask", "key_mask"),
    "causal": ("causal", "is_causal"),
    "a": ("a", "mu"), "b": ("b", "nu"),
}  # fmt: skip
ITERATIONS = (
    "T",
    "n_iter",
    "n_iters",
    "num_iters",
    "num_iter",
    "num_iterations",
    "iterations",
    "iters",
    "n_it",
    "steps",
)
RAW = ("tau", "eps", "epsilon", "reg", "blur")
"""Names that promise a temperature of the raw scores; others may as well multiply sqrt(d)."""


@dataclass(frozen=True)
class Reading:
    """How the arguments of a function were read.

    Attributes
    ----------
    spec : Spec
        Inputs, outputs and modes that it has.
    mapping : mapping of str to object
        Right sides by left sides, those of the user and those that were guessed.
    guessed : tuple of str
        Parameters that were guessed.
    temperature : str
        Parameter that carries the temperature, if any.
    default : object
        Its default; `inspect.Parameter.empty` where it must be given.
    required : frozenset of str
        Inputs that it cannot do without.
    """

    spec: Spec
    mapping: Mapping[str, Any]
    guessed: tuple[str, ...]
    temperature: str
    default: Any
    required: frozenset[str] = frozenset()


def parameters_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the parameters of a function with their defaults, also where only its docstring tells them.

    Parameters
    ----------
    function : callable
        Function.

    Returns
    -------
    dict of str to object
        Default by name; `inspect.Parameter.empty` where there is none.
    """
    function = getattr(function, "forward", function)
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return _from_docstring(function)
    return {p.name: p.default for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def _from_docstring(function: Any) -> dict[str, Any]:
    empty = inspect.Parameter.empty
    known = signature_of(function)
    if known.parameters:
        return {p.name: empty if p.required else None for p in known.parameters}
    name = re.escape(getattr(function, "__name__", ""))
    head = re.match(rf"\s*{name}\(([^()]*)\)", getattr(function, "__doc__", None) or "")
    parts = [x.strip().partition("=") for x in head[1].split(",")] if head else []
    return {left.partition(":")[0].strip(): _literal(right) if mark else empty for left, mark, right in parts}


def _literal(text: str) -> Any:
    words = {"None": None, "True": True, "False": False}
    try:
        return words[text.strip()] if text.strip() in words else float(text)
    except ValueError:
        return None


def reading(function: Callable[..., Any], mapping: str | Iterable[str] | Mapping[str, Any] | None) -> Reading:
    """Read the arguments of a function.

    Parameters
    ----------
    function : callable
        Function.
    mapping : str, iterable of str or mapping, optional
        What the user says of them, as for `dltsym kernel check`.

    Returns
    -------
    Reading

    Raises
    ------
    KernelMapError
        When neither queries and keys nor scores are among them.
    """
    known = parameters_of(function)
    told = read(mapping)
    sides = _sides(mapping, told)
    taken = {left for left in sides if left in known}
    taken |= {name for k, name in enumerate(known) if f"arg[{k}]" in sides}
    already = {n for e in _expressions(told) for n in e.names}
    guessed: dict[str, str] = {}
    for name, default in known.items():
        if name in taken:
            continue
        right = "" if name == "M" and not {"a", "b"} <= {*known} else _guess(name, default, already)
        if right and not ({right.removeprefix("1/")} & already):
            guessed[name] = right
            already.add(right.removeprefix("1/"))
    full = {**guessed, **sides}
    used = {n for e in _expressions(read(full)) for n in e.names}
    if not ({"q", "k"} <= used or {"S", "C"} & used):
        raise KernelMapError(
            f"it takes neither queries and keys nor scores, as far as its parameters ({', '.join(known)}) tell; "
            'say what they are: --map "x=q, y=k, z=v" (S scores, C costs, tau temperature, keep mask, lp log-prior)'
        )
    heat = next((p for p, right in {**guessed, **sides}.items() if "tau" in str(right) and p in known), "")
    outputs = tuple(o for o in OUTPUTS if o in used) or (_output(used),)
    modes = {"causal": (False, True)} if "causal" in used else {}
    inputs = tuple(x for name, x in INPUTS.items() if name in used)
    spec = Spec(
        "attention", "attention", inputs, tuple(SpecOutput(o, OUTPUTS[o]) for o in outputs[:1]),
        {"n": 1, "m": 1, "d": 1, "dv": 1}, modes,
    )  # fmt: skip
    needed = (p for p, default in known.items() if default is inspect.Parameter.empty)
    required = frozenset(str(full[p]).partition(":")[0] for p in needed if p in full)
    return Reading(spec, full, tuple(guessed), heat, known.get(heat, inspect.Parameter.empty), required)


def _sides(mapping: Any, told: Entries) -> dict[str, Any]:
    """Return what the user wrote, by left side."""
    if isinstance(mapping, Mapping):
        return dict(mapping)
    sides: dict[str, Any] = {}
    for left, given in (*told.named.items(), *((f"arg[{k}]", g) for k, g in told.positional.items())):
        text = given.value.text if isinstance(given.value, Expression) else f"out({given.value.output})"
        sides[left] = f"{text}:{given.layout}" if given.layout else text
    for r in told.results:
        sides[str(r.place)] = f"{r.value.text}:{r.layout}" if r.layout else r.value.text
    return sides


def _expressions(told: Entries) -> list[Expression]:
    givens = (*told.named.values(), *told.positional.values(), *told.results)
    return [g.value for g in givens if isinstance(g.value, Expression)]


def _guess(name: str, default: Any, already: set[str]) -> str:
    for right, names in NAMES.items():
        if name in names:
            if right in ("a", "b") and "C" not in already and default is not inspect.Parameter.empty:
                return ""
            return right
    if name in ITERATIONS and default is inspect.Parameter.empty:
        return "T"
    return ""


def _output(used: set[str]) -> str:
    """Guess the result: averages from values, a plan from two marginals, weights from anything else."""
    return "o" if "v" in used else "P" if {"a", "b"} <= used else "A"
