r"""The printed memory write of the neural Turing machine never erases.

The source prints $M' = M + e \otimes a$ with $w$ and $a$ called attention weights and $e$ an erase or write vector.
Read as charitably as possible, $M + w a^\top$, it still has no erase step: writing $a$ with full weight and full
erase to a location that holds something must leave $a$ there, and leaves the old content plus $a$ instead.
"""

from dltsym import Eq, Scope, value

v = Scope()
old = v.array("old", 2, "content of the location before the write")
new = v.array("new", 2, "content to write, the add vector")
erase = v.array("erase", 2, "erase vector", lo=0, hi=1)
w = v.prob("w", "write weight of the location")
printed = v.array("printed", 2, "content after the printed write, read as M + w a^T")
right = v.array("right", 2, "content after erase then add")


def fixture(m, old, new, erase, w):
    """Apply both write rules to one location of width 2."""
    return {
        "printed": [old[c] + w * new[c] for c in range(2)],
        "right": [old[c] * (1 - w * erase[c]) + w * new[c] for c in range(2)],
    }


audit = v.audit(
    title="The printed memory write has no erase step",
    source=("note001", "section 7.4.2"),
    prints="M' = M + e (x) a, with w and a attention weights and e the erase/write vector",
    claim=Eq((printed[1] - right[1]) ** 2 + (printed[2] - right[2]) ** 2, 0),
    at={"old": [1, 1], "new": [0, 3], "erase": [1, 0], "w": 1},
    fixture=fixture,
    verdict="refuted",
    corrected="M' = M * (1 - w e^T) + w a^T entrywise: w are the weights, e erases, a adds (Graves et al., 2014).",
    outputs={"printed1": printed[1], "printed2": printed[2], "right1": right[1], "right2": right[2]},
    values=[
        value("0", "erased", of="right1"),
        value("4", "kept and added", of="right2"),
        value("1", "not erased", of="printed1"),
    ],
    see=(),
)
