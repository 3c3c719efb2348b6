"""From whatever a user has to a `Candidate`: a torch callable, a launcher, an extension, a library, a numpy function.

The adapters are tried in this order: own kernels marked by `implements`, raw Triton kernels (refused, with what to
write instead), shared libraries, then functions of torch, numpy, jax or cupy arrays, told apart by where they live.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from traceback import walk_tb
from typing import Any

from dltsym.errors import DltsymError, KernelMapError, UnsupportedError, suggest
from dltsym.implementation import DTYPES, Arithmetic, Implementation, implementation_of
from dltsym.oracle.binding import Binding, bind, signature_of
from dltsym.oracle.calling import Call
from dltsym.oracle.candidate import Candidate
from dltsym.oracle.mapping import Entries, Given, constant, read
from dltsym.oracle.sample import returned
from dltsym.oracle.spec import Spec

HOMES = {"numpy": "numpy", "scipy": "numpy", "ot": "numpy", "jax": "jax", "jaxlib": "jax", "cupy": "cupy"}
ARRAYS = ("torch", "numpy", "jax", "cupy")
NUMPY_DTYPES = ("float64", "float32", "float16")
LAUNCHER = """is a raw Triton kernel, which cannot be called by itself. Pass a launcher that allocates and launches:
    def launch(q, k):
        o = torch.empty_like(q)
        {name}[(triton.cdiv(q.shape[0], 64),)](q, k, o, ...)
        return o"""


def candidate(
    what: Any,
    spec: Spec,
    mapping: str | Iterable[str] | Mapping[str, Any] | None = None,
    *,
    device: str = "cpu",
    contract: str = "",
    arrays: str = "auto",
    c_signature: str = "",
    name: str = "",
    told: Implementation | None = None,
    timeout: float = 60.0,
) -> Candidate:
    """Make a candidate of a callable.

    Parameters
    ----------
    what : callable, str or Candidate
        Function; ``package.module:function``, ``file.py:function`` or ``library.so:symbol``; or a finished candidate.
    spec : Spec
        Statement that it is held against.
    mapping : str, iterable of str or mapping, optional
        What its arguments and results are, such as ``"softmax_scale=1/tau, out[1]=lse/ln2"``.
    device : str
        Where its tensors are.
    contract : str
        Arithmetic that it works in where it differs from the default, such as ``"dot=tf32,acc=float16"``.
    arrays : {"auto", "torch", "numpy", "jax", "cupy"}
        What it takes.
    c_signature : str
        For a shared library, ``"ptr f32 q; out f32 o; int n"``.
    name : str
        For reports.
    told : Implementation, optional
        What `implements` would say of it, for a function that is not marked, such as the twin of a kernel.
    timeout : float
        Seconds for the call on a small sample that finds out which outputs it returns.

    Returns
    -------
    Candidate

    Raises
    ------
    KernelMapError
        When callable and statement do not fit together; the message says what to add.
    """
    if isinstance(what, Candidate):
        return what
    title = name or (what if isinstance(what, str) else named(what))
    entries = read(mapping)
    function = resolve(what, c_signature) if isinstance(what, str) else what
    _refuse_jit(title, function)
    if not callable(function):
        raise KernelMapError(f"{title} is of type {type(function).__name__} and cannot be called")
    if isinstance(function, type):
        raise KernelMapError(f"{title} is a class; name an instance or a function, such as {title}.apply of autograd")
    told = told or implementation_of(function)
    library = getattr(function, "c_dtypes", None)
    kind = "kernel" if told else "library" if library else _arrays(function, arrays)
    binding = bind(title, signature_of(function), spec, entries)
    if told:
        binding = _own(function, told, binding, entries)
    if kind == "library" and binding.batch is None:
        binding = replace(binding, batch=())  # C functions know the own axes only: one call for each batch
    convert, back = CONVERSIONS.get(kind, (_same, _tensor))
    outputs = told.outputs if told and told.outputs else tuple(o.name for o in spec.outputs)
    # Among arrays a number is a parameter, such as a scale; a statement of numbers alone is evaluated on arrays too.
    numbers = told is None and (kind == "library" or any(i.axes for i in spec.inputs))
    call = Call(function, binding, spec, outputs, numbers=numbers, convert=convert, back=back)
    grads = told.grads if told else spec.grads if kind == "torch" and not binding.buffers else ()
    out = Candidate(
        title, call, outputs, _contract(told.arithmetic if told else _default(kind), contract), device=device,
        grads=tuple(g for g in grads if g not in binding.fixed), untested=tuple(binding.fixed), modes=binding.modes,
        fixed={i: None if e is None else _value(e) for i, e in binding.fixed.items()}, kind=kind, parts=call.parts,
        dtypes=told.dtypes if told else library or (NUMPY_DTYPES if kind == "numpy" else ()),
    )  # fmt: skip
    return out if told else replace(out, outputs=_outputs(out, call, spec, timeout))


def named(function: Any) -> str:
    """Return ``module:name`` of a function, or its type.

    Parameters
    ----------
    function : callable
        Function.

    Returns
    -------
    str
    """
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    module = getattr(function, "__module__", None)
    return f"{module}:{name}" if name and module else name or type(function).__name__


def resolve(text: str, c_signature: str = "") -> Any:
    """Import what a text names.

    Parameters
    ----------
    text : str
        ``package.module:function``, ``file.py:function`` or ``library.so:symbol``.
    c_signature : str
        Parameters of a library's symbol.

    Returns
    -------
    object

    Raises
    ------
    KernelMapError
        When it does not exist.
    """
    home, colon, name = text.rpartition(":")
    if not colon or not home or not name:
        raise KernelMapError(f"cannot read {text!r}; write package.module:function, file.py:function or lib.so:symbol")
    path = Path(home)
    if path.suffix in (".so", ".dylib", ".dll", ".cu"):
        from dltsym.oracle.shared_object import opened

        return opened(path, name, c_signature)
    module = _file(path) if path.suffix == ".py" else _module(home)
    found = module
    for part in name.split("."):
        inner = getattr(found, part, None)
        if inner is None:
            known = [x for x in dir(found) if not x.startswith("_")]
            raise KernelMapError(f"{home} has no {name!r}{suggest(name, known)}")
        found = inner
    return found


def _module(name: str) -> Any:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except DltsymError:
        raise
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise KernelMapError(
                f"there is no module {name}; run from the folder that holds it, or install it"
            ) from None
        raise _unimported(name, error) from error
    except (Exception, SystemExit) as error:  # the door to code that is not ours
        raise _unimported(name, error) from error


def _unimported(name: str, error: BaseException) -> KernelMapError:
    """Say what stopped an import, and where in the file."""
    place = next((f" (line {n})" for f, n in reversed([*walk_tb(error.__traceback__)]) if _in_file(f, name)), "")
    return KernelMapError(f"{name} cannot be imported: {type(error).__name__}: {error}{place}")


def _in_file(frame: Any, name: str) -> bool:
    return frame.f_globals.get("__name__") in (name, Path(name).stem)


def _file(path: Path) -> Any:
    if not path.is_file():
        raise KernelMapError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise KernelMapError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except DltsymError:
        raise
    except (Exception, SystemExit) as error:  # the door to code that is not ours
        raise _unimported(str(path), error) from error
    return module


def _refuse_jit(name: str, function: Any) -> None:
    home = type(function).__module__.partition(".")[0]
    if home == "triton":
        raise KernelMapError(f"{name} {LAUNCHER.format(name=name.rpartition(':')[2])}")


def _arrays(function: Any, arrays: str) -> str:
    """Say what arrays a function takes."""
    if arrays != "auto":
        if arrays not in ARRAYS:
            raise KernelMapError(f"no arrays {arrays!r}; there are {', '.join(ARRAYS)}{suggest(arrays, ARRAYS)}")
        return arrays
    while getattr(function, "func", None) is not None and not isinstance(function, type):
        function = function.func  # functools.partial
    home = getattr(function, "__module__", None) or type(function).__module__
    return HOMES.get(home.partition(".")[0], "torch")


def _own(function: Callable[..., Any], told: Any, binding: Binding, entries: Entries) -> Binding:
    """Ask a kernel for the backend that it is marked with, not for what it would choose on this machine."""
    known = {p.name for p in signature_of(function).parameters}
    if "backend" not in known or "backend" in entries.named:
        return binding
    return replace(binding, named={**binding.named, "backend": Given(constant(told.backend))})


def _value(expression: Any) -> Callable[[Mapping[str, int]], float]:
    """Return a function from the sizes to the value of a fixed input."""

    def of(sizes: Mapping[str, int]) -> float:
        from dltsym.oracle.expressions import Evaluator

        return float(Evaluator(dict(sizes), None).evaluate(expression))

    return of


def _outputs(candidate: Candidate, call: Call, spec: Spec, timeout: float) -> tuple[str, ...]:
    """Find out which outputs a callable returns: from the mapping, or by calling it once on a small sample."""
    names = {o.name for o in spec.outputs}
    told = [next(iter(r.value.names & names)) for r in call.binding.results] + list(call.binding.buffers)
    if told:
        return tuple(o.name for o in spec.outputs if o.name in told)
    if len(spec.outputs) == 1:
        return tuple(names)
    return returned(candidate, call, spec, timeout)


# Arithmetic


def _default(kind: str) -> Callable[[str], Arithmetic]:
    def contract(dtype: str) -> Arithmetic:
        # numpy rounds every single operation to half precision; anything else accumulates in single precision.
        acc = dtype if dtype == "float64" or kind == "numpy" else "float32"
        return Arithmetic(io=dtype, acc=acc, normalised=True)

    return contract


def _contract(base: Callable[[str], Arithmetic], told: str) -> Callable[[str], Arithmetic]:
    changes = contract_of(told)
    return (lambda dtype: replace(base(dtype), **_filled(changes, dtype))) if changes else base


def _filled(changes: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    return {k: dtype if x == "io" else x for k, x in changes.items()}


def contract_of(text: str) -> dict[str, Any]:
    """Read an arithmetic contract.

    Parameters
    ----------
    text : str
        Such as ``"dot=tf32, casts=P+out, block=128, acc=io"``; ``io`` stands for the type of the inputs.

    Returns
    -------
    dict

    Raises
    ------
    KernelMapError
        For a field that does not exist, or a value that it cannot have.
    """
    types = {f.name: str(f.type) for f in fields(Arithmetic)}
    out: dict[str, Any] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (x.strip() for x in item.partition("="))
        if name not in types or not equals:
            raise KernelMapError(f"a contract has no {name!r}{suggest(name, types)}; it has {', '.join(types)}")
        out[name] = _field(name, types[name], value)
    return out


ALLOWED = {"dot": ("ieee", "tf32", "tf32x3"), "reductions": ("sequential", "blocked", "tree")}


def _field(name: str, kind: str, value: str) -> Any:
    try:
        if kind in ("int", "float"):
            return int(value) if kind == "int" else float(value)
        if kind == "bool":
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[value.lower()]
    except (ValueError, KeyError):
        raise KernelMapError(f"contract: {name}={value} is not a {kind}") from None
    if name in ("io", "acc"):
        value = DTYPES.get(value, value)
        if value not in ("io", *DTYPES.values()):
            raise KernelMapError(f"contract: {name} is one of {', '.join(DTYPES)}, not {value}")
    if value not in ALLOWED.get(name, (value,)):
        raise KernelMapError(f"contract: {name} is one of {', '.join(ALLOWED[name])}, not {value}")
    return tuple(filter(None, value.split("+"))) if kind.startswith("tuple") else value


# Arrays


def _same(x: Any) -> Any:
    return x


def _tensor(y: Any) -> Any:
    import numpy as np
    import torch

    if isinstance(y, torch.Tensor):
        return y
    if isinstance(y, np.ndarray | np.generic | int | float | bool):
        return torch.as_tensor(np.asarray(y))
    if "__dlpack__" in dir(y):
        return torch.from_dlpack(y)
    if isinstance(y, list | tuple):
        return torch.as_tensor(np.asarray(y))
    if y is None:
        raise KernelMapError(
            'it returns None; if it writes into an array that it is given, map that: "<parameter>=out(o)"'
        )
    parts = next((f"out['{k}']=..." for k in y), "out.value=...") if isinstance(y, Mapping) else "out.value=..."
    raise KernelMapError(f"it returns a {type(y).__name__}, which is no array; map its parts, such as {parts}")


def _to_numpy(x: Any) -> Any:
    return x.detach().cpu().numpy()


def _to_jax(x: Any) -> Any:
    try:
        from jax import dlpack  # type: ignore[import-not-found]
    except ImportError:
        raise UnsupportedError("jax is not installed") from None
    return dlpack.from_dlpack(x.detach().contiguous())


def _to_cupy(x: Any) -> Any:
    try:
        import cupy  # type: ignore[import-not-found]
    except ImportError:
        raise UnsupportedError("cupy is not installed") from None
    return cupy.from_dlpack(x.detach())


CONVERSIONS: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "numpy": (_to_numpy, _tensor), "jax": (_to_jax, _tensor), "cupy": (_to_cupy, _tensor),
}  # fmt: skip
