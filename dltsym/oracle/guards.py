"""Arrays that tell on whoever misuses them: outputs between guard bands, filled with a known nan; inputs that stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dltsym.oracle.candidate import Misbehaved

if TYPE_CHECKING:
    import torch

BAND = 64
"""Entries of a guard band on either side."""
PATTERN = 0xA5
"""Byte that guard bands are filled with."""


@dataclass(frozen=True)
class Guarded:
    """An output that is passed in: a view into a longer array."""

    name: str
    inside: torch.Tensor
    whole: torch.Tensor

    def check(self) -> None:
        """Look at the guard bands and for entries that nobody wrote.

        Raises
        ------
        Misbehaved
            When a band changed, or the fill is still there.
        """
        bits = _bits(self.whole)
        size = self.inside.numel()
        for side, band in (("before", bits[:BAND]), ("behind", bits[BAND + size :])):
            if not bool((band == _bits(_band(self.whole))).all()):
                raise Misbehaved("out of bounds", f"it wrote {side} the end of the output {self.name}")
        left = int((bits[BAND : BAND + size] == _bits(_poison(self.whole))).sum())
        if left:
            raise Misbehaved("unwritten", f"it left {left} of {size} entries of the output {self.name} unwritten")


def guarded(name: str, shape: Sequence[int], dtype: torch.dtype, device: Any) -> Guarded:
    """Return an output buffer, filled with a nan of a known pattern, between guard bands.

    Parameters
    ----------
    name : str
        Output.
    shape : sequence of int
        Its shape.
    dtype : torch.dtype
        Its type.
    device : str or torch.device
        Where it is.

    Returns
    -------
    Guarded
    """
    import math

    import torch

    size = math.prod(shape)
    whole = torch.empty(size + 2 * BAND, dtype=dtype, device=device)
    whole[:] = _band(whole)
    whole[BAND : BAND + size] = _poison(whole)
    return Guarded(name, whole[BAND : BAND + size].view(list(shape)), whole)


def _band(like: torch.Tensor) -> torch.Tensor:
    import torch

    size = like.element_size()
    return torch.full((size,), PATTERN, dtype=torch.uint8, device=like.device).view(like.dtype)


def _poison(like: torch.Tensor) -> torch.Tensor:
    import torch

    if like.dtype.is_floating_point:
        # A quiet nan with a payload: no arithmetic makes just this one.
        patterns = {8: 0x7FF8_DEAD_BEEF_0001, 4: 0x7FC0_5EAD, 2: 0x7FED if like.dtype == torch.bfloat16 else 0x7E5D}
        return (
            torch.tensor([patterns[like.element_size()]], dtype=_INTEGER[like.element_size()]())
            .to(like.device)
            .view(like.dtype)
        )
    return torch.full((1,), torch.iinfo(like.dtype).min + 0x5D, dtype=like.dtype, device=like.device)


def _int(bits: int) -> Any:
    def dtype() -> Any:
        import torch

        return getattr(torch, f"int{bits}")

    return dtype


_INTEGER = {1: _int(8), 2: _int(16), 4: _int(32), 8: _int(64)}


def _bits(x: torch.Tensor) -> torch.Tensor:
    x = x.detach()
    return x.view(_INTEGER[x.element_size()]()) if x.dtype.is_floating_point else x


def kept(arrays: Iterable[tuple[str, torch.Tensor]]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Remember the bits of inputs.

    Parameters
    ----------
    arrays : iterable of (str, Tensor)
        Inputs.

    Returns
    -------
    dict
        Each with a copy.
    """
    return {name: (x, x.detach().clone()) for name, x in arrays}


def check_kept(arrays: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Raise if an input changed.

    Parameters
    ----------
    arrays : mapping
        What `kept` returned.

    Raises
    ------
    Misbehaved
        Naming the input.
    """
    for name, (now, before) in arrays.items():
        if now.shape != before.shape or not bool((_bits(now) == _bits(before)).all()):
            raise Misbehaved("mutated input", f"it changed its input {name}")
