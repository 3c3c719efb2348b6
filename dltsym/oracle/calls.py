"""One call of a candidate: tensors in, float64 arrays out, gradients by autograd, inputs left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dltsym.errors import KernelMapError
from dltsym.oracle.blame import settled, theirs
from dltsym.oracle.candidate import Candidate, Misbehaved
from dltsym.oracle.cases import layouts
from dltsym.oracle.formats import FORMATS, Array
from dltsym.oracle.prepare import Prepared
from dltsym.oracle.spec import Spec
from dltsym.oracle.values import tensor


@dataclass(frozen=True)
class Outcome:
    """What a call gave.

    Attributes
    ----------
    values : mapping of str to array
        Outputs, and gradients as ``d<input>``, in float64.
    dtypes : mapping of str to str
        Types in which they came.
    smooth : tuple of str
        Outputs that autograd can differentiate.
    """

    values: Mapping[str, Array]
    dtypes: Mapping[str, str]
    smooth: tuple[str, ...] = field(default=())


def run(spec: Spec, candidate: Candidate, prepared: Prepared) -> Outcome:
    """Call a candidate on a prepared case, and differentiate if the case asks for it.

    Parameters
    ----------
    spec : Spec
        Statement.
    candidate : Candidate
        Candidate.
    prepared : Prepared
        Inputs, modes, cotangents.

    Returns
    -------
    Outcome
    """
    given = tensors(spec, prepared.inputs, prepared.dtype, layouts(prepared.case), candidate.device)
    return call(candidate, given, prepared.modes, prepared.grads, prepared.cotangents)


def tensors(
    spec: Spec, inputs: Mapping[str, Array], dtype: str, how: Mapping[str, str] | None = None, device: str = "cpu"
) -> dict[str, Any]:
    """Return inputs as the candidate gets them.

    Parameters
    ----------
    spec : Spec
        Statement.
    inputs : mapping of str to array
        Values of the type.
    dtype : str
        Type.
    how : mapping of str to str, optional
        How they lie in memory.
    device : str
        Where.

    Returns
    -------
    dict of str to torch.Tensor
    """
    known = {i.name: i for i in spec.inputs}
    return {n: tensor(x, dtype, known[n], (how or {}).get(n, ""), device) for n, x in inputs.items()}


def call(
    candidate: Candidate,
    given: Mapping[str, Any],
    modes: Mapping[str, Any],
    grads: Sequence[str] = (),
    cotangents: Mapping[str, Array] | None = None,
) -> Outcome:
    """Call a candidate.

    Parameters
    ----------
    candidate : Candidate
        Candidate.
    given : mapping of str to torch.Tensor
        Inputs.
    modes : mapping
        Static choices.
    grads : sequence of str
        Inputs to differentiate by.
    cotangents : mapping of str to array, optional
        What gradients are taken against.

    Returns
    -------
    Outcome

    Raises
    ------
    Misbehaved
        When an input was changed.
    """
    import torch

    before = {n: t.clone() for n, t in given.items()}
    inputs = {n: t.requires_grad_() if n in grads else t for n, t in given.items()}
    with np.errstate(all="ignore"):
        with theirs():  # around a `Call`, whose own errors are marked as ours by then
            raw = candidate.call(inputs, dict(modes))
            results = {o: _real(o, r if isinstance(r, torch.Tensor) else torch.as_tensor(r)) for o, r in raw.items()}
        slopes = _gradients(results, inputs, grads, cotangents or {}) if grads else {}
    for name, was in before.items():
        if not torch.equal(_bits(was), _bits(given[name])):
            raise Misbehaved("mutated input", f"{candidate.name} changed its input {name}")
    everything = {**results, **slopes}
    smooth = tuple(o for o, r in results.items() if r.requires_grad)
    with theirs():  # of a kind that is no array
        values = {n: plain(t) for n, t in everything.items()}
    return Outcome(values, {n: _type(t) for n, t in everything.items()}, smooth)


def plain(t: Any) -> Array:
    """Return a tensor as a float64 array.

    Parameters
    ----------
    t : torch.Tensor
        Tensor.

    Returns
    -------
    numpy.ndarray
    """
    import torch

    return t.detach().to("cpu", torch.float64).numpy()


def _real(name: str, t: Any) -> Any:
    if t.is_complex():
        raise KernelMapError(f"{name} comes in {_type_name(t)}, and is real; map a part of it, such as out.real={name}")
    return t


def _type_name(t: Any) -> str:
    return str(t.dtype).removeprefix("torch.")


def _type(t: Any) -> str:
    name = _type_name(t)
    return name if name in FORMATS else "float64"


def _bits(t: Any) -> Any:
    import torch

    t = t.detach().contiguous()
    return t if not t.is_floating_point() else t.view(getattr(torch, f"int{8 * t.element_size()}"))


def _gradients(
    results: Mapping[str, Any], inputs: Mapping[str, Any], grads: Sequence[str], cotangents: Mapping[str, Array]
) -> dict[str, Any]:
    """Return gradients by input; an input that no output depends on has gradient 0."""
    import torch

    used = [o for o, r in results.items() if r.requires_grad and o in cotangents]
    zero = {f"d{n}": torch.zeros_like(inputs[n]) for n in grads}
    if not used:
        return zero
    with theirs():  # a result of another shape than it has to be, and its way back
        against = [torch.from_numpy(np.array(cotangents[o])).to(results[o]).reshape(results[o].shape) for o in used]
        found = torch.autograd.grad([results[o] for o in used], [inputs[n] for n in grads], against, allow_unused=True)
        settled(inputs[grads[0]].device)
    return {k: z if g is None else g for (k, z), g in zip(zero.items(), found, strict=True)}
