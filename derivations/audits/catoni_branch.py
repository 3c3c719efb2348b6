r"""A branch without a union term: a legal number for another reason.

Where accuracy is below one half, a public code minimises Catoni's bound over $\lambda$ with nothing paid for the
choice. For a general posterior that is not a bound. Its posteriors are single hypotheses, and for those the least
value is the inverse of relative entropy at $(\log 1/P(h) + \log 1/\delta)/n$, which a union over hypotheses proves.
The released tables were not made by that branch: row 12 prints the grid formula.
"""

from dltsym import Scope, value

v = Scope()
printed = v.prob("printed", "cell of the table")
branch = v.real("branch", "inverse of relative entropy without a union over lambda")


def fixture(m, printed):
    """Invert relative entropy on row 12."""
    q = m.number("0.6599999964237213")
    c = (m.number("1051.0252490777302") * m.log(2) + m.log(20)) / 12000
    return {"branch": m.root(lambda p: m.kl_bernoulli(q, p) - c, q, m.number("0.999999"))}


audit = v.audit(
    title="Catoni's bound minimised with nothing paid",
    source=("lotfi2022", "public code, compute_catoni_bound; row 12 of the tables"),
    prints="Catoni's bound is minimised over lambda at level delta",
    claim=printed <= branch,
    at={"printed": "0.8101851313132009"},
    fixture=fixture,
    verdict="holds with correction",
    corrected="Call it the Occam bound in kl form; for posteriors that are not single hypotheses pay log(2 sqrt(n)).",
    outputs={"branch": branch},
    values=[value("0.808208178572", "row 12, what the branch would give", of="branch", printed="0.8101851313132009")],
    see=("pac_bayes.occam_kl", "pac_bayes.catoni_fixed"),
)
