#!/usr/bin/env python3
"""All classifiers of torchvision beside Kiln's: zoo.py SERVER [--short] [NAME...]

torchvision makes each with a fixed seed and writes its weights; Kiln loads them. Compared are: the number of
parameters; the scores in eval mode (largest difference over the largest score, 1e-4); after one forward and backward
pass in train mode the loss, the batch norms' statistics and the gradients of all parameters together
(|a - b| / |b| over all of them, 1e-3). The gradient of a ReLU and of max pooling jumps, so rounding alone can make the
two differ by more, as PyTorch's float32 does from its float64; such a network is asked again with other pictures, up to
four times, and the row says how often. Beside them stand the operations that
nn::summary counts and torchvision's own number, where it gives one. Random numbers (dropout, stochastic depth) are
switched off in train mode, as the two draw different ones.

One network at a time, on 1 or 2 pictures. --short takes one small network of each family. Exits with 77 (skipped) when
torchvision is not installed.
"""
import os
import subprocess
import sys
import tempfile
import time
import warnings

try:
    import torch
    from torchvision import models
except ImportError:
    print("skipped: python3-torchvision is not installed")
    sys.exit(77)

SHORT = ["densenet121", "mnasnet0_5", "resnet18", "resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_1"]
SIZES = {"vit": 224, "maxvit": 224, "inception": 299, "swin_v2": 96}  # of a picture's side; else 128, or 64
LOGITS, GRADIENTS = 1e-4, 1e-3


def silence(net):
    for module in net.modules():
        if type(module).__name__ in ("Dropout", "StochasticDepth"):
            module.eval()


def make(name, seed=0):
    """torchvision's network, in which all parameters and statistics matter."""
    torch.manual_seed(seed)
    options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    if name == "vit_h_14":  # as the registry's default preset: the size of its pictures
        options["image_size"] = 224
    net = models.get_model(name, weights=None, **options)
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.numel() == 1 or parameter.std() == 0:
                parameter += 0.1 * torch.randn_like(parameter)
    return net


def settle(net, x):
    """Running statistics become those of a batch, so that eval mode does not let the signal die or explode."""
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    kept = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1
    net.train()
    silence(net)
    with torch.no_grad():
        net(x)
    for norm, momentum in zip(norms, kept):
        norm.momentum = momentum


def loss_of(outputs, target):
    outputs = [outputs] if torch.is_tensor(outputs) else list(outputs)
    losses = [torch.nn.functional.cross_entropy(y, target) for y in outputs]
    return losses[0] + 0.3 * sum(losses[1:])


def relative(a, b):
    return float((a.double() - b.double()).norm() / b.double().norm().clamp_min(1e-30))


def gradient_error(net, found):
    """Of all gradients as one vector, and the name of the tensor with the largest error."""
    wrong, all_of_it, worst = 0.0, 0.0, ("", 0.0)
    for name, parameter in net.named_parameters():
        if parameter.grad is None:
            continue
        if name not in found:
            return float("inf"), name
        own = parameter.grad.double()
        error = float((found.pop(name).double() - own).square().sum())
        wrong, all_of_it = wrong + error, all_of_it + float(own.square().sum())
        worst = max(worst, (name, error), key=lambda one: one[1])
    return (wrong / max(all_of_it, 1e-60)) ** 0.5 if not found else float("inf"), worst[0]


def ask(server, name, folder, short, net, seed):
    """The row of figures for one batch of pictures, and whether all but the gradients, and these, are right."""
    size = next((side for start_of, side in SIZES.items() if name.startswith(start_of)), 64 if short else 128)
    torch.manual_seed(seed)
    x, target = torch.randn(2, 3, size, size), torch.tensor([1, 3])
    settle(net, x)
    torch.save(net.state_dict(), os.path.join(folder, "weights.pth"))
    torch.save({"x": x, "target": target}, os.path.join(folder, "input.pth"))
    parameters = sum(parameter.numel() for parameter in net.parameters())
    net.eval()
    with torch.no_grad():
        logits = net(x)
    net.train()
    silence(net)
    net.zero_grad()
    loss = loss_of(net(x), target)
    loss.backward()
    done = subprocess.run([server, name, folder] + ([] if short else ["--flops"]), capture_output=True, text=True)
    if done.returncode:
        return f"{name}: {done.stderr.strip()[-600:]}", False, False
    found = torch.load(os.path.join(folder, "out.pth"))
    scores = float((found["logits"] - logits).abs().max() / logits.abs().max())
    gradients, worst = gradient_error(net, found["gradients"])
    statistics = max([relative(found["buffers"][key], value) for key, value in net.named_buffers()
                      if value.is_floating_point() and key in found["buffers"]], default=0)
    one_loss = abs(found["loss"] - float(loss)) / abs(float(loss))
    good = found["parameters"] == parameters and max(scores, one_loss) <= LOGITS and statistics <= GRADIENTS
    operations = "" if short else f"  {found['gmacs']:9.3f} {found['published_gmacs'] or '-':>9}"
    line = (f"{name:<20} {found['parameters']:>11,}  {float(logits.abs().max()):8.3g} {scores:9.1e}  {one_loss:9.1e} "
            f"{statistics:9.1e} {gradients:9.1e}{operations}")
    if found["parameters"] != parameters:
        line += f"  torchvision has {parameters:,} parameters"
    return line + (f"  worst: {worst}" if gradients > GRADIENTS else ""), good, gradients <= GRADIENTS


def check(server, name, folder, short):
    start, net = time.perf_counter(), make(name)
    for attempt in range(1, 5):
        line, good, gradients = ask(server, name, folder, short, net, attempt)
        if gradients or not good:
            break
    line += f"  {time.perf_counter() - start:6.1f} s" + (f", pictures {attempt}" if attempt > 1 else "")
    return line + ("" if good and gradients else "  WRONG"), good and gradients


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    server, rest = sys.argv[1], sys.argv[2:]
    short = "--short" in rest
    names = [word for word in rest if not word.startswith("--")]
    names = names or (SHORT if short else sorted(models.list_models(module=models)))
    print(f"{'':<20} {'parameters':>11}  {'score':>8} {'scores':>9}  {'loss':>9} {'statistic':>9} {'gradients':>9}" +
          ("" if short else f"  {'GMACs':>9} {'_ops':>9}"))
    passed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            line, good = check(server, name, folder, short)
        print(line, flush=True)
        passed += good
    print(f"{passed} of {len(names)} networks are torchvision's")
    sys.exit(passed != len(names))


if __name__ == "__main__":
    main()
