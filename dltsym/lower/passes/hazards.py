"""Value-dependent rewrites: forms that cancel are replaced by forms that do not (dltsym design note, section 4.3).

Algebra cannot see cancellation, so the list is explicit. Each rule has a trigger and a condition; a trigger without its
condition is a `Finding`. With ``accuracy="as_written"`` only the findings are collected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dltsym.lower.algebra.constructors import Algebra
from dltsym.lower.nodes import Node, anonymous
from dltsym.lower.passes import hazard_moments, hazard_relative, hazard_terms, watch
from dltsym.lower.passes.rebuild import below
from dltsym.lower.program import Program
from dltsym.lower.report import Finding
from dltsym.lower.show import show


@dataclass
class Walk:
    """State of one run of the pass."""

    alg: Algebra
    findings: dict[Finding, None] = field(default_factory=dict)
    applied: dict[str, None] = field(default_factory=dict)
    done: dict[int, Node] = field(default_factory=dict)
    made: set[tuple[object, ...]] = field(default_factory=set)
    safe: bool = True

    def warn(self, code: str, node: Node) -> None:
        """Record a finding about a node."""
        self.findings[Finding(code, show(node))] = None

    def visit(self, node: Node) -> Node:
        """Return a node with every hazard below and at it treated."""
        known = self.done.get(id(node))
        if known is None:
            known = self.done[id(node)] = _treated(self, node)
        return known

    def keep(self, node: Node, rule: str) -> Node:
        """Record that a rule made a node, which no rule looks at again."""
        self.applied[rule] = None
        self.done[id(node)] = node
        self.made.add(anonymous(node, node.axes))
        return node

    def stable(self, node: Node) -> bool:
        """Tell whether a rule made a node, so that its difference is meant."""
        return anonymous(node, node.axes) in self.made


Rule = Callable[[Walk, Node], Node | None]
_RULES: dict[str, tuple[Rule, ...]] = {
    "add": (
        hazard_moments.covariance,
        hazard_moments.centred,
        hazard_relative.divergence_terms,
        hazard_relative.remainder,
        hazard_terms.complement,
        hazard_terms.roots,
        hazard_terms.log_ratio,
        hazard_terms.prefix_difference,
    ),
    "mul": (hazard_terms.quotient,),
    "where": (hazard_terms.prefix_difference,),
    "contract": (hazard_relative.divergence,),
}


def hazards(program: Program, accuracy: str = "safe") -> Program:
    """Replace forms that cancel, and report those that cannot be replaced.

    Parameters
    ----------
    program : Program
        Program in normal form.
    accuracy : {"safe", "as_written"}
        Whether to replace, or only to report.

    Returns
    -------
    Program
    """
    walk = Walk(Algebra(program.table, program.inputs), safe=accuracy == "safe")
    outputs = tuple(replace(o, node=walk.visit(o.node)) for o in program.outputs)
    for out in outputs:
        watch.watch(walk.alg, out.node, walk.warn, walk.stable)
    findings = tuple(dict.fromkeys((*program.findings, *walk.findings)))
    rewrites = tuple(dict.fromkeys((*program.rewrites, *walk.applied)))
    return replace(program, outputs=outputs, findings=findings, rewrites=rewrites)


def _treated(walk: Walk, node: Node) -> Node:
    if walk.safe:
        for rule in _RULES.get(node.op, ()):
            new = rule(walk, node)
            if new is not None:
                return new
    return below(walk.alg.table, node, walk.visit)
