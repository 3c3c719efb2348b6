"""Guards between the exporter and the grade ``formal``. A file is refused unless it is of the one known form.

Nothing outside the known header, lemmas and their proofs; no word that could assume, change notation or leave a proof
open; no comments and no strings, in which such words could hide. The theorems are read back by `dltsym.formal.reader`
and compared with the claims, symbol by symbol and at random points.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dltsym.formal import points
from dltsym.formal.claims import Claim, needs
from dltsym.formal.reader import Reader, Term, evaluate, relation_shape
from dltsym.formal.text import Refused
from dltsym.notation import evaluate as numeric
from dltsym.notation.walk import free_symbols, key
from dltsym.prove.problem import Problem

HEADER = """\
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
Require Import Ladder.
Open Scope R_scope.
"""
AXIOMS = frozenset(
    (
        "ClassicalDedekindReals.sig_not_dec",
        "ClassicalDedekindReals.sig_forall_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
        "Classical_Prop.classic",
    )
)
_WORDS = """
Admitted admit Admit give_up Abort Axiom Axioms Parameter Parameters Conjecture Hypothesis Hypotheses Variable
Variables Context Assumption Assumptions Declare Notation Infix Reserved Delimit Bind Undelimit Arguments Coercion
Canonical Definition Fixpoint CoFixpoint Let Example Fact Remark Corollary Proposition Inductive Record Structure
Class Instance Existing Ltac Ltac2 Tactic Module Section End Import Export Include Load Require From Set Unset Local
Global Polymorphic Program Obligation Obligations Next Save Defined Drop Redirect Extraction Extract Primitive
Register Add Hint Create Opaque Transparent Strategy Print Check Eval Compute Search About Goal Universe Constraint
Fail Time Timeout Back Undo Restart Show Focus bypass_check Close Open Scope Scheme Function Derive Comments Succeed
Number String Type Prop
"""
FORBIDDEN = frozenset(_WORDS.split())
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_']*")
_LEMMA = re.compile(r"(Lemma|Theorem) (claim_[0-9]+[a-z0-9_]*) : ([^.]*)\.\nProof\.\n(.*?)\nQed\.\n", re.DOTALL)
POINTS = 5


def inspect(text: str) -> dict[str, str]:
    """Check the form of an emitted file.

    Parameters
    ----------
    text : str
        The file.

    Returns
    -------
    dict of str to str
        Statements of the lemmas and theorems by name.

    Raises
    ------
    Refused
        When anything is not as it should be.
    """
    if not text.startswith(HEADER):
        raise Refused("the file does not begin with the known header")
    body = text[len(HEADER) :]
    for mark in ("(*", "*)", '"', "\\\n"):
        if mark in body:
            raise Refused(f"the file contains {mark!r}")
    if not body.isascii():
        raise Refused("the file contains letters outside ASCII")
    found: dict[str, str] = {}
    at = 0
    for match in _LEMMA.finditer(body):
        if body[at : match.start()].strip():
            raise Refused(f"something stands between the lemmas: {body[at : match.start()].strip()[:60]!r}")
        _, name, said, proof = match.groups()
        bad = [
            w for w in _WORD.findall(f"{said} {proof}") if w in FORBIDDEN or w in ("Lemma", "Theorem", "Proof", "Qed")
        ]
        if bad:
            raise Refused(f"the lemma {name} contains the word {bad[0]}")
        if name in found:
            raise Refused(f"the name {name} is used twice")
        found[name] = said
        at = match.end()
    if body[at:].strip():
        raise Refused(f"something follows the last lemma: {body[at:].strip()[:60]!r}")
    return found


def compare(text: str, problem: Problem, claims: Sequence[Claim]) -> tuple[str, ...]:
    """Check that a file states what was claimed, and that everything in it is defined.

    Parameters
    ----------
    text : str
        The file.
    problem : Problem
        The claim before it was flattened.
    claims : sequence of Claim
        Its theorems.

    Returns
    -------
    tuple of str
        Names of the theorems.

    Raises
    ------
    Refused
        When a theorem is missing or says something else.
    """
    said = inspect(text)
    names: list[str] = []
    for k, claim in enumerate(claims):
        rows = {key(r): r for rel in (claim.goal, *claim.given) for r in needs(rel)}
        if set(rows) != {key(r) for r in claim.rows}:
            raise Refused("the conditions of definedness are not those of the claim")
        theorem = relation_shape(claim.goal)
        if claim.var is not None:
            theorem = ("is_derive", f"v_{claim.var.name}", *theorem[1:])
        wanted = {f"claim_{k}": theorem} | {
            f"claim_{k}_defined_{j}": relation_shape(row) for j, row in enumerate(claim.rows)
        }
        for name, goal in wanted.items():
            if name not in said:
                raise Refused(f"the theorem {name} is missing")
            _same(name, said[name], claim, goal)
            names.append(name)
        _numbers(f"claim_{k}", said[f"claim_{k}"], problem, claim)
    return tuple(names)


def _same(name: str, text: str, claim: Claim, goal: Term) -> None:
    names, parts = Reader(text).statement()
    if list(names) != [f"v_{s.name}" for s in claim.symbols] or len(set(names)) != len(names):
        raise Refused(f"the theorem {name} quantifies over {' '.join(names)}")
    wanted = [*map(relation_shape, claim.given), goal]
    for got, want in zip(parts, wanted, strict=False):
        if got != want:
            raise Refused(f"the theorem {name} says {got!r} where {want!r} is claimed")
    if len(parts) != len(wanted):
        raise Refused(f"the theorem {name} has {len(parts) - 1} hypotheses, not {len(wanted) - 1}")


def _numbers(name: str, text: str, problem: Problem, claim: Claim) -> None:
    """Evaluate what was read back and what was claimed at random points inside the hypotheses."""
    _, parts = Reader(text).statement()
    found = points.find(claim.given, claim.symbols, POINTS)
    written = {s.name for s in free_symbols(problem.goal)}
    sources = [claim.goal]
    if claim.var is None and written == {s.name for s in free_symbols(claim.goal)}:
        sources.append(problem.goal.flipped())
    for point in found:
        env = {f"v_{s}": value for s, value in point.items()}
        for source in sources:
            for term, e in zip(parts[-1][-2:], (source.lhs, source.rhs), strict=True):
                if not evaluate(term, env).overlaps(numeric.evaluate(e, point, 53)):
                    raise Refused(f"the theorem {name} differs from the claim at {point}")


def axioms(output: str) -> frozenset[str]:
    """Read the output of ``Print Assumptions``.

    Parameters
    ----------
    output : str
        What Coq printed.

    Returns
    -------
    frozenset of str

    Raises
    ------
    Refused
        When an axiom is not one of classical reals.
    """
    found = frozenset(re.findall(r"^([A-Za-z_][\w.']*)\s*:", output, re.MULTILINE)) - {"Axioms"}
    strange = sorted(found - AXIOMS)
    if strange:
        raise Refused(f"the proof assumes {', '.join(strange)}")
    return found
