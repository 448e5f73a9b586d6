#!/usr/bin/env python3
"""Operations on pictures beside Pillow and torchvision's PIL backend: pictures.py SERVER [--table] [WORD].

WORD picks operations by name; --table prints a row for each: cases, and the largest difference in any of them. Exits
with 77 (skipped) where Pillow or torchvision is not installed.
"""
import collections
import os
import sys
import warnings

try:
    import numpy
    import PIL
    import torch
    import torchvision
    from PIL import Image
except ImportError as error:
    print(f"skipped: {error.name} is not installed")
    sys.exit(77)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cases_picture
from oracle import Kiln, KilnError


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    words = [word for word in sys.argv[2:] if not word.startswith("--")]
    kiln = Kiln(sys.argv[1])
    rows = collections.defaultdict(lambda: [0, 0, 0.0, ""])
    failed = 0
    for case in cases_picture.cases():
        if words and words[0] not in case.op:
            continue
        try:
            ours = kiln.call(case.op, case.args, case.inputs)[0][0]
        except KilnError as error:
            print(f"{case.name()}: {error}")
            failed += 1
            kiln = Kiln(sys.argv[1])
            continue
        theirs = case.expected
        row = rows[case.row or case.op]
        row[0] += 1
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            print(f"{case.name()}: {ours.dtype} {list(ours.shape)}, expected {theirs.dtype} {list(theirs.shape)}")
            failed += 1
            continue
        distance = (ours.double() - theirs.double()).abs()
        worst = float(distance.max()) if distance.numel() else 0.0
        share = float((distance > 0).double().mean()) if distance.numel() else 0.0
        row[1] += worst == 0
        row[2] = max(row[2], worst)
        row[3] = case.beside
        if worst > case.bound or share > case.share:
            print(f"{case.name()}: differs by {worst:g} in {share:.2%} of the values, may by {case.bound:g} in {case.share:.2%}")
            failed += 1
    if "--table" in sys.argv:
        print(f"| Operation | Beside | Cases | Equal | Largest difference |\n|---|---|---|---|---|")
        for name, (count, equal, worst, beside) in rows.items():
            print(f"| {name} | {beside} | {count} | {equal} | {worst:g} |")
    count = sum(row[0] for row in rows.values())
    print(f"{count - failed} passed, {failed} failed beside Pillow {PIL.__version__}, torchvision {torchvision.__version__}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
