#!/usr/bin/env python3
"""The workloads of files.cpp with torch.load and torch.save: files_peer.py WORKLOAD SECONDS FOLDER prints seconds a step.

files_peer.py make FOLDER writes the files that both read. Where PyTorch has no such kind of file, its own stands for it.
"""
import os
import statistics
import sys
import time

import torch

LARGE, SMALL = (100, 1 << 20), (5000, 4096)  # tensors, bytes of each


def tensors(count, size):
    return {f"layers.{i}.weight": torch.full((size // 1024, 256), float(i)) for i in range(count)}


def reader(name):
    return lambda folder: lambda: torch.load(os.path.join(folder, name))


def writer(kind):
    def make(folder):
        value = tensors(*kind)
        return lambda: torch.save(value, os.path.join(folder, "out_torch.pth"))

    return make


WORKLOADS = {
    "list_pth": reader("large.pth"), "read_pth": reader("large.pth"), "read_legacy": reader("legacy.pth"),
    "read_safetensors": reader("large.pth"), "read_kiln": reader("large.pth"), "open_small_pth": reader("small.pth"), "read_small_pth": reader("small.pth"),
    "write_pth": writer(LARGE), "write_safetensors": writer(LARGE), "write_kiln": writer(LARGE),
    "write_small_pth": writer(SMALL),
}


def main():
    if sys.argv[1] == "make":
        folder = sys.argv[2]
        torch.save(tensors(*LARGE), os.path.join(folder, "large.pth"))
        torch.save(tensors(*SMALL), os.path.join(folder, "small.pth"))
        torch.save(tensors(*LARGE), os.path.join(folder, "legacy.pth"), _use_new_zipfile_serialization=False)
        return
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count())
    step, seconds = WORKLOADS[sys.argv[1]](sys.argv[3]), float(sys.argv[2])
    step(), step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(statistics.median(times))


if __name__ == "__main__":
    main()
