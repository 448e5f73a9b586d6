"""Reads IN with the safetensors package, whatever the types, and writes it again as OUT: safetensors_python.py IN OUT."""

import ctypes
import json
import sys

import safetensors

NAMES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
         "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool", "U16": "uint16", "U32": "uint32", "U64": "uint64",
         "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "C64": "complex64"}



def spec(part, buffers):
    """What serialize takes: addresses since 0.8, bytes before."""
    dtype, shape, data = NAMES[part["dtype"]], part["shape"], bytes(part["data"])
    if not hasattr(safetensors, "TensorSpec"):
        return {"dtype": dtype, "shape": shape, "data": data}
    buffers.append(ctypes.create_string_buffer(data, max(1, len(data))))
    address = ctypes.addressof(buffers[-1])
    return safetensors.TensorSpec(dtype=dtype, shape=shape, data_ptr=address, data_len=len(data))


with open(sys.argv[1], "rb") as file:
    content = file.read()
parts = safetensors.deserialize(content)
metadata = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])["__metadata__"]
for name, part in parts:
    print(name, part["dtype"], part["shape"], bytes(part["data"]).hex())
buffers = []
again = {name: spec(part, buffers) for name, part in parts}
with open(sys.argv[2], "wb") as file:
    file.write(safetensors.serialize(again, metadata))
