"""Writes optimizer_expected.h: what PyTorch's optimisers give after 20 steps.

/usr/bin/python3 tests/optim/optimizer_expected.py > tests/optim/optimizer_expected.h

Parameters and gradients are the same exact fractions as in optimizer_test.cpp.
"""

import torch

STEPS = 20
SHAPES = [(3, 4), (5,)]
CASES = {
    "sgd": (torch.optim.SGD, dict(lr=0.1)),
    "sgd_decay": (torch.optim.SGD, dict(lr=0.1, weight_decay=0.05)),
    "sgd_momentum": (torch.optim.SGD, dict(lr=0.05, momentum=0.9)),
    "sgd_dampening": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.01)),
    "sgd_nesterov": (torch.optim.SGD, dict(lr=0.05, momentum=0.8, weight_decay=0.02, nesterov=True)),
    "sgd_maximize": (torch.optim.SGD, dict(lr=0.05, momentum=0.8, maximize=True)),
    "adam": (torch.optim.Adam, dict()),
    "adam_large": (torch.optim.Adam, dict(lr=0.1, betas=(0.8, 0.95), eps=1e-3)),
    "adam_decay": (torch.optim.Adam, dict(lr=0.01, weight_decay=0.1)),
    "adam_amsgrad": (torch.optim.Adam, dict(lr=0.02, amsgrad=True)),
    "adam_maximize": (torch.optim.Adam, dict(lr=0.02, maximize=True, weight_decay=0.1)),
    "adamw": (torch.optim.AdamW, dict(lr=0.02)),
    "adamw_amsgrad": (torch.optim.AdamW, dict(lr=0.02, weight_decay=0.2, amsgrad=True)),
}


def params(dtype):
    tensors = []
    for k, shape in enumerate(SHAPES):
        i = torch.arange(torch.Size(shape).numel(), dtype=torch.int64)
        values = ((i * 37 + 11 * k) % 101 - 50).to(dtype) / 64
        tensors.append(values.reshape(shape).requires_grad_())
    return tensors


def grad(k, step, dtype):
    i = torch.arange(torch.Size(SHAPES[k]).numel(), dtype=torch.int64)
    return (((i * 53 + step * 29 + 7 * k) % 97 - 48).to(dtype) / 64).reshape(SHAPES[k])


def run(kind, options, dtype, skip):
    tensors = params(dtype)
    optimizer = kind(tensors, **options)
    for step in range(STEPS):
        for k, tensor in enumerate(tensors):
            # With skip, the second parameter misses every third step.
            tensor.grad = None if skip and k == 1 and step % 3 == 0 else grad(k, step, dtype)
        optimizer.step()
    return [float(x) for tensor in tensors for x in tensor.detach().flatten()]


def main():
    print("#pragma once\n")
    print(f"// Written by tests/optim/optimizer_expected.py with PyTorch {torch.__version__}.\n")
    print("namespace expected {\n")
    for name, (kind, options) in CASES.items():
        for suffix, dtype, skip in (("", torch.float32, False), ("_double", torch.float64, True)):
            values = run(kind, options, dtype, skip)
            text = ", ".join(repr(x) for x in values)
            print(f"inline constexpr double {name}{suffix}[] = {{{text}}};")
    print("\n}  // namespace expected")


main()
