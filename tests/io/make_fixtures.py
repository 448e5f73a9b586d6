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
import zipfile

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


class Parts(torch.nn.Module):
    """What a script module may hold: of it `tensor`, `listed` and `named` are not in its state dict."""

    def __init__(self, inner=True):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(2))
        self.register_buffer("scale", torch.full((1,), 0.5))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)
        self.register_parameter("absent", None)
        self.tensor, self.listed, self.named = torch.arange(3.0), [torch.ones(2), self.weight.detach()], {"a": torch.zeros(1)}
        self.inner = Parts(False) if inner else torch.nn.BatchNorm1d(2)

    def forward(self, x):
        x = x * self.weight * self.scale + self.scratch + self.tensor.sum() + self.listed[0] + self.named["a"]
        return self.inner(x.reshape(1, 2))


def script(name):
    """Without its debug records, which hold paths."""
    torch.jit.save(torch.jit.script(Parts()), str(FOLDER / name))
    archive = zipfile.ZipFile(FOLDER / name)
    content = {record: archive.read(record) for record in archive.namelist() if not record.endswith("debug_pkl")}
    with zipfile.ZipFile(FOLDER / name, "w") as archive:
        for record, data in content.items():
            archive.writestr(zipfile.ZipInfo(record), data, zipfile.ZIP_DEFLATED)


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


def records(value):
    """The records of torch.save's archive, by name."""
    out = io.BytesIO()
    torch.save(value, out)
    archive = zipfile.ZipFile(out)
    return {name: archive.read(name) for name in archive.namelist()}


def write_zip(name, content):
    with zipfile.ZipFile(FOLDER / name, "w") as archive:
        for record, data in content.items():
            archive.writestr(zipfile.ZipInfo(record), data)


def big_endian(name):
    """What PyTorch writes on a big-endian machine: from 2.1 on with a record that says so."""
    arrays = {"f4": [1.5, -2], "i8": [-1, 2**40], "i2": [3, 4], "u1": [5, 6], "c8": [1 + 2j], "b1": [True, False]}
    content = records({kind: torch.from_numpy(numpy.array(data, kind)) for kind, data in arrays.items()})
    for i, (kind, data) in enumerate(arrays.items()):
        content[f"archive/data/{i}"] = numpy.array(data, ">" + kind).tobytes()
    write_zip(name + "_unsaid.pt", content)
    write_zip(name + ".pt", content | {"archive/byteorder": b"big"})


def zip64(name):
    """Sizes and offsets in zip64 fields, as in archives of more than 4 GiB."""
    limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 1
    write_zip(name, records({"x": torch.arange(20.0)}))
    zipfile.ZIP64_LIMIT = limit


def model_json(name):
    """TorchScript of PyTorch 1.0 to 1.3."""
    tensor = lambda dims, strides, offset, kind, i: {
        "dims": [str(n) for n in dims], "strides": [str(n) for n in strides], "offset": str(offset),
        "dataType": kind, "data": {"key": f"tensors/{i}"}}
    model = {
        "protoVersion": "2",
        "mainModule": {
            "name": "Net",
            "submodules": [{"name": "fc", "parameters": [
                {"name": "weight", "tensorId": "0"}, {"name": "bias", "tensorId": "1"},
                {"name": "steps", "tensorId": "2", "isBuffer": True}]}],
            "parameters": [{"name": "scale", "tensorId": "3"}]},
        "tensors": [tensor([2, 3], [1, 2], 0, "FLOAT", 0), tensor([2], [1], 4, "FLOAT", 0),
                    tensor([], [], 0, "INT64", 1), tensor([1], [1], 0, "DOUBLE", 2)]}
    write_zip(name, {
        "old/version": b"1", "old/code/net.py": b"op_version_set = 0", "old/model.json": json.dumps(model).encode(),
        "old/tensors/0": struct.pack("<6f", *range(6)), "old/tensors/1": struct.pack("<q", 7),
        "old/tensors/2": struct.pack("<d", 0.25)})


def lazy_signs(name):
    """Conjugated and negated tensors as PyTorch 2 writes them: 1.13 forgets that they are."""
    reduce = torch.Tensor.__reduce_ex__

    def with_metadata(x, protocol):
        metadata = {key: True for key, said in (("conj", x.is_conj()), ("neg", x.is_neg())) if said}
        function, arguments = reduce(x, protocol)
        return function, (*arguments, metadata) if metadata else arguments

    torch.Tensor.__reduce_ex__ = with_metadata
    x = torch.tensor([[1 + 2j, 3 - 4j]])
    save(name, {"plain": x, "conj": x.conj(), "transposed": x.mH, "neg": torch._neg_view(torch.tensor([2.0, -4.0]))})
    torch.Tensor.__reduce_ex__ = reduce


def without_checksums(name):
    """compute_crc32=False of PyTorch 2.6."""
    data = bytearray((FOLDER / "zip.pt").read_bytes())
    for mark, at in ((b"PK\1\2", 16), (b"PK\3\4", 14), (b"PK\7\x08", 4)):
        begin = data.find(mark)
        while begin >= 0:
            data[begin + at:begin + at + 4] = bytes(4)
            begin = data.find(mark, begin + 4)
    (FOLDER / name).write_bytes(data)


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.manual_seed(0)
    numpy.savez_compressed(FOLDER / "arrays_deflated.npz", zeros=numpy.zeros(250000), ones=numpy.ones(250000))
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
    script("script_parts.pt")
    tar("tar.pt")
    safetensors("plain.safetensors")
    if len(sys.argv) > 1:
        subprocess.run([sys.argv[1], "convert", FOLDER / "zip.pt", FOLDER / "checkpoint.kiln"], check=True)
    big_endian("big")
    zip64("zip64.pt")
    model_json("model_json.pt")
    lazy_signs("lazy_signs.pt")
    without_checksums("no_checksums.pt")
    save("metadata.pt", {"model": Net().state_dict(), "epoch": 3})
    numpy.save(FOLDER / "fortran.npy", numpy.asfortranarray(numpy.arange(6, dtype=">f8").reshape(2, 3)))
    numpy.savez_compressed(FOLDER / "arrays.npz", a=numpy.arange(3), b=numpy.float32(2.5),
                           c=numpy.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]))


if __name__ == "__main__":
    main()
