#!/usr/bin/env python3
"""Kiln beside PyTorch: run.py BUILD_DIR_OF_BENCHMARKS [WORKLOAD ...] prints a table of ratios and fails below a floor.
Then Kiln beside other load: what a step takes with a busy process a core, in times of what it takes alone. With the workload
`busy` that alone.

Both sides run each workload in turn, in a process of its own, with the same number of threads; the median of the rounds
counts. Some OpenBLAS builds are slower with OPENBLAS_CORETYPE set, others without: where the environment sets it PyTorch runs
both ways, and the better one counts.
"""
import os
import statistics
import subprocess
import sys

ROUNDS = 3
SECONDS = 4.0  # of measuring, a process
HERE = os.path.dirname(os.path.abspath(__file__))

# PyTorch's time divided by Kiln's must reach the floor. add_one has a bound in seconds instead.
FLOORS = {
    "mlp_step": 8.0, "cifar_cnn_step": 1.3, "fashion_cnn_step": 1.3, "resnet18_step": 1.1, "adam_step": 2.0,
    "bn_relu": 1.3, "add_one": None,
}
ADD_ONE_SECONDS = 200e-9
INNER_STEPS = {"add_one": 1000}

# With a busy process a core a step may take this many times its time alone; a fair share of the processors is 2.
BUSY_WORKLOADS, BUSY_MOST = ("fashion_cnn_step", "resnet18_step"), 4.0


def output_of(command, environment):
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def environments(threads):
    base = dict(os.environ, OMP_NUM_THREADS=str(threads), KILN_NUM_THREADS=str(threads))
    without = {k: v for k, v in base.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return base, ([base] if base == without else [base, without])


def pretty(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.2f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def measure(name, kiln, peer, ours_environment, peer_environments):
    ours, theirs, counts = [], [], (0, 0)
    for _ in range(ROUNDS):
        time, *made = output_of([kiln, name, str(SECONDS)], ours_environment).split()
        ours.append(float(time))
        counts = tuple(max(a, int(b)) for a, b in zip(counts, made))
        for i, environment in enumerate(peer_environments):
            if len(theirs) <= i:
                theirs.append([])
            theirs[i].append(float(output_of(peer + [name, str(SECONDS)], environment)))
    steps = INNER_STEPS.get(name, 1)
    return statistics.median(ours) / steps, min(map(statistics.median, theirs)) / steps, counts


def mean_beside(neighbours, command, environment):
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(neighbours)]
    try:
        return float(output_of(command, environment).split()[3])
    finally:
        for process in busy:
            process.kill()
            process.wait()


def measure_busy(kiln, environment):
    """The workloads whose step takes too long beside other load, after a table."""
    cores = os.cpu_count()
    print(f"\n{f'beside {cores} busy loops':18} {'busy':>11} {'alone':>11} {'ratio':>7} {'most':>8}")
    failed = []
    for name in BUSY_WORKLOADS:
        command, alone, busy = [kiln, name, str(SECONDS)], [], []
        for _ in range(ROUNDS):
            alone.append(mean_beside(0, command, environment))
            busy.append(mean_beside(cores, command, environment))
        ours, base = statistics.median(busy), statistics.median(alone)
        held = ours <= BUSY_MOST * base
        print(f"{name:18} {pretty(ours):>11} {pretty(base):>11} {ours / base:6.2f}x {BUSY_MOST:8.1f}"
              f"{'' if held else '   MISSED'}", flush=True)
        if not held:
            failed.append(name + " beside other load")
    return failed


def main():
    kiln = os.path.join(sys.argv[1], "workloads")
    peer = [sys.executable, os.path.join(HERE, "torch_peer.py")]
    threads = int(os.environ.get("OMP_NUM_THREADS", "0")) or os.cpu_count()
    environment, peer_environments = environments(threads)
    print(output_of([kiln], environment).strip())
    print(output_of(peer, environment).strip())
    print(f"{'workload':18} {'Kiln':>11} {'PyTorch':>11} {'ratio':>7} {'floor':>8}   allocations, primitives in a steady run")
    failed = []
    asked = sys.argv[2:] or [*FLOORS, "busy"]
    for name in asked:
        if name == "busy":
            continue
        ours, theirs, (allocations, primitives) = measure(name, kiln, peer, environment, peer_environments)
        floor = FLOORS[name]
        held = ours <= ADD_ONE_SECONDS if floor is None else theirs / ours >= floor
        held = held and allocations == 0 and primitives == 0
        bound = "<= " + pretty(ADD_ONE_SECONDS) if floor is None else f"{floor:.1f}"
        print(f"{name:18} {pretty(ours):>11} {pretty(theirs):>11} {theirs / ours:6.2f}x {bound:>8}   "
              f"{allocations}, {primitives}{'' if held else '   MISSED'}", flush=True)
        if not held:
            failed.append(name)
    if "busy" in asked:
        failed += measure_busy(kiln, environment)
    if failed:
        sys.exit("below the floor: " + ", ".join(failed))


if __name__ == "__main__":
    main()
