#!/usr/bin/env python3
"""The training steps of benchmarks/cuda in PyTorch, on a GPU: torch_gpu_peer.py SECONDS prints JSON.

As a PyTorch user would write them for speed without compiling: channels-last, autocast for bfloat16, cudnn.benchmark on.
"""
import contextlib
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

import torch_peer

PRECISIONS = ["float32", "float32, deterministic", "tf32", "bfloat16", "bfloat16, deterministic"]


class CifarNet(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 32, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(32, 32, 5, padding=2), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 5, padding=2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1024, 64), nn.Linear(64, 10))


def nets():
    yield "fashion_mnist", torch_peer.FashionNet, (256, 1, 28, 28), 10
    yield "cifar10", CifarNet, (256, 3, 32, 32), 10
    yield "resnet18", torch_peer.resnet18, (128, 3, 224, 224), 1000
    try:
        from torchvision.models import resnet50
    except ImportError:
        return
    yield "resnet50", resnet50, (64, 3, 224, 224), 1000


def seconds_of(step, seconds):
    for _ in range(10):
        step()
    torch.cuda.synchronize()
    start = time.perf_counter()
    step()
    torch.cuda.synchronize()
    calls = max(3, int(seconds / max(time.perf_counter() - start, 1e-7)))
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for _ in range(calls):
        step()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3 / calls


def training_step(make, shape, classes, precision):
    tf32 = precision == "tf32"
    torch.backends.cudnn.deterministic = precision.endswith("deterministic")
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    model = make().cuda().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    x = torch.randn(*shape, device="cuda").to(memory_format=torch.channels_last)
    y = torch.randint(classes, (shape[0],), device="cuda")

    def step():
        optimizer.zero_grad()
        mixed = torch.autocast("cuda", torch.bfloat16) if precision.startswith("bfloat16") else contextlib.nullcontext()
        with mixed:
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    return step


def main():
    torch.backends.cudnn.benchmark = True
    rows = []
    for name, make, shape, classes in nets():
        for precision in PRECISIONS:
            seconds = seconds_of(training_step(make, shape, classes, precision), float(sys.argv[1]))
            rows.append({"net": name, "batch": shape[0], "precision": precision, "seconds": seconds,
                         "images_per_second": shape[0] / seconds})
    print(json.dumps({"version": torch.__version__, "training": rows}))


if __name__ == "__main__":
    main()
