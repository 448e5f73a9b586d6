#pragma once

#include <kiln/data/cifar.h>
#include <kiln/data/dataset.h>
#include <kiln/data/idx.h>
#include <kiln/data/loader.h>
#include <kiln/data/mnist.h>
#include <kiln/data/transforms.h>
