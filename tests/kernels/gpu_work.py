"""Inputs of realistic size for every kernel, and peers that compute the same."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

import torch
import torch.nn.functional as F

from dltsym.implementation import DTYPES

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """One call to be checked and timed.

    Attributes
    ----------
    kernel, dtype : str
        What is called, and the type of its arrays.
    sizes : mapping of str to int
        Sizes as the cost formula names them.
    inputs : callable
        Draws the inputs.
    options : mapping
        Modes.
    count : int
        How often the work of the cost formula is done.
    peers : mapping of str to callable
        Functions of the inputs that compute the same.
    """

    kernel: str
    dtype: str
    sizes: Mapping[str, int]
    inputs: Callable[[], Inputs]
    options: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1
    peers: Mapping[str, Callable[[Inputs], Any]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name with type, options and sizes."""
        told = " ".join(f"{k}={v}" for k, v in {**self.options, **self.sizes}.items())
        return f"{self.kernel} {self.dtype} x{self.count} {told}"


class Draw:
    """Draws arrays on a device from one seed."""

    def __init__(self, device: str, dtype: str) -> None:
        self.device, self.dtype = device, getattr(torch, DTYPES[dtype])
        self.generator = torch.Generator(device=device).manual_seed(0)

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, device=self.device, generator=self.generator).to(self.dtype)

    def uniform(self, *shape: int) -> torch.Tensor:
        return torch.rand(*shape, device=self.device, generator=self.generator).to(self.dtype)


def _sizes(scale: str, tiny: Any, check: Any, full: Any) -> list[Any]:
    return [{"tiny": tiny, "check": check, "full": full}[scale]]


def attention(d: Draw, scale: str) -> Iterator[Any]:
    for n, m, c, count in _sizes(scale, (24, 40, 16, 2), (4000, 4096, 64, 4), (4096, 4096, 64, 64)):
        for causal in (False, True):

            def inputs(n: int = n, m: int = m, c: int = c, count: int = count) -> Inputs:
                q, k, v = d.normal(1, count, n, c), d.normal(1, count, m, c), d.normal(1, count, m, c)
                return {"q": q, "k": k, "v": v, "tau": c**0.5, "lp": d.normal(count, m)}

            yield {"n": n, "m": m, "d": c, "dv": c}, inputs, {"causal": causal}, count


def sinkhorn(d: Draw, scale: str) -> Iterator[Any]:
    [(n, c, steps)] = _sizes(scale, (24, 16, 3), (4000, 64, 5), (16384, 64, 11))

    def inputs() -> Inputs:
        unit = [F.normalize(d.normal(n, c).float(), dim=-1).to(d.dtype) for _ in range(2)]
        return {"q": unit[0], "k": unit[1], "v": d.normal(n, c), "eps": 0.5}

    yield {"n": n, "m": n, "d": c, "dv": c, "T": steps}, inputs, {"T": steps}, 1


def infonce(d: Draw, scale: str) -> Iterator[Any]:
    [(n, c)] = _sizes(scale, (40, 16), (8000, 128), (32768, 512))

    def inputs() -> Inputs:
        x, y = (F.normalize(d.normal(n, c).float(), dim=-1).to(d.dtype) for _ in range(2))
        return {"x": x, "y": y, "T": 14.3}

    yield {"N": n, "d": c}, inputs, {}, 1


def infonce_target(d: Draw, scale: str) -> Iterator[Any]:
    [(n, m, c)] = _sizes(scale, (24, 40, 16), (4000, 8000, 128), (16384, 32768, 512))

    def inputs() -> Inputs:
        x, y = (F.normalize(d.normal(k, c).float(), dim=-1).to(d.dtype) for k in (n, m))
        return {"x": x, "y": y, "T": 14.3, "t": torch.arange(n, device=d.device) * 7 % m}

    yield {"N": n, "M": m, "d": c}, inputs, {}, 1


def router(d: Draw, scale: str) -> Iterator[Any]:
    [(tokens, experts)] = _sizes(scale, (100, 16), (100_000, 64), (2**20, 64))
    yield {"T": tokens, "E": experts, "K": 2}, lambda: {"z": d.normal(tokens, experts)}, {"K": 2}, 1


def expert_choice(d: Draw, scale: str) -> Iterator[Any]:
    [(tokens, experts, taken)] = _sizes(scale, (100, 16, 8), (50_000, 64, 1000), (2**17, 64, 2**12))
    yield (
        {"T": tokens, "E": experts, "C": taken},
        lambda: {"s": torch.softmax(d.normal(tokens, experts).float(), -1).to(d.dtype)},
        {"C": taken},
        1,
    )


def selective_scan(d: Draw, scale: str) -> Iterator[Any]:
    [(batch, length, channels, states)] = _sizes(scale, (2, 50, 8, 4), (2, 2000, 200, 16), (8, 2048, 2048, 16))

    def inputs() -> Inputs:
        u, z = d.normal(batch, length, channels), d.normal(batch, length, channels)
        b, c = d.normal(batch, length, states), d.normal(batch, length, states)
        rates = -torch.arange(1, states + 1, device=d.device).expand(channels, states).to(d.dtype).contiguous()
        raw = d.normal(batch, length, channels) - 3
        return {"u": u, "raw": raw, "A": rates, "B": b, "C": c, "D": d.normal(channels), "z": z}

    for mode in ("euler", "zoh"):
        yield {"L": length, "E": channels, "N": states, "D": channels}, inputs, {"mode": mode}, batch


def ssd(d: Draw, scale: str) -> Iterator[Any]:
    tiny, check, full = (1, 2, 100, 16, 16), (2, 4, 2000, 64, 128), (8, 32, 2048, 64, 128)
    [(batch, heads, length, width, states)] = _sizes(scale, tiny, check, full)

    def inputs() -> Inputs:
        b, c = d.normal(batch, 1, length, states), d.normal(batch, 1, length, states)
        decay = -d.uniform(batch, heads, length)
        return {"x": d.normal(batch, heads, length, width), "log_a": decay, "B": b, "C": c}

    yield {"T": length, "P": width, "N": states}, inputs, {}, batch * heads


def kl_inverse(d: Draw, scale: str) -> Iterator[Any]:
    [(n,)] = _sizes(scale, (1000,), (10**6,), (2**26,))
    yield {"n": n}, lambda: {"q": d.uniform(n), "c": d.uniform(n) * 0.3}, {}, 1


def particles(d: Draw, scale: str) -> Iterator[Any]:
    [(n, c)] = _sizes(scale, (40, 16), (8000, 16), (65536, 16))

    def inputs() -> Inputs:
        return {"x": F.normalize(d.normal(n, c).float(), dim=-1).to(d.dtype), "beta": 4.0, "h": 0.1}

    yield {"n": n, "d": c}, inputs, {}, 1


def diffusion(d: Draw, scale: str) -> Iterator[Any]:
    [(n,)] = _sizes(scale, (1000,), (10**6,), (2**28,))
    arrays = {"ddpm": ("x", "model", "noise"), "ddim": ("x", "model")}
    for method, names in arrays.items():

        def inputs(names: tuple[str, ...] = names) -> Inputs:
            return {**{name: d.normal(n) for name in names}, "now": 0.5, "before": 0.7}

        yield {"n": n}, inputs, {"method": method}, 1


def smoothed_bpd(d: Draw, scale: str) -> Iterator[Any]:
    [(n, words)] = _sizes(scale, (40, 1000), (1000, 32000), (16384, 131072))

    def inputs() -> Inputs:
        targets = torch.arange(n, device=d.device) * 31 % words
        return {
            "z": d.normal(n, words),
            "y": targets,
            "al": torch.tensor([0.01, 0.1, 0.5], device=d.device).to(d.dtype),
        }

    yield {"n": n, "V": words}, inputs, {}, 1


def token_sums(d: Draw, scale: str) -> Iterator[Any]:
    [(n,)] = _sizes(scale, (1000,), (10**6,), (2**26,))
    grid = [0.1, 0.5, 0.9]
    yield (
        {"n": n, "K": len(grid)},
        lambda: {"A": d.normal(n).abs(), "s": torch.tensor(grid, device=d.device).to(d.dtype)},
        {},
        1,
    )


def complex_scan(d: Draw, scale: str) -> Iterator[Any]:
    [(batch, length, channels, states)] = _sizes(scale, (2, 50, 8, 4), (2, 2000, 200, 16), (8, 2048, 1024, 16))

    def inputs() -> Inputs:
        u, raw, z = (d.normal(batch, length, channels) for _ in range(3))
        b, c, b_im, c_im = (d.normal(batch, length, states) for _ in range(4))
        parts = {
            "A": -d.uniform(channels, states) - 0.1,
            "A_im": d.normal(channels, states),
            "B_im": b_im,
            "C_im": c_im,
        }
        return {"u": u, "raw": raw - 3, "B": b, "C": c, "D": d.normal(channels), "z": z, **parts}

    yield {"L": length, "E": channels, "N": states}, inputs, {"mode": "zoh"}, batch


BUILDERS: dict[str, Callable[[Draw, str], Iterator[Any]]] = {
    "attention.one_sided_eot": attention,
    "transport.sinkhorn": sinkhorn,
    "contrastive.infonce": infonce,
    "contrastive.infonce_target": infonce_target,
    "router.router": router,
    "router.expert_choice": expert_choice,
    "scan.selective_scan": selective_scan,
    "ssd.ssd": ssd,
    "kl_inverse.kl_inverse": kl_inverse,
    "particles.particle_step": particles,
    "diffusion.step": diffusion,
    "bpd.smoothed_bpd": smoothed_bpd,
    "bpd.token_sums": token_sums,
    "scan.complex_scan": complex_scan,
}


def _sdpa(backend: str) -> Callable[[Inputs], Any]:
    def run(given: Inputs) -> Any:
        from torch.nn.attention import SDPBackend, sdpa_kernel

        with sdpa_kernel(getattr(SDPBackend, backend)):
            return F.scaled_dot_product_attention(given["q"], given["k"], given["v"], scale=1 / given["tau"])

    return run


def _cross_entropy(given: Inputs) -> Any:
    z = given["T"] * given["x"] @ given["y"].mT
    at = torch.arange(len(z), device=z.device)
    return (F.cross_entropy(z, at) + F.cross_entropy(z.mT, at)) / 2


@cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return torch.compile(function)


def _flex(given: Inputs) -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    prior = given["lp"]

    def biased(score: Any, _batch: Any, head: Any, _query: Any, key: Any) -> Any:
        return score + prior[head, key]

    attend = _compiled(flex_attention)
    return attend(given["q"], given["k"], given["v"], score_mod=biased, scale=1 / given["tau"])


def _geomloss(given: Inputs) -> Any:
    """Run GeomLoss on unit vectors: half the squared distance is 1 - <q, k>; it chooses its number of steps."""
    loss = import_module("geomloss").SamplesLoss(
        "sinkhorn", p=2, blur=given["eps"] ** 0.5, debias=False, backend="tensorized"
    )
    return loss(given["q"].float(), given["k"].float())


def _pot(given: Inputs, half_steps: int = 11) -> Any:
    q, k = given["q"].float(), given["k"].float()
    rows, columns = (torch.full((len(x),), 1 / len(x), device=x.device) for x in (q, k))
    steps = (half_steps + 1) // 2
    return import_module("ot").bregman.sinkhorn_log(
        rows, columns, -q @ k.mT, given["eps"], numItermax=steps, stopThr=0, warn=False
    )


def compiled_twin(kernel: str, twin: Callable[..., Any], options: Mapping[str, Any]) -> Callable[[Inputs], Any] | None:
    """Return the plain twin under torch.compile, for the kernels where that pays."""
    if kernel not in COMPILED:
        return None
    return lambda given: _compiled(twin)(**given, **options)


COMPILED = frozenset(
    {"kl_inverse.kl_inverse", "diffusion.step", "router.router", "bpd.smoothed_bpd", "attention.one_sided_eot"}
)
"""Kernels whose twins are timed compiled too."""
PEERS: dict[str, dict[str, Callable[[Inputs], Any]]] = {
    "attention.one_sided_eot": {
        f"torch sdpa {b.lower()}, no prior": _sdpa(b)
        for b in ("FLASH_ATTENTION", "CUDNN_ATTENTION", "EFFICIENT_ATTENTION", "MATH")
    }
    | {"FlexAttention, same prior": _flex},
    "transport.sinkhorn": {"GeomLoss tensorized, own schedule": _geomloss, "POT sinkhorn_log": _pot},
    "bpd.smoothed_bpd": {"F.cross_entropy": lambda given: F.cross_entropy(given["z"], given["y"])},
    "contrastive.infonce": {"F.cross_entropy": _cross_entropy},
}


def works(kernel: str, device: str, dtype: str, scale: str) -> Iterator[Work]:
    """List the calls of a kernel."""
    for sizes, inputs, options, count in BUILDERS[kernel](Draw(device, dtype), scale):
        peers = {} if options.get("causal") else PEERS.get(kernel, {})
        yield Work(kernel, dtype, sizes, inputs, options, count, peers)
