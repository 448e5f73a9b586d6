# The front door: sees to the packages, then calls CMake. The build itself is in CMakeLists.txt.

PYTHON ?= /usr/bin/python3
release := build/release
SECONDS_EACH ?= 600
PREFIX ?= /usr/local
KILN_CPU ?= x86-64-v3

.PHONY: help demo zoo test install package bench lint asan tsan fuzz cuda-check cuda-plans cuda-one cuda-all gpu docs format clean
.NOTPARALLEL:

help:
	@echo "make demo    train a small CNN on Fashion-MNIST"
	@echo "make test    build everything and run all tests"
	@echo "make install  libraries, headers and the kiln command (PREFIX=/usr/local, DESTDIR=)"
	@echo "make package  .deb files: kiln and kiln-dev (KILN_CPU=x86-64-v3, the processors that they are for)"
	@echo "make zoo     every network beside torchvision's: scores, gradients, parameters, operations"
	@echo "make bench   compare with PyTorch (PYTHON=/path/to/python3)"
	@echo "make lint    formatting, static analysis, house rules"
	@echo "make asan    all tests under AddressSanitizer and UBSan, the CUDA backend's on the emulated device too"
	@echo "make tsan    the tests of threads and of the server under ThreadSanitizer"
	@echo "make fuzz    libFuzzer on the readers of files (SECONDS_EACH=600)"
	@echo "make cuda-check  the CUDA tests on the emulated device with the GPU sanitizer"
	@echo "make cuda-plans  plan the convolutions of seven networks by cuDNN, for four GPUs that are not there"
	@echo "make cuda-one    compile the CUDA kernels with nvcc for one architecture"
	@echo "make cuda-all    compile the CUDA backend for all architectures; check what its kernels take"
	@echo "make gpu     on a machine with a GPU: all tests on it, sanitizers, benchmarks; writes gpu-report.md"
	@echo "make docs    a reference of the headers in build/docs/html, by doxygen"
	@echo "make format  rewrite the sources in the house style"
	@echo "make clean   remove the build folder"

demo: needs-build-demo $(release)/build.ninja
	@cmake --build $(release) --target example_fashion_mnist
	$(release)/examples/fashion_mnist

test: needs-build $(release)/build.ninja
	@cmake --build $(release)
	@scripts/test_devices $(release)

install: needs-build $(release)/build.ninja
	@cmake --build $(release) --target installable
	@DESTDIR="$(DESTDIR)" cmake --install $(release) --prefix "$(abspath $(PREFIX))"

package: needs-build-package
	@cmake --preset package -DKILN_CPU=$(KILN_CPU)
	@cmake --build --preset package
	@cd build/package && cpack

bench: needs-build-oracle $(release)/build.ninja
	@cmake --build $(release) --target benchmarks
	$(PYTHON) benchmarks/run.py $(release)/benchmarks
	$(PYTHON) benchmarks/run_files.py $(release)/benchmarks
	$(release)/benchmarks/scale

zoo: needs-build-oracle $(release)/build.ninja
	@cmake --build $(release) --target zoo_server
	$(PYTHON) tests/zoo/zoo.py $(release)/tests/zoo/zoo_server $(NETS)
	$(PYTHON) tests/zoo/lite.py $(release)/tests/zoo/zoo_server

lint: needs-build-lint $(release)/build.ninja
	@scripts/lint $(release)

asan: needs-build
	@scripts/asan

tsan: needs-build
	@scripts/tsan

# Fuzzing needs clang; without it there is nothing to do.
fuzz:
	@if scripts/packages fuzz && command -v clang++-14 >/dev/null; then \
	  cmake --preset fuzz && cmake --build --preset fuzz && scripts/fuzz build/fuzz $(SECONDS_EACH); \
	else echo "skipped: fuzzing needs clang and its runtime (packages.txt)"; fi

# One front end and an assembler for each architecture; the budget names what the kernels take.
cuda-all: needs-build build/cuda-all/build.ninja
	@cmake --build build/cuda-all --target kiln_tensor kiln_kernels
	@scripts/cuda_budget

cuda-one: needs-build
	@scripts/cuda_one

cuda-plans: needs-build
	@scripts/cuda_plans

cuda-check: needs-build
	@scripts/cuda_check

gpu: needs-build
	@scripts/gpu

docs: needs-docs
	@scripts/docs

format: needs-lint
	@git ls-files -z '*.h' '*.cpp' '*.cu' '*.cuh' | xargs -0 clang-format -i

clean:
	rm -rf build

# needs-A-B: the packages of sections A and B of packages.txt
needs-%:
	@scripts/packages $(subst -, ,$*)

build/%/build.ninja: CMakePresets.json
	@cmake --preset $*
