"""The bibliography: entries of ``references.bib`` by key, and exactly what one record rests on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltsym.errors import UnknownKey, suggest
from dltsym.packs import bibliographies, packs
from dltsym.record import Audit, Premise, Theorem
from dltsym.render.view import lemma_keys

if TYPE_CHECKING:
    from dltsym.prove.report import AuditReport, Report

# Software that stands behind a grade. An engine may use more than its grade says; then it is named here.
_BY_GRADE = {
    "formal": ("coq", "coquelicot"),
    "exact": ("arb",),
    "ball": ("arb",),
    "tested": ("arb",),
    "refuted": ("arb",),
    "smt": ("z3",),
    "cas": ("sympy",),
}
_BY_ENGINE = {"cas": ("sympy",), "z3": ("z3",)}


def bib_files() -> tuple[Path, ...]:
    """Return the ``references.bib`` of every pack in use.

    Returns
    -------
    tuple of Path
    """
    return tuple(bibliographies(packs()))


@lru_cache(maxsize=8)
def _read(paths: tuple[Path, ...], stamps: tuple[int, ...]) -> Mapping[str, Any]:  # stamps: reread an edited file
    from pybtex.database import parse_string

    texts = [p.read_text(encoding="utf-8") for p in paths] + [(files(__package__) / "software.bib").read_text("utf-8")]
    out: dict[str, Any] = {}
    for text in texts:
        out |= {k: v for k, v in parse_string(text, "bibtex").entries.items() if k not in out}
    return out


def load(paths: Iterable[Path] | None = None) -> Mapping[str, Any]:
    """Return every known bibliography entry by key, the software included.

    Parameters
    ----------
    paths : iterable of Path, optional
        Files; by default those of the installed packs.

    Returns
    -------
    mapping of str to pybtex.database.Entry
    """
    where = bib_files() if paths is None else tuple(paths)
    return _read(where, tuple(p.stat().st_mtime_ns for p in where))


def entries(keys: Iterable[str], record: str = "", paths: Iterable[Path] | None = None) -> dict[str, Any]:
    """Return the entries of some keys, in the order asked for, each once.

    Parameters
    ----------
    keys : iterable of str
        Bibliography keys.
    record : str
        Key of the record that cites, for the error message.
    paths : iterable of Path, optional
        As in `load`.

    Returns
    -------
    dict of str to pybtex.database.Entry

    Raises
    ------
    UnknownKey
        When a key is in no bibliography file.
    """
    known, out = load(paths), {}
    for key in dict.fromkeys(keys):
        if key not in known:
            by = f"{record}: " if record else ""
            raise UnknownKey(f"{by}no bibliography entry {key!r}{suggest(key, known)}; add it to references.bib")
        out[key] = known[key]
    return out


def bibtex(keys: Iterable[str], record: str = "", paths: Iterable[Path] | None = None) -> str:
    """Return BibTeX source of exactly these keys.

    Parameters
    ----------
    keys, record, paths
        As in `entries`.

    Returns
    -------
    str
    """
    return "\n".join(_source_of(key, entry) for key, entry in entries(keys, record, paths).items())


def _source_of(key: str, entry: Any) -> str:
    """Print an entry as BibTeX with its fields as they stand; pybtex's writer would escape the ``_`` of a DOI."""
    people = {role: " and ".join(str(p) for p in persons) for role, persons in entry.persons.items()}
    rows = [f"  {name} = {{{text}}}" for name, text in (people | dict(entry.fields)).items()]
    return f"@{entry.type}{{{key},\n" + ",\n".join(rows) + "\n}\n"


@lru_cache
def _plugins(backend: str) -> tuple[Any, Any]:
    """Return a style and a printer of pybtex, neither of which has a state; looking one up reads every entry point."""
    from pybtex.plugin import find_plugin

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pybtex looks its plugins up the old way
        style = find_plugin("pybtex.style.formatting", "plain")()
        return style, find_plugin("pybtex.backends", backend)()


def formatted(
    keys: Iterable[str], record: str = "", backend: str = "plaintext", paths: Iterable[Path] | None = None
) -> dict[str, str]:
    """Return one formatted reference per key.

    Parameters
    ----------
    keys, record, paths
        As in `entries`.
    backend : {"plaintext", "html", "latex", "markdown"}
        Markup of the result.

    Returns
    -------
    dict of str to str
    """
    style, printer = _plugins(backend)
    out = {}
    for key, entry in entries(keys, record, paths).items():
        (done,) = style.format_entries([entry])
        out[key] = done.text.render(printer).replace("\n", " ")
    return out


def plain(keys: Iterable[str], record: str = "", paths: Iterable[Path] | None = None) -> tuple[str, ...]:
    """Return formatted plain-text references.

    Parameters
    ----------
    keys, record, paths
        As in `entries`.

    Returns
    -------
    tuple of str
    """
    return tuple(formatted(keys, record, "plaintext", paths).values())


def short(key: str, record: str = "", paths: Iterable[Path] | None = None) -> str:
    """Return ``Author et al. (year)`` for a key.

    Parameters
    ----------
    key, record, paths
        As in `entries`, one key.

    Returns
    -------
    str
    """
    entry = entries([key], record, paths)[key]
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [" ".join(str(n) for n in (*p.rich_prelast_names, *p.rich_last_names)) for p in people]
    who = " and ".join(names) if len(names) <= 2 else f"{names[0]} et al."
    return f"{who or key} ({entry.fields.get('year', 'no year')})"


def record_keys(record: Theorem | Audit) -> tuple[str, ...]:
    """Return the bibliography keys that one record names: its source, further sources, its premises.

    Parameters
    ----------
    record : Theorem or Audit
        Record.

    Returns
    -------
    tuple of str
    """
    keys = [record.source.key]
    if isinstance(record, Theorem):
        keys += [s.key for s in record.also]
        keys += [g.source.key for g in record.given if isinstance(g, Premise)]
    return tuple(dict.fromkeys(keys))


def software_keys(report: Report | AuditReport | None) -> tuple[str, ...]:
    """Return the software that a report rests on: dltsym, and what its engines used.

    Parameters
    ----------
    report : Report or AuditReport, optional
        What the checker said.

    Returns
    -------
    tuple of str
    """
    keys = ["dltsym"]
    if report is not None:
        for step in getattr(report, "steps", ()):
            keys += [k for g in (step.grade, *(r.grade for r in step.rows)) for k in _BY_GRADE.get(g, ())]
            keys += _BY_ENGINE.get(step.engine, ())
        keys += ["arb"] if report.values else []
    return tuple(dict.fromkeys(keys))


def cite(
    record: Theorem | Audit,
    report: Report | AuditReport | None = None,
    resolve: Callable[[str], Theorem | Audit] | None = None,
) -> tuple[str, ...]:
    """Return the bibliography keys of exactly what was used.

    Parameters
    ----------
    record : Theorem or Audit
        Record.
    report : Report, optional
        What the checker said; without it only dltsym is cited as software.
    resolve : callable, optional
        Finds a record by key (``dltsym.get``), so that the sources of the lemmas used, and of theirs, are cited.

    Returns
    -------
    tuple of str
    """
    keys = list(record_keys(record))
    todo = [*(lemma_keys(record) if isinstance(record, Theorem) else ()), *getattr(report, "uses", ())]
    seen: set[str] = {record.key}
    while resolve is not None and todo:
        key = todo.pop(0)
        if key not in seen:
            seen.add(key)
            lemma = resolve(key)
            keys += record_keys(lemma)
            todo += lemma_keys(lemma) if isinstance(lemma, Theorem) else ()
    return tuple(dict.fromkeys([*keys, *software_keys(report)]))
