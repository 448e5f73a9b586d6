"""Elementwise ops."""
import torch
from oracle import Case

FLOATS = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
NUMBERS = [torch.float32, torch.int64, torch.int32, torch.uint8]


def layouts(make):
    """The same kind of values in every layout that matters."""
    yield make(7)
    yield make(3, 5)
    yield make(5, 3).t()
    yield make(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    yield make(4, 10)[:, 1::3]
    yield make(3, 1).expand(3, 4)
    yield make()
    yield make(0, 3)
    yield make(40000)


def uniform(low, high, dtype=torch.float32):
    return lambda *shape: (torch.rand(shape) * (high - low) + low).to(dtype)


UNARY = {  # name: (PyTorch's function, low, high)
    "neg": (torch.neg, -3, 3), "abs": (torch.abs, -3, 3), "sign": (torch.sign, -3, 3),
    "square": (torch.square, -3, 3), "sqrt": (torch.sqrt, 0.1, 5), "rsqrt": (torch.rsqrt, 0.1, 5),
    "reciprocal": (torch.reciprocal, 0.2, 3), "exp": (torch.exp, -5, 5), "expm1": (torch.expm1, -2, 2),
    "log": (torch.log, 0.1, 9), "log1p": (torch.log1p, -0.5, 5), "log2": (torch.log2, 0.1, 9),
    "log10": (torch.log10, 0.1, 9), "sin": (torch.sin, -6, 6), "cos": (torch.cos, -6, 6),
    "tan": (torch.tan, -1.2, 1.2), "asin": (torch.asin, -0.9, 0.9), "acos": (torch.acos, -0.9, 0.9),
    "atan": (torch.atan, -5, 5), "sinh": (torch.sinh, -3, 3), "cosh": (torch.cosh, -3, 3),
    "tanh": (torch.tanh, -4, 4), "erf": (torch.erf, -3, 3), "floor": (torch.floor, -5, 5),
    "ceil": (torch.ceil, -5, 5), "round": (torch.round, -5, 5), "trunc": (torch.trunc, -5, 5),
    "relu": (torch.relu, -3, 3), "silu": (torch.nn.functional.silu, -5, 5),
    "relu6": (torch.nn.functional.relu6, -3, 9), "hardswish": (torch.nn.functional.hardswish, -5, 5),
    "hardsigmoid": (torch.nn.functional.hardsigmoid, -5, 5), "sigmoid": (torch.sigmoid, -8, 8),
}
# Functions whose float16 or bfloat16 values grow so large that one rounding shows.
STEEP = {"exp", "sinh", "cosh", "tan", "reciprocal", "rsqrt", "log", "log2", "log10"}


def unary():
    for name, (function, low, high) in UNARY.items():
        call = lambda x, _, function=function: function(x[0])
        for x in layouts(uniform(low, high)):
            yield Case(name, call, [x])
        for dtype in FLOATS[1:]:
            if name in ("tan", "acos", "asin", "erf") and dtype == torch.float16:
                continue  # PyTorch 1.13 has no half kernel on the CPU for the gradient
            if name == "hardsigmoid" and dtype == torch.float64:
                continue  # its gradient is 1/6 in float32
            try:
                function(torch.full((2,), 0.5, dtype=dtype, requires_grad=True)).sum().backward()
            except RuntimeError:
                continue
            yield Case(name, call, [uniform(low, high, dtype)(50)], scale=4 if name in STEEP else 2)
        if name not in ("relu", "silu", "relu6", "hardswish", "hardsigmoid"):
            try:
                yield_integers = function(torch.tensor([1, 2, 3]))
            except RuntimeError:
                continue
            if yield_integers is not None and low < 1:
                integers = torch.tensor([0, 1]) if high <= 1.2 else torch.tensor([1, 2, 3])
                yield Case(name, call, [integers], grads=0)
    special = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e-40, 1e30])
    for name, (function, *_) in UNARY.items():
        yield Case(name, lambda x, _, function=function: function(x[0]), [special.clone()], grads=0, scale=50,
                   label="special values")
    for name in ("isnan", "isinf", "isfinite"):
        yield Case(name, lambda x, _, name=name: getattr(torch, name)(x[0]), [special.clone()], grads=0)
        yield Case(name, lambda x, _, name=name: getattr(torch, name)(x[0]), [torch.arange(3)], grads=0)
    F = torch.nn.functional
    for x in layouts(uniform(-4, 4)):
        yield Case("leaky_relu", lambda x, a: F.leaky_relu(x[0], a["negative_slope"]), [x], {"negative_slope": 0.2})
        yield Case("softplus", lambda x, a: F.softplus(x[0], a["beta"], a["threshold"]), [x],
                   {"beta": 1.5, "threshold": 3})
        yield Case("gelu", lambda x, a: F.gelu(x[0]), [x])
        yield Case("gelu", lambda x, a: F.gelu(x[0], approximate="tanh"), [x], {"tanh": True})
        yield Case("clamp", lambda x, a: torch.clamp(x[0], **a), [x], {"min": -1, "max": 1.5})
        yield Case("clamp", lambda x, a: torch.clamp(x[0], **a), [x], {"max": 0.5})
    yield Case("clamp", lambda x, a: torch.clamp(x[0], **a), [torch.arange(10)], {"min": 2, "max": 7}, grads=0)
    yield Case("logical_not", lambda x, _: torch.logical_not(x[0]), [torch.tensor([0, 2, -1])], grads=0)


SHAPES = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (5,)), ((2, 3, 4), (3, 1)), ((0, 3), (3,)),
          ((2, 3, 4, 5), (1, 3, 1, 1)), ((40000,), (40000,)), ((64, 700), (700,))]
DIFFERENTIABLE = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum,
                  "minimum": torch.minimum, "pow": torch.pow, "remainder": torch.remainder}
COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or"]


def binary():
    for name, function in DIFFERENTIABLE.items():
        call = lambda x, _, function=function: function(x[0], x[1])
        for a, b in SHAPES:
            yield Case(name, call, [torch.rand(a) + 0.5, torch.rand(b) + 0.5], scale=3)
        yield Case(name, call, [(torch.rand(5, 3) + 0.5).t(), torch.rand(3, 5) + 0.5], scale=3)
        yield Case(name, call, [torch.rand(3, 10)[:, ::2] + 0.5, (torch.rand(5) + 0.5).expand(3, 5)], scale=3)
        yield Case(name, call, [torch.rand(3, 4), torch.rand(3, 5)], error=True)
        for left in FLOATS + [torch.int64, torch.int32, torch.uint8, torch.int8, torch.bool]:
            for right in FLOATS + [torch.int64, torch.int16, torch.uint8, torch.bool]:
                for shape in ((4,), ()):
                    a = (torch.rand(4) * 3 + 1).to(left)
                    b = (torch.rand(shape) * 3 + 1).to(right)
                    try:
                        function(a, b)
                    except RuntimeError:
                        yield Case(name, call, [a, b], error=True)
                        continue
                    yield Case(name, call, [a, b], grads=0, scale=4)
    for name in COMPARISONS:
        call = lambda x, _, name=name: getattr(torch, name)(x[0], x[1])
        for a, b in SHAPES:
            yield Case(name, call, [torch.randint(3, a).float(), torch.randint(3, b).float()], grads=0)
        yield Case(name, call, [torch.randint(3, (6,)), torch.rand(6) * 3], grads=0)
        yield Case(name, call, [torch.randint(2, (6,)).bool(), torch.randint(2, (6,)).bool()], grads=0)
    for name in ("add", "sub"):
        yield Case(name, lambda x, a, name=name: getattr(torch, name)(x[0], x[1], alpha=a["alpha"]),
                   [torch.rand(4), torch.rand(3, 4)], {"alpha": 2.5})
    signs = torch.tensor([7, -7, 7, -7]), torch.tensor([3, 3, -3, -3])
    for name in ("remainder", "floor_divide"):
        call = lambda x, _, name=name: getattr(torch, name)(x[0], x[1])
        yield Case(name, call, list(signs), grads=0)
        yield Case(name, call, [signs[0].float() + 0.5, signs[1].float()], grads=0)


def with_scalars():
    table = {"add_scalar": torch.add, "sub_scalar": torch.sub, "mul_scalar": torch.mul, "div_scalar": torch.div,
             "pow_scalar": torch.pow, "rsub_scalar": torch.rsub, "lt_scalar": torch.lt, "eq_scalar": torch.eq,
             "scalar_pow": lambda x, s: torch.pow(s, x), "scalar_div": lambda x, s: s / x}
    for name, function in table.items():
        for dtype in FLOATS + [torch.int64, torch.uint8, torch.bool]:
            for other in (2, 2.5, 3.0):
                x = (torch.rand(3, 4) * 3 + 1).to(dtype)
                call = lambda x, a, function=function: function(x[0], a["other"])
                differentiable = dtype in FLOATS[:2] and not name.startswith(("lt", "eq"))
                try:
                    function(x, other)
                except RuntimeError:
                    yield Case(name, call, [x], {"other": other}, error=True)
                    continue
                yield Case(name, call, [x], {"other": other}, grads=int(differentiable), scale=4)
    for exponent in (0, 1, -1, 0.5, 3, -2.0):
        yield Case("pow_scalar", lambda x, a: torch.pow(x[0], a["other"]), [torch.rand(5) + 0.3], {"other": exponent})


def in_place():
    def functional(change):
        def call(x, a):
            y = x[0].clone()
            change(y, x, a)
            return y
        return call

    pairs = {"add_": torch.Tensor.add_, "sub_": torch.Tensor.sub_, "mul_": torch.Tensor.mul_, "div_": torch.Tensor.div_,
             "copy_": torch.Tensor.copy_}
    for name, method in pairs.items():
        call = functional(lambda y, x, a, method=method: method(y, x[1]))
        for shapes in (((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 4), ()), ((0,), (1,))):
            yield Case(name, call, [torch.rand(shapes[0]) + 0.5, torch.rand(shapes[1]) + 0.5])
        yield Case(name, call, [torch.rand(4), torch.rand(3, 4)], error=True)
        yield Case(name, call, [torch.rand(4), torch.arange(1, 5)], grads=0)
        yield Case(name, call, [torch.arange(4), torch.rand(4)], grads=0, error=name != "copy_")
    yield Case("mul_scalar_", functional(lambda y, x, a: y.mul_(a["other"])), [torch.rand(3)], {"other": 2.5})
    yield Case("fill_", functional(lambda y, x, a: y.fill_(a["other"])), [torch.rand(3)], {"other": 2.5})
    yield Case("relu_", functional(lambda y, x, a: y.relu_()), [torch.randn(9)])
    for name in ("relu6", "silu", "hardswish", "hardsigmoid"):
        function = getattr(torch.nn.functional, name)
        yield Case(name + "_", lambda x, a, function=function: function(x[0].clone(), inplace=True), [torch.randn(99) * 4])
    yield Case("clamp_", functional(lambda y, x, a: y.clamp_(a["min"], a["max"])), [torch.randn(9)], {"min": -0.5, "max": 1})
    yield Case("masked_fill_", functional(lambda y, x, a: y.masked_fill_(x[1], a["other"])),
               [torch.randn(3, 4), torch.rand(4) > 0.5], {"other": 7})
    yield Case("row_mul_", functional(lambda y, x, a: y[0].mul_(x[1])), [torch.rand(3, 4), torch.rand(4)])


def cases():
    yield from unary()
    yield from binary()
    yield from with_scalars()
    yield from in_place()
