"""Writes tests/io/fixtures: small files of PyTorch (1.13 was used) and numpy, as the readers meet them.

usage: python3 tests/io/make_fixtures.py [build/release/kiln]

The command writes checkpoint.kiln.
"""
import collections
import io
import json
import pathlib
import pickle
import struct
import subprocess
import sys
import tarfile

import numpy
import torch

FOLDER = pathlib.Path(__file__).parent / "fixtures"


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)
        self.norm = torch.nn.BatchNorm1d(2)
        self.register_buffer("scratch", torch.zeros(4), persistent=False)
        with torch.no_grad():
            self.fc.weight.copy_(torch.arange(6.0).reshape(2, 3))
            self.fc.bias.copy_(torch.tensor([0.5, -0.5]))


def checkpoint():
    base = torch.arange(12.0)
    return collections.OrderedDict(
        matrix=base.reshape(3, 4),
        transposed=base.reshape(3, 4).t(),
        tail=base[8:],
        half=torch.tensor([1.5, -2.0]).half(),
        bf16=torch.tensor([1.5, -2.0]).bfloat16(),
        flags=torch.tensor([True, False, True]),
        longs=torch.tensor([-1, 2**40]),
        scalar=torch.tensor(7, dtype=torch.int16),
        empty=torch.zeros(0, 3),
        complex=torch.tensor([1 + 2j]),
        parameter=torch.nn.Parameter(torch.ones(2)),
        shape=torch.Size([2, 3]),
        dtype=torch.float16,
        device=torch.device("cuda", 1),
        array=numpy.array([[1, 2], [3, 4]], dtype=">i4"),
        number=numpy.float64(0.25),
        epoch=7,
        names=["a", ("b", None, True)],
        state={0: {"step": 3}},
    )


def save(name, value, **options):
    torch.save(value, FOLDER / name, **options)


def tar(name):
    """What torch 0.1.0 wrote, by hand."""
    weight, storage = 5, 9
    pickled = lambda value: pickle.dumps(value, protocol=2)
    name_of = lambda what: b"\x80\x02ctorch\n" + what + b"\n."

    def triple(key, middle, what):
        return b"\x80\x02" + pickle.dumps(key, 2)[2:-1] + pickle.dumps(middle, 2)[2:-1] + b"ctorch\n" + what + b"\n\x87."

    data = struct.pack("<6f", *range(6))
    members = {
        "sys_info": pickled({"protocol_version": 1000, "little_endian": True}),
        "pickle": b"\x80\x02}U\x06weightU\x015Qs.",
        "tensors": pickled(1)
        + triple(weight, storage, b"FloatTensor")
        + struct.pack("<ii5q", 2, 0x7F07, 3, 2, 1, 3, 0),
        "storages": pickled(1) + triple(storage, "cpu", b"FloatStorage") + struct.pack("<q", 6) + data + pickled([]),
    }
    with tarfile.open(FOLDER / name, "w", format=tarfile.USTAR_FORMAT) as archive:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def safetensors(name):
    parts = {"w": ("F32", [2, 3], struct.pack("<6f", *range(6))), "mask": ("BOOL", [3], b"\1\0\1"), "none": ("I64", [0, 2], b"")}
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for key, (dtype, shape, content) in parts.items():
        header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / name).write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(0)
    save("zip.pt", checkpoint())
    save("zip4.pt", checkpoint(), pickle_protocol=4)
    save("legacy.pt", checkpoint(), _use_new_zipfile_serialization=False)
    save("legacy1.pt", checkpoint(), _use_new_zipfile_serialization=False, pickle_protocol=1)
    save("legacy4.pt", checkpoint(), _use_new_zipfile_serialization=False, pickle_protocol=4)
    save("module.pt", {"net": Net(), "epoch": 3})
    quantised = torch.quantize_per_tensor(torch.tensor([0.0, 1.0, 2.0]), 0.5, 3, torch.quint8)
    channels = torch.quantize_per_channel(
        torch.ones(2, 3), torch.tensor([0.5, 0.25]), torch.tensor([0, 1]), 0, torch.qint8)
    dense = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
    save("special.pt", {
        "quantised": quantised, "channels": channels, "coo": dense.to_sparse(), "csr": dense.to_sparse_csr()})
    with open(FOLDER / "plain.pkl", "wb") as out:
        pickle.dump({"x": torch.arange(4.0), "y": [torch.ones(2, dtype=torch.int32)]}, out)
    module = torch.jit.script(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()))
    torch.jit.save(module, str(FOLDER / "script.pt"))
    tar("tar.pt")
    safetensors("plain.safetensors")
    if len(sys.argv) > 1:
        subprocess.run([sys.argv[1], "convert", FOLDER / "zip.pt", FOLDER / "checkpoint.kiln"], check=True)
    numpy.save(FOLDER / "fortran.npy", numpy.asfortranarray(numpy.arange(6, dtype=">f8").reshape(2, 3)))
    numpy.savez_compressed(FOLDER / "arrays.npz", a=numpy.arange(3), b=numpy.float32(2.5),
                           c=numpy.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]))


if __name__ == "__main__":
    main()
