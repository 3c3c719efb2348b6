"""An independent reader of Coq statements: what an emitted theorem says, compared with what was claimed.

It shares no code with the printer. A term is a nested tuple such as ``("+", ("var", "v_x"), ("num", 1))``; every binary
operation associates to the left but ``^`` and ``->``, as in Coq's ``R_scope``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flint import arb, fmpq

from dltsym.formal.text import Refused
from dltsym.notation.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Rel, Sym

Term = tuple[Any, ...]
_TOKEN = re.compile(r"\s*(->|=>|/\\|<=|<>|[A-Za-z_][A-Za-z0-9_']*|[0-9]+|[-+*/^()<=:,])")
_LEVELS = (("+", "-"), ("*", "/"))
FUNCTIONS = ("exp", "ln", "sqrt")


def tokens(text: str) -> list[str]:
    """Split a statement into tokens.

    Parameters
    ----------
    text : str
        Coq text.

    Returns
    -------
    list of str

    Raises
    ------
    Refused
        For a character that has no place in a statement.
    """
    out, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Refused(f"cannot read the statement at {text[at : at + 30]!r}")
        out.append(found.group(1))
        at = found.end()
    return out


class Reader:
    """Recursive descent over the tokens of one statement."""

    def __init__(self, text: str) -> None:
        self.rest = tokens(text)[::-1]

    def peek(self) -> str:
        """Return the next token, "" at the end."""
        return self.rest[-1] if self.rest else ""

    def take(self, *wanted: str) -> str:
        """Take the next token, which has to be one of `wanted` if any are given."""
        token = self.rest.pop() if self.rest else ""
        if not token or (wanted and token not in wanted):
            raise Refused(f"the statement has {token!r} where {' or '.join(wanted) or 'a term'} is expected")
        return token

    def statement(self) -> tuple[tuple[str, ...], tuple[Term, ...]]:
        """Return the bound names, and hypotheses with the conclusion at the end."""
        names: list[str] = []
        if self.peek() == "forall":
            self.take()
            while self.peek() != ":":
                names.append(self.take())
            self.take(":")
            self.take("R")
            self.take(",")
        parts = [self.relation()]
        while self.peek() == "->":
            self.take()
            parts.append(self.relation())
        if self.rest:
            raise Refused(f"the statement goes on with {self.peek()!r}")
        return tuple(names), tuple(parts)

    def relation(self) -> Term:
        """Read ``(a < b)``, or ``(is_derive (fun x : R => f) x d)`` with the same x twice."""
        self.take("(")
        if self.peek() == "is_derive":
            for word in ("is_derive", "(", "fun"):
                self.take(word)
            name = self.take()
            for word in (":", "R", "=>"):
                self.take(word)
            body = self.sum(0)
            self.take(")")
            self.take(name)
            value = self.sum(0)
            self.take(")")
            return "is_derive", name, body, value
        left = self.sum(0)
        op = self.take("<", "<=", "=", "<>")
        right = self.sum(0)
        self.take(")")
        return op, left, right

    def sum(self, level: int) -> Term:
        """Read a term of sums (level 0) or products (level 1)."""
        if level == len(_LEVELS):
            return self.signed()
        out = self.sum(level + 1)
        while self.peek() in _LEVELS[level]:
            out = (self.take(), out, self.sum(level + 1))
        return out

    def signed(self) -> Term:
        """Read a term with a sign or an inverse in front."""
        if self.peek() in ("-", "/"):
            op = self.take()
            return ("neg" if op == "-" else "inv", self.signed())
        return self.power()

    def power(self) -> Term:
        """Read ``a ^ 3``: the exponent is a numeral of type nat."""
        base = self.atom()
        if self.peek() != "^":
            return base
        self.take()
        digits = self.take()
        if not digits.isdigit() or self.peek() == "^":
            raise Refused(f"the exponent {digits!r} is no numeral")
        return "^", base, int(digits)

    def atom(self) -> Term:
        """Read a numeral, a variable, a call or something in parentheses."""
        token = self.take()
        if token == "(":
            out = self.sum(0)
            self.take(")")
            return out
        if token.isdigit():
            return "num", int(token)
        if token in FUNCTIONS:
            return token, self.atom()
        if re.fullmatch(r"v_[A-Za-z0-9_]+", token):
            return "var", token
        raise Refused(f"the statement mentions {token!r}")


def shape(e: Expr) -> Term:
    """Return what the printed form of an expression has to be, after the declared rewrites.

    Parameters
    ----------
    e : Expr
        Flat expression with defined functions expanded.

    Returns
    -------
    tuple

    Raises
    ------
    Refused
        For any other node.
    """
    match e:
        case Num(value):
            top: Term = ("num", abs(value.numerator))
            top = ("neg", top) if value < 0 else top
            return top if value.denominator == 1 else ("/", top, ("num", value.denominator))
        case Sym():
            return "var", f"v_{e.name}"
        case Neg(arg):
            return "neg", shape(arg)
        case Add(args) | Mul(args):
            out = shape(args[0])
            for a in args[1:]:
                out = ("+" if isinstance(e, Add) else "*", out, shape(a))
            return out
        case Div(a, b):
            return "/", shape(a), shape(b)
        case Pow(base, Num(n)) if n.denominator == 1:
            return ("^", shape(base), int(n)) if n >= 0 else ("inv", ("^", shape(base), -int(n)))
        case Pow(base, Neg(Num(n))) if n.denominator == 1 and n > 0:
            return "inv", ("^", shape(base), int(n))
        case Pow(base, exponent):
            return "exp", ("*", shape(exponent), ("ln", shape(base)))
        case Call(name, (arg,)) if name in ("exp", "log", "sqrt"):
            return "ln" if name == "log" else name, shape(arg)
    raise Refused(f"the node {type(e).__name__} is not exported ({e})")


def relation_shape(rel: Rel) -> Term:
    """Return what the printed form of a relation has to be.

    Parameters
    ----------
    rel : Rel
        Relation.

    Returns
    -------
    tuple
    """
    rel = rel.flipped()
    return "<>" if rel.op == "!=" else rel.op, shape(rel.lhs), shape(rel.rhs)


def evaluate(term: Term, env: Mapping[str, Any]) -> arb:
    """Evaluate a term that was read back.

    Parameters
    ----------
    term : tuple
        Term.
    env : mapping of str to Fraction
        Values of the variables, by Coq name.

    Returns
    -------
    arb

    Raises
    ------
    Refused
        For a term that is none.
    """
    match term:
        case ("num", n):
            return arb(n)
        case ("var", name):
            return arb(fmpq(env[name].numerator, env[name].denominator))
        case ("neg", a):
            return -evaluate(a, env)
        case ("inv", a):
            return 1 / evaluate(a, env)
        case ("^", a, n):
            return evaluate(a, env) ** n
        case ("exp" | "ln" | "sqrt" as name, a):
            return getattr(evaluate(a, env), {"ln": "log"}.get(name, name))()
        case (op, a, b):
            x, y = evaluate(a, env), evaluate(b, env)
            return {"+": x + y, "-": x - y, "*": x * y}[op] if op != "/" else x / y
    raise Refused(f"cannot evaluate {term!r}")
