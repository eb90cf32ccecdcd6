#pragma once
#include <stddef.h>

/// The page without a run in it. An array literal of Swift, as SwiftPM embeds files, takes seconds of a user's build.
const unsigned char *page_bytes(size_t *count);
