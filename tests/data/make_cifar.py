"""Writes tiny CIFAR folders in the Python layout.  make_cifar.py FOLDER PROTOCOL

With protocol "python2" strings are byte strings, as in the published files. The keys are bytes up to protocol 2, else
str. Image i of file f
holds the bytes (i + 7 f + k) % 256 for k = 0 .. 3071, its label is (i + f) % 10 (fine: 10 i, coarse: i).
"""
import os
import pickle
import struct
import sys

import numpy as np

folder = sys.argv[1]
python2 = sys.argv[2] == "python2"
protocol = 2 if python2 else int(sys.argv[2])


class Python2Pickler(pickle._Pickler):
    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value):
        size = len(value)
        head = b"U" + bytes([size]) if size < 256 else b"T" + struct.pack("<i", size)
        self.write(head + value)
        self.memoize(value)

    dispatch[bytes] = save_bytes


def key(text):
    return text.encode() if protocol <= 2 else text


def images(count, f):
    rows = np.arange(count)[:, None] + 7 * f + np.arange(3072)[None]
    return (rows % 256).astype(np.uint8)


def write(name, **entries):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        pickler = Python2Pickler if python2 else pickle.Pickler
        pickler(file, protocol).dump({key(k): v for k, v in entries.items()})


for f, name in enumerate(["test_batch"] + [f"data_batch_{i}" for i in range(1, 6)]):
    write(
        f"cifar-10-batches-py/{name}",
        batch_label=key("a batch"),
        labels=[(i + f) % 10 for i in range(4)],
        data=images(4, f),
        filenames=[key(f"{i}.png") for i in range(4)],
    )
write(
    "cifar-10-batches-py/batches.meta",
    num_cases_per_batch=4,
    label_names=[key(f"class {i}") for i in range(10)],
    num_vis=3072,
)
for f, name in enumerate(["train", "test"]):
    write(
        f"cifar-100-python/{name}",
        filenames=[key(f"{i}.png") for i in range(5)],
        batch_label=key("all"),
        fine_labels=[10 * i for i in range(5)],
        coarse_labels=list(range(5)),
        data=images(5, f),
    )
write(
    "cifar-100-python/meta",
    fine_label_names=[key(f"fine {i}") for i in range(100)],
    coarse_label_names=[key(f"coarse {i}") for i in range(20)],
)
