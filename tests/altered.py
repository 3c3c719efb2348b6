"""Small changes to a certificate, one at a time: every number, sign, relation, name and part."""

import copy
import re
from collections.abc import Iterator
from typing import Any

WORDS = ("even", "zero", "ball", "side")
Path = tuple[Any, ...]


def _spliced(text: str, m: re.Match[str], new: str) -> str:
    return text[: m.start()] + new + text[m.end() :]


def texts(text: str) -> list[str]:
    """Return changed versions of a text."""
    if text in WORDS:
        return [w for w in WORDS if w != text]
    out = [_spliced(text, m, str(int(m[0]) + d)) for m in re.finditer(r"\d+", text) for d in (1, -1)]
    out += [_spliced(text, m, " - " if m[0] == " + " else " + ") for m in re.finditer(r" [+-] ", text)]
    out += [_spliced(text, m, o) for m in re.finditer(r"<=|<|!=|=", text) for o in ("<=", "<", "=") if o != m[0]]
    if not re.search("[<=]", text) and text != "0":
        out.append(f"-({text})")
    names = sorted(set(re.findall(r"\b[a-zA-Z]\w*\b", text)) | {"exp", "log"})
    for m in re.finditer(r"\b[a-zA-Z]\w*\b", text):
        call = text[m.end() :].startswith("(")
        out += [_spliced(text, m, n) for n in names if n != m[0] and (n in ("exp", "log", "sqrt")) == call]
    return [t for t in dict.fromkeys(out) if t != text]


def changes(part: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield places and what to put there; None means that the part is taken out."""
    match part:
        case str():
            yield from ((path, t) for t in texts(part) if path[-1] != "kind")
        case int():
            yield from ((path, part + d) for d in (1, -1))
        case dict() | list():
            for at, inner in part.items() if isinstance(part, dict) else enumerate(part):
                yield (*path, at), None
                yield from changes(inner, (*path, at))


def altered(certificate: dict[str, Any], path: Path, new: Any) -> dict[str, Any]:
    """Return a certificate with one change."""
    out = copy.deepcopy(certificate)
    place = out
    for step in path[:-1]:
        place = place[step]
    if new is None:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    return out
