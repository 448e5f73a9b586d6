"""Writes what PyTorch 2 alone can: tests/io/fixtures/keys.pth, kinds.pth, njt.pth and sharded/ (2.15 was used).

usage: python3 tests/io/make_new_fixtures.py
"""
import pathlib
import shutil
import tempfile

import numpy
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor
from torch.testing._internal.two_tensor import TwoTensor

FOLDER = pathlib.Path(__file__).parent / "fixtures"


class Sub(torch.Tensor):
    pass


class Items(dict):
    pass


def number(n):
    return torch.tensor([float(n)])


def keys():
    names = [1, "1", True, 2.5, "2.5", None, "None", b"a", "a", (1, 2), "(1, 2)", (1, ("x", None)), 2**63, 2**70, -(2**70)]
    names += [numpy.int64(7), numpy.float32(0.5), torch.float32, "torch.float32", torch.device("cpu"), frozenset({3})]
    values = {}
    for i, name in enumerate(names):
        values[name] = number(i)  # True is 1 and takes its value
    first, second = torch.ones(2), torch.ones(2)
    tensors = {first: number(0), second: number(1), "list": [first, second]}
    items = Items(scale=number(0))
    items.scale = number(1)
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return {"values": values, "tensors": tensors, "items": items, "optimizer": optimizer}


def kinds():
    parameter = torch.nn.Parameter(torch.ones(3))
    parameter.absmax, parameter.quant_type = torch.full((2,), 0.5), "nf4"
    subclass = torch.ones(3).as_subclass(Sub)
    subclass.scale = torch.full((2,), 0.25)
    half = torch.tensor([1 + 2j, -3 - 4j]).to(torch.complex32)
    complex64 = torch.tensor([1 + 2j])
    return {
        "parameter": parameter,
        "subclass": subclass,
        "two": TwoTensor(torch.ones(2), torch.zeros(2)),
        "half": half,
        "half_conj": half.conj(),
        "half_neg": torch._neg_view(half),
        "expanded": complex64.conj().expand(3),
        "e8m0": torch.tensor([127, 128], dtype=torch.uint8).view(torch.float8_e8m0fnu),
        "fnuz": torch.tensor([64, 65], dtype=torch.uint8).view(torch.float8_e4m3fnuz),
        "f4": torch.tensor([[0x21, 0x43]], dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
        "quint4": torch.quantize_per_channel(
            torch.tensor([[0.0, 0.1, 0.2], [0.4, 0.6, 0.8]]), torch.tensor([0.1, 0.2]), torch.tensor([0.0, 1.0]), 0, torch.quint4x2
        ),
        "meta": torch.empty(2, 3, device="meta"),
        "sparse": torch.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2)).coalesce(),
        "wide": torch.tensor([2**64 - 1], dtype=torch.uint64),
        "w": torch.ones(2),
    }


def save_sharded(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}.store", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    whole = torch.arange(10.0).reshape(5, 2)
    state = {
        "model": {"w": distribute_tensor(whole, mesh, [Shard(0)]), "column": distribute_tensor(whole, mesh, [Shard(1)]), "b": number(3)},
        "a.b": number(4),
        "list": [number(5), "text"],
        "step": 7,
    }
    dcp.save(state, checkpoint_id=folder)
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.save(keys(), FOLDER / "keys.pth")
    torch.save(kinds(), FOLDER / "kinds.pth")
    torch.save(torch.nested.nested_tensor([torch.ones(2, 3), torch.zeros(4, 3)], layout=torch.jagged), FOLDER / "njt.pth")
    shutil.rmtree(FOLDER / "sharded", ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        torch.multiprocessing.spawn(save_sharded, (temporary + "/sharded",), 2)
        shutil.copytree(temporary + "/sharded", FOLDER / "sharded")
