#pragma once

#include <kiln/train/augment/batch.h>
#include <kiln/train/augment/mix.h>
#include <kiln/train/checkpoint.h>
#include <kiln/train/checkpoints.h>
#include <kiln/train/ema.h>
#include <kiln/train/evaluate.h>
#include <kiln/train/interrupt.h>
#include <kiln/train/program.h>
#include <kiln/train/report/events.h>
#include <kiln/train/report/plot.h>
#include <kiln/train/report/progress.h>
#include <kiln/train/step.h>
