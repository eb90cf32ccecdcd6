#include "CPage.h"

#pragma clang diagnostic ignored "-Wc23-extensions"
static const unsigned char page[] = {
#embed "timeline.html"
};

const unsigned char *page_bytes(size_t *count) {
  *count = sizeof page;
  return page;
}
