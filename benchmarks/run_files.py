#!/usr/bin/env python3
"""Kiln's files beside torch.load and torch.save: run_files.py BUILD_DIR_OF_BENCHMARKS [WORKLOAD ...]

As run.py does: both sides run each workload in turn, in processes of their own. The files are in the page cache, in memory
(/dev/shm) where there is such a folder, so that no disk decides: Kiln waits for the disk at the end of a save, torch.save
does not. list_ and open_ map the file and compare no checksums, nor does torch.load; read_ copies and compares. `memory` is
by how much a load makes the process grow, in units of the file's tensors: more than one copy fails.
"""
import os
import statistics
import subprocess
import sys
import tempfile

import run

# PyTorch's time divided by Kiln's must reach the floor.
FLOORS = {
    "list_pth": 20.0, "read_pth": 1.5, "read_legacy": 1.5, "read_safetensors": 1.0, "read_kiln": 1.0, "open_small_pth": 10.0,
    "read_small_pth": 6.0,
    "write_pth": 1.0, "write_safetensors": 1.0, "write_kiln": 1.0, "write_small_pth": 1.0,
}
SECONDS = 1.5
MORE_BYTES = 12 << 20  # what may be beside the tensors: names, the value, the pickle's graph, a buffer


def measure(name, kiln, peer, folder, environment):
    ours, theirs, size, grown = [], [], 0, 0
    for _ in range(run.ROUNDS):
        time, size, grown = map(float, run.output_of([kiln, name, str(SECONDS), folder], environment).split())
        ours.append(time)
        theirs.append(float(run.output_of(peer + [name, str(SECONDS), folder], environment)))
    return statistics.median(ours), statistics.median(theirs), size, grown


def main():
    kiln = os.path.join(sys.argv[1], "files")
    peer = [sys.executable, os.path.join(run.HERE, "files_peer.py")]
    threads = int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count()
    environment, _ = run.environments(threads)
    failed = []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        subprocess.run(peer + ["make", folder], env=environment, check=True)
        print(f"{'file workload':18} {'Kiln':>11} {'PyTorch':>11} {'ratio':>7} {'floor':>8}   memory")
        for name in sys.argv[2:] or FLOORS:
            ours, theirs, size, grown = measure(name, kiln, peer, folder, environment)
            held = theirs / ours >= FLOORS[name] and (size == 0 or grown <= size + MORE_BYTES)
            print(f"{name:18} {run.pretty(ours):>11} {run.pretty(theirs):>11} {theirs / ours:6.2f}x {FLOORS[name]:>8.1f}   "
                  f"{f'{grown / size:.2f}' if size else ''}{'' if held else '   MISSED'}", flush=True)
            if not held:
                failed.append(name)
    if failed:
        sys.exit("below the floor: " + ", ".join(failed))


if __name__ == "__main__":
    main()
