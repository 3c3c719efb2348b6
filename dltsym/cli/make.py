"""The verb that writes a record file: new."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltsym.cli.say import ending

if TYPE_CHECKING:
    from dltsym.packs import Pack

TEMPLATE = '''r"""{title}: one sentence that says what it gives you.

Two or three sentences for the reader: why it holds, when it is tight, what it is used for. This text becomes the page.
"""

from dltsym import Scope, derive, value

v = Scope()
x = v.real("x", "say what it means")
y = v.real("y", "say what it means")

theorem = v.theorem(
    title="{title}",
    cite=("{cite}", "say where"),
    claim="2*x*y <= x**2 + y**2",
    proof=derive("2*x*y")
    .eq("x**2 + y**2 - (x - y)**2", "expand the square")
    .le("x**2 + y**2", "a square is not negative"),
    tight={{"x": "y"}},
    values=[value("13", "2**2 + 3**2 by hand", x=2, y=3)],
)
'''

ENTRY = """@misc{{{cite},
  title = {{Replace this entry by the source of your theorem}},
  author = {{Nobody, N.}},
  year = {{2000}},
}}
"""


@click.command(epilog=ending("dltsym new information/my_bound", "dltsym new lemmas/first --in ~/my_records",
                             status="0 fine; 2 misuse, and nothing is written."))  # fmt: skip
@click.argument("name", metavar="AREA/NAME")
@click.option("--in", "folder", type=click.Path(file_okay=False, path_type=Path),
              help="Folder of the pack; by default that of DLTSYM_PACKS, else of the checkout.")  # fmt: skip
@click.option("--cite", "source", help="Bibliography key of the source.")
def new(name: str, folder: Path | None, source: str | None) -> None:
    """Write a record file that already passes, as a start for yours.

    It becomes FOLDER/AREA/NAME.py with the key AREA.NAME. Where there is no references.bib, one is begun.
    """  # noqa: DOC501 - the text is shown to users
    from dltsym.packs import bib_keys, packs, record_paths

    parts = re.split(r"[./]", name.removesuffix(".py"))
    if len(parts) < 2 or not all(re.fullmatch(r"[a-z][a-z0-9_]*", part) for part in parts):
        raise click.UsageError(f"{name!r}: write AREA/NAME in lower case, such as information/pinsker")
    found, key = packs(), ".".join(parts)
    home = (folder or _home(found)).expanduser()
    path = home.joinpath(*parts).with_suffix(".py")
    if path.exists():
        raise click.UsageError(f"{path} exists; nothing was written")
    taken = next((p for pack in found for k, p in record_paths(pack) if k == key), None)
    if taken is not None:
        raise click.UsageError(f"the key {key} is taken by {taken}; nothing was written")
    path.parent.mkdir(parents=True, exist_ok=True)
    bibliography = home / "references.bib"
    known = sorted(bib_keys([bibliography])) if bibliography.is_file() else []
    cite = source or (known[0] if known else "replace_me")
    if cite not in known:
        _add_entry(bibliography, cite)
    title = parts[-1].replace("_", " ").capitalize()
    with path.open("x", encoding="utf-8") as file:
        file.write(TEMPLATE.format(title=title, cite=cite))
    _say(path, home, key, cite, found)


def _say(path: Path, home: Path, key: str, cite: str, found: Sequence[Pack]) -> None:
    """Say what was written, into which pack, and what comes next."""
    pack = next((p.name for p in found if home.resolve() in p.folders), None)
    click.echo(f"written: {path}" + (f" (pack {pack})" if pack else ""))
    if pack is None:
        click.echo(f"0. This folder is no pack in use: export DLTSYM_PACKS={shlex.quote(str(home.resolve()))}")
    click.echo(f"1. Run `dltsym check {key}`: it passes as it is.")
    click.echo("2. Replace symbols, claim and proof by yours, one step at a time, and check again.")
    click.echo(f"3. Cite your source: its entry goes into {home / 'references.bib'} ({cite} stands in for it).")


def _home(found: Sequence[Pack]) -> Path:
    """Return the folder of DLTSYM_PACKS, else of the first pack outside of an installed package, else one here."""
    from dltsym.packs import named_folders

    named = named_folders()
    if len(named) > 1:
        raise click.UsageError(f"DLTSYM_PACKS names several; say which one with --in: {', '.join(map(str, named))}")
    installed = Path(__file__).resolve().parent.parent
    folders = [*named, *(f for pack in found for f in pack.folders if not f.is_relative_to(installed))]
    return folders[0] if folders else Path("derivations")


def _add_entry(path: Path, cite: str) -> None:
    text = path.read_text(encoding="utf-8") + "\n" if path.is_file() else ""
    path.write_text(text + ENTRY.format(cite=cite), encoding="utf-8")
