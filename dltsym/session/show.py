r"""How a derivation prints: table of steps, ``align`` block, the sentence below it, and words for a verdict.

Only proved steps reach this module, so nothing here can print an unproved one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dltsym.notation.latex import RELATION_LATEX, to_latex
from dltsym.notation.tree import Expr
from dltsym.notation.walk import free_symbols
from dltsym.prove.problem import declared_bounds
from dltsym.render.latex import escape
from dltsym.render.view import GRADE_MEANING
from dltsym.session.finding import WORDS, Finding, Text, gap_text, point_text, unique
from dltsym.session.messages import advice, alone
from dltsym.session.words import told

if TYPE_CHECKING:
    from dltsym.session.chains import Derivation, Step

SHOWN = 12


def table(d: Derivation) -> str:
    """Return the steps of a derivation as lines of text.

    Parameters
    ----------
    d : Derivation
        Derivation.

    Returns
    -------
    str
    """
    rows: list[tuple[str, str, str, str]] = []
    for k, step in enumerate(d.steps, 1):
        f = step.finding
        rows.append((f"{k:2}", str(f.claim), f.verdict.grade, _how(f)))
        rows += [("   ", f"row  {r.text}", r.grade, r.why) for r in f.rows]
    widths = [max(len(r[c]) for r in rows) for c in (1, 2)]
    lines = [f"{n}  {text:{widths[0]}}  {grade:{widths[1]}}  {how}".rstrip() for n, text, grade, how in rows]
    cited = f" [{', '.join(d.cited)}]; all other steps: {d.grade_without_cited}" if d.cited else ""
    return "\n".join([*lines, f"grade: {d.grade}{cited}"])


def _how(f: Finding) -> str:
    seconds = f.verdict.seconds
    took = f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
    facts = unique(u.fact.name if u.fact.grade == "cited" else f"{u.fact.name}[{u.fact.grade}]" for u in f.used)
    return f"{WORDS.get(f.engine, f.engine)}, {took}" + (f", facts used: {', '.join(facts)}" if facts else "")


# LaTeX


def align(start: Expr, steps: Iterable[Step], env: str, reasons: bool, label: str) -> str:
    """Return a chain as an environment of aligned rows.

    Parameters
    ----------
    start : Expr
        First expression.
    steps : iterable of Step
        Proved steps.
    env : str
        Environment.
    reasons : bool
        Print the reason of each step.
    label : str
        Label, may be empty.

    Returns
    -------
    str
    """
    rows = []
    for k, step in enumerate(steps):
        reason = rf" && \text{{{escape(step.why)}}}" if reasons and step.why else ""
        tag = rf" \tag{{{escape(step.tag)}}}" if step.tag else ""
        head = f"{to_latex(start)} " if k == 0 else ""
        rows.append(f"  {head}&{RELATION_LATEX[step.op]} {to_latex(step.to)}{reason}{tag}")
    body = " \\\\\n".join(rows)
    mark = rf"\label{{{label}}}" if label else ""
    return f"\\begin{{{env}}}{mark}\n{body}\n\\end{{{env}}}"


def display(start: Expr, steps: tuple[Step, ...]) -> str:
    """Return a chain as one display for a notebook.

    Parameters
    ----------
    start : Expr
        First expression.
    steps : tuple of Step
        Proved steps.

    Returns
    -------
    str
    """
    body = align(start, steps, "aligned", True, "") if steps else to_latex(start)
    return f"$$\n{body.replace(' && ', ' &&')}\n$$"


def closing(d: Derivation) -> str:
    """Return the sentence below a derivation: where it holds, how well it is known, on what it rests.

    Parameters
    ----------
    d : Derivation
        Derivation.

    Returns
    -------
    str
    """
    f = d.finding
    used = [a for a in f.given if not a.cite or a.name in f.named]
    symbols = sorted({s for s in free_symbols(d.claim) if not s.decl.uid}, key=lambda s: s.name)
    domain = [b for s in symbols for b in declared_bounds(s)] + [a.rel for a in used]
    where = f"Valid for ${', '.join(unique(map(to_latex, domain)))}$. " if domain else ""
    cited = f" [{', '.join(d.cited)}]; all other steps: {d.grade_without_cited}" if d.cited else ""
    return rf"\noindent {where}{escape(f'Grade: {d.grade} ({GRADE_MEANING[d.grade]}){cited}.')}"


# Words


def explain(what: Any) -> Text:
    """Say in words how a claim is known: engine, certificate, side conditions, facts.

    Parameters
    ----------
    what : Finding, Verdict or object with a ``finding``
        What to explain.

    Returns
    -------
    Text
    """
    f = getattr(what, "finding", what)
    verdict = f.verdict if isinstance(f, Finding) else f
    lines = [f"{f.claim} is {f.status}"] if isinstance(f, Finding) else [verdict.status]
    lines += _decision(f) if isinstance(f, Finding) else []
    lines += [f"engine: {WORDS.get(verdict.engine, verdict.engine)} ({verdict.seconds:.2g} s), grade {verdict.grade}"]
    lines += [*told(verdict)]
    rows = f.rows if isinstance(f, Finding) else verdict.rows
    lines += [f"side condition: {r.text}   {r.grade}, {r.why}" for r in rows[:SHOWN]]
    lines += [f"and {len(rows) - SHOWN} more in .rows"] if len(rows) > SHOWN else []
    if isinstance(f, Finding):
        lines += [f"fact: {u.fact.name}: {u.fact.rel}   {u.fact.grade}" for u in f.used]
        lines += [f"note: {n}" for n in f.notes]
    return Text("\n".join(lines))


def _decision(f: Finding) -> list[str]:
    if f.status == "refuted":
        return [f"at {point_text(f.witness or {})}, lhs-rhs {gap_text(f)}"]
    if f.status in ("open", "tested"):
        free = alone(f)
        allowed = [f"the facts alone allow {point_text(free)}"] if free else []
        return [*allowed, f"what would help: {'; '.join(advice(f))}"]
    return [f"{f.grade}: {GRADE_MEANING.get(f.grade, '')}"]
