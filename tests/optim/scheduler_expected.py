"""Writes scheduler_expected.txt: PyTorch's learning rates (and momenta) over 100 steps, a line a schedule.

/usr/bin/python3 tests/optim/scheduler_expected.py > tests/optim/scheduler_expected.txt
"""

import warnings

import torch
from torch.optim.lr_scheduler import *

STEPS = 100
warnings.simplefilter("ignore")


def sgd():
    x = torch.zeros(1, requires_grad=True)
    return torch.optim.SGD([x], lr=0.1, momentum=0.9)


def sequential(opt):
    parts = [LinearLR(opt, start_factor=0.1, total_iters=10), CosineAnnealingLR(opt, 40), ExponentialLR(opt, 0.9)]
    return SequentialLR(opt, parts, [10, 60])


SCHEDULES = {
    "step": lambda opt: StepLR(opt, 7),
    "step_gamma": lambda opt: StepLR(opt, 30, gamma=0.5),
    "multi_step": lambda opt: MultiStepLR(opt, [80, 20, 50, 50], gamma=0.3),
    "exponential": lambda opt: ExponentialLR(opt, 0.93),
    "cosine": lambda opt: CosineAnnealingLR(opt, 100),
    "cosine_back": lambda opt: CosineAnnealingLR(opt, 30, eta_min=0.01),
    "linear": lambda opt: LinearLR(opt),
    "linear_down": lambda opt: LinearLR(opt, start_factor=0.8, end_factor=0.1, total_iters=60),
    "lambda": lambda opt: LambdaLR(opt, lambda epoch: 1 / (1 + epoch)),
    "one_cycle": lambda opt: OneCycleLR(opt, 0.5, total_steps=100),
    "one_cycle_linear": lambda opt: OneCycleLR(
        opt, 0.5, epochs=10, steps_per_epoch=10, pct_start=0.25, anneal_strategy="linear", div_factor=10.0,
        final_div_factor=100.0),
    "one_cycle_three": lambda opt: OneCycleLR(opt, 0.5, total_steps=120, three_phase=True, base_momentum=0.8,
                                              max_momentum=0.9),
    "one_cycle_no_momentum": lambda opt: OneCycleLR(opt, 0.5, total_steps=100, cycle_momentum=False),
    "sequential": sequential,
}
PLATEAUS = {
    "plateau": dict(),
    "plateau_max": dict(mode="max", factor=0.5, patience=2, threshold=0.05, threshold_mode="abs", cooldown=3),
    "plateau_floor": dict(factor=0.3, patience=1, threshold=0.1, min_lr=0.004),
}


def line(name, values):
    print(name, *(repr(float(x)) for x in values))


def main():
    print(f"# Written by tests/optim/scheduler_expected.py with PyTorch {torch.__version__}.")
    for name, make in SCHEDULES.items():
        opt = sgd()
        schedule = make(opt)
        lrs, momenta = [], []
        for step in range(STEPS):
            lrs.append(opt.param_groups[0]["lr"])
            momenta.append(opt.param_groups[0]["momentum"])
            if step + 1 < STEPS:
                schedule.step()
        line(name, lrs)
        if name.startswith("one_cycle"):
            line(name + "/momentum", momenta)
    for name, options in PLATEAUS.items():
        opt = sgd()
        schedule = ReduceLROnPlateau(opt, **options)
        lrs = []
        for step in range(STEPS):
            # Falls and rises, exactly representable.
            schedule.step(abs(step % 40 - 25) / 8 + 1)
            lrs.append(opt.param_groups[0]["lr"])
        line(name, lrs)


main()
