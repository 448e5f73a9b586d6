#pragma once

#include <kiln/metrics/calibration.h>
#include <kiln/metrics/confusion_matrix.h>
#include <kiln/metrics/interval.h>
#include <kiln/metrics/paired.h>
#include <kiln/metrics/probability.h>
#include <kiln/metrics/ranking.h>
#include <kiln/metrics/regression.h>
#include <kiln/metrics/report.h>
#include <kiln/metrics/top_k.h>
