#!/usr/bin/env python3
"""torchvision's classifiers through `kiln convert`: torchvision_models.py KILN [--all]

Each state dict goes torch -> .pth -> kiln -> .pth -> torch (weights_only=True) and must come back with the same keys,
dtypes, strides and bytes. Without --all a few models of different kinds are enough. Exits with 77 (skipped) when
torchvision is not installed.
"""
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import torch
    import torchvision
except ImportError:
    print("skipped: python3-torchvision is not installed")
    sys.exit(77)

A_FEW = ["alexnet", "resnet18", "mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", "googlenet"]


def without_initialisation():
    """Models come up at once; their values are set by fill."""
    for name in [name for name in dir(torch.nn.init) if name.endswith("_") and not name.startswith("_")]:
        setattr(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)


def fill(state):
    for number, tensor in enumerate(state.values()):
        flat = torch.arange(tensor.numel(), dtype=torch.float32) * 0.001 + number
        tensor.copy_(flat.reshape(tensor.shape).to(tensor.dtype))


def same(a, b):
    return list(a) == list(b) and all(
        a[key].dtype == b[key].dtype and a[key].stride() == b[key].stride() and torch.equal(a[key], b[key]) for key in a)


def problem(kiln, name, folder):
    state = torchvision.models.get_model(name, weights=None).state_dict()
    fill(state)
    there, back = os.path.join(folder, "there.pth"), os.path.join(folder, "back.pth")
    torch.save(state, there)
    for command in (["convert", there, back], ["diff", there, back]):
        done = subprocess.run([kiln] + command, capture_output=True, text=True)
        if done.returncode:
            return (done.stdout + done.stderr)[-500:]
    return "" if same(state, torch.load(back, weights_only=True)) else "torch reads something else"


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    without_initialisation()
    names = torchvision.models.list_models(module=torchvision.models) if "--all" in sys.argv else A_FEW
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            text = problem(sys.argv[1], name, folder)
            if text:
                failed += 1
                print(f"{name}: {text}")
    print(f"{len(names) - failed} of {len(names)} models came back")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
