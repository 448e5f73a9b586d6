"""Reductions, indexing, views, products, factories."""
import torch
from oracle import Case

DIMS = [None, 0, -1, [0, 2], [1, 2], [0, 1, 2]]


def inputs():
    yield torch.randn(3, 4, 5)
    yield torch.randn(5, 4, 3).permute(2, 1, 0)
    yield torch.randn(3, 1, 5).expand(3, 4, 5)
    yield torch.randn(30, 40, 50)


def reductions():
    def call(function):
        def apply(x, a):
            return function(x[0]) if a.get("dim") is None and not a["keepdim"] else function(x[0], a["dim"], a["keepdim"])
        return apply

    for x in inputs():
        for dim in DIMS:
            for keepdim in (False, True):
                if dim is None and keepdim:
                    continue
                args = {"dim": dim, "keepdim": keepdim}
                for name in ("sum", "mean", "amax", "amin", "logsumexp"):
                    if dim is None and name == "logsumexp":
                        continue
                    yield Case(name, call(getattr(torch, name)), [x], args, scale=4)
                for name in ("var", "std"):
                    yield Case(name, lambda x, a, name=name: getattr(torch, name)(x[0], a["dim"], correction=a["correction"],
                                                                                  keepdim=a["keepdim"]),
                               [x], dict(args, correction=1 if keepdim else 0), scale=4)
                for p in (0, 1, 2, 3, float("inf")):
                    if p == float("inf"):
                        continue  # JSON has no infinity
                    yield Case("norm", lambda x, a: torch.norm(x[0], a["p"], a["dim"] if a["dim"] is not None else [0, 1, 2],
                                                               a["keepdim"]), [x], dict(args, p=p), scale=10)
        for name in ("max", "min"):
            yield Case(name, lambda x, a, name=name: getattr(torch, name)(x[0]), [x])
            for dim in (0, -1):
                yield Case(name, lambda x, a, name=name: getattr(torch, name)(x[0], a["dim"], a["keepdim"]), [x],
                           {"dim": dim, "keepdim": dim == 0})
        for name in ("argmax", "argmin"):
            for args in ({}, {"dim": 1}, {"dim": -1, "keepdim": True}):
                yield Case(name, lambda x, a, name=name: getattr(torch, name)(x[0], **a), [x], args, grads=0)
        yield Case("cumsum", lambda x, a: torch.cumsum(x[0], a["dim"]), [x], {"dim": 1}, scale=4)
    for name in ("sum", "mean", "max", "min", "prod"):
        call_all = lambda x, a, name=name: getattr(torch, name)(x[0])
        yield Case(name, call_all, [torch.tensor(2.5)])
        for dtype in (torch.int64, torch.int32, torch.uint8, torch.bool, torch.float16, torch.bfloat16, torch.float64):
            x = torch.tensor([3, 1, 2]).to(dtype)
            try:
                getattr(torch, name)(x)
            except RuntimeError:
                yield Case(name, call_all, [x], error=True)
                continue
            yield Case(name, call_all, [x], grads=0)
        empty = torch.zeros(0, 3)
        yield Case(name, call_all, [empty], grads=0, error=name in ("max", "min"))
    yield Case("max", lambda x, a: torch.max(x[0]), [torch.tensor([1.0, 3.0, 3.0, float("nan")])], grads=0)
    yield Case("max", lambda x, a: torch.max(x[0]), [torch.tensor([1.0, 3.0, 3.0])], label="equal maxima")
    yield Case("amax", lambda x, a: torch.amax(x[0], a["dim"]), [torch.tensor([[1.0, 3.0, 3.0]])], {"dim": 1})
    yield Case("prod", lambda x, a: torch.prod(x[0]), [torch.rand(3, 2) + 0.5])
    yield Case("prod", lambda x, a: torch.prod(x[0]), [torch.tensor([2.0, 0.0, 3.0])])
    for name in ("any", "all"):
        for x in (torch.tensor([True, False]), torch.tensor([1, 1]), torch.zeros(0).bool(), torch.tensor(True)):
            yield Case(name, lambda x, a, name=name: getattr(torch, name)(x[0]), [x], grads=0)
    yield Case("sum", lambda x, a: torch.sum(x[0], a["dim"]), [torch.randn(2, 3)], {"dim": 2}, error=True)
    yield Case("sum", lambda x, a: torch.sum(x[0], a["dim"]), [torch.randn(64, 1000)], {"dim": 0}, scale=4)
    channels = torch.randn(8, 16, 7, 7).contiguous(memory_format=torch.channels_last)
    yield Case("sum", lambda x, a: torch.sum(x[0], a["dim"]), [channels], {"dim": [0, 2, 3]}, scale=4)


def indexing():
    x = torch.randn(4, 5, 3)
    index = torch.randint(5, (4, 2, 3))
    yield Case("gather", lambda x, a: torch.gather(x[0], a["dim"], x[1]), [x, index], {"dim": 1})
    yield Case("gather", lambda x, a: torch.gather(x[0], a["dim"], x[1]), [x, index + 4], {"dim": 1}, error=True)
    yield Case("gather", lambda x, a: torch.gather(x[0], a["dim"], x[1]), [x.permute(0, 2, 1), torch.randint(4, (2, 3, 5))],
               {"dim": 0})
    yield Case("scatter_add", lambda x, a: torch.scatter_add(x[0], a["dim"], x[1], x[2]), [x, index, torch.randn(4, 2, 3)],
               {"dim": 1})
    for dim in (0, 1, -1):
        picks = torch.randint(3, (6,))
        yield Case("index_select", lambda x, a: torch.index_select(x[0], a["dim"], x[1]), [x, picks], {"dim": dim})
        source = torch.randn([6 if i == dim % 3 else size for i, size in enumerate(x.shape)])
        yield Case("index_add", lambda x, a: torch.index_add(x[0], a["dim"], x[1], x[2]), [x, picks, source], {"dim": dim})
    yield Case("index_select", lambda x, a: torch.index_select(x[0], a["dim"], x[1]), [x, torch.tensor([5])], {"dim": 0},
               error=True)
    yield Case("index_select", lambda x, a: torch.index_select(x[0], a["dim"], x[1]), [x, torch.tensor([], dtype=torch.int64)],
               {"dim": 0})
    yield Case("one_hot", lambda x, a: torch.nn.functional.one_hot(x[0], a["num_classes"]), [torch.randint(4, (2, 3))],
               {"num_classes": 4}, grads=0)
    for args in ({"k": 2}, {"k": 1, "dim": 0}, {"k": 3, "dim": 1, "largest": False}, {"k": 0}):
        yield Case("topk", lambda x, a: torch.topk(x[0], **a), [x], args)
    yield Case("topk", lambda x, a: torch.topk(x[0], **a), [x], {"k": 9}, error=True)
    for args in ({}, {"dim": 0}, {"dim": 1, "descending": True}):
        yield Case("sort", lambda x, a: torch.sort(x[0], **a), [x], args)
    condition = torch.rand(5, 1) > 0.5
    yield Case("where", lambda x, a: torch.where(*x), [condition, torch.randn(4, 5, 3), torch.randn(3)])
    yield Case("where", lambda x, a: torch.where(*x), [condition, torch.randn(3, dtype=torch.float64), torch.randn(3)])
    yield Case("masked_fill", lambda x, a: torch.masked_fill(x[0], x[1], a["value"]), [x, condition], {"value": -1.5})
    yield Case("masked_fill", lambda x, a: torch.masked_fill(x[0], x[1], a["value"]), [torch.arange(5), condition.view(5)],
               {"value": 3}, grads=0)


def views():
    x = torch.randn(2, 3, 4)
    method = lambda name: lambda x, a: getattr(torch.Tensor, name)(x[0], *a.values())
    table = [
        ("reshape", {"shape": [4, -1]}), ("reshape", {"shape": [24]}), ("permute", {"dims": [2, 0, 1]}),
        ("transpose", {"dim0": 0, "dim1": -1}), ("narrow", {"dim": 1, "start": 1, "length": 2}),
        ("select", {"dim": 2, "index": -1}), ("squeeze", {}), ("squeeze", {"dim": 1}), ("unsqueeze", {"dim": -1}),
        ("flatten", {"start_dim": 1, "end_dim": -1}), ("clone", {}),
    ]
    for name, args in table:
        for y in (x, x.transpose(0, 2), torch.randn(2, 1, 4)):
            if y.numel() < 24 and (name == "narrow" or args == {"shape": [24]}):
                continue
            yield Case(name, method(name), [y], args)
    yield Case("expand", lambda x, a: x[0].expand(a["shape"]), [torch.randn(2, 1, 4)], {"shape": [3, 2, 5, 4]})
    yield Case("slice", lambda x, a: x[0][:, 1:-1:2], [torch.randn(3, 9)], {"dim": 1, "start": 1, "end": -1, "step": 2})
    yield Case("split", lambda x, a: x[0].split(a["size"], a["dim"]), [x], {"size": 2, "dim": 1}, grads=2)
    yield Case("chunk", lambda x, a: x[0].chunk(a["chunks"], a["dim"]), [torch.randn(7, 2)], {"chunks": 3, "dim": 0}, grads=3)
    yield Case("unbind", lambda x, a: x[0].unbind(a["dim"]), [x], {"dim": 1}, grads=3)
    yield Case("cat", lambda x, a: torch.cat(x, a["dim"]), [x, torch.randn(2, 1, 4), torch.randn(4, 2, 2).permute(1, 2, 0)],
               {"dim": 1})
    yield Case("cat", lambda x, a: torch.cat(x, a["dim"]), [x, x.double()], {"dim": 0})
    yield Case("cat", lambda x, a: torch.cat(x, a["dim"]), [x, torch.randn(2, 2, 2)], {"dim": 0}, error=True)
    yield Case("stack", lambda x, a: torch.stack(x, a["dim"]), [x, torch.randn(4, 3, 2).permute(2, 1, 0)], {"dim": -1})
    for dtype in ("float64", "float16", "int64", "bool", "uint8"):
        yield Case("to", lambda x, a: x[0].to(getattr(torch, a["dtype"])), [x.abs() * 9], {"dtype": dtype},
                   grads=int(dtype.startswith("float")))


def products():
    shapes = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)),
              ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((0, 3), (3, 4)),
              ((2, 0), (0, 4)), ((100, 70), (70, 130)), ((1, 1), (1, 1))]
    call = lambda x, a: torch.matmul(x[0], x[1])
    for a, b in shapes:
        for dtype in (torch.float32, torch.float64):
            yield Case("matmul", call, [torch.randn(a, dtype=dtype), torch.randn(b, dtype=dtype)], scale=10)
    yield Case("matmul", call, [torch.randn(3, 2).t(), torch.randn(4, 3).t()])
    yield Case("matmul", call, [torch.randn(6, 6)[::2, ::3], torch.randn(2, 5)])
    yield Case("matmul", call, [torch.randn(2, 3).expand(4, 2, 3), torch.randn(4, 3, 2)])
    yield Case("matmul", call, [torch.randint(5, (2, 3)), torch.randint(5, (3, 4))], grads=0)
    yield Case("matmul", call, [torch.randn(20, 30).bfloat16(), torch.randn(30, 10).bfloat16()], grads=0, scale=3)
    yield Case("matmul", call, [torch.randn(2, 3), torch.randn(4, 3)], error=True)
    yield Case("matmul", call, [torch.tensor(1.0), torch.randn(4, 3)], error=True)
    yield Case("matmul", call, [torch.randn(2, 3), torch.randn(3, 3).double()], error=True)
    for name in ("softmax", "log_softmax"):
        call = lambda x, a, name=name: getattr(torch, name)(x[0], a["dim"])
        for shape, dim in (((4, 10), 1), ((4, 10), 0), ((2, 3, 5), 1), ((7,), 0), ((3, 0), 1), ((), 0), ((3, 5000), -1)):
            yield Case(name, call, [torch.randn(shape) * 5], {"dim": dim})
        yield Case(name, call, [torch.randn(5, 4).t()], {"dim": 1})
        yield Case(name, call, [torch.tensor([[1e4, 1e4 + 1, -1e4]])], {"dim": 1})
        yield Case(name, call, [torch.randn(4, 3)], {"dim": 2}, error=True)


def factories():
    for start, end, step in ((0, 5, 1), (1, 10, 3), (5, 0, -2), (0, 1, 0.25), (2.5, 9, 1), (3, 3, 1)):
        yield Case("arange", lambda x, a: torch.arange(a["start"], a["end"], a["step"]), [],
                   {"start": start, "end": end, "step": step}, grads=0)
    yield Case("arange", lambda x, a: torch.arange(a["start"], a["end"], a["step"]), [], {"start": 0, "end": 1, "step": 0},
               error=True)
    for start, end, steps in ((0, 1, 5), (3, -3, 7), (2, 2, 1), (0, 1, 0)):
        yield Case("linspace", lambda x, a: torch.linspace(a["start"], a["end"], a["steps"]), [],
                   {"start": start, "end": end, "steps": steps}, grads=0)
    yield Case("eye", lambda x, a: torch.eye(a["n"]), [], {"n": 3}, grads=0)
    yield Case("eye", lambda x, a: torch.eye(a["n"], a["m"]), [], {"n": 2, "m": 4}, grads=0)
    for value in (True, 3, 2.5):
        yield Case("full", lambda x, a: torch.full(a["size"], a["fill_value"]), [], {"size": [2, 3], "fill_value": value}, grads=0)


def cases():
    yield from reductions()
    yield from indexing()
    yield from views()
    yield from products()
    yield from factories()
