#pragma once

#include <kiln/optim/adam.h>
#include <kiln/optim/clip_grad.h>
#include <kiln/optim/grad_scaler.h>
#include <kiln/optim/scheduler.h>
#include <kiln/optim/sgd.h>
