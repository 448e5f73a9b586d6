#!/usr/bin/env python3
"""All classifiers of torchvision beside Kiln's: zoo.py SERVER [--short] [NAME...]

torchvision makes each with a fixed seed and writes its weights; Kiln loads them. Compared are: the number of
parameters; the scores in eval mode (largest difference over the largest score), in float64 (1e-9), and Kiln's in float32
beside PyTorch's in float64 (1e-4, or twice what PyTorch's own float32 differs from it, which is 7e-4 for ResNet-152); after
one forward and backward pass in train mode the loss, the batch norms' statistics and the gradients of all parameters
together (|a - b| / |b| over all of them, 1e-3). That pass is in float64: a ReLU or a maximum that rounding sends another
way changes float32 gradients by more, PyTorch's own against its float64 too. Beside them stand the multiplications that
nn::summary counts and torchvision's own number (`_ops`), where it gives one. Random numbers (dropout, stochastic depth) are switched off in train mode, as the two draw different ones.

One network at a time, on two pictures. --short takes one small network of each family. Exits with 77 (skipped) when
torchvision is not installed.
"""
import gc
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

SHORT = ["densenet121", "efficientnet_b0", "mnasnet0_5", "mobilenet_v3_small", "regnet_x_400mf", "resnet18",
         "shufflenet_v2_x0_5", "squeezenet1_1"]
# Of a picture's side; else 64, or 32. (At 32 RegNet's last stages normalise two numbers a channel, which magnifies any
# rounding.)
SIZES = {"vit": 224, "maxvit": 224, "inception": 299, "swin": 96, "googlenet": 64, "regnet": 64}
LOGITS, EXACT, GRADIENTS = 1e-4, 1e-9, 1e-3


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
    """Running statistics become those of a batch, so that eval mode does not let the signal die or explode.

    What is compared has to be in the batch: a channel that hardly varies in it amplifies anything else thirtyfold, and after
    hundreds of such layers PyTorch's own float32 scores of EfficientNet-B6 differ from its float64 ones by a third.
    """
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


def gradient_error(own, found):
    """Of all gradients as one vector, and the name of the tensor with the largest error."""
    wrong, all_of_it, worst = 0.0, 0.0, ("", 0.0)
    for name, gradient in own.items():
        if name not in found:
            return float("inf"), name
        error = float((found.pop(name) - gradient).square_().sum())
        wrong, all_of_it = wrong + error, all_of_it + float(gradient.norm()) ** 2
        worst = max(worst, (name, error), key=lambda one: one[1])
    return (wrong / max(all_of_it, 1e-60)) ** 0.5 if not found else float("inf"), worst[0]


def compute(net, x, target, folder):
    """Writes what the server reads, and PyTorch's own results; returns how many parameters there are."""
    torch.save(net.state_dict(), os.path.join(folder, "weights.pth"))
    torch.save({"x": x, "target": target}, os.path.join(folder, "input.pth"))
    net.eval()
    with torch.no_grad():
        rounded = net(x)
        net.double()
        logits = net(x.double())
    net.train()
    silence(net)
    net.zero_grad()
    loss = loss_of(net(x.double()), target)
    loss.backward()
    own = {"rounded": rounded, "logits": logits, "loss": float(loss),
           "gradients": {name: parameter.grad for name, parameter in net.named_parameters() if parameter.grad is not None},
           "buffers": {name: buffer for name, buffer in net.named_buffers() if buffer.is_floating_point()}}
    torch.save(own, os.path.join(folder, "own.pth"))
    return sum(parameter.numel() for parameter in net.parameters())


def check(server, name, folder, short, net=None):
    """The row of figures, and whether they are right."""
    start, net = time.perf_counter(), make(name) if net is None else net
    size = next((side for start_of, side in SIZES.items() if name.startswith(start_of)), 32 if short else 64)
    torch.manual_seed(1)
    x, target = torch.randn(2, 3, size, size), torch.tensor([1, 3])
    settle(net, torch.cat([x, torch.randn(6, 3, size, size)]))
    parameters = compute(net, x, target, folder)
    del net  # there is room for one of 600 million parameters in float64 with its gradients
    gc.collect()
    done = subprocess.run([server, name, folder] + ([] if short else ["--flops"]), capture_output=True, text=True)
    if done.returncode:
        return f"{name}: {done.stderr.strip()[-600:]}", False
    found, own = (torch.load(os.path.join(folder, file)) for file in ("out.pth", "own.pth"))
    logits = own["logits"]
    scores, exact, rounded = [float((y - logits).abs().max() / logits.abs().max()) for y in (found["logits"], found["exact"], own["rounded"])]
    gradients, worst = gradient_error(own["gradients"], found["gradients"])
    statistics = max([relative(found["buffers"][key], value) for key, value in own["buffers"].items() if key in found["buffers"]], default=0)
    one_loss = abs(found["loss"] - own["loss"]) / abs(own["loss"])
    good = (found["parameters"] == parameters and scores <= max(LOGITS, 2 * rounded) and one_loss <= LOGITS and
            exact <= EXACT and max(statistics, gradients) <= GRADIENTS)
    operations = "" if short else f"  {found['gmacs']:9.3f} {found['published_gmacs'] or '-':>9}"
    if not short and found["published_gmacs"]:
        good = good and abs(found["gmacs"] - found["published_gmacs"]) < 1e-3  # it has three digits
    line = (f"{name:<20} {found['parameters']:>11,}  {float(logits.abs().max()):8.3g} {exact:9.1e} {scores:9.1e} {rounded:9.1e}  {one_loss:9.1e} "
            f"{statistics:9.1e} {gradients:9.1e}{operations}  {time.perf_counter() - start:6.1f} s")
    if not good:
        line += f"  WRONG: torchvision has {parameters:,} parameters, the gradient is worst in {worst}"
    return line, good


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    server, rest = sys.argv[1], sys.argv[2:]
    short = "--short" in rest
    names = [word for word in rest if not word.startswith("--")]
    names = names or (SHORT if short else sorted(models.list_models(module=models)))
    print(f"{'':<20} {'parameters':>11}  {'score':>8} {'float64':>9} {'float32':>9} {'PyTorch':>9}  {'loss':>9} {'statistic':>9} {'gradients':>9}" +
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
