r"""A transpose that reverses all axes is not the transpose of a batch of keys.

The printed `contexture_attention` uses `k.T`. For three axes (batch, tokens, width) that reverses all of them, and
the batch ends up last; the call is deprecated for this reason. The width `d` is not defined either. Needed is the
exchange of the last two axes.
"""

from dltsym import Eq, Scope, value

v = Scope()
printed = v.count("printed", "first axis of the printed transpose")
right = v.count("right", "first axis when the last two axes are exchanged")


def fixture(m):
    """Transpose keys of shape (2, 3, 4) in both ways."""
    shape = (2, 3, 4)
    return {"printed": shape[::-1][0], "right": (*shape[:-2], shape[-1], shape[-2])[0]}


audit = v.audit(
    title="The printed transpose reverses the batch axis",
    source=("note000", "section 5, function contexture_attention"),
    prints="scores = q @ k.T / sqrt(d), for batches",
    claim=Eq(printed, right),
    at={},
    fixture=fixture,
    verdict="refuted",
    corrected="scores = q @ k.transpose(-2, -1) / sqrt(d) with d = q.shape[-1].",
    outputs={"printed": printed, "right": right},
    values=[value("4", "shape (2, 3, 4)", of="printed"), value("2", "shape (2, 3, 4)", of="right")],
    see=("attention.one_sided_eot",),
)
