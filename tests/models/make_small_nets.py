#!/usr/bin/python3
"""Writes small_nets.txt: scores and gradients of small networks of torchvision's classes.

Run with Debian's python3-torchvision (0.14.1): python3 make_small_nets.py > small_nets.txt

Weights and pictures are sines of their place, so that the test has the same without a file of weights. A line "net
NAME", then "scores" in eval mode; then in train mode, of the mean cross entropy, for each parameter the norm of its
gradient and its product with cosines. (MobileNetV2's are in eval mode: its 52 batch norms over a handful of pixels
magnify rounding.)
"""
import math

import torch
from torch import nn
from torchvision.models import convnext, efficientnet, maxvit, mobilenetv3, regnet, swin_transformer
from torchvision.models import MobileNetV2, vision_transformer

CLASSES = 5


def waves(count, phase):
    return torch.sin(torch.arange(count, dtype=torch.float64) * 1.7 + phase)


def fill(net):
    for number, (name, x) in enumerate(net.state_dict().items()):
        if not x.is_floating_point() or name.endswith("relative_coords_table"):
            continue
        wave = waves(x.numel(), number).reshape(x.shape)
        if name.endswith("running_var"):
            value = 1 + 0.5 * wave
        elif x.dim() == 1:
            value = (1 if name.endswith("weight") else 0) + 0.2 * wave
        else:
            value = wave * 2 / math.sqrt(x.numel() / x.shape[0])
        x.copy_(value)


def swin(version, window):
    v2 = version == 2
    return swin_transformer.SwinTransformer(
        [4, 4], 16, [2, 2], [2, 4], [window, window], stochastic_depth_prob=0, num_classes=CLASSES,
        block=swin_transformer.SwinTransformerBlockV2 if v2 else None,
        downsample_layer=swin_transformer.PatchMergingV2 if v2 else swin_transformer.PatchMerging)


NETS = {
    # name: (network, side of the pictures)
    "MobileNetV2": (MobileNetV2(num_classes=CLASSES, width_mult=0.1, dropout=0), 32),
    "MobileNetV3": (mobilenetv3.MobileNetV3(
        [mobilenetv3.InvertedResidualConfig(8, 3, 16, 8, True, "RE", 1, 1, 1),
         mobilenetv3.InvertedResidualConfig(8, 5, 24, 16, True, "HS", 2, 1, 1)], 32, CLASSES, dropout=0), 16),
    "EfficientNet": (efficientnet.EfficientNet(
        [efficientnet.FusedMBConvConfig(1, 3, 1, 8, 8, 2), efficientnet.FusedMBConvConfig(4, 3, 2, 8, 16, 1),
         efficientnet.MBConvConfig(4, 3, 1, 16, 16, 2)], 0, 0, CLASSES), 16),
    "RegNet": (regnet.RegNet(regnet.BlockParams.from_init_params(4, 16, 20.0, 2.2, 8, se_ratio=0.25), CLASSES), 32),
    "ConvNeXt": (convnext.ConvNeXt(
        [convnext.CNBlockConfig(8, 16, 1), convnext.CNBlockConfig(16, None, 1)], num_classes=CLASSES), 32),
    "VisionTransformer": (vision_transformer.VisionTransformer(16, 4, 2, 4, 16, 32, num_classes=CLASSES), 16),
    "SwinTransformer": (swin(1, 3), 30),  # 8 x 8 places, so 3 x 3 windows leave some over
    "SwinTransformerV2": (swin(2, 4), 36),  # 9 x 9, an odd number to merge
    "MaxVit": (maxvit.MaxVit((32, 32), 8, 2, [8, 16], [1, 2], 8, 0, num_classes=CLASSES), 32),
}


def numbers(xs):
    return " ".join(f"{float(x):.7g}" for x in xs)


def main():
    torch.set_num_threads(1)
    for name, (net, side) in NETS.items():
        fill(net)
        x = waves(2 * 3 * side * side, 0.5).reshape(2, 3, side, side).float()
        net.eval()
        print("net", name)
        print("scores", numbers(net(x).flatten()))
        net.train(name != "MobileNetV2")
        net.zero_grad()
        nn.functional.cross_entropy(net(x), torch.tensor([1, 3])).backward()
        for key, parameter in net.named_parameters():
            flat = parameter.grad.double().flatten()
            print(key, numbers([flat.norm(), flat @ torch.cos(torch.arange(len(flat), dtype=torch.float64))]))
    state = {"encoder.pos_embedding": waves(17 * 3, 0).reshape(1, 17, 3).float()}
    resized = vision_transformer.interpolate_embeddings(24, 4, state)["encoder.pos_embedding"]
    print("net interpolate_embeddings")
    print("scores", numbers(resized.flatten()))


main()
