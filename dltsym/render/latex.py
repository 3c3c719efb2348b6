r"""LaTeX of a record: boxed statement, notation table, ``align`` derivation with grades, and a whole paper file."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dltsym.notation.latex import symbol_latex
from dltsym.record import Audit, Source, Theorem
from dltsym.render import bib
from dltsym.render.bounds import bound_rows
from dltsym.render.lines import Line, domain_latex, source_text, statement_lines, used_symbols
from dltsym.render.view import ChainView, StepView, grade_sentence, relation_glyph, split_math
from dltsym.render.view import derivation as chains_of

if TYPE_CHECKING:
    from dltsym.prove.report import Report

_SPECIAL = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
            "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}  # fmt: skip
_GREEK_TEXT = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi",
    "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi",
    "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
_SIGNS = {"≤": "le", "≥": "ge", "≠": "ne", "∞": "infty", "×": "times", "→": "to", "⇔": "iff", "√": "surd", "∈": "in",
          "≈": "approx", "·": "cdot", "−": "-", "∑": "sum", "∫": "int", "∂": "partial"}  # fmt: skip
_PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=2.2cm]{geometry}
\usepackage{amsmath,amssymb,amsthm}
\usepackage[hidelinks]{hyperref}
\newtheorem{theorem}{Theorem}
"""


def escape(text: str) -> str:
    r"""Escape mixed text for LaTeX; mathematics between dollar signs stays as it is.

    Parameters
    ----------
    text : str
        Mixed text.

    Returns
    -------
    str

    Examples
    --------
    >>> print(escape("50% of $n$ & λ"))
    50\% of $n$ \& $\lambda$
    """
    return "".join(f"${piece}$" if math else _escape_words(piece) for math, piece in split_math(text))


def _escape_words(text: str) -> str:
    out = []
    for c in text:
        command = _GREEK_TEXT.get(c) or _SIGNS.get(c)
        out.append(f"${'' if command == '-' else chr(92)}{command}$" if command else _SPECIAL.get(c, c))
    return "".join(out)


def _in_math(text: str) -> str:
    r"""Return mixed text as material for math mode: words in ``\text``, formulas bare."""
    return "".join(piece if math else rf"\text{{{_escape_words(piece)}}}" for math, piece in split_math(text))


def statement(theorem: Theorem) -> str:
    r"""Return the boxed statement as one display, for MathJax as well as LaTeX.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    str
        ``$$\boxed{...}$$`` with title, domains, hypotheses, claims and let-definitions.
    """
    rows = [rf"\textbf{{{escape(theorem.title)}}}"]
    for line in statement_lines(theorem):
        if line.role == "domain":
            rows += [_in_math(part) for part in _chunks(line.body, 4)]
        else:
            body = f"{line.body} {source_text(line.source)}" if line.source else line.body
            rows.append(rf"\quad \displaystyle {body}" if line.math else rf"\quad {_in_math(body)}")
    return "$$\\boxed{\\begin{array}{l}\n" + " \\\\[4pt]\n".join(rows) + "\n\\end{array}}$$"


def _chunks(text: str, size: int) -> list[str]:
    """Break the list of domains into lines, so that the box stays narrow."""
    parts = text.split("$, $")
    groups = [parts[k : k + size] for k in range(0, len(parts), size)]
    joined = ["$, $".join(g) for g in groups]
    return [("" if k == 0 else "$") + j + ("" if k == len(joined) - 1 else "$, ") for k, j in enumerate(joined)]


def notation_table(theorem: Theorem) -> str:
    r"""Return a ``tabular`` of the symbols: LaTeX, meaning, unit, domain or definition.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    str
    """
    rows = []
    for sym in used_symbols(theorem, proof=True):
        unit = "" if sym.decl.unit == "1" else escape(sym.decl.unit)
        rows.append(rf"${symbol_latex(sym)}$ & {escape(sym.decl.meaning)} & {unit} & ${domain_latex(sym)}$ \\")
    head = "symbol & meaning & unit & domain \\\\\n\\hline"
    body = "\n".join(rows)
    return f"\\begin{{tabular}}{{@{{}}lp{{0.42\\textwidth}}ll@{{}}}}\n{head}\n{body}\n\\end{{tabular}}"


def derivation(
    theorem: Theorem, report: Report | None = None, env: str = "align", reasons: bool = True, label: str | None = None
) -> str:
    r"""Return the derivation: one ``align`` per chain, and a sentence with domain, grade and sources.

    A step that is open or only tested has a question mark over its relation, a refuted or vacuous one a cross, and
    the sentence below warns; only a proved step is printed plainly.

    Parameters
    ----------
    theorem : Theorem
        Record.
    report : Report, optional
        What the checker said; without it no grade is printed and the sentence says so.
    env : str
        Environment: ``align``, ``align*`` or ``aligned`` (wrapped in a display).
    reasons : bool
        Print the reason and grade of each step.
    label : str, optional
        Label of the first chain.

    Returns
    -------
    str
    """
    blocks = []
    for k, chain in enumerate(chains_of(theorem, report)):
        if chain.name:
            blocks.append(rf"\noindent\emph{{{escape(chain.name)}}}.")
        blocks.append(_align(chain, env, reasons, label if k == 0 else None))
    return "\n".join([*blocks, *_local_names(theorem), _closing(theorem, report)])


def _local_names(theorem: Theorem) -> list[str]:
    """Define the let-names that the derivation uses and the statement does not."""
    stated = used_symbols(theorem)
    lets = [s for s in used_symbols(theorem, proof=True) if s.decl.definition is not None and s not in stated]
    return [f"\\noindent Here {', '.join(f'${domain_latex(s)}$' for s in lets)}."] if lets else []


def _align(chain: ChainView, env: str, reasons: bool, label: str | None) -> str:
    rows = []
    for k, step in enumerate(chain.steps):
        glyph = relation_glyph(step.op, step.status)
        reason = f" && {_reason(step)}" if reasons and _reason(step) else ""
        rows.append(f"{chain.start if k == 0 else ''} &{glyph} {step.to}{reason}".strip())
    body = " \\\\\n".join(f"  {row}" for row in rows)
    mark = rf"\label{{{label}}}" if label else ""
    if env == "aligned":
        return f"\\[{mark}\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n\\]"
    return f"\\begin{{{env}}}{mark}\n{body}\n\\end{{{env}}}"


def _reason(step: StepView) -> str:
    words = [escape(step.why)] if step.why else []
    words += [rf"by \texttt{{{escape(u)}}}" for u in step.uses]
    if step.status != "unchecked":
        words.append(f"[{step.shown}]" if step.status in ("proved", "cited") else rf"\textbf{{[{step.shown}]}}")
    return (
        rf"\text{{{', '.join(words[:-1])} {words[-1]}}}"
        if len(words) > 1
        else (rf"\text{{{words[0]}}}" if words else "")
    )


def _closing(theorem: Theorem, report: Report | None) -> str:
    lines = statement_lines(theorem)
    domains = [x.body.rstrip(":").removeprefix("For all ") for x in lines if x.role == "domain"]
    where = f"Valid for {escape(domains[0])}. " if domains else ""
    steps = [step for chain in chains_of(theorem, report) for step in chain.steps]
    sources = dict.fromkeys([theorem.source, *(source for step in steps for source in step.sources)])
    cites = ", ".join(_cite(s) for s in sources)
    return f"\\noindent {where}{escape(grade_sentence(report))} See {cites}."


def _cite(source: Source) -> str:
    where = f"[{escape(source.where)}]" if source.where else ""
    return rf"\cite{where}{{{source.key}}}"


def theorem_environment(theorem: Theorem) -> str:
    r"""Return the statement in an amsthm ``theorem`` environment.

    Parameters
    ----------
    theorem : Theorem
        Record.

    Returns
    -------
    str
    """
    body = [_display(line) for line in statement_lines(theorem)]
    head = rf"\begin{{theorem}}[{{{escape(theorem.title)}, {_cite(theorem.source)}}}]"
    return "\n".join([head, *body, r"\end{theorem}"])


def _display(line: Line) -> str:
    if line.math:
        return rf"\[ {line.body} \]"
    return f"{escape(line.body)} {_cite(line.source)}" if line.source else escape(line.body)


def paper(theorem: Theorem, report: Report | None = None, resolve: Callable[[str], Any] | None = None) -> str:
    r"""Return a whole LaTeX file that compiles: prose, theorem, notation, proof, and a bibliography of what was used.

    Parameters
    ----------
    theorem : Theorem
        Record.
    report : Report, optional
        What the checker said.
    resolve : callable, optional
        Finds a record by key, for the sources of the lemmas.

    Returns
    -------
    str
    """
    keys = bib.cite(theorem, report, resolve)
    items = [rf"\bibitem{{{k}}} {_unicode(text)}" for k, text in bib.formatted(keys, theorem.key, "latex").items()]
    proof = [derivation(theorem, report, "align*")] if theorem.proof else [_closing(theorem, report)]
    parts = [
        _PREAMBLE + r"\begin{document}",
        rf"\section*{{{escape(theorem.title)}}}",
        prose(theorem.prose),
        theorem_environment(theorem),
        r"\paragraph{Notation.}\leavevmode\par\medskip",
        notation_table(theorem),
        *_as_bound(theorem),
        r"\begin{proof}\leavevmode",
        *proof,
        r"\end{proof}",
        rf"\nocite{{{','.join(keys)}}}",
        r"\begin{thebibliography}{99}",
        *items,
        r"\end{thebibliography}",
        r"\end{document}",
    ]
    return "\n".join(p for p in parts if p) + "\n"


def _as_bound(theorem: Theorem) -> list[str]:
    rows = [rf"\item[{escape(term)}] {escape(text)}" for term, text in bound_rows(theorem)]
    head = [r"\paragraph{As a bound.}\leavevmode", r"\begin{description}"]
    return [*head, *rows, r"\end{description}"] if rows else []


def prose(text: str) -> str:
    r"""Return the prose of a record as LaTeX: paragraphs, ``code`` and *emphasis* kept.

    Parameters
    ----------
    text : str
        Module docstring.

    Returns
    -------
    str
    """
    out = escape(text.strip())
    out = re.sub(r"``?([^`]+)``?", r"\\texttt{\1}", out)
    out = re.sub(r"\*\*([^*$]+)\*\*", r"\\textbf{\1}", out)
    return re.sub(r"(?<![\w*$])\*([^*$\n]+)\*(?![\w*])", r"\\emph{\1}", out)


def _unicode(text: str) -> str:
    return text.replace("–", "--").replace("—", "---").replace("’", "'").replace("\u00a0", "~")


def audit(record: Audit) -> str:
    r"""Return the printed claim of an audit with its verdict as a boxed display.

    Parameters
    ----------
    record : Audit
        Audit.

    Returns
    -------
    str
    """
    from dltsym.notation.latex import to_latex

    rows = [
        rf"\textbf{{{escape(record.title)}}}",
        rf"\text{{Printed: {escape(record.prints)}}}",
        rf"\quad \displaystyle {to_latex(record.claim)}",
        rf"\text{{Verdict: {escape(record.verdict)}}}",
        rf"\text{{Correct: {escape(record.corrected)}}}",
    ]
    return "$$\\boxed{\\begin{array}{l}\n" + " \\\\[4pt]\n".join(rows) + "\n\\end{array}}$$"
