"""Files of cases: their form, domains, grammar and abbreviations, and the verdict on a case."""

import json
from concurrent.futures import Executor, Future
from typing import Any

import cases as tables
import pytest

from dltsym import cases
from dltsym.cache import Cache
from dltsym.cases.state import CaseError, state
from dltsym.cases.task import Library, prove_case
from dltsym.notation.tree import Sym
from dltsym.prove.problem import prepare, repr_decl
from dltsym.prove.verdict import proved

QUIET = Cache(None)


class Here(Executor):
    """Run a task at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def read(data: Any) -> list[cases.Case]:
    text = data if isinstance(data, str) else json.dumps(data)
    return cases.read(cases.document(text.encode(), "cases.json"))


def one(claim: str, symbols: dict[str, str] | None = None, given: tuple[str, ...] = (), **more: Any) -> cases.Case:
    [case] = read([{"id": "a", "symbols": symbols or {}, "given": list(given), "claim": claim, **more}])
    return case


def outcome(*args: Any, **more: Any) -> dict[str, Any]:
    return prove_case(one(*args, **more), Library({}, {}), QUIET, 10.0)


def wrong(*args: Any, **more: Any) -> str:
    with pytest.raises(CaseError) as caught:
        state(one(*args, **more))
    return str(caught.value)


def bad_file(data: Any) -> str:
    with pytest.raises(cases.CasesError) as caught:
        read(data)
    return str(caught.value)


# The acceptance tables can be written as they stand


def domain(sym: Sym) -> str:
    """Write the declaration of a symbol of the tables as a domain."""
    d = sym.decl
    sizes = " x ".join(str(hi) for _, hi in d.shape)
    if d.sort == "array":
        return f"positive array {sizes}" if d.lo is not None else f"array {sizes}"
    if d.sort == "index":
        return f"index {d.lo}..{d.hi}"
    if d.sort == "integer":
        return "integer" if d.lo is None else "count"
    return "real"


LET = {f"{name}({', '.join(params)})" if params else name: body for name, (params, body) in tables.MACROS.items()}


@pytest.mark.parametrize("name", tables.ALL)
def test_an_acceptance_row_reads_the_same(name: str) -> None:
    row = tables.ALL[name]
    wanted = tables.build(row)
    symbols = {s.name: domain(s) for s in sorted(wanted.symbols, key=lambda s: (s.decl.sort != "integer", s.name))}
    ranges = {f"1<={s.name}" for s in wanted.symbols if s.decl.sort == "index"}
    ranges |= {f"{s.name}<={s.decl.hi}" for s in wanted.symbols if s.decl.sort == "index"}
    given = tuple(h for h in row.given if h not in ranges)
    said = state(one(row.statement, symbols, given, let={k: v for k, v in LET.items() if k not in symbols}))
    problem = prepare(said.claim[0], said.given, (), row.hint)
    assert [repr_decl(s) for s in problem.symbols] == [repr_decl(s) for s in wanted.symbols]
    assert problem.key == wanted.key


# The form of a file


CASE = {"id": "a", "symbols": {"x": "real"}, "claim": "x = x"}


def test_a_list_an_object_and_lines_say_the_same() -> None:
    other = CASE | {"id": "b"}
    plain = read([CASE, other])
    assert read({"cases": [CASE, other]}) == plain
    lines = read(json.dumps(CASE) + "\n\n" + json.dumps(other) + "\n")
    assert [c.id for c in lines] == ["a", "b"]
    assert [c.line for c in lines] == [1, 3]
    assert [c.id for c in read(CASE)] == ["a"]
    assert read("\ufeff" + json.dumps([CASE, other])) == plain


@pytest.mark.parametrize(("text", "place", "why"), [
    ("", "line 1, column 1", "no JSON here"),
    ("[", "line 1, column 2", "a JSON value is missing"),
    ('[{"id": "a"\n "claim": ""}]', "line 2, column 2", "a comma or } is missing"),
    ('[{"id" "a"}]', "line 1, column 8", "a colon is missing"),
    ('[{"id": "a",}]', "line 1, column 12", "a comma before }"),
    ("[{id: 1}]", "line 1, column 3", "a key in double quotes is missing"),
    ("[1,]", "line 1, column 3", "a comma before ]"),
    ('["a]', "line 1, column 2", "unterminated string"),
    ('["\\q"]', "line 1, column 3", "invalid \\escape"),
    ('["a\tb"]', "line 1, column 4", "invalid control character"),
    ("[NaN]", "line 1, column 2", "NaN is no JSON value"),
    ("[-Infinity]", "line 1, column 2", "-Infinity is no JSON value"),
    ("[] x", "line 1, column 4", "after the end"),
    ('{"cases": [], "cases": []}', "line 1, column 15", "'cases' stands here twice"),
    ("'", "line 1, column 1", "a JSON value is missing"),
])  # fmt: skip
def test_malformed_json_has_a_place_and_a_caret(text: str, place: str, why: str) -> None:
    said = bad_file(text)
    assert place in said
    assert why in said
    if text:
        shown, caret = said.splitlines()[1:3]
        column = int(place.split()[-1])
        assert caret == " " * (column + 1) + "^"
        assert text.splitlines()[int(place.split()[1].strip(",")) - 1].replace("\t", "\ufffd") in shown


@pytest.mark.parametrize(("data", "why"), [
    ([], "there are no cases"), ({}, '"cases" is missing'), ("3", "the file is a number, not a list of cases"),
    ({"cases": {}}, '"cases" is an object, not a list'), ([3], "a case is a number, not an object"),
    ([{"id": "a"}], 'a case without "claim"'), ([{"claim": "x = x"}], 'a case without "id"'),
    ([CASE, CASE], "the id 'a' stands on line 1 already"),
    ([CASE | {"symbol": {}}], "a case has no key 'symbol'; did you mean symbols?"),
    ({"cases": [CASE], "lets": {}}, "the file has no key 'lets'; did you mean let?"),
    ([CASE | {"id": 3}], '"id" is a number, not text'), ([CASE | {"id": ""}], "an id has 1 to 200 printable"),
    ([CASE | {"id": "a\n"}], "printable"), ([CASE | {"claim": ["x = x"]}], '"claim" is a list, not text'),
    ([CASE | {"symbols": ["x"]}], '"symbols" is a list, not an object of names with domains'),
    ([CASE | {"symbols": {"x": 0.5}}], "\"symbols\", 'x', is a number, not text"),
    ([CASE | {"given": {"a": "x = x"}}], '"given" is an object, not a list of relations'),
    ([CASE | {"given": ["x > 0", None]}], '"given", item 2, is null, not text'),
    ([CASE | {"hint": True}], '"hint" is true or false, not text'),
    ([CASE | {"expect": "provd"}], "did you mean proved?"), ([CASE | {"by": [1]}], 'an item of "by" is a number'),
    ([CASE | {"by": [{"at": {}}]}], 'an item of "by" without "theorem"'),
    ([CASE | {"by": [{"theorem": "a.b", "part": "0"}]}], '"part" is the number of a claim'),
])  # fmt: skip
def test_a_file_of_the_wrong_form_is_refused_with_the_place(data: Any, why: str) -> None:
    assert why in bad_file(data)


def test_every_problem_of_the_form_is_named_at_once() -> None:
    said = bad_file([CASE | {"id": 3, "claim": 4}, {"id": "b"}])
    assert [part in said for part in ('"id" is a number', '"claim" is a number', 'without "claim"')] == [True] * 3
    said = bad_file([{"id": str(k)} for k in range(30)])
    assert "and 20 more problems" in said


# Symbols and domains


DOMAINS = {
    "real": "::", "positive": "(0::", "nonneg": "[0::", "negative": ":0):", "nonpos": ":0]:", "prob": "[0:1]:",
    "open prob": "(0:1):", "(0,1)": "(0:1):", "[0, 1]": "[0:1]:", "(0, oo)": "(0::", "( -oo , 3 ]": ":3]:",
    "(-oo, oo)": "::", "[1/10, 4/10]": "[(Div 1 10):(Div 4 10)]:", "[-1, pi)": "[(Neg 1):#pi):",
    "integer": "::", "count": "[1::", "positive integer": "[1::", "nonneg integer": "[0::", "integer 2..oo": "[2::",
    "integer -3..n": "[(Neg 3):n]:", "index 1..n": "[1:n]:", "index 0 .. n - 1": "[0:(Add n (Neg 1))]:",
    "array n": "::1..n", "array n x 3": "::1..n,1..3", "array n, n + 1": "::1..n,1..(Add n 1)",
    "matrix n x 3": "::1..n,1..3",
    "positive array n": "(0::1..n", "[0, 1] array 4": "[0:1]:1..4", "(0, n) array n": "(0:n):1..n",
}  # fmt: skip


@pytest.mark.parametrize("text", DOMAINS)
def test_a_domain_means_what_it_says(text: str) -> None:
    [z] = [s for s in state(one("n = n", {"n": "count", "z": text})).scope.symbols.values() if s.name == "z"]
    said = repr_decl(z).split(":", 2)
    assert said[2] == DOMAINS[text]
    kinds = {"matrix": "matrix", "array": "array", "index": "index", "integer": "integer", "count": "integer"}
    assert said[1] == next((k for word, k in kinds.items() if word in text), "real")


@pytest.mark.parametrize(("text", "why"), [
    ("reel", "did you mean real?"), ("", "is not a domain"), ("(0, 1", "is not a domain"), ("[0, oo]", "round bracket"),
    ("(oo, 1)", "made of numbers"), ("(0, y)", "y is not declared"), ("(0, log(2))", "write anything else as a hypo"),
    ("(0, 1/n)", "write anything else"), ("[0.5, 1]", "0.5 is a decimal"), ("(1)", "an interval is written"),
    ("(1, 2, 3)", "a tuple"), ("index n", "did you mean index 1..n"), ("index 1..oo", "range of an index is finite"),
    ("integer 1/2..5", "not an integer by its form"), ("array", "write array n"),
    ("vector n", "write array n"), ("x > 0", "under given"), ("\u211d", "write real"), ("array oo", "is finite"),
    ("array 1/2", "not an integer by its form"), ("array n x", "n x"), ("prob " * 5000, "at most 20000"),
    ("array n x y", "y is not declared"), ("matrix n", "a matrix has two sizes"), ("matrix", "is not a domain"),
])  # fmt: skip
def test_a_bad_domain_is_an_error_of_its_case(text: str, why: str) -> None:
    said = wrong("n = n", {"n": "count", "z": text})
    assert said.startswith("symbol 'z'")
    assert why in said


@pytest.mark.parametrize("name", [
    "1x", "", "a b", "x-y", "__class__", "_x",
    "\u0445", "\uff58", "x\u0301", "lambda", "pi", "oo", "exp", "Sum", "diff",
    "kl", "value", "x" * 61, "x\0",
])  # fmt: skip
def test_a_symbol_has_a_plain_name_of_its_own(name: str) -> None:
    assert "symbol" in wrong("1 = 1", {name: "real"})


# The grammar


@pytest.mark.parametrize(("claim", "column", "why"), [
    ("x + y > 0", 5, "y is not declared"), ("x > ", 5, "ends too early"), ("x", 1, "expected a relation"),
    ("x = 1/2 + 0.5", 11, "0.5 is a decimal, and only exact numbers are read; write 1/2"), ("x = 1e3", 5, "write 1000"),
    ("x <= NaN", 6, "NaN is not declared"), ("x <= Infinity", 6, "not declared"), ("x == nan", 6, "not declared"),
    ("x > __import__(x)", 5, "unknown function __import__"), ("x.__class__ = 1", 1, "attribute access"),
    ("(lambda: x) = 1", 2, "lambda"), ("x = 10**10**10", 5, "the exponent is too large"),
    ("x = (2**9999)**9999", 5, "the power is too large"), ("(x**9999)**9999 = 1", 1, "the power is too large"),
    ("x = 1" + "0" * 300, 5, "the number is too long"), ("x \u2264 1", 3, "write <="), ("x\u00b2 = 1", 2, "write **2"),
    ("\uff58 = 1", 1, "U+FF58"), ("\u0445 = 1", 1, "U+0445 CYRILLIC"), ("x = 1\0", 6, "U+0000"),
    ("x^2 = 1", 1, "powers are **"), ("2x = 1", 1, "invalid decimal"), ("x(2) = 1", 1, "multiplication is written *"),
    ("sin x = 1", 5, "functions have brackets"), ("|x| = 1", 1, "abs(x)"), ("x =< 1", 4, "write <="),
    ("e**x = 1", 1, "exp(x)"),
    ("sum(x, (i, 1, 2)) = 1", 1, "write Sum("), ("x % 2 = 0", 1, "% is not part"),
    ("x = 1 and x = 2", 1, "expected a relation"),
    ("x is x", 1, "Is is not a relation"),
    ("max(x) = 1", 1, "max takes 2 argument(s), got 1"), ("x = exp", 5, "exp is a function"),
    ("f(x) = x", 1, "unknown function f"), ("x[1] = 1", 1, "is a scalar"),
    ("Sum(x, (1, 1, 2)) = 1", 9, "must be a name"),
    ("x = [x for x in x]", 5, "a loop"), ("x = 'a'", 5, "'a' is not a number"), ("x = True", 5, "True is not a"),
    ("limit(x, x, 0, x) = 1", 1, "the side of a limit"), ("diff(x, 2) = 1", 9, "with respect to a symbol"),
    ("(" * 121 + "x" + ")" * 121 + " = 1", 121, "deeper than 120"), ("x = -" + "-" * 5000 + "x", 5, "deeper than 120"),
    ("x" + "**x" * 2000 + " = 1", 2, "deeper than 120"),
    ("x = f'{x}'", 5, "JoinedStr"), ("eps = exps", 7, "exps is not declared; did you mean eps?"),
])  # fmt: skip
def test_a_text_outside_the_grammar_has_a_place_and_a_caret(claim: str, column: int, why: str) -> None:
    said = wrong(claim, {"x": "real", "eps": "real"})
    assert f"claim, column {column}: " in said
    assert why in said
    shown, caret = said.splitlines()[-2:]
    assert shown[len(caret) - 1 :].startswith(claim[column - 1 : column].replace("\0", "\ufffd"))


def test_white_space_and_long_sums_are_no_trouble() -> None:
    assert state(one(" x\n<=\tx ", {"x": "real"})).claim == state(one("x<=x", {"x": "real"})).claim
    assert len(state(one("x" + "+x" * 900 + " = x", {"x": "real"})).claim) == 1
    said = wrong("x = " + "x + " * 2000 + "y", {"x": "real"})
    assert said.splitlines()[-2].startswith("  ... ")
    assert len(said) < 400


@pytest.mark.parametrize("data", [
    {"claim": "X = X", "symbols": {"X": "array 3"}}, {"claim": "exp(X) > 0", "symbols": {"X": "array 3"}},
    {"claim": "diff(n**2, n) = 2*n", "symbols": {"n": "count"}},
])  # fmt: skip
def test_what_has_no_meaning_is_an_error(data: dict[str, Any]) -> None:
    assert outcome(**data)["status"] == "error"


# Abbreviations


def test_an_abbreviation_captures_nothing() -> None:
    symbols = {"n": "count", "X": "array n"}
    said = state(one("Sum(f(i), (i, 1, n)) = 1", symbols, let={"f(u)": "Sum(u*X[i], (i, 1, n))"}))
    assert str(said.claim[0]) == "Sum(Sum(i*X[i_1], (i_1, 1, n)), (i, 1, n)) = 1"
    same = "Sum(f(i), (i, 1, n)) = Sum(i, (i, 1, n))*Sum(X[j], (j, 1, n))"
    made = outcome(same, symbols, let={"f(u)": "Sum(u*X[i], (i, 1, n))"})
    assert made["grade"] == "exact"
    made = outcome(same.replace("Sum(i, (i, 1, n))*", "n*"), symbols, let={"f(u)": "Sum(u*X[i], (i, 1, n))"})
    assert made["status"] == "refuted"


def test_abbreviations_use_each_other_in_any_order() -> None:
    said = state(one("f(x) = c", {"x": "real"}, let={"f(u)": "g(u) + c", "g(u)": "u*c", "c": "2"}))
    assert str(said.claim[0]) == "x*2 + 2 = 2"
    assert str(state(one("diff(f(x), x) = 1", {"x": "real"}, let={"f(u)": "u**2"})).claim[0]) == "diff(x**2, x) = 1"


def test_an_unused_abbreviation_need_not_fit_the_case() -> None:
    shared = {"let": {"Z": "Sum(exp(X[j]), (j, 1, n))", "f(u)": "2*u"}}
    first, second = read({**shared, "cases": [CASE, CASE | {"id": "b", "let": {"f(u)": "3*u"}, "claim": "f(x) = 1"}]})
    assert str(state(first).claim[0]) == "x = x"
    assert str(state(second).claim[0]) == "3*x = 1"


@pytest.mark.parametrize(("let", "claim", "why"), [
    ({"a": "b", "b": "a"}, "a = 1", "in a circle: a -> b -> a"), ({"f(u)": "f(u)"}, "f(x) = 1", "in a circle"),
    ({"x": "1"}, "x = 1", "it is an abbreviation"), ({"exp(u)": "1"}, "x = 1", "'exp(u)' is taken"),
    ({"Sum": "1"}, "x = 1", "'Sum' is taken"), ({"f(u, u)": "u"}, "f(x, x) = 1", "as different names"),
    ({"f(pi)": "1"}, "f(x) = 1", "as different names"), ({"f()": "1"}, "f() = 1", "as different names"),
    ({"f(": "1"}, "x = 1", "is no name"), ({"f(u,v)": "u"}, "f(x) = 1", "f takes 2 argument(s), got 1"),
    ({"f(u)": "u"}, "f = 1", "f takes 1 argument(s), got 0"),
    ({"f(u)": "diff(u**2, u)"}, "f(x) = 1", "with respect to a"),
    ({"f(u)": "u + y"}, "f(x) = 1", "y is not declared"), ({"f(u)": "u < 1"}, "f(x) = 1", "inside an expression"),
    ({"f": "1", "f(u)": "u"}, "x = 1", "is taken"),
])  # fmt: skip
def test_a_bad_abbreviation_is_an_error(let: dict[str, str], claim: str, why: str) -> None:
    assert why in wrong(claim, {"x": "real"}, let=let)


@pytest.mark.parametrize("let", [
    {"a0": "x*x"} | {f"a{k}": f"a{k - 1}*a{k - 1}" for k in range(1, 99)},
    {"b0(u)": "u*u"} | {f"b{k}(u)": f"b{k - 1}(b{k - 1}(u))" for k in range(1, 99)} | {"a98": "b98(x)"},
    {"a0": "x"} | {f"a{k}": f"exp(a{k - 1})" for k in range(1, 41)} | {"a98": "+".join(["a40"] * 900)},
])  # fmt: skip
def test_abbreviations_that_grow_without_bound_are_refused(let: dict[str, str]) -> None:
    assert "stands for more than 20000 terms" in wrong("a98 = 1", {"x": "real"}, let=let)


# Verdicts


@pytest.mark.parametrize(("data", "status", "grade"), [
    ({"claim": "(x+1)**2 = x**2+2*x+1", "symbols": {"x": "real"}}, "proved", "exact"),
    ({"claim": "0 < x**2 < x < 1", "symbols": {"x": "(0, 1)"}}, "proved", "exact"),
    ({"claim": "0 < x < x**2 < 1", "symbols": {"x": "(0, 1)"}}, "refuted", "refuted"),
    ({"claim": "p = 17", "symbols": {"p": "real", "q": "real"}, "given": ("p < q", "q < p")}, "vacuous",
     "vacuous"),  # X1
    ({"claim": "B >= 0", "symbols": {"p": "real", "B": "real"}, "given": ("p >= sqrt(B)",)}, "open", "open"),  # X2
    ({"claim": "kl(p, q) >= 2*(p-q)**2", "symbols": {"p": "(0, 1)", "q": "(0, 1)"}, "given": ("q > 1",),
      "hint": "p @ q"}, "vacuous", "vacuous"),  # X6
    ({"claim": "exp(x)-1-x <= x**2/(2*(1-x/3))", "symbols": {"x": "nonneg"}, "hint": "x @ 0"}, "open", "open"),  # X9
    ({"claim": "n >= 0", "symbols": {"n": "integer"}, "given": ("2*n = 7",)}, "vacuous", "vacuous"),
    ({"claim": "n = 1", "symbols": {"n": "integer"}, "given": ("1 < n < 2",)}, "vacuous", "vacuous"),
    ({"claim": "X[k] > 0", "symbols": {"n": "count", "X": "array n", "k": "index 1..n"}, "given": ("k > n",)},
     "vacuous", "vacuous"),
    ({"claim": "x <= 1", "symbols": {"x": "[2, 1]"}}, "vacuous", "vacuous"),
    ({"claim": "trace(A@B) = trace(B@A)", "symbols": {"n": "count", "A": "matrix n x n", "B": "matrix n x n"}},
     "proved", "exact"),
    ({"claim": "A@B = B@A", "symbols": {"n": "count", "A": "matrix n x n", "B": "matrix n x n"}}, "refuted", "refuted"),
])  # fmt: skip
def test_a_case_gets_its_verdict(data: dict[str, Any], status: str, grade: str) -> None:
    made = outcome(**data)
    assert (made["status"], made["grade"]) == (status, grade) or (status, made["status"]) == ("open", "refuted"), made
    if status == "refuted":
        assert made["witness"]
    if status == "vacuous":
        assert made["evidence"][0]["contradiction"]
        assert "contradict each other" in made["reason"]


def test_what_may_be_undefined_is_named() -> None:
    made = outcome("B >= 0", {"p": "real", "B": "real"}, ("p >= sqrt(B)",))
    assert made["reason"] == "undefined: sqrt(B) needs B >= 0"


def test_a_theorem_can_be_used_and_its_grade_counts(pack: Any) -> None:
    import record_files

    pack(algebra__square=record_files.GOOD, audits__slip=record_files.AUDIT)
    data = {"symbols": {"y": "real"}, "claim": "(y + 1)**2 = y**2 + 2*y + 1"}
    found = read([
        data | {"id": "a", "by": [{"theorem": "algebra.square", "at": {"x": "y"}}]},
        data | {"id": "b", "by": "algebra.sqare"}, data | {"id": "c", "by": ["audits.slip"]},
        data | {"id": "d", "by": [{"theorem": "algebra.square", "at": {"z": "y"}}]},
        data | {"id": "e", "by": ["algebra.square"]},
    ])  # fmt: skip
    made = {o["id"]: o for o in cases.run(found, QUIET, executor=Here())}
    assert made["a"]["grade"] == "exact"
    assert [o["status"] for o in made.values()] == ["proved", "error", "error", "error", "error"]
    assert "did you mean algebra.square" in made["b"]["reason"]
    assert "audits.slip is an audit" in made["c"]["reason"]
    assert "has no symbol z" in made["d"]["reason"]
    assert "give a value for x" in made["e"]["reason"]


@pytest.mark.parametrize(("expect", "claim", "ok"), [
    ("", "x = x", True), ("proved", "x = x", True), ("exact", "x = x", True), ("tested", "x = x", True),
    ("formal", "x = x", False), ("refuted", "x = x", False), ("", "x = 1", False), ("refuted", "x = 1", True),
    ("error", "x = y", True), ("", "x = y", False), ("open", "1/x = 1/x", True), ("", "1/x = 1/x", False),
    ("exact", "x = 1", False), ("open", "x = x", False),
])  # fmt: skip
def test_an_outcome_is_held_against_what_is_expected(expect: str, claim: str, ok: bool) -> None:
    more = {"expect": expect} if expect else {}
    [made] = cases.run([one(claim, {"x": "real"}, **more)], QUIET, executor=Here())
    assert made["ok"] is ok


@pytest.mark.parametrize(("expect", "ok"), [("", False), ("proved", False), ("ball", False), ("tested", True)])
@pytest.mark.parametrize("grade", ["tested", "cited"])
def test_random_points_are_no_proof(monkeypatch: pytest.MonkeyPatch, expect: str, ok: bool, grade: str) -> None:
    """Not even where a cited fact weakens the grade further."""
    monkeypatch.setattr("dltsym.cases.task.decide", lambda *_: proved("sampled", grade, points=64))
    more = {"expect": expect} if expect else {}
    [made] = cases.run([one("x = x", {"x": "real"}, **more)], QUIET, executor=Here())
    assert (made["status"], made["ok"]) == ("tested", ok and grade == "tested")
