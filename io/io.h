#pragma once

#include <kiln/io/events.h>
#include <kiln/io/load.h>
#include <kiln/io/open.h>
#include <kiln/io/plot.h>
#include <kiln/io/progress.h>
