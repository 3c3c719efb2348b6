r"""The printed Sinkhorn attention takes its sizes from the wrong axes.

Vectors $a$ and $b$ have lengths `Q.shape[0]` and `Q.shape[1]`. For the four axes (batch, heads, tokens, width) of any
attention layer these are the batch and the number of heads, not the numbers of queries and keys, so the products with
$K$ fail. The vectors also have the default type and device: double precision input fails, and so does any
accelerator.
"""

from dltsym import Eq, Scope, value

v = Scope()
length = v.count("length", "length of the printed b")
keys = v.count("keys", "number of keys that K has")


def fixture(m):
    """Read the sizes as the printed code does, for batch 2, 8 heads, 128 tokens of width 64."""
    shape = (2, 8, 128, 64)
    return {"length": shape[1], "keys": shape[-2]}


audit = v.audit(
    title="The printed Sinkhorn attention fails on batches",
    source=("note000", "section 1, function sinkhorn_attention"),
    prints="a = ones(Q.shape[0])/Q.shape[0] and b = ones(Q.shape[1])/Q.shape[1], in a drop-in attention",
    claim=Eq(length, keys),
    at={},
    fixture=fixture,
    verdict="refuted",
    corrected="n = Q.shape[-2] and m = K.shape[-2], with the type and device of the scores, broadcast over the rest.",
    outputs={"length": length, "keys": keys},
    values=[value("8", "batch 2, 8 heads", of="length"), value("128", "128 tokens", of="keys")],
    see=("attention.sinkhorn",),
)
