#!/usr/bin/env python3
"""Prints the rows of grad_scaler_test.cpp: the scale, the growth tracker and the parameter after each step, from
torch.amp.GradScaler on the CPU (PyTorch 2.3 or later), where the gradients of some steps overflow."""
import torch

OVERFLOWS = [0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0]

w = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
optimizer = torch.optim.Adam([w], lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
for overflow in OVERFLOWS:
    optimizer.zero_grad()
    loss = (w * w).sum() * (float("inf") if overflow else 1.0)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    state = scaler.state_dict()
    print(f"      {{{'true' if overflow else 'false'}, {state['scale']:g}, {state['_growth_tracker']}, "
          f"{w[0].item():.9g}f, {w[1].item():.9g}f}},")
print(scaler.state_dict())
