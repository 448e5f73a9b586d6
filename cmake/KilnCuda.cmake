# The CUDA backend, in one of two ways:
#   KILN_CUDA            nvcc compiles the .cu files, for a GPU
#   KILN_CUDA_EMULATED   the C++ compiler compiles the same files against CUDA's own headers, and tests/emulated_gpu
#                        stands in for the CUDA runtime: everything runs on the CPU, checked. No nvcc, no driver, no GPU.
#
# Either way convolutions are cuDNN's; the emulated device plans with the real library, which needs no GPU for that.
#
# Sets KILN_CUDA_RUNTIME, KILN_CUBLAS and KILN_CUDNN (libraries to link) and KILN_CUDA_INCLUDES (where <gpu_target.cuh>,
# see kernels/base/cuda/gpu.cuh, and cuDNN's headers are), and defines kiln_cuda_sources().

set(KILN_CUDA_RUNTIME "")
set(KILN_CUBLAS "")
set(KILN_CUDNN "")
set(KILN_CUDA_INCLUDES "")

# cuDNN 9, in the toolkit's folder or the system's: KILN_CUDNN_LIBRARY and KILN_CUDNN_HEADERS. `option` is what needs it.
function(kiln_find_cudnn option)
  set(places ${CUDNN_ROOT} ENV CUDNN_ROOT ${CUDAToolkit_ROOT} ENV CUDAToolkit_ROOT ENV CUDA_PATH /usr/local/cuda)
  find_path(KILN_CUDNN_HEADERS cudnn.h HINTS ${places} PATH_SUFFIXES include)
  find_library(KILN_CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${places} PATH_SUFFIXES lib64 lib)
  foreach(found KILN_CUDNN_HEADERS KILN_CUDNN_LIBRARY)
    if(NOT ${found})
      message(FATAL_ERROR "${option}: cuDNN is not found. Install cuDNN 9 for CUDA 13, or name the folder that has its include "
                          "and lib with -DCUDNN_ROOT=...")
    endif()
  endforeach()
endfunction()

if(KILN_CUDA_EMULATED)
  find_path(KILN_CUDA_HEADERS cuda_runtime.h
            HINTS ${CUDAToolkit_ROOT} ENV CUDAToolkit_ROOT ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES include)
  if(NOT KILN_CUDA_HEADERS)
    message(FATAL_ERROR "KILN_CUDA_EMULATED: cuda_runtime.h is not found. The emulated device needs the headers of the "
                        "CUDA toolkit 13 (no driver, no GPU); name their place with -DCUDAToolkit_ROOT=...")
  endif()
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    message(FATAL_ERROR "KILN_CUDA_EMULATED: the emulator switches stacks with x86-64 code and cannot run on "
                        "${CMAKE_SYSTEM_PROCESSOR}")
  endif()
  kiln_find_cudnn(KILN_CUDA_EMULATED)
  set(KILN_CUDA_RUNTIME emulated_cuda)
  add_subdirectory(tests/emulated_gpu)
elseif(KILN_CUDA)
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(KILN_NVCC nvcc HINTS ${CUDAToolkit_ROOT} ENV CUDAToolkit_ROOT ENV CUDA_PATH /usr/local/cuda
                 PATH_SUFFIXES bin)
    if(NOT KILN_NVCC)
      message(FATAL_ERROR "KILN_CUDA: nvcc is not found. Install the CUDA toolkit 13, or name its place with "
                          "-DCUDAToolkit_ROOT=...; without it, configure with -DKILN_CUDA=OFF")
    endif()
    set(CMAKE_CUDA_COMPILER ${KILN_NVCC})
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 90)
  endif()
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  set(KILN_CUDA_RUNTIME CUDA::cudart_static)
  if(BUILD_SHARED_LIBS)  # several libraries, one runtime
    set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
    set(KILN_CUDA_RUNTIME CUDA::cudart)
  endif()
  if(CMAKE_CXX_COMPILER_LAUNCHER AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
  enable_language(CUDA)
  # CMake 3.25 does not know that nvcc has C++20 and stops at "requires the language dialect CUDA20".
  if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_EXTENSIONS OFF)
  find_package(CUDAToolkit 13.0 REQUIRED)
  set(KILN_CUBLAS CUDA::cublasLt)
  kiln_find_cudnn(KILN_CUDA)
  set(KILN_CUDNN ${KILN_CUDNN_LIBRARY})
  set(KILN_CUDA_INCLUDES ${PROJECT_SOURCE_DIR}/kernels/base/cuda/native ${KILN_CUDNN_HEADERS})
endif()

# Spills are errors here; local memory and accidental doubles are checked by scripts/cuda_budget, which can tell the
# kernels that mean them (a float64 instance, the slow path of sin) from those that do not.
set(KILN_NVCC_OPTIONS --expt-relaxed-constexpr -Xptxas=-warn-spills -Xcompiler=-Wall,-Wextra)
if(KILN_WERROR)
  list(APPEND KILN_NVCC_OPTIONS --Werror=all-warnings -Xptxas=-Werror)
endif()

# In the emulated build kernels keep their variables for the debugger, whatever the build type.
# Pragmas and attributes that only nvcc knows mean nothing to the C++ compiler.
# The sanitizer wants each access where the source has it: -O1 neither merges nor vectorises them, nor does it see enough to
# warn of uninitialised variables without false alarms; the other builds do.
set(KILN_EMULATED_OPTIONS -g -Wno-unknown-pragmas -Wno-attributes)
set(KILN_SANITIZER_OPTIONS -O1 -fno-omit-frame-pointer -fsanitize=thread -Wno-tsan
    -Wno-maybe-uninitialized)
if(KILN_CUDA_SANITIZER)
  list(APPEND KILN_EMULATED_OPTIONS ${KILN_SANITIZER_OPTIONS})
endif()

# kiln_cuda_sources(<file>...): how the .cu files among these are compiled. To be called in the directory of the target.
function(kiln_cuda_sources)
  list(FILTER ARGN INCLUDE REGEX "\\.cu$")
  if(KILN_CUDA_EMULATED AND ARGN)
    set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${KILN_EMULATED_OPTIONS}")
  endif()
endfunction()
