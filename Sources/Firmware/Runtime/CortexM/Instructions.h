// What Swift cannot say: symbols that are defined elsewhere, and instructions.

#include <stdint.h>

// No function, but the value that the core takes as its stack pointer: only its address counts.
void stackTop(void);

void reset(void);

// A program defines the handlers that it wants; the linker script makes the rest `fault`.
void nonMaskableInterrupt(void);
void hardFault(void);
void memoryManagementFault(void);
void busFault(void);
void usageFault(void);
void supervisorCall(void);
void debugMonitor(void);
void pendableServiceCall(void);
void sysTick(void);

// What the core pushes on its way into an exception.
struct ExceptionFrame {
  uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
};

_Noreturn void panic(const struct ExceptionFrame *_Nonnull frame);

static inline void waitForInterrupt(void) { __asm__ volatile("wfi" ::: "memory"); }

static inline uint32_t activeException(void) {
  uint32_t number;
  __asm__ volatile("mrs %0, ipsr" : "=r"(number));
  return number;
}

// Two instructions a turn, whatever the compiler thinks of empty loops.
static inline void spin(uint32_t turns) {
  __asm__ volatile("1: subs %0, #1\n bne 1b" : "+l"(turns) : : "cc");
}

static inline uint32_t semihostingCall(uint32_t operation, uint32_t parameter) {
  register uint32_t r0 __asm__("r0") = operation;
  register uint32_t r1 __asm__("r1") = parameter;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
