#!/usr/bin/python3
"""Writes layer_cases.txt and network_cases.txt: results of PyTorch for the modules of layer_test.cpp and network_test.cpp,
in their order, beside this file.

Inputs and parameters are sines, in float64. A line: the shape of y, then the sums of cos-weighted y, dx, all
parameters' gradients, and all floating buffers after the step.

Run with Debian's python3-torchvision (0.14.1).
"""
import pathlib
from functools import partial

import torch
from torch import nn
from torchvision import models
from torchvision.models.convnext import LayerNorm2d
from torchvision.models.shufflenetv2 import channel_shuffle
from torchvision.ops import StochasticDepth, misc


class Shuffle(nn.Module):  # nn.ChannelShuffle(3), which has no gradient in 1.13
    def forward(self, x):
        return channel_shuffle(x, 3)


class SelfAttention(nn.Module):
    def __init__(self, batch_first):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=batch_first)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=self.training)[0]


def sines(shape, phase, scale=1.0, offset=0.0):
    n = torch.Size(shape).numel()
    return (offset + scale * torch.sin(torch.arange(n, dtype=torch.float64) * 0.7 + phase)).reshape(shape)


def weighted(x):
    return (x.flatten() * torch.cos(torch.arange(x.numel(), dtype=torch.float64) * 0.3)).sum().item()


def show(module, shape, training):
    module.double().train(training).zero_grad()
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(sines(p.shape, k, 0.5))
        for k, b in enumerate(module.buffers()):
            if b.is_floating_point():
                b.copy_(sines(b.shape, k, 0.5, 1.0))
    x = sines(shape, 0.3).requires_grad_()
    y = module(x)
    (y.flatten() * torch.cos(torch.arange(y.numel(), dtype=torch.float64) * 0.3)).sum().backward()
    grads = sum(weighted(p.grad) for p in module.parameters())
    buffers = sum(weighted(b) for b in module.buffers() if b.is_floating_point())
    numbers = [weighted(y.detach()), weighted(x.grad), float(grads), float(buffers)]
    return " ".join(["[" + ",".join(map(str, y.shape)) + "]", *["%.12g" % v for v in numbers]])


def write(name, cases):
    lines = [show(module, shape, training) for module, shape, modes in cases for training in modes]
    pathlib.Path(__file__).with_name(name).write_text("\n".join(lines) + "\n")


BOTH, EVALUATION = [True, False], [False]
layers = [
    (nn.Linear(5, 3), (2, 4, 5)),
    (nn.Linear(5, 3, bias=False), (5,)),
    (nn.Conv2d(4, 6, 3), (2, 4, 7, 6)),
    (nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), (2, 4, 7, 8)),
    (nn.Conv2d(4, 6, 3, padding="same"), (2, 4, 7, 6)),
    (nn.Conv2d(4, 6, (4, 2), padding="same", dilation=(1, 3), bias=False), (2, 4, 7, 6)),
    (nn.Conv2d(4, 6, 3, padding="valid"), (2, 4, 7, 6)),
    (nn.Conv2d(4, 6, 3, padding=(2, 1), padding_mode="reflect"), (2, 4, 7, 6)),
    (nn.Conv2d(4, 6, 3, padding=2, stride=2, padding_mode="replicate"), (2, 4, 7, 6)),
    (nn.Conv2d(4, 6, 4, padding="same", padding_mode="circular"), (2, 4, 7, 6)),
    (nn.MaxPool2d(2), (2, 3, 7, 6)),
    (nn.MaxPool2d(3, stride=(2, 1), padding=1, dilation=2, ceil_mode=True), (2, 3, 9, 8)),
    (nn.AvgPool2d((3, 2)), (2, 3, 7, 6)),
    (nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False), (2, 3, 8, 6)),
    (nn.AdaptiveAvgPool2d((3, 2)), (2, 3, 7, 6)),
    (nn.BatchNorm1d(5), (4, 5)),
    (nn.BatchNorm1d(5, eps=1e-3, momentum=0.3), (4, 5, 3)),
    (nn.BatchNorm2d(3), (2, 3, 4, 5)),
    (nn.BatchNorm2d(3, momentum=None), (2, 3, 4, 5)),
    (nn.BatchNorm2d(3, affine=False), (2, 3, 4, 5)),
    (nn.BatchNorm2d(3, track_running_stats=False), (2, 3, 4, 5)),
    (nn.LayerNorm(5), (2, 3, 5)),
    (nn.LayerNorm((3, 5), eps=1e-3, elementwise_affine=False), (2, 3, 5)),
    (nn.ReLU(), (3, 4)),
    (nn.ReLU6(), (3, 4)),
    (nn.Hardswish(), (3, 4)),
    (nn.Sequential(nn.Linear(3, 4), nn.ReLU6(inplace=True), nn.Linear(4, 4), nn.Hardswish(inplace=True),
                   nn.Linear(4, 4), nn.SiLU(inplace=True), nn.Linear(4, 2), nn.Hardsigmoid(inplace=True)), (5, 3)),
    (nn.LeakyReLU(0.2), (3, 4)),
    (nn.GELU(), (3, 4)),
    (nn.GELU("tanh"), (3, 4)),
    (nn.SiLU(), (3, 4)),
    (nn.Sigmoid(), (3, 4)),
    (nn.Tanh(), (3, 4)),
    (nn.Softmax(1), (3, 4, 2)),
    (nn.LogSoftmax(-1), (3, 4)),
    (nn.Flatten(), (2, 3, 4)),
    (nn.Flatten(0, 1), (2, 3, 4)),
    (nn.Identity(), (2, 3)),
    (nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2)), (5, 3)),
    (LayerNorm2d(3, eps=1e-3), (2, 3, 4, 5)),
    (misc.Permute([0, 2, 3, 1]), (2, 3, 4, 5)),
    (Shuffle(), (2, 6, 4, 5)),
    (misc.SqueezeExcitation(6, 4), (2, 6, 3, 4)),
    (misc.SqueezeExcitation(6, 4, partial(nn.SiLU, inplace=True), nn.Hardsigmoid), (2, 6, 3, 4)),
    (misc.Conv2dNormActivation(3, 4), (2, 3, 5, 4)),
    (misc.Conv2dNormActivation(4, 6, 5, stride=2, groups=2, norm_layer=partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01),
                               activation_layer=nn.Hardswish), (2, 4, 7, 6)),
    (misc.Conv2dNormActivation(3, 4, 3, norm_layer=None, activation_layer=None, dilation=2), (2, 3, 7, 6)),
    (misc.MLP(4, [6, 3], activation_layer=nn.GELU, inplace=None), (5, 4)),
    (misc.MLP(4, [6, 5, 3], norm_layer=nn.LayerNorm, bias=False, inplace=False), (5, 4)),
    (SelfAttention(False), (5, 2, 6)),
    (SelfAttention(True), (2, 5, 6)),
    (nn.Upsample(size=(5, 7), mode="bicubic", align_corners=True), (2, 3, 4, 4)),
]
write("layer_cases.txt", [(*layer, BOTH) for layer in layers] + [(nn.Dropout(), (3, 4), EVALUATION),
                                                             (StochasticDepth(0.4, "row"), (3, 4), EVALUATION)])
write("network_cases.txt", [(models.resnet18(num_classes=10), (2, 3, 64, 64), BOTH),
                            (models.alexnet(num_classes=10), (1, 3, 64, 64), EVALUATION)])
