"""Without torch, or with torch and without triton, everything says what to install and nothing breaks."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in {gone} else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without

from click.testing import CliRunner
import dltsym
from dltsym import kernels
from dltsym.cli import main

KEY = "attention.one_sided_eot"
COMMANDS = (["list"], ["check", KEY], ["bench", KEY], ["mutate", "attention"], ["resources", "attention"], [KEY])
told = [CliRunner().invoke(main, ["kernel", *command]) for command in COMMANDS]
print(json.dumps({{
    "names": sorted(kernels.everything()),
    "operator": dltsym.get(KEY).operator is not None,
    "told": {{" ".join(c): [t.exit_code, t.output] for c, t in zip(COMMANDS, told)}},
    "loaded": [name for name in {gone} if name in sys.modules],
}}))
"""


@pytest.mark.parametrize(("gone", "extra"), [(("torch", "triton"), "dltsym[torch]"), (("triton",), "dltsym[gpu]")])
def test_kernels_are_listed_and_their_checks_name_the_extra(gone: tuple[str, ...], extra: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(gone=gone)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["loaded"] == []
    assert told["operator"]
    assert "attention.one_sided_eot" in told["names"]
    code, listing = told["told"].pop("list")
    assert code == 0
    assert all(name in listing for name in told["names"])
    assert told["told"].pop("attention.one_sided_eot")[0] == 0
    for command, (code, said) in told["told"].items():
        assert code == 5, f"{command}: {said}"
        assert extra in said, f"{command}: {said}"
