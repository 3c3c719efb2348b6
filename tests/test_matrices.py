"""Matrix identities: shapes, words, side conditions, counterexamples, certificates. Sources: textbook identities."""

import copy
import json

import pytest

from dltsym.errors import NotationError
from dltsym.notation.latex import to_latex
from dltsym.notation.scope import Scope
from dltsym.prove.decide import NORMAL, decide, run_engine
from dltsym.prove.engines import engines
from dltsym.prove.problem import Problem, prepare
from dltsym.prove.replay import Rejected
from dltsym.prove.replay.matrices import check
from dltsym.prove.sample import find_point


def scope() -> Scope:
    """Square A, B, D, P, Q; U is n x r, V r x n, C r x r; k, q, x columns; b, c, z real, d positive."""
    v = Scope()
    n, r = v.count("n"), v.count("r")
    v.real("b"), v.real("c"), v.real("z"), v.pos("d")
    for name in "ABDPQ":
        v.matrix(name, n, n)
    v.matrix("U", n, r), v.matrix("V", r, n), v.matrix("C", r, r)
    for name in "kqx":
        v.matrix(name, n, 1)
    return v


def problem(text: str, *given: str) -> Problem:
    """Build a problem over the symbols of `scope`."""
    v = scope()
    return prepare(v.relations(text)[0], [r for g in given for r in v.relations(g)])


TRUE = {
    "(eye(n) + A + A**2)@(eye(n) - A) = eye(n) - A**3": (),
    "inv(A + U@C@V) = inv(A) - inv(A)@U@inv(inv(C) + V@inv(A)@U)@V@inv(A)": (
        "det(A) != 0", "det(C) != 0", "det(A + U@C@V) != 0", "det(inv(C) + V@inv(A)@U) != 0"),
    "inv(A + k@transpose(q)) = inv(A) - 1/(1 + trace(transpose(q)@inv(A)@k))*inv(A)@k@transpose(q)@inv(A)": (
        "det(A) != 0", "det(A + k@transpose(q)) != 0", "1 + trace(transpose(q)@inv(A)@k) != 0"),
    "U@inv(eye(r) + V@U) = inv(eye(n) + U@V)@U": ("det(eye(n) + U@V) != 0",),  # Sylvester gives the other one
    "(eye(n) - b*k@transpose(k))@(eye(n) - c*q@transpose(q)) = eye(n) - b*k@transpose(k) - c*q@transpose(q)"
    " + b*c*trace(transpose(k)@q)*(k@transpose(q))": (),
    "trace(A@B) = trace(B@A)": (),
    "det(A@transpose(B)@inv(A)) = det(B)": ("det(A) != 0",),
    "trace(U@V) = trace(V@U)": (),
    "trace(A@B@inv(A)) = trace(transpose(B))": ("det(A) != 0",),
    "inv(A@B) = inv(B)@inv(A)": ("det(A) != 0", "det(B) != 0"),
    "inv(inv(A)) = A": ("det(A) != 0",),
    "inv(A) - inv(B) = inv(A)@(B - A)@inv(B)": ("det(A) != 0", "det(B) != 0"),
    "inv(eye(n) - z*inv(eye(n) - d/2*A)@(eye(n) + d/2*A))@inv(eye(n) - d/2*A)@(d*B)"
    " = 2*d/(1 + z)*inv(2*(1 - z)/(1 + z)*eye(n) - d*A)@B": (
        "z != -1", "det(eye(n) - d/2*A) != 0", "det(2*(1 - z)/(1 + z)*eye(n) - d*A) != 0",
        "det(eye(n) - z*inv(eye(n) - d/2*A)@(eye(n) + d/2*A)) != 0"),
    "(eye(n) - P)@(eye(n) - P) = eye(n) - P": ("P@P = P",),
    "trace(U@transpose(U)) = r": ("transpose(U)@U = eye(r)",),
    "Q@A@transpose(Q)@Q@B@transpose(Q) = Q@A@B@transpose(Q)": ("transpose(Q)@Q = eye(n)",),
    "A@inv(B) = inv(B)@A": ("A@B = B@A", "det(B) != 0"),
    "A@(B@x + k) + q = (A@B)@x + (A@k + q)": (),
    "(A@B)@(D@x) = A@(B@D)@x": (),
}  # fmt: skip

FALSE = {
    "A@B = B@A": (),
    "(eye(n) + A + A**2)@(eye(n) - A) = eye(n) - A**2": (),
    "inv(A + U@C@V) = inv(A) - inv(A)@U@inv(C + V@inv(A)@U)@V@inv(A)": (
        "det(A) != 0", "det(C + V@inv(A)@U) != 0", "det(A + U@C@V) != 0"),
    "U@inv(eye(r) + V@U) = inv(eye(n) - U@V)@U": ("det(eye(n) + U@V) != 0", "det(eye(n) - U@V) != 0"),
    "(eye(n) - b*k@transpose(k))@(eye(n) - c*q@transpose(q)) = (eye(n) - c*q@transpose(q))@(eye(n) - b*k@transpose(k))":
        (),
    "trace(A@B@D) = trace(B@A@D)": (),
    "trace(A@B) = trace(A)*trace(B)": (),
    "det(A + B) = det(A) + det(B)": (),
    "det(2*A) = 2*det(A)": (),
    "det(U@V) = det(V@U)": (),
    "inv(A@B) = inv(A)@inv(B)": ("det(A) != 0", "det(B) != 0"),
    "transpose(A@B) = transpose(A)@transpose(B)": (),
    "(eye(n) - P)@(eye(n) - P) = eye(n) + P": ("P@P = P",),
    "trace(U@transpose(U)) = n": ("transpose(U)@U = eye(r)",),
    "U@transpose(U) = eye(n)": ("transpose(U)@U = eye(r)",),
    "A@(B@x + k) + q = (B@A)@x + (A@k + q)": (),
    "A@inv(B) = inv(B)@A": ("det(B) != 0",),
    "A = B": (),
}  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
def test_identities_are_exact_and_replay(text: str) -> None:
    p = problem(text, *TRUE[text])
    out = decide(p)
    assert (out.status, out.grade, out.engine) == ("proved", "exact", "matrices"), out.evidence
    check(p, json.loads(json.dumps(out.evidence["certificate"])))


@pytest.mark.parametrize("text", FALSE)
def test_mutants_are_refuted_by_exact_matrices(text: str) -> None:
    out = decide(problem(text, *FALSE[text]))
    assert out.status == "refuted"
    assert out.witness


def test_hypotheses_about_matrices_can_be_met() -> None:
    point = find_point(problem("A = A", "det(A) != 0", "P@P = P", "b > 1/3"))
    assert point is not None
    assert point["A"] != "0"
    assert find_point(problem("A = A", "det(A) != 0", "A = zeros(n, n)")) is None


def test_an_inverse_needs_a_hypothesis() -> None:
    out = decide(problem("inv(A)@A = eye(n)"))
    assert out.evidence["missing"] == ["inv(A) needs det(A) != 0"]
    assert decide(problem("inv(A)@A = eye(n)", "det(B) != 0")).status == "open"
    assert decide(problem("inv(A)@A = eye(n)", "det(inv(A)) != 0")).status == "open"  # no proof of its own definedness
    assert decide(problem("inv(A)@A = eye(n)", "transpose(A)@A = eye(n)")).status == "proved"


def test_a_rule_divides_only_by_what_is_not_zero() -> None:
    assert decide(problem("A = B", "d*A = d*B")).status == "proved"
    assert decide(problem("A = B", "b*A = b*B")).status == "refuted"


def test_no_other_engine_touches_a_matrix() -> None:
    p = problem("A@B = A@B")
    others = [e for e in engines() if e.name != "matrices"]
    assert {run_engine(e, p, NORMAL).status for e in others} == {"open"}


@pytest.mark.parametrize("text", [
    "A + U", "U@U", "A*B", "A + 1", "1 - A", "exp(A)", "b/A", "A**b", "inv(U)", "trace(V)", "A@b", "Sum(A, (i, 1, n))",
    "limit(A, t, 0)", "diff(A, b)", "A[1, 1]",
])  # fmt: skip
def test_mismatched_shapes_are_refused(text: str) -> None:
    with pytest.raises(NotationError):
        scope().parse(text)


@pytest.mark.parametrize("text", ["A = U", "A = 0", "A <= B", "trace(A) = A"])
def test_relations_of_unlike_things_are_refused(text: str) -> None:
    with pytest.raises(NotationError):
        scope().relations(text)


@pytest.mark.parametrize(("text", "latex"), [
    ("inv(A + U@V)", "(A + U V)^{-1}"),
    ("A - b*(U@V)@A", "A - b U V A"),
    ("(b + 1)*(k@transpose(k))", r"(b + 1) k k^{\top}"),
    ("trace(A@U@V)*b", r"\operatorname{tr}(A U V) b"),
    ("A/2 - eye(n)", r"\frac{1}{2} A - I_{n}"),
    ("-(b*A)@A", "-b A A"),
    ("transpose(transpose(k)@A@k)", r"(k^{\top} A k)^{\top}"),
    ("inv(A)@inv(A) - zeros(n, n)", r"A^{-1} A^{-1} - 0_{n \times n}"),
])  # fmt: skip
def test_text_reads_back_and_latex(text: str, latex: str) -> None:
    v = scope()
    tree = v.parse(text)
    assert v.parse(str(tree)) == tree
    assert to_latex(tree) == latex


def tampered(data: object) -> list[object]:
    """Return copies of plain data, each with one number, sign, name or flag changed."""
    out: list[object] = []
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for k, value in items:
        if isinstance(value, dict | list):
            new = tampered(value)
        elif isinstance(value, bool):
            new = [not value]
        elif isinstance(value, int):
            new = [value + 1]
        else:
            text = str(value)
            new = [f"{text}0", f"-{text}", text[1:]] if text[-1:].isdigit() else [f"{text}'", "A"]
        for part in new:
            changed = copy.copy(data)
            changed[k] = part  # type: ignore[index]
            out.append(changed)
    return out


@pytest.mark.parametrize("text", [
    "inv(A + U@C@V) = inv(A) - inv(A)@U@inv(inv(C) + V@inv(A)@U)@V@inv(A)",
    "trace(A@B@inv(A)) = trace(transpose(B))",
    "trace(U@transpose(U)) = r",
])  # fmt: skip
def test_a_tampered_certificate_is_rejected(text: str) -> None:
    p = problem(text, *TRUE[text])
    certificate = json.loads(json.dumps(decide(p).evidence["certificate"]))
    moves = certificate["moves"]
    assert moves
    changed = [{**certificate, "moves": m} for m in (*tampered(moves), moves[:-1], moves[1:])]
    for data in changed:
        try:
            check(p, data)
        except (Rejected, KeyError, TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError):
            continue
        pytest.fail(f"accepted {data}")


def test_a_certificate_proves_only_its_own_statement() -> None:
    text = "inv(A@B) = inv(B)@inv(A)"
    certificate = decide(problem(text, *TRUE[text])).evidence["certificate"]
    with pytest.raises(Rejected):
        check(problem("inv(A@B) = inv(A)@inv(B)", *TRUE[text]), certificate)


@pytest.mark.parametrize(
    ("claim", "given"),
    [
        ("A = B", "A - (s - s)*B = B"),
        ("c*inv(A)@A = c*eye(n)", "det(A) + s - s != 0"),
        ("A = B", "(c + s - s)*A = c*B"),
    ],
)
def test_a_hypothesis_about_an_index_without_values_is_no_relation(claim: str, given: str) -> None:
    v = scope()
    v.index("s", v.integer("m", lo=0))
    p = prepare(v.relations(claim)[0], v.relations(given))
    assert decide(p).status != "proved"
    with pytest.raises(Rejected):
        check(p, {"moves": [{"subtract": ["given", 0], "left": [], "right": [], "factor": [[[], "1"]],
                             "trace": False, "word": []}]})  # fmt: skip
