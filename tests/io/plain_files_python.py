"""Prints what NumPy and zipfile find in the files of a folder: plain_files_python.py FOLDER."""
import sys
import zipfile

import numpy

folder = sys.argv[1]
one = numpy.load(folder + "/one.npy")
print(one.dtype, one.shape, one.tolist())
archive = numpy.load(folder + "/many.npz")
for key in archive.files:
    print(key, archive[key].dtype, archive[key].shape, archive[key].tobytes().hex())
print(numpy.load(folder + "/empty.npz").files)
for name in ("many.npz", "x.pth", "empty.npz"):
    print(zipfile.ZipFile(f"{folder}/{name}").testzip())
