#!/usr/bin/env python3
"""The workloads of workloads.cpp in PyTorch: torch_peer.py WORKLOAD SECONDS prints seconds a step (the median).

A workload is written as a PyTorch user would write it: eager mode, default settings, default memory format.
"""
import os
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

X = [3.3, 4.4, 5.5, 6.71, 6.93, 4.168, 9.779, 6.182, 7.59, 2.167, 7.042, 10.791, 5.313, 7.997, 3.1]
Y = [1.7, 2.76, 2.09, 3.19, 1.694, 1.573, 3.366, 2.596, 2.53, 1.221, 2.827, 3.465, 1.65, 2.904, 1.3]


def training_step(model, optimizer, loss_of, x, y):
    def step():
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()

    return step


def mlp_step():
    model = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1))
    x, y = torch.tensor(X).reshape(-1, 1), torch.tensor(Y).reshape(-1, 1)
    return training_step(model, torch.optim.SGD(model.parameters(), lr=0.01), F.mse_loss, x, y)


def add_one():
    a, b = torch.tensor([1.0]), torch.tensor([2.0])

    def step():
        with torch.no_grad():
            for _ in range(1000):
                torch.add(a, b)

    return step


def images(channels, size, classes=10, batch=64):
    return torch.randn(batch, channels, size, size), torch.randint(classes, (batch,))


def cifar_cnn_step():
    model = nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(32, 32, 5, padding=2), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1024, 64), nn.Linear(64, 10))
    return training_step(model, torch.optim.SGD(model.parameters(), lr=0.01), F.cross_entropy, *images(3, 32))


class FashionNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.conv2, self.bn2 = nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64)
        self.fc1, self.fc2 = nn.Linear(3136, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc2(F.relu(self.fc1(torch.flatten(x, 1))))


def fashion_cnn_step():
    model = FashionNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    return training_step(model, optimizer, F.cross_entropy, *images(1, 28))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        out += x if self.downsample is None else self.downsample(x)
        return F.relu(out, inplace=True)


def resnet18():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    for inputs, outputs, stride in [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]:
        layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


def resnet18_step():
    model = resnet18()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    return training_step(model, optimizer, F.cross_entropy, *images(3, 32, 1000))


def adam_step():
    parameters = [torch.randn(5_000_000, requires_grad=True) for _ in range(5)]
    for p in parameters:
        p.grad = torch.randn_like(p)
    return torch.optim.Adam(parameters, lr=1e-3).step


def bn_relu():
    bn = nn.BatchNorm2d(64)
    x = torch.randn(64, 64, 32, 32, requires_grad=True)
    g = torch.randn(64, 64, 32, 32)

    def step():
        x.grad = None
        F.relu(bn(x)).backward(g)

    return step


WORKLOADS = [mlp_step, add_one, cifar_cnn_step, fashion_cnn_step, resnet18_step, adam_step, bn_relu]


def main():
    if len(sys.argv) == 1:
        print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
        return
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count())
    step = {f.__name__: f for f in WORKLOADS}[sys.argv[1]]()
    end = time.perf_counter() + 0.3 * float(sys.argv[2])
    for _ in range(3):
        step()
    while time.perf_counter() < end:
        step()
    times, end = [], time.perf_counter() + float(sys.argv[2])
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(statistics.median(times))


if __name__ == "__main__":
    main()
