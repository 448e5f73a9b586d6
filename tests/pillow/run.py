#!/usr/bin/env python3
"""Kiln's pictures beside Pillow and torchvision, bit for bit: run.py SERVER.

Exits with 77 (skipped) when they are not installed.
"""
import os
import sys

try:
    import numpy
    import PIL
    import torchvision
    from PIL import Image
except ImportError as error:
    print(f"skipped: {error.name} is not installed for {sys.executable}")
    sys.exit(77)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases_decode
import cases_encode
import cases_resize
from kiln_pictures import Kiln, KilnError


def problem_of(case, kiln):
    try:
        got, expected = case.kiln(kiln), case.expected()
    except KilnError as error:
        return str(error)
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return f"{got.dtype} {got.shape} instead of {expected.dtype} {expected.shape}"
    different = int((got != expected).sum())
    return f"{different} of {got.size} values differ" if different else ""


def main():
    kiln = Kiln(sys.argv[1])
    passed = failed = 0
    for module in (cases_decode, cases_resize, cases_encode):
        for case in module.cases(numpy.random.default_rng(0)):
            problem = problem_of(case, kiln)
            if problem:
                print(f"{case.name}: {problem}")
            passed += not problem
            failed += bool(problem)
    print(f"{passed} passed, {failed} failed beside Pillow {PIL.__version__} and torchvision {torchvision.__version__}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
