#!/usr/bin/python3
"""Writes print_cases.txt: what PyTorch prints for the tensors of print_test.cpp, in its order ("torch." left out).

Run with Debian's python3-torch (1.13.1): python3 make_print_cases.py > print_cases.txt
"""
import math
import torch

ramp = torch.arange(2400, dtype=torch.float32)
cases = [
    torch.tensor([1.0, 2.0, 3.0]),
    torch.tensor([0.5, -1.25, 3.0]),
    torch.tensor([1e-5, 1.0]),
    torch.tensor([1.0, 2000.5]),
    torch.tensor([1e9, 1.0]),
    torch.tensor([math.nan, math.inf, -math.inf, 1.0]),
    torch.tensor([[1.0, 2.5], [-3.0, 4.0]]),
    torch.tensor([[1, 2], [30, -4]]),
    torch.tensor([True, False]),
    torch.tensor(3.5),
    torch.tensor(7),
    torch.tensor([1, 2], dtype=torch.int32),
    torch.tensor([1.5, 2.5], dtype=torch.float64),
    torch.tensor([1.5, 2.5], dtype=torch.bfloat16),
    torch.zeros(0),
    torch.zeros(0, 3),
    torch.zeros(2, 0, dtype=torch.int64),
    torch.zeros(2, 3, 2),
    torch.zeros(2, 2, 2, 2),
    ramp.reshape(60, 40) * 0.5,
    ramp,
    ramp.reshape(2, 30, 40),
    torch.arange(40),
    (torch.arange(24, dtype=torch.float32) * 0.37).reshape(4, 6).t(),
]
for case in cases:
    print(str(case).replace("torch.", ""))
    print("--")
