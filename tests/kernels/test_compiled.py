"""Every launch that the families give as an example compiles for sm_90 within its resources, as it does on file.

``python tests/kernels/test_compiled.py --update [FAMILY...]`` puts today's resources on file: commit that on purpose.
"""

import json
import os
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from dltsym import kernels
from dltsym.oracle.compiled import Compiled, compile_variants, differences, table

pytest.importorskip("triton", reason="the triton backend is optional: pip install dltsym[gpu]")

FILE = Path(__file__).parent / "resources.json"
FAMILIES = [module.__name__.rsplit(".", 1)[-1] for module in kernels.families()]
TOY = """
import torch, triton, triton.language as tl
from dltsym.kernels.launch import launch
from dltsym.kernels.variant import Variant

@triton.jit
def half_defined(x, B: tl.constexpr):
    i = tl.arange(0, B)
    if tl.sum(tl.load(x + i), 0) > 0:
        y = 1.0
    tl.store(x + i, y)

@triton.jit
def product(x, B: tl.constexpr, PRECISION: tl.constexpr):
    at = tl.arange(0, B)[:, None] * B + tl.arange(0, B)[None, :]
    a = tl.load(x + at)
    tl.store(x + at, tl.dot(a, a, input_precision=PRECISION))

def variants():
    x = torch.zeros(128, 128)
    def hang():
        import ctypes
        ctypes.CDLL(None).sleep(60)
    yield Variant("builtin only the interpreter takes", lambda: launch(half_defined, (1,), x, 128))
    yield Variant("on tensor cores", lambda: launch(product, (1,), x, 128, "tf32"))
    yield Variant("promised tensor cores", lambda: launch(product, (1,), x, 64, "ieee"))
    yield Variant("slow", hang)
    yield Variant("nothing", lambda: None)
"""


VERSION = version("triton")


def on_file() -> dict[str, dict[str, dict[str, int]]]:
    return json.loads(FILE.read_text(encoding="utf-8"))["families"] if FILE.is_file() else {}


def version_on_file() -> str:
    return json.loads(FILE.read_text(encoding="utf-8"))["triton"] if FILE.is_file() else VERSION


def compiled(family: str) -> list[Compiled]:
    module = f"{kernels.__name__}.{family}.variants"
    assert find_spec(module), f"{family} gives no example launches: add dltsym/kernels/{family}/variants.py"
    return compile_variants(module)


@pytest.mark.unwatched
@pytest.mark.parametrize("family", FAMILIES)
def test_it_compiles_within_its_resources_as_on_file(family: str) -> None:
    found = compiled(family)
    assert [told for variant in found for told in variant.faults()] == []
    if version_on_file() != VERSION:
        pytest.skip(f"it passed the gate; resources on file are of triton {version_on_file()}, this is {VERSION}")
    changed = differences(table(found), on_file().get(family, {}))
    assert not changed, "\n".join([*changed, "to accept: python tests/kernels/test_compiled.py --update " + family])


def test_the_file_holds_no_family_that_is_gone() -> None:
    assert set(on_file()) <= set(FAMILIES)


@pytest.mark.unwatched
def test_faults_are_found_and_do_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_variants.py").write_text(TOY)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    found = {variant.name: variant for variant in compile_variants("toy_variants", seconds=8)}
    faults = {name: "\n".join(variant.faults()) for name, variant in found.items()}
    assert "y is not defined" in faults["builtin only the interpreter takes"]
    assert faults["on tensor cores"] == ""
    assert "no tensor-core instruction" in faults["promised tensor cores"]
    assert faults["slow"] == "slow: longer than 8 s"
    assert faults["nothing"] == "nothing: launched no kernel"


def test_the_gate_counts_stack_and_shared_memory() -> None:
    row = {"kernel": "f", "shared": 232_449, "stack": 96, "dots": 1, "wgmma": 0, "mma": 0}
    allowed = {"tensor_cores": False, "stack": {"f": "two spills beat half the occupancy"}}
    assert [told.split(": f: ")[1][:12] for told in Compiled("v", (row,)).faults()] == ["232449 bytes", "96 bytes of "]
    assert len(Compiled("v", (row,), promise=allowed).faults()) == 1
    assert Compiled("v", ({**row, "shared": 0},), promise=allowed).faults() == []
    assert "166912 allowed" in Compiled("v", (row,), promise=allowed, capability=80).faults()[0]


def test_differences_are_told_one_by_one() -> None:
    old = {"a / f": {"regs": 10}, "b / f": {"regs": 1}}
    new = {"a / f": {"regs": 12}, "c / f": {"regs": 1}}
    assert differences(new, old) == ["c / f: not on file", "b / f: no longer compiled", "a / f: regs 12 (was 10)"]
    assert differences(old, old) == []


def update(*families: str) -> None:
    """Put the resources of families (all, if none is named) on file."""
    for family in families or FAMILIES:
        found = compiled(family)
        kept = {name: rows for name, rows in on_file().items() if name in FAMILIES}
        for told in (told for variant in found for told in variant.faults()):
            sys.stdout.write(f"{family}: {told}\n")
        sys.stdout.write("".join(f"{line}\n" for line in differences(table(found), kept.get(family, {}))))
        told = {"triton": VERSION, "families": dict(sorted({**kept, family: table(found)}.items()))}
        FILE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__" and "--update" in sys.argv:
    update(*sys.argv[sys.argv.index("--update") + 1 :])
