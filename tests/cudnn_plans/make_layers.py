#!/usr/bin/env python3
"""make_layers.py: writes layers.txt, the convolutions of torchvision's networks that Kiln has no model of, each once a net.

net  channels height width  filters kernel_h kernel_w  stride_h stride_w  padding_h padding_w  dilation groups
"""

import pathlib

import torch
import torchvision.models as models

NETS = {"vgg16": 224, "squeezenet1_0": 224, "googlenet": 224, "inception_v3": 299}


def layers(net, size):
    model = getattr(models, net)(weights=None, **({"init_weights": False} if net.endswith(("net", "v3")) else {}))
    found = {}

    def look(conv, inputs, _):
        _, channels, height, width = inputs[0].shape
        row = (channels, height, width, conv.out_channels, *conv.kernel_size, *conv.stride, *conv.padding)
        found[row + (conv.dilation[0], conv.groups)] = True

    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(look)
    with torch.no_grad():
        model.train()(torch.zeros(2, 3, size, size))  # in training, for the auxiliary classifiers
    return found


def main():
    lines = [f"{net} {' '.join(map(str, row))}\n" for net, size in NETS.items() for row in layers(net, size)]
    pathlib.Path(__file__).with_name("layers.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
