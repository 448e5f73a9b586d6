"""x[...] and x[...] = y by a table of indices, and what stands beside them: masks, copies of parts, bits."""
import torch
from oracle import Case, constant

E, N, S, T = Ellipsis, None, slice, torch.tensor


def mask(*shape):
    return torch.rand(shape) > 0.4


# Indices of a [4, 5, 6].
CUBE = [
    (0,), (-1,), (3, 4), (-4, -5, -6), (1, 2, 3), (S(None),), (S(1, 3),), (S(None, None, 2),), (S(-3, -1),),
    (S(2, 2),), (S(3, 1),), (S(0, 100),), (S(-100, 2),), (S(1, None, 3), S(0, 5, 2)), (E,), (E, 0), (0, E), (E, S(1, 3)),
    (0, E, 0), (S(None), E, S(2, 4)), (0, 1, 2, E), (N,), (N, N), (0, N), (E, N), (N, E, N), (S(1, 2), N, 3),
    (S(None), N, S(None), N, S(None)), (True,), (False,), (True, 0), (S(1, 3), True), (N, True),
    (T([0, 2]),), (T([-1, 0, -4]),), (T([[0, 1], [3, 3]]),), (T([], dtype=torch.int64),), (T([1, 1, 1]),),
    (T(2),), (T(-1), S(1, 3)), (S(None), T(4)), (T([0, 2]), 1), (1, T([0, 2])), (S(None), T([0, 4])),
    (S(None), T([[0], [-1]])), (S(None), S(None), T([5, 0, 0])), (E, T([1, 2])), (T([1, 2]), E), (T([1, 2]), E, 0),
    (T([0, 1]), T([2, 3])), (T([0, 1]), T([[2], [3]])), (T([0]), T([1, 2, 3])), (T([0, 1, 3]), T([4, -1, 0]), T([5, 5, 5])),
    (T([0, 1]), S(None), T([2, 3])), (T([[0, 1]]), S(1, 4), T([[2], [3]])), (S(None), T([0, 1]), T([2, 3])),
    (T([0, 1]), T([2, 3]), S(None, None, 2)), (T([0, 1]), 2, T([2, 3])), (0, S(None), T([2, 3])), (0, T([1, 2]), T([2, 3])),
    (T([0, 1]), S(None), 2), (T([0, 1]), N, T([2, 3])), (N, T([0, 1]), T([2, 3])), (T([0, 1]), N), (S(0, 3), N, T([2, 3])),
    (T([3, 1]), E, T([2, 3])), (T([0, 1]), T(3)), (T([[[0]]]),), (S(1, 3), S(2, 5), T([0, 2])), (S(None, None, 2), T([4, 0, 4])),
    (T([0, 1], dtype=torch.int64), S(2, 2)), (T([0, 2]), S(1, 5, 2), S(None, None, 3)), (S(None, None, 3), T([0, 2]), S(None, None, 3)),
    (mask(4, 5, 6),), (mask(4, 5),), (mask(4),), (S(None), mask(5)), (S(None), mask(5, 6)), (E, mask(6)), (mask(4), E, 0),
    (mask(4), S(1, 3)), (0, mask(5)), (mask(4), 2), (N, mask(4)), (S(None), N, mask(5)), (E, mask(5, 6)), (S(1, 3), mask(5)),
    (torch.zeros(4, dtype=torch.bool),), (torch.ones(4, 5, dtype=torch.bool),), (T(True),), (T(False), S(None)), (S(None), T(True)),
    (T([True, False, True, True]), T([0, 1, 2])), (T([True, False, False, True]), T([0, 1])),
    (T([0, 1]), T([True, False, True, False, False])), (T([True, True, False, False]), S(None), T([1, 0])),
    (S(None), T([False, True, True, False, False]), T([1, 0])),
]
# That PyTorch refuses.
CUBE_ERRORS = [
    (4,), (-5,), (0, 0, 0, 0), (S(None),) * 4, (T([4]),), (T([-5]),), (S(None), T([0, 5])), (mask(5),), (mask(4, 6),),
    (mask(4, 5, 6, 1),), (T([0, 1]), T([0, 1, 2])), (T([0.5]),), (S(None, None, -1),), (S(None, None, 0),), (E, E, E, 0),
    (S(None), mask(4)),
]
# (shape, index) for other shapes: 0-dim, 1-D, empty, 5-D.
OTHERS = [
    ((), (E,)), ((), (N,)), ((), (True,)), ((), (False,)), ((), (T(True),)), ((), (N, E)),
    ((7,), (T([6, 0, -7]),)), ((7,), (mask(7),)), ((7,), (T([[1, 2], [3, 4]]),)), ((7,), (S(1, None, 2),)),
    ((0,), (mask(0),)), ((0,), (S(0, 3),)), ((0, 3), (S(None), 1)), ((0, 3), (T([], dtype=torch.int64),)), ((0, 3), (S(None), T([2, 0]))),
    ((3, 0), (T([2, 0]),)), ((3, 0), (1,)), ((3, 0), (T([1, 1]), S(None))),
    ((2, 3, 2, 3, 2), (T([0, 1]), S(None), T([1, 0]))), ((2, 3, 2, 3, 2), (S(None), T([0, 1]), S(None), T([2, 0]))),
    ((2, 3, 2, 3, 2), (E, T([0, 1]), T([1, 0]))), ((2, 3, 2, 3, 2), (1, T([2, 0]), E, T([1, 0]))),
    ((2, 3, 2, 3, 2), (S(None), mask(3, 2), S(None), T([1]))), ((2, 3, 2, 3, 2), (0, mask(3), 1, T([1]), S(None))),
]


def described(index, first):
    """The index as JSON, and its tensors, which are inputs from `first` on."""
    items, tensors = [], []
    for item in index:
        if isinstance(item, torch.Tensor):
            items.append({"tensor": first + len(tensors)})
            tensors.append(constant(item) if item.dtype.is_floating_point else item)
        elif isinstance(item, slice):
            items.append({"slice": [item.start, item.stop, item.step]})
        elif item is Ellipsis:
            items.append("...")
        else:
            items.append(item)
    return items, tensors


def reads(x, index, error=False):
    items, tensors = described(index, 1)
    return Case("index", lambda inputs, a, index=index: inputs[0][index], [x, *tensors], {"index": items}, error=error,
                grads=1 if x.dtype.is_floating_point else 0)


def writes(x, index, value, accumulate=False, error=False):
    items, tensors = described(index, 2)

    def put(inputs, a):
        y = inputs[0].clone()
        if not accumulate:
            y[index] = inputs[1]
            return y
        places = torch.arange(y.numel()).reshape(y.shape)[index]
        added = inputs[1].expand(places.shape).reshape(-1)
        return y.reshape(-1).index_put((places.reshape(-1),), added, accumulate=True).reshape(y.shape)

    return Case("index_put", put, [x, value, *tensors], {"index": items, "accumulate": accumulate}, error=error,
                grads=1 if x.dtype.is_floating_point else 0)


def unrepeated(x, index):
    """Whether no place is named twice: what PyTorch writes there otherwise is not said."""
    return torch.bincount(torch.arange(x.numel()).reshape(x.shape)[index].reshape(-1), minlength=1).max() <= 1


def indices():
    x = torch.randn(4, 5, 6)
    strided = torch.randn(6, 8, 5).permute(2, 0, 1)[:4, :5, ::1][..., 1:7].contiguous().transpose(0, 2).contiguous().transpose(0, 2)
    for index in CUBE:
        yield reads(x, index)
        yield reads(strided, index)
    for index in CUBE_ERRORS:
        yield reads(x, index, error=True)
    for shape, index in OTHERS:
        yield reads(torch.randn(shape), index)
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.uint8, torch.bool):
        for index in CUBE[::9]:
            yield reads((x * 10).to(dtype), index)
    for start, index in [(torch.randn(4, 5, 6), i) for i in CUBE] + [(torch.randn(s), i) for s, i in OTHERS]:
        part = start[index]
        if not unrepeated(start, index):
            continue
        yield writes(start, index, torch.randn(part.shape))
        yield writes(start, index, torch.randn(()))
        if part.dim() > 0:
            yield writes(start, index, torch.randn(part.shape[1:]))
            yield writes(start, index, torch.randn((1, 1) + part.shape))
            yield writes(start.transpose(0, -1).contiguous().transpose(0, -1), index, torch.randn(part.shape[:-1] + (1,)))
    for index in (0, S(1, 3)), (T([1, 1, 0]),), (S(None), T([0, 0, 4])), (T([0, 0]), T([1, 1])), (T([0, 0]), S(None), T([1, 1])), \
            (T([[0], [0]]), T([1, 1])):
        yield writes(x, index, torch.randn(x[index].shape), accumulate=True)
        yield writes(x, index, torch.randn(x[index].shape[-1:]), accumulate=True)
    for index in (0,), (T([0, 1]),), (mask(4),), (E, T([1, 2])):
        yield writes(x, index, torch.randn(7, 7), error=True)
    for dtype in (torch.float64, torch.int64, torch.uint8, torch.bool):
        yield writes((x * 10).to(dtype), (T([0, 2]),), torch.ones(5, 6).to(dtype))
    yield writes(x, (T([0, 2]),), torch.ones(5, 6, dtype=torch.float64), error=True)


def parts():
    x = torch.randn(3, 4, 5)
    for times in ([2, 1, 3], [1, 1, 1], [2, 1, 1, 1], [0, 1, 1], [2, 3, 1, 2, 1], [4, 2, 2, 2]):
        yield Case("repeat", lambda x, a: x[0].repeat(a["dim"]), [x], {"dim": times})
        yield Case("tile", lambda x, a: x[0].tile(a["dim"]), [x], {"dim": times})
    yield Case("tile", lambda x, a: x[0].tile(a["dim"]), [x], {"dim": [2]})
    yield Case("repeat", lambda x, a: x[0].repeat(a["dim"]), [torch.randn(())], {"dim": [3]})
    for times in ([2, 1], [1, -1, 1]):
        yield Case("repeat", lambda x, a: x[0].repeat(a["dim"]), [x], {"dim": times}, error=True)
    for dims in ([0], [0, 2], [-1], [], [0, 1, 2]):
        yield Case("flip", lambda x, a: x[0].flip(a["dim"]), [x], {"dim": dims})
    for dims in ([0, 0], [3], [0, -3]):
        yield Case("flip", lambda x, a: x[0].flip(a["dim"]), [x], {"dim": dims}, error=True)
    for shifts, dims in (([1], [0]), ([-1, 7], [1, 2]), ([2], []), ([0], [1]), ([1, 1], [0, 0])):
        yield Case("roll", lambda x, a: torch.roll(x[0], a["shifts"], a["dim"]), [x], {"shifts": shifts, "dim": dims})
    yield Case("roll", lambda x, a: torch.roll(x[0], a["shifts"], a["dim"]), [x], {"shifts": [1, 2], "dim": [0]}, error=True)
    for m in (mask(3, 4, 5), mask(4, 5), mask(3, 1, 1), torch.zeros(5, dtype=torch.bool)):
        yield Case("masked_select", lambda x, a: torch.masked_select(x[0], x[1]), [x, m])
        yield Case("nonzero", lambda x, a: x[0].nonzero(), [m], grads=0)
    for y in (torch.tensor(3), torch.tensor(0.0), torch.tensor([[0, 1.5], [float("nan"), 0]]), torch.zeros(0, 3)):
        yield Case("nonzero", lambda x, a: x[0].nonzero(), [y], grads=0)
    for dim in (0, 1, -1):
        at = torch.tensor([1, 0, 2])
        shape = list(x.shape)
        shape[dim] = 3
        yield Case("index_copy", lambda x, a: torch.index_copy(x[0], a["dim"], x[2], x[1]), [x, torch.randn(shape), at], {"dim": dim})
        yield Case("argsort", lambda x, a: torch.argsort(x[0], a["dim"]), [x], {"dim": dim}, grads=0)
        for name in ("any", "all"):
            for keepdim in (False, True):
                yield Case(name, lambda x, a, name=name: getattr(torch, name)(x[0], a["dim"], a["keepdim"]),
                           [(x > 0.5) if dim else (x * 2).round()], {"dim": dim, "keepdim": keepdim}, grads=0)
    a, b = torch.randn(3, 4), torch.randn(4, 2)
    yield Case("mm", lambda x, _: torch.mm(*x), [a, b])
    yield Case("mv", lambda x, _: torch.mv(*x), [a, b[:, 0]])
    yield Case("dot", lambda x, _: torch.dot(*x), [a[0], b[:, 0]])
    yield Case("bmm", lambda x, _: torch.bmm(*x), [torch.randn(2, 3, 4), torch.randn(2, 4, 5)])
    yield Case("bmm", lambda x, _: torch.bmm(*x), [torch.randn(2, 3, 4), torch.randn(1, 4, 5)], error=True)
    yield Case("mm", lambda x, _: torch.mm(*x), [a, b[:, 0]], error=True)


def bits():
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        function = getattr(torch, name)
        for dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool):
            low = 0 if dtype in (torch.uint8, torch.bool) else -100
            a, b = torch.randint(low, 100, (4, 5)).to(dtype), torch.randint(low, 100, (5,)).to(dtype)
            yield Case(name, lambda x, _, f=function: f(*x), [a, b], grads=0)
            yield Case(name, lambda x, a, f=function: f(x[0], a["other"]), [a], {"other": 13}, grads=0)
            yield Case("bitwise_not", lambda x, _: torch.bitwise_not(x[0]), [a], grads=0)
        yield Case(name, lambda x, _, f=function: f(*x), [a, torch.tensor([1, 2, 3, 4, 5])], grads=0)
        yield Case(name, lambda x, _, f=function: f(*x), [torch.ones(3), torch.ones(3)], error=True)
    for a in (torch.tensor([0, 1, 2]), torch.tensor([0.0, 0.5, float("nan")]), torch.tensor([True, False, True])):
        yield Case("logical_xor", lambda x, _: torch.logical_xor(*x), [a, torch.tensor([True, False, True])], grads=0)


def cases():
    yield from indices()
    yield from parts()
    yield from bits()
