"""The corpus: the worst inputs that a search has found, kept as small files and run in every check."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dltsym.errors import DomainError
from dltsym.implementation import Arithmetic, Case
from dltsym.oracle.formats import SHORT, Array, full_name
from dltsym.oracle.prepare import Prepared, measured
from dltsym.oracle.spec import Spec

LARGEST = 65_536
"""Bytes of a file, at most."""
PREFIX = "corpus "
"""What the names of cases from the corpus begin with."""


def save(folder: Path, spec: Spec, found: Prepared, ratio: float) -> Path | None:
    """Keep an input.

    Parameters
    ----------
    folder : Path
        Folder.
    spec : Spec
        Statement.
    found : Prepared
        Case.
    ratio : float
        Its error in units of the tolerance.

    Returns
    -------
    Path or None
        None when it is too large to keep.
    """
    told = {
        "key": spec.key, "dtype": found.dtype, "sizes": dict(found.case.sizes), "modes": dict(found.modes),
        "name": found.case.name, "seed": found.case.seed, "ratio": float(f"{min(ratio, 1e300):.4g}"),
    }  # fmt: skip
    arrays = {f"x_{n}": np.asarray(x, dtype=np.float64) for n, x in found.inputs.items()}
    mark = hashlib.sha256(b"".join(x.tobytes() for x in arrays.values())).hexdigest()[:10]
    path = folder / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', spec.key)}-{SHORT[found.dtype]}-{mark}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, about=np.array(json.dumps(told, default=str)), **arrays)  # type: ignore[arg-type]
    if path.stat().st_size > LARGEST:
        path.unlink()
        return None
    return path


def stored(folder: Path, key: str, dtype: str | None = None) -> Iterator[tuple[Case, str, dict[str, Array]]]:
    """Read the inputs that are kept for a statement.

    Parameters
    ----------
    folder : Path
        Folder.
    key : str
        Statement.
    dtype : str, optional
        Only of this type.

    Yields
    ------
    tuple
        A case that stands for it, its type, and the inputs.

    Raises
    ------
    DomainError
        For a file that holds something else.
    """
    for path in sorted(folder.glob("*.npz")):
        try:
            with np.load(path, allow_pickle=False) as held:
                about: dict[str, Any] = json.loads(str(held["about"]))
                inputs = {n[2:]: held[n] for n in held.files if n.startswith("x_")}
        except (ValueError, KeyError, OSError) as e:
            raise DomainError(f"{path} is no input of a corpus: {e}") from None
        if about["key"] == key and dtype in (None, about["dtype"], SHORT[about["dtype"]]):
            case = Case(PREFIX + path.stem, about["sizes"], modes=about["modes"], seed=int(about["seed"]))
            yield case, about["dtype"], inputs


def prepared(
    folder: Path,
    spec: Spec,
    dtype: str,
    arithmetic: Arithmetic,
    grads: tuple[str, ...] = (),
    types: Mapping[str, str] | None = None,
) -> list[Prepared]:
    """Return the cases that are kept for a statement, with what is true of them.

    Parameters
    ----------
    folder : Path
        Folder.
    spec : Spec
        Statement.
    dtype : str
        Type.
    arithmetic : Arithmetic
        Contract.
    grads : tuple of str
        Inputs to differentiate by.
    types : mapping of str to str, optional
        Types in which the candidate returns its results.

    Returns
    -------
    list of Prepared
    """
    out = []
    for case, own, inputs in stored(folder, spec.key, full_name(dtype)):
        bare = Prepared(case, own, arithmetic, inputs, dict(case.modes), stored=dict(types or {}))
        out.append(measured(spec, bare, grads))
    return out
