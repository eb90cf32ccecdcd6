#include "CoreShim.h"
