"""The report of ``dltsym verify`` as one page: no script, font or image from elsewhere; formulas are MathML."""

from __future__ import annotations

import ast
import html
import itertools
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from dltsym.notation.tree import Decl, Num, Sym
from dltsym.record import Audit, Theorem
from dltsym.render.lines import source_text, statement_lines
from dltsym.render.mathml import mathml, mixed
from dltsym.render.view import GRADE_MEANING, OBLIGATIONS, ROLE_WORDS, area_title, relation_latex, shown_grade

_AUDIT_CLASS = {"holds": "holds", "holds with correction": "correction", "refuted": "refuted"}
_e = html.escape


def page(data: Mapping[str, Any], records: Mapping[str, Theorem | Audit] | None = None) -> str:
    """Return the whole page.

    Parameters
    ----------
    data : mapping
        What ``dltsym verify --json`` gives; reports by key stand under ``reports``.
    records : mapping of str to Theorem or Audit, optional
        Loaded records: their statements are shown, and formulas use the author's LaTeX. Without them names are
        printed by the automatic rules.

    Returns
    -------
    str
        HTML.
    """
    records = records or {}
    reports = dict(data.get("reports") or {})
    theorems = {k: r for k, r in reports.items() if r.get("kind") != "audit"}
    audits = {k: r for k, r in reports.items() if r.get("kind") == "audit"}
    parts = [_head(data), _problems(data), _tools()]
    for area, group in itertools.groupby(sorted(theorems), key=lambda k: k.split(".")[0]):
        body = "".join(_theorem(k, theorems[k], records.get(k)) for k in group)
        parts.append(f'<section class="area"><h2>{_e(area_title(area))}</h2>{body}</section>')
    if audits:
        body = "".join(_audit(k, r, records.get(k)) for k, r in sorted(audits.items()))
        parts.append(f'<section class="area"><h2>Audits</h2>{body}</section>')
    style, script = ((files(__package__) / name).read_text("utf-8") for name in ("report.css", "report.js"))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>dltsym verify</title>'
        f"<style>{style}</style></head><body><main>{''.join(parts)}</main><script>{script}</script></body></html>\n"
    )


def badge(grade: str, shown: str = "") -> str:
    """Return a grade or verdict as a coloured pill; the word itself is always printed.

    Parameters
    ----------
    grade : str
        Grade or verdict.
    shown : str
        Words of the pill, if they say more.

    Returns
    -------
    str
    """
    css = _AUDIT_CLASS.get(grade, grade if grade in GRADE_MEANING else "unchecked")
    return f'<span class="badge {css}" title="{_e(GRADE_MEANING.get(grade, ""))}">{_e(shown or grade)}</span>'


def _head(data: Mapping[str, Any]) -> str:
    grades = {g: n for g, n in (data.get("steps_by_grade") or {}).items() if n}
    total = sum(grades.values())
    values, mutants = data.get("values") or {}, data.get("mutants") or {}
    cards = [
        (data.get("records", 0), "theorems"),
        (total, "steps and claims"),
        (f"{values.get('ok', 0)} / {values.get('total', 0)}", "published values reproduced"),
        (f"{mutants.get('rejected', 0)} / {mutants.get('made', 0)}", "altered claims rejected"),
        (len(data.get("audits") or ()), "audits"),
        (f"{float(data.get('seconds', 0)):.1f} s", "time"),
    ]
    boxes = "".join(f"<div><b>{_e(str(n))}</b>{_e(name)}</div>" for n, name in cards)
    bar = "".join(f'<span class="{_e(g)}" style="flex:{n}" title="{_e(g)}: {n}"></span>' for g, n in grades.items())
    legend = "".join(
        f'<span><b class="{_e(g)}">{n}</b> {_e(g)} <span class="dim">{_e(GRADE_MEANING.get(g, ""))}</span></span>'
        for g, n in grades.items()
    )
    failed = data.get("broken") or data.get("problems") or grades.get("refuted") or grades.get("vacuous")
    good = data.get("ok", True) and not failed
    text = "Everything is proved or cited as stated." if good else "Something is wrong: see below."
    if good and any(grades.get(g) for g in ("open", "tested")):
        text = "Nothing is refuted, vacuous or broken; some steps are open or only tested."
    banner = f'<p class="banner{"" if good else " bad"}">{text}</p>'
    return (
        f'<h1>dltsym verify</h1>{banner}<div class="totals">{boxes}</div>'
        f'<div class="bar" role="img" aria-label="steps by grade">{bar}</div><div class="legend">{legend}</div>'
    )


def _problems(data: Mapping[str, Any]) -> str:
    broken = data.get("broken") or ()
    problems = list(data.get("problems") or ())
    out = "".join(
        f'<details><summary class="problem">{_e(str(b["key"]))} is broken</summary>'
        f"<pre>{_e(str(b.get('error', '')))}</pre></details>"
        for b in broken
    )
    out += "".join(f'<p class="problem">{_e(str(p))}</p>' for p in problems)
    return f"<section><h2>Problems</h2>{out}</section>" if out else ""


def _tools() -> str:
    options = "".join(f'<option value="{g}">{g}</option>' for g in GRADE_MEANING if g != "unchecked")
    return (
        '<div class="tools"><input id="search" type="search" placeholder="Search key, title, reason"'
        ' aria-label="Search"><select id="grade" aria-label="Grade"><option value="">all grades</option>'
        f"{options}</select></div>"
    )


def symbols_of(texts: Iterable[str]) -> dict[str, Sym]:
    """Guess declarations for the names in some relation texts, so that they can be printed as mathematics.

    Parameters
    ----------
    texts : iterable of str
        Relations in the grammar of `dltsym.notation.parse`.

    Returns
    -------
    dict of str to Sym
    """
    out: dict[str, Sym] = {}
    one = Num(1)  # type: ignore[arg-type]
    for text in texts:
        try:
            tree = ast.parse(re.sub(r"(?<![<>=!])=(?!=)", "==", text), mode="eval")
        except (SyntaxError, ValueError, RecursionError):
            continue
        nodes = list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, ast.Name) and node.id not in ("pi", "oo"):
                out.setdefault(node.id, Sym(Decl(node.id, "real")))
        for node in nodes:
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                rank = len(node.slice.elts) if isinstance(node.slice, ast.Tuple) else 1
                out[node.value.id] = Sym(Decl(node.value.id, "array", shape=((one, one),) * rank))
    return out


def formula(text: str, symbols: Mapping[str, Sym]) -> str:
    """Return the text of a relation as MathML, or as code when it cannot be read.

    Parameters
    ----------
    text : str
        Relation, or several separated by commas.
    symbols : mapping of str to Sym
        Declarations.

    Returns
    -------
    str
        HTML.
    """
    if not re.search(r"[<>=]", text):
        return _e(text)
    parts = [relation_latex(part, symbols) for part in _top_level(text)]
    if None in parts:
        return f"<code>{_e(text)}</code>"
    return ", ".join(mathml(rf"\displaystyle {latex}") for latex in parts)


def _top_level(text: str) -> list[str]:
    """Split at the commas that stand outside brackets."""
    out, depth = [""], 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        if c == "," and depth == 0:
            out.append("")
        else:
            out[-1] += c
    return [part.strip() for part in out]


def _pairs(item: Any) -> str:
    if isinstance(item, Mapping):
        return ", ".join(f"{k} = {_pairs(v)}" for k, v in item.items())
    return "; ".join(map(_pairs, item)) if isinstance(item, list | tuple) else str(item)


def _record(key: str, title: str, grade: str, grades: Iterable[str], search: str, body: str) -> str:
    return (
        f'<details class="record" id="{_e(key)}" data-grades="{_e(" ".join(sorted({grade, *grades})))}"'
        f' data-text="{_e(search.lower())}"><summary>{badge(grade)}<span>{mixed(title)}</span>'
        f'<span class="key">{_e(key)}</span></summary><div class="body">{body}</div></details>'
    )


def statement_html(record: Theorem) -> str:
    """Return the boxed statement of a theorem.

    Parameters
    ----------
    record : Theorem
        Record.

    Returns
    -------
    str
        HTML.
    """
    rows = []
    for line in statement_lines(record):
        tail = f' <span class="dim">{_e(source_text(line.source))}</span>' if line.source else ""
        rows.append(f"<div>{mathml(line.body, True) if line.math else mixed(line.body)}{tail}</div>")
    return f'<div class="statement">{"".join(rows)}</div>'


def _theorem(key: str, report: Mapping[str, Any], record: Theorem | Audit | None) -> str:
    steps = report.get("steps") or []
    symbols = dict(record.symbols) if record else symbols_of(s["relation"] for s in steps)
    lines = [f'<p class="problem">{_e(str(p))}</p>' for p in report.get("problems") or ()]
    lines += [statement_html(record)] if isinstance(record, Theorem) else []
    lines.append(_steps(steps, symbols))
    lines.append(_values(report.get("values") or ()))
    lines.append(_mutants(report.get("mutants") or {}))
    if report.get("cited"):
        lines.append(
            f"<h3>Cited</h3><p>{_e('; '.join(map(str, report['cited'])))}. "
            f"Without these premises: {badge(report.get('grade_without_cited', ''))}</p>"
        )
    if report.get("uses"):
        links = ", ".join(f'<a href="#{_e(u)}">{_e(u)}</a>' for u in report["uses"])
        lines.append(f"<h3>Rests on</h3><p>{links}</p>")
    search = " ".join([key, report.get("title", ""), *(s.get("reason", "") for s in steps), *report.get("cited", ())])
    grades = [s["grade"] for s in steps if s.get("role") in OBLIGATIONS]
    return _record(key, report.get("title", key), report.get("grade", "open"), grades, search, "".join(lines))


def _steps(steps: Iterable[Mapping[str, Any]], symbols: Mapping[str, Sym]) -> str:
    rows = []
    for s in steps:
        bad = s["grade"] in ("refuted", "vacuous")
        label = s.get("chain", ""), ROLE_WORDS.get(s.get("role", ""), ""), str(s.get("number") or "")
        name = " ".join(x for x in label if x)
        pill = badge(s["grade"], shown_grade(s["grade"], s.get("evidence") or {}))
        relation = f'<span class="{"struck" if bad else ""}">{formula(s["relation"], symbols)}</span>'
        rows.append(
            f'<tr><td class="dim">{_e(name)}</td><td>{relation}{_evidence(s)}</td>'
            f"<td>{mixed(s.get('reason', ''))}</td><td>{pill}</td>"
            f'<td class="dim">{_e(s.get("engine", ""))}</td></tr>'
        )
    head = "<thead><tr><th></th><th>relation</th><th>reason</th><th>grade</th><th>engine</th></tr></thead>"
    return f'<div class="scroll"><table class="steps">{head}<tbody>{"".join(rows)}</tbody></table></div>'


def _evidence(step: Mapping[str, Any]) -> str:
    out = ""
    if step.get("witness"):
        word = "at" if step.get("role") in ("break", "hypotheses") else "witness:"
        out += f'<div class="witness">{word} {_e(_pairs(step["witness"]))}</div>'
    if step["grade"] in ("refuted", "vacuous", "open", "tested") and step.get("evidence"):
        out += f'<div class="witness dim">{_e(_pairs(step["evidence"]))}</div>'
    rows = step.get("rows") or ()
    if rows:
        items = "".join(
            f"<div>{badge(r['grade'])} <code>{_e(r['text'])}</code> "
            f"<span class='dim'>{_e(r.get('why', ''))}</span></div>"
            for r in rows
        )
        count = f"{len(rows)} side condition{'s' * (len(rows) > 1)}"
        out += f'<details class="rows"><summary>{count}</summary>{items}</details>'
    return out


def _values(values: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        f"<tr><td>{_e(v.get('of') or 'value')}</td><td>{_e(_pairs(v['inputs']))}</td>"
        f'<td class="num">{_e(v["expected"])}</td><td class="num">{_e(v["got"])}</td>'
        f"<td>{min(v['digits_agree'], v['digits'])} of {v['digits']}</td>"
        f'<td class="{"ok" if v["ok"] else "wrong"}">{"ok" if v["ok"] else "wrong"}</td>'
        f"<td>{mixed(v.get('source', ''))}</td></tr>"
        for v in values
    ]
    head = (
        "<tr><th>output</th><th>at</th><th>published</th><th>computed</th><th>digits</th><th></th><th>source</th></tr>"
    )
    return f'<h3>Values</h3><div class="scroll"><table>{head}{"".join(rows)}</table></div>' if rows else ""


def _mutants(mutants: Mapping[str, Any]) -> str:
    if not mutants.get("made"):
        return ""
    left = mutants.get("survivors") or ()
    items = "".join(
        f"<div><code>{_e(s.get('mutant', ''))}</code> {_e(s.get('what', ''))}: {_e(s.get('reason', ''))}</div>"
        for s in left
    )
    more = f'<details class="rows"><summary>{len(left)} not rejected</summary>{items}</details>' if left else ""
    slack = f" {len(true)} more are true as well." if (true := mutants.get("true") or ()) else ""
    score = f"{mutants.get('rejected', 0)} of {mutants['made']} altered claims rejected.{slack}"
    return f"<h3>Negative control</h3><p>{score}</p>{more}"


def _audit(key: str, report: Mapping[str, Any], record: Theorem | Audit | None) -> str:
    lines = [f'<p class="problem">{_e(str(p))}</p>' for p in report.get("problems") or ()]
    lines.append(
        f"<p><b>Printed.</b> {mixed(report.get('prints', ''))} "
        f"<span class='dim'>{_e(report.get('source', ''))}</span></p>"
    )
    if isinstance(record, Audit):
        lines.append(f'<p class="scroll">{formula(str(record.claim), record.symbols)}</p>')
    if report.get("witness"):
        lines.append(f'<p class="witness"><b>Witness.</b> {_e(_pairs(report["witness"]))}</p>')
    lines.append(f"<p><b>Correct.</b> {mixed(report.get('corrected', ''))}</p>{_values(report.get('values') or ())}")
    search = " ".join([key, report.get("title", ""), report.get("prints", "")])
    verdict = report.get("verdict", "open")
    return _record(key, report.get("title", key), verdict, (), search, "".join(lines))
