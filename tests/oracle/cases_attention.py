"""Attention, resampling and what else newer networks need."""
import torch
import torch.nn.functional as F
from oracle import Case, constant

LAST = torch.channels_last


def resampling():
    call = lambda x, a: F.interpolate(x[0], **a)
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        for size in ([7, 9], [3, 2], 5, [4, 5], [1, 1], [13, 4]):
            for x in (torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5).contiguous(memory_format=LAST),
                      torch.randn(1, 2, 4, 5, dtype=torch.float64), torch.randn(1, 1, 1, 1)):
                yield Case("interpolate", call, [x], {"size": size, "mode": mode})
                if mode.startswith("bi"):
                    yield Case("interpolate", call, [x], {"size": size, "mode": mode, "align_corners": True})
                    yield Case("interpolate", call, [x], {"size": size, "mode": mode, "antialias": True})
        for factor in (2.0, 0.5, 1.7, 1.0):
            yield Case("interpolate", call, [torch.randn(1, 2, 6, 5)], {"scale_factor": factor, "mode": mode})
    yield Case("interpolate", call, [torch.randn(1, 64, 14, 14)], {"size": 24, "mode": "bicubic", "align_corners": True})
    yield Case("interpolate", call, [torch.randn(1, 3, 300, 200)], {"size": 64, "mode": "bicubic", "antialias": True})
    yield Case("interpolate", call, [torch.randn(2, 3, 4, 4).bfloat16()], {"size": 7, "mode": "bilinear"})
    for args in ({"mode": "nearest"}, {"mode": "nearest", "size": 3, "scale_factor": 2.0}, {"mode": "nearest", "size": 0},
                 {"mode": "nearest", "size": 3, "align_corners": True}):
        yield Case("interpolate", call, [torch.randn(1, 1, 4, 4)], args, error=True)


def normalising():
    call = lambda x, a: F.normalize(x[0], **a)
    for args in ({}, {"p": 1.0, "dim": 0}, {"p": 3.0, "dim": -1}, {"dim": -1, "eps": 2.0}):
        yield Case("normalize", call, [torch.randn(3, 4, 5)], args, scale=4)


def attention():
    def call(x, a):  # torch 1.13 has no public one
        q, k, v, *mask = x
        scores = q @ k.transpose(-2, -1) / q.shape[-1]**0.5
        if a.get("is_causal"):
            mask = [torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()]
        if mask:
            scores = scores.masked_fill(~mask[0], -torch.inf) if mask[0].dtype == torch.bool else scores + mask[0]
        return torch.softmax(scores, -1) @ v

    shapes = [((2, 3, 4), (2, 5, 4), (2, 5, 6)), ((2, 4, 7, 8), (2, 4, 7, 8), (2, 4, 7, 8)), ((3, 4), (5, 4), (5, 2))]
    for q, k, v in shapes:
        for dtype in (torch.float32, torch.float64):
            tensors = [torch.randn(s, dtype=dtype) for s in (q, k, v)]
            yield Case("attention", call, tensors, scale=10)
            yield Case("attention", call, tensors, {"is_causal": True}, scale=10)
            yield Case("attention", call, [*tensors, torch.randn(q[-2], k[-2], dtype=dtype)], scale=10)
            mask = torch.rand(q[-2], k[-2]) > 0.3
            mask[:, 0] = True
            yield Case("attention", call, [*tensors, mask], scale=10)


def multihead_attention():
    def call(x, a):
        q, k, v, w, b, ow, ob, *masks = x
        net = torch.nn.MultiheadAttention(q.shape[-1], a["num_heads"], batch_first=a["batch_first"])
        net.load_state_dict({"in_proj_weight": w, "in_proj_bias": b, "out_proj.weight": ow, "out_proj.bias": ob})
        padding = masks[0] if masks else None
        return net(q, k, v, key_padding_mask=padding, attn_mask=masks[1] if len(masks) > 1 else None)

    for batch_first in (False, True):
        for heads in (1, 2, 4):
            n, l, s, e = 2, 3, 5, 8
            order = (lambda rows: (n, rows, e)) if batch_first else (lambda rows: (rows, n, e))
            weights = [constant(torch.randn(3 * e, e) / 3), constant(torch.randn(3 * e)), constant(torch.randn(e, e)),
                       constant(torch.randn(e))]
            args = {"num_heads": heads, "batch_first": batch_first}
            rows = [torch.randn(order(l)), torch.randn(order(s)), torch.randn(order(s))]
            padding = torch.zeros(n, s, dtype=torch.bool)
            padding[0, 3:] = True
            for masks in ([], [padding], [padding, torch.rand(l, s) < 0.2], [padding, constant(torch.randn(l, s))],
                          [padding, constant(torch.randn(n * heads, l, s))]):
                if len(masks) > 1 and masks[1].dtype == torch.bool:
                    masks[1][:, 0] = False
                yield Case("multihead_attention", call, [*rows, *weights, *masks], args, scale=20)
            yield Case("multihead_attention", call, [torch.randn(l, e), torch.randn(s, e), torch.randn(s, e), *weights], args,
                       scale=20)


def cases():
    yield from resampling()
    yield from normalising()
    yield from attention()
    yield from multihead_attention()
