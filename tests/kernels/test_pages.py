"""Pages of kernels: one for each, complete, made from records and evidence alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dltsym import catalogue, kernels
from dltsym.implementation import implementation_of
from dltsym.notation.tree import Call, Expr, Index
from dltsym.notation.walk import key, substitute, transform
from dltsym.operators import Root
from dltsym.oracle import pages, passport, planted
from dltsym.oracle.labels import Evidence
from dltsym.record import Theorem
from dltsym.render.mathml import mathml
from dltsym.render.shared import Named, named_parts

NAMES = sorted(kernels.everything())


def record_of(name: str) -> Theorem:
    told = implementation_of(kernels.everything()[name])
    assert told is not None
    record = catalogue.get(told.key)
    assert isinstance(record, Theorem)
    return record


def without(one: Named, tree: Expr) -> Expr:
    """Write what a name stands for."""

    def put(node: Expr) -> Expr:
        if isinstance(one.name, Index) and isinstance(node, Index) and node.array == one.name.array:
            return substitute(one.meaning, dict(zip(one.name.idx, node.idx, strict=True)))
        return one.meaning if node == one.name else node

    return transform(tree, put)


def test_every_kernel_has_a_page_and_every_page_a_kernel() -> None:
    found = pages.pages()
    assert {n.replace("/", ".") for n in found} - {"index"} == set(NAMES)
    assert all(n.replace(".", "/") in found["index"] for n in NAMES)


def test_the_pages_need_no_array_framework() -> None:
    code = "import sys; from dltsym.oracle.pages import pages; pages(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_with_names_is_the_statement(name: str) -> None:
    record = record_of(name)
    trees = passport.operator(record).statement(**passport.defaults(record))
    explicit = {o: e for o, e in trees.items() if not isinstance(e, Root)}
    short, named = named_parts(explicit)
    for one in named:
        short = {o: without(one, e) for o, e in short.items()}
        named = tuple(Named(n.name, without(one, n.meaning)) for n in named)
    assert {o: key(e) for o, e in short.items()} == {o: key(e) for o, e in explicit.items()}
    lines, where = passport.statement(record)
    assert len(lines) == len(trees)
    assert all("<math" in mathml(line, True) for line in (*lines, *where))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_everything(name: str) -> None:
    record, function = record_of(name), kernels.everything()[name]
    told = implementation_of(function)
    assert told is not None
    own = passport.operator(record)
    inputs = {i.name for i in passport.inputs(record)}
    assert {*told.grads, *own.absent} <= inputs
    assert all(i.meaning for i in passport.inputs(record))
    assert all(meaning for _, meaning in passport.sizes(record))
    assert len(passport.contract(told)) == len(told.dtypes)
    assert set(told.outputs) <= set(own.axes)
    _, parts = passport.algorithm(sys.modules[function.__module__], told)
    assert all(text for _, text in parts)
    assert "Examples" in (function.__doc__ or "")
    assert told.cost


def test_a_kernel_without_a_device_says_so_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {"hash": "h", "date": "2026-01-02", "verdict": "pass"}
    known = {"a.b": Evidence({**seen, "cases": 3}, {**seen, "capability": 90, "variants": 2})}
    monkeypatch.setattr(passport, "evidence", lambda: known)
    text = "\n".join(passport.checked("a.b", "h"))
    assert "Interpreted on 2026-01-02: pass (3 cases)." in text
    assert "compute capability 9.0" in text
    assert "not run on hardware" in text
    assert "changed since" in "\n".join(passport.checked("a.b", "other"))
    assert "not run on hardware" in "\n".join(passport.checked("c.d", "h"))


def test_planted_bugs_are_read_from_the_record(tmp_path: Path) -> None:
    fates = [{"id": "B01", "change": "c", "verdict": "killed", "reason": "", "caught": {"float32": "case o"}},
             {"id": "B02", "change": "d", "verdict": "survived", "reason": "r", "caught": {}}]  # fmt: skip
    row = {"family": "bpd", "killed": 1, "observable": 2, "mutants": 2, "false_alarms": [], "good_runs": 7,
           "date": "2026-01-02", "source": "x", "suite": "y", "fates": fates}  # fmt: skip
    path = tmp_path / planted.MUTATION
    for families in ([row], {"bpd": row}):
        path.write_text(json.dumps({"families": families}))
        known = planted.mutation(path)
        assert planted.hunt("bpd", known).startswith("1 of the 2 planted bugs of `bpd`")
        assert "0 false alarms in 7 runs" in planted.hunt("bpd", known)
        assert "stale" in planted.hunt("bpd", known)
        assert [f["fate"] for f in planted.mutants_of("bpd", known)] == ["caught by case o (f32)", "survived: r"]
        assert "attention" in planted.total(known)
    assert "not on record" in planted.hunt("bpd", {})
    assert planted.mutation(tmp_path / "none") == {}


def test_shared_parts_of_a_printed_product() -> None:
    from dltsym import Scope, exp, xlogx

    v = Scope()
    n = v.count("n")
    x, y, i = v.array("x", n), v.array("y", n), v.index("i", n)
    weight = exp(x[i] * y[i] + x[i] ** 2 + y[i] ** 2) / (1 + exp(x[i] * y[i] + 7))
    short, named = named_parts({"a": xlogx(weight), "b": x[i]})
    assert isinstance(short["a"], Call)
    assert len(named) == 1
