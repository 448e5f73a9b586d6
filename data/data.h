#pragma once

#include <kiln/data/collate.h>
#include <kiln/data/dataset.h>
#include <kiln/data/iterable.h>
#include <kiln/data/loader.h>
#include <kiln/data/sampler.h>
#include <kiln/data/sets/cifar.h>
#include <kiln/data/sets/idx.h>
#include <kiln/data/sets/mnist.h>
#include <kiln/data/transforms.h>
