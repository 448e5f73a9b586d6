#!/usr/bin/python3
"""Writes reprs.txt: what PyTorch prints for the modules of repr_test.cpp, in its order.

Run with Debian's python3-torchvision (0.14.1): python3 make_reprs.py > reprs.txt
"""
from functools import partial

from torch import nn
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops import StochasticDepth, misc


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 4)
        self.act = nn.ReLU()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.layers = nn.Sequential(Block(), nn.Identity())
        self.list = nn.ModuleList([nn.Linear(2, 3)])
        self.empty = nn.Sequential()


modules = [
    nn.Linear(3, 4),
    nn.Linear(3, 4, bias=False),
    nn.Conv2d(1, 32, 3, padding=1),
    nn.Conv2d(3, 8, (3, 5), stride=2, padding=(1, 2), bias=False),
    nn.Conv2d(4, 8, 3, padding="same", dilation=(2, 1), groups=4, padding_mode="circular"),
    nn.Conv2d(4, 8, 3, padding_mode="reflect"),
    nn.MaxPool2d(2),
    nn.MaxPool2d((3, 2), stride=2, padding=1, ceil_mode=True),
    nn.AvgPool2d(3, stride=2, padding=1),
    nn.AdaptiveAvgPool2d((1, 1)),
    nn.AdaptiveAvgPool2d((6, 7)),
    nn.BatchNorm1d(5),
    nn.BatchNorm2d(64, eps=0.001, momentum=None, affine=False, track_running_stats=False),
    nn.BatchNorm2d(64, eps=1e-12, momentum=1.0),
    nn.LayerNorm(8),
    nn.LayerNorm((3, 4), eps=1e-6, elementwise_affine=False),
    nn.Dropout(),
    nn.Dropout(0.25),
    nn.ReLU(),
    nn.ReLU(inplace=True),
    nn.LeakyReLU(),
    nn.LeakyReLU(0.2),
    nn.GELU(),
    nn.GELU("tanh"),
    nn.SiLU(),
    nn.Sigmoid(),
    nn.Tanh(),
    nn.Softmax(1),
    nn.LogSoftmax(-1),
    nn.Flatten(),
    nn.Flatten(0, 2),
    nn.Identity(),
    nn.ReLU6(inplace=True),
    nn.Hardswish(inplace=True),
    nn.Hardsigmoid(),
    nn.SiLU(inplace=True),
    nn.Dropout(0.2, inplace=True),
    StochasticDepth(0.4, "row"),
    StochasticDepth(1.0, "batch"),
    LayerNorm2d(96, eps=1e-6),
    misc.Permute([0, 2, 3, 1]),
    nn.ChannelShuffle(2),
    misc.SqueezeExcitation(6, 4, partial(nn.SiLU, inplace=True)),
    misc.Conv2dNormActivation(3, 4),
    misc.MLP(4, [6, 3], activation_layer=nn.ReLU, dropout=0.1, inplace=True),
    nn.MultiheadAttention(8, 2),
    nn.Upsample(scale_factor=2),
    nn.Upsample(size=(3, 4), mode="bicubic"),
    nn.CrossEntropyLoss(),
    nn.BCEWithLogitsLoss(),
    Net(),
]
for module in modules:
    print(module)
    print("--")
