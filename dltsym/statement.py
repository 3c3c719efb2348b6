"""`Scope`: what a theorem file writes with; it reads every part of a record and checks its form at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dltsym.algorithms import Algorithm
from dltsym.algorithms import algorithm as check_algorithm
from dltsym.boundform import Bound, read_bound
from dltsym.claims import check_claim
from dltsym.errors import NotationError, RecordError, suggest
from dltsym.form import (
    as_list,
    check_chains,
    check_entries,
    check_owned,
    default_outputs,
    inputs_by_name,
    kind_of,
    parts,
    sizes,
)
from dltsym.notation.scope import Scope as Declarations
from dltsym.notation.tree import Expr, Rel, Sym
from dltsym.operators import Operator, Root
from dltsym.record import (
    VERDICTS,
    Audit,
    Break,
    Claim,
    Convex,
    Derivation,
    Gap,
    Ode,
    Optimum,
    Premise,
    PublishedValue,
    Rate,
    Theorem,
    cited,
)


class Scope(Declarations):
    """Symbols of one record, and the two constructors `theorem` and `audit`."""

    def theorem(
        self,
        *,
        title: str,
        cite: tuple[str, str],
        claim: Any,
        given: Any = (),
        proof: Any = (),
        kind: str = "",
        tight: Any = (),
        outputs: Mapping[str, Any] | None = None,
        values: PublishedValue | Sequence[PublishedValue] = (),
        breaks: Break | Sequence[Break] = (),
        also: Sequence[tuple[str, str]] = (),
        aliases: Sequence[str] = (),
        operator: Operator | None = None,
        algorithm: Callable[..., Mapping[str, Any]] | None = None,
        computes: Sequence[str] = (),
        bound: Bound | Sequence[Bound] = (),
    ) -> Theorem:
        """Build a theorem; every malformed part is one clear error.

        Parameters
        ----------
        title : str
            One line.
        cite : tuple of str
            Bibliography key and place.
        claim : Rel, str, Optimum, Ode, Rate or list of them
            What is claimed; text may be a chain of relations.
        given : Rel, str, Premise or list of them
            Hypotheses beyond the declared domains.
        proof : Derivation or list
            Chains. Without one the engines are asked for the claim directly.
        kind : str
            Kind of record; derived from the claim when empty.
        tight : mapping or list
            Values of symbols at which an inequality is an equality.
        outputs : mapping of str to Expr, optional
            What the kernel computes; by default the right side, optimum or solution, and with an algorithm nothing.
        values, breaks, also, aliases
            Published values, points outside the hypotheses (by symbol or name), further sources, old keys. The size of
            an array that a value gives need not be given.
        operator : Operator, optional
            What kernels of the theorem compute.
        algorithm, computes
            ``f(m, **inputs)`` for what has no closed formula, and the names of the results that it returns.
        bound : Bound or list of them
            How outputs are used as bounds.

        Returns
        -------
        Theorem

        A chain that does not end at a claim, an unknown output or input is a `RecordError`; a symbol of no declaration
        here is an `UndeclaredSymbol`.
        """
        claims = tuple(c for item in as_list(claim) for c in self._claims(item))
        hypotheses = tuple(h for item in as_list(given) for h in self._hypotheses(item))
        chains = tuple(self._chain(c) for c in as_list(proof))
        check_chains(claims, hypotheses, chains)
        for c in claims:
            check_claim(c, hypotheses, tuple(self.symbols.values()))
        code = None if algorithm is None and not computes else check_algorithm(algorithm, computes, self.symbols)
        default = {} if code else default_outputs(claims)
        outs = {k: self.read(e) for k, e in outputs.items()} if outputs else default
        for name, out in outs.items():
            self.check_declared(out, f"output {name}")
        stated = self._values(as_list(values), outs, code)
        if operator is not None:
            self._check_operator(operator)
        return Theorem(
            title=title,
            symbols=dict(self.symbols),
            claims=claims,
            source=cited(cite),
            given=hypotheses,
            proof=chains,
            kind=kind or kind_of(claims),
            tight=tuple(self._mapping(m) for m in as_list(tight)),
            outputs=outs,
            values=stated,
            breaks=tuple(self._break(b, len(claims)) for b in as_list(breaks)),
            also=tuple(cited(a) for a in also),
            aliases=tuple(aliases),
            operator=operator,
            algorithm=code,
            bounds=tuple(self._bound(b, outs, code, hypotheses) for b in as_list(bound)),
        )

    def audit(
        self,
        *,
        title: str,
        source: tuple[str, str],
        prints: str,
        claim: Any,
        verdict: str,
        corrected: str,
        given: Any = (),
        at: Mapping[Any, Any] | None = None,
        fixture: Callable[..., Mapping[str, Any]] | None = None,
        outputs: Mapping[str, Any] | None = None,
        values: PublishedValue | Sequence[PublishedValue] = (),
        see: Sequence[str] = (),
        aliases: Sequence[str] = (),
    ) -> Audit:
        """Build an audit of a printed claim.

        Parameters
        ----------
        title, prints, corrected : str
            What it is about, what the source prints, what is right.
        source : tuple of str
            Bibliography key and place.
        claim : Rel or str
            The printed claim as a relation.
        verdict : str
            One of `dltsym.record.VERDICTS`, to be confirmed by the machine.
        given, at, fixture, outputs, values, see, aliases
            Hypotheses, witness inputs, re-created printed code, evaluated quantities, expected values, records.

        Returns
        -------
        Audit

        Raises
        ------
        RecordError
            When the verdict is not one of the allowed words.
        """
        if verdict not in VERDICTS:
            raise RecordError(f"verdict {verdict!r} is not one of {', '.join(VERDICTS)}{suggest(verdict, VERDICTS)}")
        (rel,) = self._claims(claim)
        if not isinstance(rel, Rel):
            raise RecordError("an audit holds one relation against the machine")
        outs = {k: self.read(e) for k, e in (outputs or {}).items()} or {"lhs": rel.lhs, "rhs": rel.rhs}
        for name, out in outs.items():
            self.check_declared(out, f"output {name}")
        stated = self._values(as_list(values), outs)
        rels = tuple(r for item in as_list(given) for r in self._hypotheses(item) if isinstance(r, Rel))
        return Audit(
            title=title,
            symbols=dict(self.symbols),
            source=cited(source),
            prints=prints,
            claim=rel,
            verdict=verdict,
            corrected=corrected,
            given=rels,
            at=inputs_by_name(at or {}),
            fixture=fixture,
            outputs=outs,
            values=stated,
            see=tuple(see),
            aliases=tuple(aliases),
        )

    def _claims(self, item: Any) -> tuple[Claim, ...]:
        if isinstance(item, str | Rel):
            rels = self.relations(item)
            for rel in rels:
                self.check_declared(rel, f"claim {rel}")
            return rels
        if isinstance(item, Optimum | Ode | Rate):
            claim = self._structured(item)
            for part in (p for p in parts(claim) if isinstance(p, Expr | Rel)):
                check_owned(part, self.symbols, f"{type(item).__name__.lower()} {part}")
            return (claim,)
        return self.relations(item)

    def _structured(self, item: Optimum | Ode | Rate) -> Claim:
        if isinstance(item, Ode):
            (equation,) = self.relations(item.equation)
            out: Claim = replace(
                item,
                equation=equation,
                solution=self.read(item.solution),
                start=self.read(item.start),
                initial=self.read(item.initial),
            )
        elif isinstance(item, Rate):
            out = replace(item, quantity=self.read(item.quantity), exponent=self.read(item.exponent))
        else:
            out = self._optimum(item)
        return out

    def _optimum(self, item: Optimum) -> Optimum:
        if item.sense not in ("min", "max"):
            raise RecordError(f"an optimum is a 'min' or a 'max', not {item.sense!r}")
        proof = item.proof
        if isinstance(proof, Convex):
            proof = replace(proof, inverse=self.read(proof.inverse), param=self._mapping(proof.param))
        elif isinstance(proof, Gap):
            proof = replace(proof, gap=self.read(proof.gap), by=tuple(as_list(proof.by)))
        rels = tuple(r for s in as_list(item.subject_to) for r in self.relations(s))
        return replace(
            item,
            objective=self.read(item.objective),
            value=self.read(item.value),
            at=self._mapping(item.at),
            proof=proof,
            subject_to=rels,
        )

    def _mapping(self, mapping: Mapping[Any, Any]) -> dict[Sym, Any]:
        out = {}
        for name, expr in mapping.items():
            sym = self.symbols.get(name) if isinstance(name, str) else name
            if not isinstance(sym, Sym) or self.symbols.get(sym.name) != sym:
                raise RecordError(f"{name} is not a declared symbol{suggest(str(name), self.symbols)}")
            out[sym] = expr if callable(expr) and not isinstance(expr, Expr) else self.read(expr)
            check_owned(out[sym], self.symbols, f"the value of {sym.name}", len(sym.decl.shape))
        return out

    def _hypotheses(self, item: Any) -> tuple[Rel | Premise, ...]:
        if isinstance(item, Premise):
            (rel,) = self.relations(item.rel)
            self.check_declared(rel, f"premise {item.name}")
            return (replace(item, rel=rel),)
        rels = self.relations(item)
        for rel in rels:
            self.check_declared(rel, f"hypothesis {rel}")
        return rels

    def _term(self, what: Any, where: str) -> Any:
        try:
            if isinstance(what, str) and any(c in what for c in "<>=!"):
                (what,) = self.relations(what)
            term = self.adopt(what) if isinstance(what, Rel) else self.read(what)
        except NotationError as err:  # undeclared names in text included
            raise type(err)(f"{where}: {err}") from None
        self.check_declared(term, where)
        return term

    def _chain(self, chain: Derivation) -> Derivation:
        if not isinstance(chain, Derivation):
            raise RecordError(f"a proof is made of derive(...) chains, not {chain!r}")
        start = self._term(chain.start, "start of the chain")
        steps = []
        for k, step in enumerate(chain.steps, 1):
            to = self._term(step.to, f"step {k} ({step.op} {step.to})")
            steps.append(replace(step, to=to))
        return replace(chain, start=start, steps=tuple(steps))

    def _bound(self, item: Bound, outs: Mapping[str, Expr], code: Algorithm | None, given: Sequence[Any]) -> Bound:
        def read(text: Any) -> Expr:
            tree = self.read(text)
            self.check_declared(tree, f"bound: {text}")
            return tree

        names = (*outs, *(code.computes if code else ()))
        return read_bound(item, self.symbols, names, [g.name for g in given if isinstance(g, Premise)], read)

    def _check_operator(self, operator: Operator) -> None:
        modes = {name: choices[0] for name, choices in operator.modes.items()}
        results = operator.statement(**modes)
        if set(results) != set(operator.axes):
            raise RecordError(f"the operator states {', '.join(results)} and gives axes of {', '.join(operator.axes)}")
        for name, out in results.items():
            for tree in (out.residual, out.lo, out.hi) if isinstance(out, Root) else (out,):
                self.check_declared(tree, f"operator output {name}")
        for what, names, known in (
            ("optional input", operator.absent, self.symbols),
            ("differentiable input", operator.grads, self.symbols),
            ("exact output", operator.exact, results),
        ):
            for name in names:
                if name not in known:
                    raise RecordError(f"the {what} {name} of the operator does not exist{suggest(name, known)}")

    def check_declared(self, node: Expr | Rel, where: str) -> None:
        """Raise if `node` uses a symbol that this scope does not own, or an array where a number belongs.

        Parameters
        ----------
        node : Expr or Rel
            Tree to check.
        where : str
            Named in the message.

        Raises
        ------
        UndeclaredSymbol
            For an unknown or foreign symbol.
        NotationError
            For an array without its indices.
        """  # noqa: DOC502 - raised by what it calls
        super().check_declared(node, where)
        check_entries(node, where)

    def _values(
        self, values: Sequence[PublishedValue], outputs: Mapping[str, Expr], code: Algorithm | None = None
    ) -> tuple[PublishedValue, ...]:
        """Check the form of published values, and add the sizes that their arrays give."""
        names = (*outputs, *(code.computes if code else ()))
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise RecordError(f"{twice[0]} is an output and a result of the algorithm")
        for v in values:
            if not isinstance(v, PublishedValue):
                raise RecordError(f"values= takes value(...) or a list of them, not {v!r}")
            of = v.of.split("[")[0] if code else v.of
            if of and of not in names:
                known = f"there is {', '.join(names)}" if names else "there is none"
                raise RecordError(
                    f"value {v.expected}: no output {v.of}{suggest(v.of, names)}; {known}, "
                    f"and outputs={{'name': expression}} adds one"
                )
            if not v.of and len(names) != 1:
                raise RecordError(f"value {v.expected}: say which output with of= ({', '.join(names)})")
            self._check_inputs(f"value {v.expected}: input", v.inputs)
        checked = {v.of.split("[")[0] or names[0] for v in values}
        loose = [n for n in (code.computes if code else ()) if n not in checked]
        if loose:
            raise RecordError(f"no value holds the result {loose[0]} of the algorithm against anything")
        return tuple(replace(v, inputs={**v.inputs, **sizes(self.symbols, v.inputs)}) for v in values)

    def _break(self, item: Break, claims: int) -> Break:
        if not isinstance(item, Break) or not isinstance(item.at, Mapping):
            raise RecordError(f"breaks= takes Break({{'x': 1}}, \"which hypothesis\") or a list of them, not {item!r}")
        at = inputs_by_name(item.at)
        self._check_inputs(f"break ({item.why}):", at)
        if not 0 <= item.part < claims:
            raise RecordError(f"break ({item.why}): part={item.part} counts the claims from 0, and there are {claims}")
        return replace(item, at={**at, **sizes(self.symbols, at)})

    def _check_inputs(self, where: str, inputs: Mapping[str, Any]) -> None:
        for name in inputs:
            if name not in self.symbols:
                raise RecordError(f"{where} {name} is not declared{suggest(name, self.symbols)}")
