"""Record files for tests: good ones, broken ones, hostile ones."""

from pathlib import Path

GOOD = '''"""The square of a sum."""

from dltsym import Scope, derive, value

v = Scope()
x = v.real("x", "a number")

theorem = v.theorem(
    title="Square of x + 1",
    cite=("euclid", "II.4"),
    claim="(x + 1)**2 = x**2 + 2*x + 1",
    proof=derive("(x + 1)**2").eq("x**2 + 2*x + 1", "expand"),
    outputs={"square": "(x + 1)**2"},
    values=[value("9", "by hand", x=2)],
)
'''
USER = '''"""The same by a lemma."""

from dltsym import Scope, derive, thm

v = Scope()
y = v.real("y", "a number")

theorem = v.theorem(
    title="Square of y + 1",
    cite=("euclid", "II.4"),
    claim="(y + 1)**2 = y**2 + 2*y + 1",
    proof=derive("(y + 1)**2").eq("y**2 + 2*y + 1", by=thm("LEMMA", x=y)),
)
'''
FALSE = GOOD.replace("2*x + 1", "3*x + 1").replace("Square of", "Wrong square of")
BAD_VALUE = GOOD.replace('"9"', '"10"')
NO_SOURCE = GOOD.replace("euclid", "euklid")
AUDIT = '''"""A printed slip."""

from dltsym import Scope

v = Scope()
x = v.real("x", "a number")

audit = v.audit(
    title="A square that lost its middle term",
    source=("euclid", "nowhere"),
    prints="(x + 1)^2 = x^2 + 1",
    claim="(x + 1)**2 = x**2 + 1",
    verdict="refuted",
    corrected="(x + 1)^2 = x^2 + 2 x + 1",
    at={"x": 2},
    see=["algebra.square"],
)
'''
BROKEN = "def f():\n    raise ValueError('no such theorem')\nf()\n"
SLOW = "while True:\n    pass\n"
HOSTILE = {
    "exits": "import sys\nsys.exit(0)\n",
    "dies": "import os\nos._exit(0)\n",
    "raises": "raise BaseException('boo')\n",
    "interrupts": "raise KeyboardInterrupt\n",
    "crashes": "import ctypes\nctypes.string_at(0)\n",
    "empty": "",
    "two": GOOD + "\nother = v.theorem(title='b', cite=('euclid', ''), claim='x = x')\n",
    "misnamed": GOOD.replace("theorem = ", "lemma = "),
    "syntax": "theorem = (\n",
    "binary": "\x00\x01",
}
PRINTS = 'print("{not json")\nimport os, sys\nos.write(1, b"{")\nsys.stderr.write("noise")\n' + GOOD
BIB = "@book{euclid,\n  title = {Elements},\n  author = {Euclid},\n  publisher = {Ptolemy},\n  year = {-300},\n}\n"


def write(folder: Path, **files: str) -> Path:
    """Write records ``area__name=text`` and the bibliography; return the folder."""
    for name, text in files.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "references.bib").write_text(BIB, encoding="utf-8")
    return folder
