r"""A maximum subtracted along the wrong axis.

To keep exponentials small a row of scores is shifted by its largest entry. Shifting each *column* instead (a
broadcast along the wrong axis, as reported for one library) changes the softmax of every row. On the $2 \times 2$
scores below the loss of the first row changes from 0.127 to 0.314. Two more reports of this family, not run here: a
temperature that is missing on the positives, and NaN from the logarithm of 0 or from an empty set of positives.
"""

from dltsym import Scope, value

v = Scope()
top = v.real("top", "score of the first pair")
right, wrong = v.real("right", "loss of the first row"), v.real("wrong", "the same, shifted by columns")
scaled = v.real("scaled", "the same at temperature 1/2, the positive not divided by it")


def fixture(m, top):
    """Evaluate the first row of a 2 by 2 score matrix."""
    scores = [[top, m.number(0)], [m.number(3), m.number(1)]]

    def loss(row, own):
        return m.logsumexp(row) - own

    peaks = [m.max(column) for column in zip(*scores, strict=True)]
    shifted = [x - peak for x, peak in zip(scores[0], peaks, strict=True)]
    return {
        "right": loss(scores[0], scores[0][0]),
        "wrong": loss(shifted, shifted[0]),
        "scaled": loss([2 * x for x in scores[0]], scores[0][0]),
    }


audit = v.audit(
    title="The shift of a softmax belongs to its row",
    source=("contrastive_code", "issue 48 of one library, pull request 17 of another, issues 104 and 142 of a third"),
    prints="subtracting a maximum does not change the loss",
    claim=(right - wrong) ** 2 <= v.read("1/10000"),
    at={"top": 2},
    fixture=fixture,
    verdict="refuted",
    corrected="It does not if the maximum is that of the row. Mask empty sets before taking logarithms.",
    outputs={"right": right, "wrong": wrong, "scaled": scaled},
    values=[
        value("0.126928011042972", "shift by rows", of="right"),
        value("0.693147180559945", "shift by columns", of="wrong"),
        value("2.01814992791781", "temperature 1/2 on the negatives only", of="scaled"),
    ],
    see=("contrastive.infonce", "contrastive.infonce_target"),
)
