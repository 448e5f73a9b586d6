#!/usr/bin/python3
"""Writes model_keys.txt: the state dicts of torchvision's models, one "key dtype shape" a line.

Run with Debian's python3-torchvision (0.14.1): python3 make_model_keys.py > model_keys.txt
"""
from torchvision import models

for name in ["resnet18", "resnet34", "resnet50", "alexnet"]:
    print("model", name)
    for key, value in getattr(models, name)(num_classes=10).state_dict().items():
        print(key, str(value.dtype).split(".")[1], "[" + ",".join(map(str, value.shape)) + "]")
