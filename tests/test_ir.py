"""The table of IR nodes: alpha-equality by construction, and the invariants that nothing else guards."""

from __future__ import annotations

import subprocess
import sys

from dltsym.lower.axes import Axis, Shift, Slot, mentioned
from dltsym.lower.ir import State, Table
from dltsym.lower.nodes import Node, bound_axes
from dltsym.lower.show import show

A, J, K, L = Axis("i", "n"), Axis("j", "m"), Axis("k", "d"), Axis("l", "m")


def ref(t: Table, name: str, *places: object) -> Node:
    return t.make("ref", (), (name, tuple(places)))


def dot(t: Table, a: Node, b: Node, over: Axis) -> Node:
    return t.bind("contract", (a, b), (over,))


def test_equal_nodes_are_one_object():
    t = Table()
    assert t.make("add", (ref(t, "x", A), t.num(1))) is t.make("add", (t.num(1), ref(t, "x", A)))
    assert t.num(1) is not t.num(2)


def test_bound_axes_have_no_name_of_their_own():
    t, z = Table(), Axis("z", "d")
    one = dot(t, ref(t, "Q", A, K), ref(t, "K", J, K), K)
    assert one is dot(t, ref(t, "K", J, z), ref(t, "Q", A, z), z)
    assert one.axes == {A, J}
    assert one is not dot(t, ref(t, "Q", A, Axis("k", "e")), ref(t, "K", J, Axis("k", "e")), Axis("k", "e"))


def test_the_order_of_two_bound_axes_does_not_matter():
    t = Table()
    a = t.bind("contract", (ref(t, "W", J, K), ref(t, "B", K)), (J, K))
    b = t.bind("contract", (ref(t, "W", J, K), ref(t, "B", K)), (K, J))
    assert a is b


def test_siblings_share_names_and_nesting_does_not_capture():
    t = Table()
    inner = dot(t, ref(t, "x", J), ref(t, "y", J), J)
    outer = t.bind("contract", (ref(t, "z", L), t.make("mul", (ref(t, "w", L), inner))), (L,))
    assert outer.height == 2
    (own,) = bound_axes(outer)
    assert own not in bound_axes(inner)
    args, (fresh,) = t.open(outer)
    assert all(fresh in a.axes for a in args)
    assert t.bind("contract", args, (fresh,)) is outer


def test_renaming_two_axes_to_one_reads_a_diagonal():
    t = Table()
    assert t.rename(ref(t, "C", A, J), {A: J}).data == ("C", (J, J))
    assert t.rename(ref(t, "C", A, Shift(J, 1)), {J: K}).data == ("C", (A, Shift(K, 1)))


def test_renaming_sorts_commutative_arguments_again():
    t = Table()
    e = t.make("add", (t.make("exp", (ref(t, "x", A),)), t.make("exp", (ref(t, "x", J),))))
    assert t.rename(e, {A: J, J: A}) is e


def test_an_entry_of_a_scan_is_not_a_scan_of_entries():
    t, s = Table(), Axis("s", "n")
    run = t.make("scan", (ref(t, "x", A, s),), ("sum", A, 1, True))
    both = t.rename(run, {s: A})
    assert both.op == "take"
    assert both.axes == {A}
    assert both.args[0].op == "scan"
    assert both.data[1] == Slot(1)
    plain = t.rename(run, {A: J, s: L})
    assert plain.op == "scan"
    assert plain.axes == {J, L}
    p = t.make("softmax", (ref(t, "x", A, s),), ((s,),))
    assert t.rename(p, {A: s}).op == "take"
    assert t.rename(p, {A: L}).op == "softmax"


def test_states_of_iterations_have_no_name_of_their_own():
    t = Table()

    def run(name: str, at: Axis) -> Node:
        u = State(name, (at,), t.num(1), t.make("mul", (ref(t, "a", at), ref(t, name, at))))
        return t.iterate(t.num(3), (u,), ref(t, name, A))

    assert run("u", A) is run("w", Axis("q", "n"))
    assert run("u", A).axes == {A}
    assert mentioned(run("u", A).data) == [Axis("%0.0", "n")]


def test_an_iteration_inside_another_keeps_its_own_state():
    t = Table()
    inner = t.iterate(t.num(2), (State("u", (), t.num(1), t.make("sin", (ref(t, "u"),))),), ref(t, "u"))
    outer = t.iterate(t.num(2), (State("u", (), t.num(1), t.make("add", (ref(t, "u"), inner))),), ref(t, "u"))
    names = {n.data[0] for n in _refs(outer)}
    assert len(names) == 2


def _refs(node: Node) -> list[Node]:
    return [n for a in node.args for n in _refs(a)] + ([node] if node.op == "ref" else [])


def test_keys_are_the_same_in_every_process():
    code = (
        "from dltsym.lower.ir import *\nt=Table();i,k=Axis('i','n'),Axis('k','d')\n"
        "x=t.make('ref',(),('x',(i,k)));print(t.bind('contract',(x,t.make('exp',(x,))),(k,)).key)"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": s, "PATH": ""}, capture_output=True,
                       text=True, check=True).stdout
        for s in ("1", "2")
    }  # fmt: skip
    assert len(runs) == 1


def test_text_of_nodes():
    t = Table()
    e = t.bind("reduce", (dot(t, ref(t, "Q", A, K), ref(t, "K", J, K), K),), (J,), ("lse",))
    assert show(e) == "lse[j<m](sum[k<d](K[j, k] * Q[i, k]))"
