"""The verdict cache: small JSON values on disk, found by content hash, safe to delete at any time.

An entry is two lines, the SHA-256 of the second and the value. Whatever does not read back exactly is a miss, so a
half-written, truncated or edited file costs time and never changes a verdict.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

# These folders say how a verdict is shown, replayed or what is proved, not how it is proved.
_NOT_ENGINE = ("cli", "formal", "render", "theorems", "__pycache__")
_PACKAGES = ("python-flint", "z3-solver", "sympy", "mpmath")


def digest(*parts: str) -> str:
    """Return the SHA-256 of some texts, each with its length, so that no two lists of texts collide.

    Parameters
    ----------
    *parts : str
        Texts.

    Returns
    -------
    str

    Examples
    --------
    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    state = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(b"%d:" % len(data) + data)
    return state.hexdigest()


@dataclass(frozen=True)
class Cache:
    """A folder of JSON values; with ``folder=None`` nothing is found and nothing is kept.

    `version` goes into every key: entries of another version are never found.
    """

    folder: Path | None
    version: str = ""

    def _path(self, key: str) -> Path:
        name = digest(self.version, key)
        return Path(self.folder or "") / name[:2] / f"{name[2:]}.json"

    def get(self, key: str) -> dict[str, Any] | None:
        """Look up a value.

        Parameters
        ----------
        key : str
            Any text.

        Returns
        -------
        dict or None
            None when there is no readable, intact entry.
        """
        if self.folder is None:
            return None
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        checksum, _, body = data.partition(b"\n")
        if checksum.decode("ascii", "replace") != hashlib.sha256(body).hexdigest():
            return None
        entry = json.loads(body)
        return entry["value"] if entry["key"] == key else None

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Store a value, atomically: another process sees the old entry or the new one, never half of it.

        A folder that cannot be written is tolerated, with one warning.

        Parameters
        ----------
        key : str
            Any text.
        value : mapping
            Plain data.
        """
        if self.folder is None:
            return
        body = json.dumps({"key": key, "value": value}, sort_keys=True).encode()
        data = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
        try:
            _replace(self._path(key), data)
        except OSError as error:
            _warn_once(str(self.folder), type(error).__name__)

    def entries(self) -> Iterator[Path]:
        """Yield the files of the cache.

        Yields
        ------
        Path
        """
        if self.folder is not None and self.folder.is_dir():
            yield from sorted(self.folder.glob("??/*.json"))

    def size(self) -> tuple[int, int]:
        """Return the number of entries and of bytes.

        Returns
        -------
        tuple of int
        """
        sizes = [path.stat().st_size for path in self.entries()]
        return len(sizes), sum(sizes)


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)  # noqa: PTH105 - the name of the atomic call should be seen
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@lru_cache
def _warn_once(folder: str, problem: str) -> None:
    text = f"the cache {folder} cannot be written ({problem}); nothing is kept. Set DLTSYM_CACHE_DIR to another folder."
    warnings.warn(text, RuntimeWarning, stacklevel=4)


def default_folder() -> Path | None:
    """Return the cache folder: ``DLTSYM_CACHE_DIR``, or the place that the platform gives to caches.

    Returns
    -------
    Path or None
        None when the user has no home folder.
    """
    if chosen := os.environ.get("DLTSYM_CACHE_DIR"):
        return Path(chosen).expanduser()
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        base = home / "Library" / "Caches"
    elif os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "dltsym"


def open_cache(enabled: bool = True) -> Cache:
    """Return the user's cache for this version of the engines, or one that keeps nothing.

    Parameters
    ----------
    enabled : bool
        Whether to read and write it.

    Returns
    -------
    Cache
    """
    folder = default_folder() if enabled else None
    return Cache(folder, engine_fingerprint() if folder else "")


@lru_cache(maxsize=1)
def engine_fingerprint() -> str:
    """Return the hash of everything a verdict rests on besides the record: our source and the versions under it.

    Returns
    -------
    str
    """
    home = Path(__file__).resolve().parent
    parts = []
    for path in sorted(home.rglob("*.py")):
        place = path.relative_to(home)
        if not set(place.parts[:-1]) & set(_NOT_ENGINE):
            parts += [place.as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]
    return digest(*parts, sys.version, *(f"{name} {text}" for name, text in versions(_PACKAGES).items()))


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the installed versions of some distributions, without importing them.

    Parameters
    ----------
    packages : tuple of str
        Names of distributions.

    Returns
    -------
    dict
        Name to version, or to ``"-"`` when it is not installed.
    """
    from importlib import metadata

    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "-"
    return found
