"""Prints the names that PyTorch finds in a.pth and NumPy in a.npz, in hexadecimal: names_python.py FOLDER."""
import sys

import numpy
import torch

folder = sys.argv[1]
for kind, names in (("pth", torch.load(folder + "/a.pth").keys()), ("npz", numpy.load(folder + "/a.npz").files)):
    for name in names:
        print(kind, name.encode().hex())
