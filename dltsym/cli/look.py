"""Verbs that only look: list, show, latex, cite, graph, info."""

from __future__ import annotations

from typing import Any

import click

from dltsym.cli.say import SHOWN, count, dump, ending, json_option, note, table


@click.command("list", epilog=ending("dltsym list", "dltsym list kl bernoulli", status="0 fine; 2 misuse; 130 Ctrl-C."))
@click.argument("words", nargs=-1)
@json_option
def list_(words: tuple[str, ...], as_json: bool) -> None:
    """List the records, with the grade of their last check.

    WORDS keep the records whose key or title has every word in it. A record that was never checked, or was edited
    since, is shown as unchecked.
    """
    from dltsym import catalogue

    rows, broken = catalogue.rows()
    wanted = [word.casefold() for word in words]
    rows = [row for row in rows if all(word in f"{row['key']} {row['title']}".casefold() for word in wanted)]
    if as_json:
        dump(rows)
    else:
        cells = [
            (r["key"], r["grade"] if r["checked"] else "unchecked", r["kind"], r["steps"], r["title"]) for r in rows
        ]
        click.echo(table(("KEY", "GRADE", "KIND", "STEPS", "TITLE"), cells, paint=1))
        click.echo(f"{count(len(rows), 'record')}. Next: dltsym show KEY, dltsym check KEY.")
    if broken:
        names = ", ".join(sorted(broken))
        note(f"warning: {count(len(broken), 'record')} broken: {names}. `dltsym verify` shows why.", "red")


@click.command(epilog=ending("dltsym show information.pinsker", status=SHOWN))
@click.argument("key")
@json_option
def show(key: str, as_json: bool) -> None:
    """Show the statement of a record, and its report if it has been checked."""
    from dltsym import batch, index, task
    from dltsym.cache import open_cache
    from dltsym.packs import load_record
    from dltsym.render import text

    found = index.build()
    entry = found.entry(key)
    record = load_record(entry.file)
    kept = open_cache().get(found.content(entry.key))
    report = batch.finish(found, entry, kept) if kept else None
    if as_json:
        dump(_described(record, entry.row) | {"report": report})
        return
    if record.prose:
        click.echo(record.prose + "\n")
    text.show(record, task.restore(report) if report else None)
    if report is None:
        click.echo(f"\nNot checked yet: dltsym check {entry.key}")


def _described(record: Any, row: dict[str, Any]) -> dict[str, Any]:
    from dltsym.record import Audit
    from dltsym.render.text import claim_text

    shown = {name: row[name] for name in ("title", "area", "kind", "steps", "cites", "aliases", "kernel", "uses")}
    claims = [record.claim] if isinstance(record, Audit) else record.claims
    given = [str(getattr(g, "rel", g)) for g in record.given]
    symbols = [
        {"name": s.name, "sort": s.decl.sort, "meaning": s.decl.meaning, "unit": s.decl.unit, "domain": _domain(s.decl)}
        for s in record.symbols.values()
    ]
    more = {"prints": record.prints, "verdict": record.verdict, "corrected": record.corrected} if isinstance(
        record, Audit) else {}  # fmt: skip
    return {
        "key": record.key, **shown, "prose": record.prose, "claims": [claim_text(c) for c in claims], "given": given,
        "symbols": symbols, "source": {"key": record.source.key, "where": record.source.where}, **more,
    }  # fmt: skip


def _domain(decl: Any) -> str:
    if decl.definition is not None:
        return f"= {decl.definition}"
    left = "(-oo" if decl.lo is None else f"{'(' if decl.lo_open else '['}{decl.lo}"
    right = "oo)" if decl.hi is None else f"{decl.hi}{')' if decl.hi_open else ']'}"
    size = " x ".join(f"{lo}..{hi}" for lo, hi in decl.shape)
    return f"{left}, {right}" + (f" for each of {size}" if size else "")


@click.command(epilog=ending("dltsym latex information.pinsker", "dltsym latex --paper information.pinsker > p.tex",
                             status=SHOWN))  # fmt: skip
@click.argument("key")
@click.option("--paper", is_flag=True, help="A whole file that compiles.")
@click.option("--no-check", is_flag=True, help="Without grades: do not check the record first.")
def latex(key: str, paper: bool, no_check: bool) -> None:
    """Print a record as LaTeX: statement, derivation with reasons and grades."""
    from dltsym import catalogue
    from dltsym.record import Audit
    from dltsym.render import latex as views

    record = catalogue.get(key)
    if isinstance(record, Audit):
        if paper:
            raise click.UsageError("--paper is for theorems; an audit is a box")
        click.echo(views.audit(record))
        return
    report: Any = None if no_check else catalogue.check(record)
    if paper:
        click.echo(views.paper(record, report, catalogue.get), nl=False)
    else:
        click.echo(views.statement(record))
        click.echo("\n" + views.derivation(record, report))


@click.command(epilog=ending("dltsym cite pac_bayes.maurer_pinsker", status=SHOWN))
@click.argument("key")
@click.option("--no-check", is_flag=True, help="Do not check first; software is then not cited by engine.")
@json_option
def cite(key: str, no_check: bool, as_json: bool) -> None:
    """Print BibTeX for exactly what a record uses: its sources, those of its lemmas, the software."""
    from dltsym import catalogue
    from dltsym.render import bib

    record = catalogue.get(key)
    report = None if no_check else catalogue.check(record)
    keys = bib.cite(record, report, catalogue.get)
    source = bib.bibtex(keys, record.key)
    if as_json:
        dump({"key": record.key, "cites": list(keys), "bibtex": source})
    else:
        click.echo(source)


@click.command(epilog=ending("dltsym graph | dot -Tsvg > graph.svg", "dltsym graph --format mermaid",
                             status="0 fine; 1 theorems rest on each other; 2 misuse; 130 Ctrl-C."))  # fmt: skip
@click.option("--format", "shape", type=click.Choice(["dot", "json", "mermaid"]), default="dot", show_default=True,
              help="For Graphviz, a machine, or a page.")  # fmt: skip
@json_option
def graph(shape: str, as_json: bool) -> None:
    """Print which theorem uses which."""
    from dltsym import catalogue

    edges = catalogue.graph()
    if as_json or shape == "json":
        dump(edges)
    elif shape == "dot":
        lines = [f'  "{key}";' for key in sorted(edges)]
        lines += [f'  "{key}" -> "{use}";' for key in sorted(edges) for use in edges[key]]
        click.echo("\n".join(["digraph dltsym {", "  rankdir=LR;", "  node [shape=box];", *lines, "}"]))
    else:
        names = {key: f"n{k}" for k, key in enumerate(sorted({*edges, *(u for us in edges.values() for u in us)}))}
        lines = [f'  {name}["{key}"]' for key, name in names.items()]
        lines += [f"  {names[key]} --> {names[use]}" for key in sorted(edges) for use in edges[key]]
        click.echo("\n".join(["graph LR", *lines]))


@click.command(epilog=ending("dltsym info", status="0 fine; 2 misuse; 130 Ctrl-C."))
@json_option
def info(as_json: bool) -> None:
    """Show versions, backends, packs and the cache."""
    data = _facts()
    if as_json:
        dump(data)
        return
    click.echo(f"dltsym {data['dltsym']} on Python {data['python']}, {data['platform']}")
    click.echo("packages   " + ", ".join(f"{name} {version}" for name, version in data["packages"].items()))
    click.echo("backends   " + ", ".join(data["backends"]))
    for pack in data["packs"]:
        click.echo(f"pack       {pack['name']}: {count(pack['records'], 'record')} in {', '.join(pack['folders'])}")
    cache = data["cache"]
    click.echo(f"cache      {cache['folder']}: {cache['entries']} entries, {cache['bytes'] / 1e6:.1f} MB")
    click.echo(f"engines    {data['engines'][:12]}")


def _facts() -> dict[str, Any]:
    import platform
    from importlib.util import find_spec

    from dltsym import __version__, index
    from dltsym.cache import engine_fingerprint, open_cache, versions

    cache = open_cache()
    found = index.build(cache=cache)
    entries, size = cache.size()
    names = ("python-flint", "z3-solver", "sympy", "mpmath", "numpy", "scipy", "torch", "triton")
    owners = [entry.file.pack for entry in found.entries.values()]
    return {
        "dltsym": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "packages": versions(names),
        "backends": [b for b in ("numpy", "torch", "ball", "triton") if b == "ball" or find_spec(b)],
        "packs": [
            {"name": p.name, "folders": list(map(str, p.folders)), "records": owners.count(p.name)} for p in found.packs
        ],
        "broken": sorted(found.broken),
        "cache": {"folder": str(cache.folder), "entries": entries, "bytes": size},
        "engines": engine_fingerprint(),
    }
