"""Calls Kiln's ops (server.cpp) beside PyTorch's and compares outputs, dtypes and gradients."""
import json
import math
import struct
import subprocess

import numpy
import torch

# float32 sums in another order differ in the last bits; the halves round once more where Kiln or PyTorch keeps a
# float32 intermediate.
BOUNDS = {torch.float64: 1e-11, torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}
NAMES = {torch.float32: "float32", torch.float64: "float64", torch.float16: "float16", torch.bfloat16: "bfloat16",
         torch.int64: "int64", torch.int32: "int32", torch.int16: "int16", torch.int8: "int8", torch.uint8: "uint8",
         torch.bool: "bool"}
DTYPES = {name: dtype for dtype, name in NAMES.items()}


class KilnError(Exception):
    pass


def bytes_of(x):
    """The whole storage that x views, as bytes."""
    flat = torch.empty(0, dtype=x.dtype).set_(x.detach().storage())
    if x.dtype == torch.bfloat16:
        flat = flat.view(torch.int16)
    return flat.numpy().tobytes()


class Kiln:
    def __init__(self, server):
        self.process = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, size):
        data = self.process.stdout.read(size)
        if len(data) != size:
            raise KilnError("the oracle's server ended")
        return data

    def call(self, op, args, inputs, cotangents=()):
        tensors, blobs = [], []
        for x in [*inputs, *cotangents]:
            blob = bytes_of(x)
            tensors.append({"dtype": NAMES[x.dtype], "shape": list(x.shape), "strides": list(x.stride()),
                            "storage": len(blob) // x.element_size(), "offset": x.storage_offset(),
                            "requires_grad": x.requires_grad})
            blobs.append(blob)
        text = json.dumps({"op": op, "args": args, "tensors": tensors, "grads": len(cotangents)}).encode()
        self.process.stdin.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))
        self.process.stdin.flush()
        answer = json.loads(self.read(struct.unpack("<Q", self.read(8))[0]))
        if "error" in answer:
            raise KilnError(answer["error"])
        results = []
        for about in answer["tensors"]:
            if about is None:
                results.append(None)
                continue
            dtype = DTYPES[about["dtype"]]
            raw = torch.int16 if dtype == torch.bfloat16 else dtype
            size = math.prod(about["shape"]) * torch.empty(0, dtype=dtype).element_size()
            numbers = numpy.frombuffer(self.read(size), dtype=torch.empty(0, dtype=raw).numpy().dtype)
            results.append(torch.from_numpy(numbers.copy()).view(dtype).reshape(about["shape"]))
        return results[:answer["outputs"]], results[answer["outputs"]:]


def difference(what, ours, theirs, scale):
    """A sentence when the two differ, else None."""
    if ours is None or theirs is None:
        zero = (ours if theirs is None else theirs)
        if zero is None or not zero.any():
            return None
        return f"{what}: only one side is defined"
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{what}: {ours.dtype} {list(ours.shape)}, PyTorch {theirs.dtype} {list(theirs.shape)}"
    if not ours.dtype.is_floating_point:
        return None if torch.equal(ours, theirs) else f"{what}: {ours.tolist()}, PyTorch {theirs.tolist()}"
    bound = BOUNDS[ours.dtype] * scale
    a, b = ours.double(), theirs.double()
    reach = max(1.0, float(b[b.isfinite()].abs().max())) if b.isfinite().any() else 1.0
    close = torch.isclose(a, b, rtol=bound, atol=bound * min(reach, 1e3), equal_nan=True)
    if bool(close.all()):
        return None
    at = int((~close).reshape(-1).nonzero()[0])
    return f"{what}: element {at} is {a.reshape(-1)[at]:.9g}, PyTorch {b.reshape(-1)[at]:.9g}"


class Case:
    """op: Kiln's name. torch_op(inputs, args) -> tensor or tuple. grads: how many leading outputs have gradients."""

    def __init__(self, op, torch_op, inputs, args=None, grads=1, scale=1.0, error=False, label=""):
        self.op, self.torch_op, self.inputs, self.args = op, torch_op, inputs, args or {}
        self.grads, self.scale, self.error, self.label = grads, scale, error, label

    def name(self):
        shapes = ", ".join(f"{NAMES[x.dtype]}{list(x.shape)}{'' if x.is_contiguous() else '*'}" for x in self.inputs)
        return f"{self.op}({shapes}; {self.args}) {self.label}"

    def check(self, kiln):
        """Problems, as sentences."""
        leaves = [x.detach() for x in self.inputs]
        for x in leaves:
            x.requires_grad_(self.grads > 0 and x.dtype.is_floating_point and not getattr(x, "constant", False))
        for x, original in zip(leaves, self.inputs):
            if getattr(original, "constant", False):
                x.requires_grad_(False)
        try:
            theirs = self.torch_op(leaves, self.args)
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            return self.check_error(kiln, leaves, error)
        if self.error:
            return ["PyTorch gives no error here: the case is wrong"]
        theirs = [theirs] if isinstance(theirs, torch.Tensor) else list(theirs)
        roots = [y for y in theirs[:self.grads] if y.requires_grad]
        torch.manual_seed(1)
        cotangents = [torch.randn(y.shape).to(y.dtype) for y in roots]
        try:
            ours, gradients = kiln.call(self.op, self.args, leaves, cotangents)
        except KilnError as error:
            return [f"Kiln: {error}"]
        found = [difference(f"output {i}", a, b.detach(), self.scale) for i, (a, b) in enumerate(zip(ours, theirs))]
        if len(ours) < len(theirs):
            found.append(f"{len(ours)} outputs, PyTorch {len(theirs)}")
        wanted = [x for x in leaves if x.requires_grad] if roots else []
        expected = torch.autograd.grad(roots, wanted, cotangents, allow_unused=True) if roots else []
        found += [difference(f"gradient {i}", a, b, 4 * self.scale)
                  for i, (a, b) in enumerate(zip(gradients, expected))]
        return [problem for problem in found if problem]

    def check_error(self, kiln, leaves, error):
        if not self.error:
            return [f"PyTorch: {error}"]
        if "not implemented for" in str(error):
            return []  # a type that PyTorch's CPU kernel lacks is no rule for us
        try:
            kiln.call(self.op, self.args, leaves)
        except KilnError:
            return []
        return [f"no error, PyTorch says: {error}"]


def constant(x):
    """Marks a floating input that wants no gradient."""
    x.constant = True
    return x
