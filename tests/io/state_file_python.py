"""Reads a state file with the safetensors package and says what it found, for state_file_python_test.cpp."""

import sys

from safetensors import safe_open

# NumPy has no bfloat16 and no float8: those are listed by dtype and shape only.
NUMPY = {"F32", "F64", "F16", "I64", "I32", "I16", "I8", "U8", "U16", "U32", "U64", "BOOL"}
with safe_open(sys.argv[1], framework="np") as file:
    print("format", file.metadata()["format"])
    for name in sorted(file.keys()):
        part = file.get_slice(name)
        dtype = str(part.get_dtype())
        total = file.get_tensor(name).astype("float64").sum() if dtype in NUMPY else ""
        print(name, dtype, part.get_shape(), total)
