"""`dltsym eval`: every record at its published inputs on three backends, arrays from files, and clear refusals."""

import json
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import record_files as files
from click.testing import CliRunner
from flint import arb
from kernel_points import exact

from dltsym import catalogue
from dltsym.cli import main
from dltsym.cli.evaluating import floats, results
from dltsym.cli.inputs import numbers
from dltsym.errors import DltsymError, UnsupportedError
from dltsym.notation.numbers import Balls
from dltsym.prove.computed import sized
from dltsym.prove.values import environment
from dltsym.record import Theorem

THEOREMS = {key: t for key, t in catalogue.load().records.items() if isinstance(t, Theorem)}
UNSUPPORTED = re.compile(r"torch has (no exponential integral|Bessel functions of order 0 and 1 only)")
ARRAYS = '''"""Entries of an array."""

from dltsym import Eq, Scope

v = Scope()
n, m = v.count("n", "rows"), v.count("m", "columns")
p = v.array("p", (n, m), "weights", lo=0)
i, j = v.index("i", n), v.index("j", m)

theorem = v.theorem(
    title="Rows of weights",
    cite=("euclid", "nowhere"),
    given=Eq(v.sum(lambda s: p[i, s], m), 1),
    claim=p[i, j] <= p[i, j] + 1,
    outputs={"twice": 2 * p[i, j], "row": v.sum(lambda s: s * p[i, s], m)},
)
'''


def near(value: Any) -> Any:
    if isinstance(value, tuple):
        return [near(item) for item in value]
    return float(value.mid()) if isinstance(value, arb) else floats(value)


def flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from flat(item)
    else:
        yield value


def allowances(record: Theorem, of: str, rounded: dict[str, Any], backend: str) -> list[float] | None:
    """Return the derived bounds of the entries of an output at rounded inputs; None without a tensor form."""
    whole = {name: x for name, x in rounded.items() if record.symbols[name].decl.sort in ("integer", "index")}
    kernel = record.kernel(backend, of)
    kinds = {"bool": bool, "integer": np.int64}
    known = {
        name: np.array(x, kinds.get(record.symbols[name].decl.entries, float)) if isinstance(x, list) else x
        for name, x in rounded.items()
        if name in kernel.inputs or name in whole
    }
    try:
        bound = kernel.bound(
            "float64", **{name: np.array(x) if isinstance(x, list) else x for name, x in known.items()}
        )
    except UnsupportedError:
        return None
    return [float(x) for x in np.ravel(bound)]


def spread(record: Theorem, of: str, rounded: dict[str, Any]) -> list[float] | None:
    """Return how far rounding may lead an algorithm, from a run over balls of 53 bits; None if it needs more."""
    assert record.algorithm is not None
    env = sized(record.symbols, {name: exact(x) for name, x in rounded.items()})
    try:
        found = record.algorithm(Balls(53), env)[of]
    except DltsymError:
        return None
    return [8 * float(x.rad()) for x in flat(plain(found))]


def plain(value: Any) -> Any:
    return [plain(x) for x in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("key", [key for key, t in THEOREMS.items() if t.values])
def test_three_backends_agree_at_the_published_inputs(key: str) -> None:
    """One value of each output: numpy and torch lie within the derived bound of the enclosure at the same floats."""
    pytest.importorskip("torch")
    record, seen = THEOREMS[key], set[str]()
    names = (*record.outputs, *(record.algorithm.computes if record.algorithm else ()))
    for value in record.values:
        of = (value.of or names[0]).split("[")[0] if value.of not in record.outputs else value.of
        if of in seen:
            continue
        seen.add(of)
        rounded = {name: near(x) for name, x in environment(value.inputs).items()}
        given, digits = (rounded, 25) if of in record.outputs else (environment(value.inputs), 15)
        ball = [arb(x) for x in flat(results(record, given, of, "ball", digits))]
        for backend in ("numpy", "torch"):
            try:
                found = list(flat(results(record, rounded, of, backend)))
            except UnsupportedError as error:
                if backend == "torch" and UNSUPPORTED.match(str(error)):
                    continue
                raise
            slack = allowances(record, of, rounded, backend) if of in record.outputs else spread(record, of, rounded)
            assert len(found) == len(ball) == len(slack or ball)
            for k, (want, got) in enumerate(zip(ball, found, strict=True)):
                # a closed form of functions without a bound; and the conversion of an algorithm's result
                more = 0.0 if slack and of in record.outputs else 2.0**-48 if slack else 2e-11
                assert abs(want - got) <= (slack[k] if slack else 0) + more * abs(got) + want.rad(), (
                    of,
                    backend,
                    want,
                    got,
                )


# Arrays


@pytest.fixture
def rows(pack: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
    pack(algebra__rows=ARRAYS)

    def run(*arguments: str, status: int = 0) -> Any:
        result = CliRunner().invoke(main, ["eval", "algebra.rows", *arguments, "--json"])
        assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
        return json.loads(result.stdout) if status == 0 else " ".join(result.stderr.split())

    return run


def test_arrays_from_text_and_files_give_the_same(rows: Callable[..., Any], tmp_path: Path) -> None:
    weights = [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]
    np.save(tmp_path / "p.npy", np.array(weights))
    np.save(tmp_path / "half.npy", np.array(weights, np.float16))
    (tmp_path / "p.json").write_text(json.dumps(weights), encoding="utf-8")
    (tmp_path / "exact.json").write_text('[["1/2", 0.25, 2.5e-1], [0, 1, 0]]', encoding="utf-8")
    sources = [
        "[[1/2, 1/4, 0.25], [0, 1, 0]]",
        *(f"@{tmp_path / n}" for n in ("p.npy", "half.npy", "p.json", "exact.json")),
    ]
    for source in sources:
        for backend in ("numpy", "torch"):
            found = rows("--set", f"p={source}", "--backend", backend)["value"]
            assert found == {"twice": [[1, 0.5, 0.5], [0, 2, 0]], "row": [1.75, 2]}
        ball = rows("--set", f"p={source}", "--backend", "ball", "--of", "twice")["enclosure"]
        assert [[float(arb(x).mid()) for x in row] for row in ball] == [[1, 0.5, 0.5], [0, 2, 0]]
    assert rows("--set", f"p={sources[1]}", "--set", "i=1", "--of", "twice")["value"] == [1, 0.5, 0.5]
    assert rows("--set", f"p={sources[1]}", "--set", "i=1", "--set", "j=2", "--of", "twice")["value"] == 0.5


def test_rounded_weights_are_forgiven_and_wrong_ones_are_not(rows: Callable[..., Any], tmp_path: Path) -> None:
    third = np.full((1, 3), 1 / 3) + np.array([[1e-17, 0, 1e-16]])
    np.save(tmp_path / "p.npy", third)
    (tmp_path / "p.json").write_text(json.dumps([[0.1, 0.2, 0.7000000000000001]]), encoding="utf-8")
    for source in ("p.npy", "p.json"):
        for backend in ("numpy", "torch", "ball"):
            rows("--set", f"p=@{tmp_path / source}", "--backend", backend)
    for backend in ("numpy", "torch", "ball"):
        said = rows("--set", "p=[[0.5, 0.4]]", "--backend", backend, status=2)
        assert "violate the hypothesis Sum(p[i, s]" in said or "violate the hypothesis Sum(" in said
        assert "p" in rows("--set", "p=[[1.5, -0.5]]", "--backend", backend, status=2)


@pytest.mark.parametrize(("text", "said"), [
    ("[1, 2]", "shape (n, m)"), ("1", "shape (n, m)"), ("[[[1]]]", "shape (n, m)"), ("[[1], [1, 0]]", "rectangular"),
    ("@none.npy", "No such file"), ("@none.txt", "a .npy or a .json file"), ("[[1], 2]", "rectangular"),
])  # fmt: skip
def test_a_wrong_shape_is_named(rows: Callable[..., Any], text: str, said: str) -> None:
    for backend in ("numpy", "torch", "ball"):
        assert said in rows("--set", f"p={text}", "--backend", backend, status=2)


def test_files_that_are_no_numbers_are_refused(rows: Callable[..., Any], tmp_path: Path) -> None:
    bad = {
        "nan": np.array([[np.nan, 1.0]]), "inf": np.array([[1.0, np.inf]]), "text": np.array([["1"]]),
        "flag": np.array([[True]]), "complex": np.array([[1j]]), "object": np.array([[Fraction(1)]], object),
    }  # fmt: skip
    for name, array in bad.items():
        np.save(tmp_path / f"{name}.npy", array, allow_pickle=True)
        assert name in rows("--set", f"p=@{tmp_path / name}.npy", status=2)
    (tmp_path / "junk.npy").write_bytes(b"\x80\x04junk")
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("junk", "empty"):
        assert "not a plain NumPy array" in rows("--set", f"p=@{tmp_path / name}.npy", status=2)
    for k, text in enumerate(
        ('{"a": 1}', "[[NaN]]", "[[true]]", "[[null]]", "[[", "[" * 99 + "]" * 99, '[["x"]]', "[[1e99999]]")
    ):
        (tmp_path / f"{k}.json").write_text(text, encoding="utf-8")
        assert "Error" in rows("--set", f"p=@{tmp_path / str(k)}.json", status=2), text


def test_a_file_may_hold_one_number(pack: Callable[..., Path], tmp_path: Path) -> None:
    pack(algebra__square=files.GOOD)
    np.save(tmp_path / "x.npy", np.float64(2))
    (tmp_path / "x.json").write_text("2", encoding="utf-8")
    for name in ("x.npy", "x.json"):
        out = CliRunner().invoke(main, ["eval", "algebra.square", "--set", f"x=@{tmp_path / name}"])
        assert out.output == "9.0\n"
    assert numbers(f"@{tmp_path / 'x.json'}") == 2


def test_an_index_over_an_unknown_size_asks_for_it(pack: Callable[..., Path]) -> None:
    pack(algebra__line=ARRAYS[: ARRAYS.index("p = ")] + 'i = v.index("i", n)\n' + '''
theorem = v.theorem(title="i", cite=("euclid", "x"), claim=i <= i + 1, outputs={"square": i * i})
''')  # fmt: skip
    run = CliRunner().invoke(main, ["eval", "algebra.line"])
    assert run.exit_code == 2
    assert "--set n" in run.output
    assert CliRunner().invoke(main, ["eval", "algebra.line", "--set", "n=3"]).output == "[1.0, 4.0, 9.0]\n"
