#include "Instructions.h"

// Written in Start.S.
void bootHart(uint64_t hart, uint64_t deviceTree, const uint64_t *_Nonnull next);
_Noreturn void enterSupervisor(uint64_t hart, uint64_t opaque, uint64_t pc);

static inline uint64_t hartNumber(void) {
  uint64_t number;
  __asm__ volatile("csrr %0, mhartid" : "=r"(number));
  return number;
}

// What a supervisor gets to see, and what goes to it without a detour.
static inline void openToSupervisor(void) {
  __asm__ volatile("csrw medeleg, %0" : : "r"(0xb1ff));  // all but calls from it
  __asm__ volatile("csrw mideleg, %0" : : "r"(0x222));
  __asm__ volatile("csrw mcounteren, %0" : : "r"(7));
  __asm__ volatile("csrw pmpaddr0, %0" : : "r"(-1));
  __asm__ volatile("csrw pmpcfg0, %0" : : "r"(0x1f));    // NAPOT, all of it, RWX
}

static inline void setPending(uint64_t supervisorInterrupts) {
  __asm__ volatile("csrs mip, %0" : : "r"(supervisorInterrupts));
}
static inline void clearPending(uint64_t supervisorInterrupts) {
  __asm__ volatile("csrc mip, %0" : : "r"(supervisorInterrupts));
}
static inline void ignore(uint64_t interrupts) {
  __asm__ volatile("csrc mie, %0" : : "r"(interrupts));
}
