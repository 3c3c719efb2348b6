"""What a lint says: its number, what was seen, the theorem that it contradicts, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dltsym.errors import UnknownKey, suggest


@dataclass(frozen=True)
class Lint:
    """A kind of mistake: a name, the theorem that tells, and what to do about it."""

    title: str
    theorem: str
    advice: str


LINTS: Mapping[str, Lint] = {
    "L1": Lint("wrong axis", "attention.one_sided_eot", "normalise over the keys, the last axis of the scores"),
    "L2": Lint(
        "temperature", "attention.one_sided_eot",
        "use one temperature: sqrt(d) on raw scores, or 1 on scores that are divided by sqrt(d) already",
    ),
    "L3": Lint("prior", "attention.kl_prior", "add log-priors and biases after the division by the temperature"),
    "L4": Lint(
        "plan for attention", "attention.one_sided_eot",
        "divide each row of the plan by its mass: attention is n times a plan whose rows carry 1/n",
    ),
    "L5": Lint(
        "iteration count", "attention.sinkhorn",
        "count half-steps (softmax is the first), and let the last one be a row step, so that outputs are averages",
    ),
    "L6": Lint(
        "causal and balanced", "attention.causal_identity",
        "do not ask for equal columns under a causal mask: use a finite price rho, or a target that the mask allows",
    ),
    "L7": Lint(
        "masks", "attention.kl_prior",
        "hide a key by a logit of minus infinity, and define the row that sees no key (output 0, and say so)",
    ),
    "L8": Lint(
        "potential convention", "attention.sinkhorn_duality",
        "compare plans, not potentials; the density form has P = a b exp((f + g - C)/eps)",
    ),
    "L9": Lint(
        "cost", "attention.squared_cost",
        "attention prefers large scores, so the cost is minus the score; say whether a squared distance is halved",
    ),
    "L19": Lint(
        "no average of values", "attention.output_contraction",
        "weights are not negative and sum to 1 over the keys, and the output is weights times values, no more",
    ),
    "L20": Lint(
        "vacuous tolerance", "information.uniform_limit",
        "measure errors of weights relative to 1/m, and see that zeros, nan and the column softmax fail the test",
    ),
    "L21": Lint(
        "shifted and large scores", "information.lse_sandwich",
        "subtract the maximum of the logits before exp, for rows and for columns, and use no additive guards",
    ),
    "L22": Lint(
        "shapes and batches", "audits.note_transpose",
        "exchange the last two axes by k.transpose(-2, -1), take sizes from shape[-2] and shape[-1]",
    ),
    "L24": Lint("it fails", "attention.one_sided_eot", "make it run on ordinary inputs first"),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    lint : str
        Such as ``L1``.
    seen : str
        What was seen, with numbers.
    theorem : str
        Key of the record that says what should be seen.
    advice : str
        What to do.
    """

    lint: str
    seen: str
    theorem: str
    advice: str

    def __str__(self) -> str:
        return f"{self.lint} {LINTS[self.lint].title}: {self.seen}\n    {self.advice}  [{self.theorem}]"


def found(lint: str, seen: str, *, theorem: str = "", advice: str = "") -> Finding:
    """Make a finding; theorem and advice are those of its kind where nothing else is said.

    Parameters
    ----------
    lint : str
        Such as ``L1``.
    seen : str
        What was seen.
    theorem, advice : str
        In place of the usual ones.

    Returns
    -------
    Finding
    """
    kind = LINTS[lint]
    return Finding(lint, seen, theorem or kind.theorem, advice or kind.advice)


@dataclass(frozen=True)
class Findings:
    """All that lints have to say of one thing.

    Attributes
    ----------
    subject : str
        What was looked at.
    findings : tuple of Finding
        What is wrong; empty where nothing was found.
    facts : tuple of str
        What was measured, and how arguments were read.
    untested : tuple of str
        What could not be judged, with the reason.
    """

    subject: str
    findings: tuple[Finding, ...] = ()
    facts: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def lints(self) -> tuple[str, ...]:
        """Numbers of the lints that found something, each once."""
        return tuple(dict.fromkeys(f.lint for f in self.findings))

    def __str__(self) -> str:
        lines = [f"{self.subject}: {'nothing found' if self.ok else f'{len(self.findings)} found'}"]
        lines += [str(f) for f in self.findings]
        lines += [f"measured: {x}" for x in self.facts] + [f"not judged: {x}" for x in self.untested]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
        """
        return {**asdict(self), "ok": self.ok}

    def without(self, ignore: Iterable[str]) -> Findings:
        """Leave some lints out.

        Parameters
        ----------
        ignore : iterable of str
            Numbers of lints.

        Returns
        -------
        Findings

        Raises
        ------
        UnknownKey
            For a lint that does not exist.
        """
        ignore = tuple(ignore)
        for one in ignore:
            if one not in LINTS:
                raise UnknownKey(f"no lint {one!r}{suggest(one, LINTS)}; there are {', '.join(LINTS)}")
        kept = tuple(f for f in self.findings if f.lint not in ignore)
        return Findings(self.subject, kept, self.facts, self.untested)


@dataclass(frozen=True)
class Fact:
    """Something measured that is not wrong."""

    text: str


@dataclass(frozen=True)
class Untested:
    """Something that could not be judged, with the reason."""

    text: str
