// firmware-images BUILD TOOLCHAIN PACKAGE OUTPUT LIST IMAGE ...
//
// Runs Sources/Firmware/build on another package, as the plugin FirmwareImages asks, with the traits of emurun that that
// package has chosen: they are known where emurun's own targets are compiled, which a plugin is not.
//
// In C, since a user's first build waits for it: the first Swift file to be compiled takes seconds to index the system.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char traits[] =
#if CONSOLE
    " Console"
#endif
#if ALLOCATOR
    " Allocator"
#endif
#if FREE_LIST
    " FreeList"
#endif
#if FLOATING_POINT
    " FloatingPoint"
#endif
#if SCHEDULER
    " Scheduler"
#endif
    "";

enum { usage = 64, unavailable = 69 };

int main(int count, char *words[]) {
  if (count < 7) {
    fputs("usage: firmware-images BUILD TOOLCHAIN PACKAGE OUTPUT LIST IMAGE ...\n", stderr);
    return usage;
  }
  const char *build = words[1], *toolchain = words[2], *package = words[3];
  const char *output = words[4], *list = words[5];

  const char *old = getenv("PATH");
  char *path;
  char **arguments = calloc((size_t)count + 1, sizeof *arguments);
  if (asprintf(&path, "%s%s%s", toolchain, old ? ":" : "", old ? old : "") < 0 || !arguments) {
    perror("firmware-images");
    return unavailable;
  }
  setenv("PATH", path, 1);
  setenv("IMAGES_LIST", list, 1);
  setenv("TRAITS", traits + (traits[0] == ' '), 1);

  // BUILD -C PACKAGE IMAGE ... -o OUTPUT
  char **next = arguments;
  *next++ = (char *)build;
  *next++ = "-C";
  *next++ = (char *)package;
  for (int image = 6; image < count; image++) *next++ = words[image];
  *next++ = "-o";
  *next++ = (char *)output;
  execv(build, arguments);
  fprintf(stderr, "firmware-images: ");
  perror(build);
  return unavailable;
}
