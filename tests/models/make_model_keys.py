#!/usr/bin/python3
"""Writes model_keys.txt: a line for each of torchvision's classifiers with 10 classes: its name, the number of
parameters, the entries of its state dict, and a hash of their lines "key dtype [shape]" (FNV-1a, 64 bits).

Run with Debian's python3-torchvision (0.14.1): make_model_keys.py > model_keys.txt
make_model_keys.py NAME prints the lines of one network instead.
"""
import sys
import warnings

import torch
from torchvision import models


def lines(net):
    for key, value in net.state_dict().items():
        yield f"{key} {str(value.dtype).split('.')[1]} [{','.join(map(str, value.shape))}]\n"


def fnv1a(text):
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return state


def main():
    warnings.simplefilter("ignore")
    for name in [name for name in dir(torch.nn.init) if name.endswith("_") and not name.startswith("_")]:
        setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)  # only shapes are wanted
    for name in sys.argv[1:] or sorted(models.list_models(module=models)):
        net = models.get_model(name, weights=None, num_classes=10)
        text = "".join(lines(net))
        if sys.argv[1:]:
            print(text, end="")
        else:
            print(name, sum(x.numel() for x in net.parameters()), len(net.state_dict()), f"{fnv1a(text):016x}")


if __name__ == "__main__":
    main()
