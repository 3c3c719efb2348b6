r"""Time of attention is quadratic times width, memory is not.

Problem 7.1 gives $O(n^2 d)$ for both. The products take $4 n^2 d$ operations (and the projections $n d^2$ more), so
the time is right. Memory is $n^2 + 4nd$ numbers per head when the scores are stored, and $O(nd)$ when the softmax is
streamed, exactly.
"""

from dltsym import Scope, value

v = Scope()
n, d = v.count("n", "tokens"), v.count("d", "width of a head")
stored = v.let("N", n**2 + 4 * n * d, "numbers stored: scores, queries, keys, values, outputs")

audit = v.audit(
    title="Memory of attention does not scale with width times length squared",
    source=("note001", "problem 7.1"),
    prints="compute and memory of self-attention are both n^2 d",
    claim=stored >= n**2 * d,
    at={"n": 4096, "d": 128},
    verdict="holds with correction",
    corrected="Time n^2 d; memory n^2 + n d with stored scores, n d with a streamed softmax.",
    outputs={"stored": stored, "printed": n**2 * d, "flops": 4 * n**2 * d},
    values=[
        value("18874368", "4096 tokens of width 128", of="stored", n=4096, d=128),
        value("2147483648", "4096 tokens of width 128", of="printed", n=4096, d=128),
    ],
    see=("attention.one_sided_eot",),
)
