// What Swift cannot say: symbols that are defined elsewhere, and instructions.

#include <stdint.h>

// Every trap comes here. A program that wants interrupts defines it and hands the rest to `panic`,
// which the linker script takes where there is no other.
void handleTrap(uint64_t cause, uint64_t pc);

_Noreturn void panic(uint64_t cause, uint64_t pc);

static inline void waitForInterrupt(void) { __asm__ volatile("wfi" ::: "memory"); }

static inline uint64_t readTime(void) {
  uint64_t time;
  __asm__ volatile("rdtime %0" : "=r"(time));
  return time;
}

static inline void enableSupervisorTimerInterrupt(void) {
  __asm__ volatile("csrs sie, %0\n csrsi sstatus, 1 << 1" : : "r"(1 << 5) : "memory");
}

struct SBIResult {
  int64_t error, value;
};

static inline struct SBIResult sbiCall(
    uint64_t extension, uint64_t function, uint64_t first, uint64_t second, uint64_t third) {
  register uint64_t a0 __asm__("a0") = first;
  register uint64_t a1 __asm__("a1") = second;
  register uint64_t a2 __asm__("a2") = third;
  register uint64_t a6 __asm__("a6") = function;
  register uint64_t a7 __asm__("a7") = extension;
  __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
  return (struct SBIResult){(int64_t)a0, (int64_t)a1};
}
