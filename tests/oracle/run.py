#!/usr/bin/env python3
"""Every op, layer, loss and optimiser beside PyTorch: run.py SERVER [WORD], where WORD picks cases by name.

Exits with 77 (skipped) when PyTorch is not installed.
"""
import os
import sys
import warnings

try:
    import torch
except ImportError:
    print("skipped: python3-torch is not installed")
    sys.exit(77)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases_attention
import cases_elementwise
import cases_index
import cases_network
import cases_tensor
from oracle import Kiln, KilnError


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    kiln = Kiln(sys.argv[1])
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    passed = failed = 0
    for module in (cases_elementwise, cases_tensor, cases_index, cases_network, cases_attention):
        torch.manual_seed(0)
        for case in module.cases():
            if word not in case.name():
                continue
            try:
                problems = case.check(kiln)
            except KilnError as error:
                print(f"{case.name()}: {error}")
                kiln = Kiln(sys.argv[1])
                problems = ["stopped the server"]
            for problem in problems:
                print(f"{case.name()}: {problem}")
            passed += not problems
            failed += bool(problems)
    print(f"{passed} passed, {failed} failed beside PyTorch {torch.__version__}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
