// What Swift cannot say: symbols that are defined elsewhere, and instructions.

#include "../Common/Hooks.h"

// No function, but a value that the core takes for an address.
void stackTop(void);

void reset(void);

// A program defines the handlers that it wants; the linker script makes the rest `exception`, which
// calls `handleException`.
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

// A program that wants them defines it and hands the rest to `unexpectedException`, which the linker
// script takes where there is no other. What is in the frame comes back into the registers.
void handleException(struct ExceptionFrame *_Nonnull frame);

_Noreturn void unexpectedException(struct ExceptionFrame *_Nonnull frame);

static inline void waitForInterrupt(void) { __asm__ volatile("wfi" ::: "memory"); }

static inline uint32_t activeException(void) {
  uint32_t number;
  __asm__ volatile("mrs %0, ipsr" : "=r"(number));
  return number;
}

static inline _Bool disableInterrupts(void) {
  uint32_t mask;
  __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(mask) : : "memory");
  return !(mask & 1);
}

static inline void restoreInterrupts(_Bool wereOn) {
  __asm__ volatile("msr primask, %0" : : "r"(wereOn ? 0 : 1) : "memory");
}

// A load that the compiler may neither leave out nor keep: of what an interrupt changes.
static inline uint32_t loadAgain(const uint32_t *_Nonnull word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

// An interrupt that sees it sees all that was stored before it.
static inline void storeBehindAll(uint32_t *_Nonnull word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

// Two registers. (Swift's own widening of 32 bits to 64 is a generic function here, called at -Osize.)
static inline uint64_t wide(uint32_t high, uint32_t low) { return (uint64_t)high << 32 | low; }

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

static inline uint32_t supervisorRequest(uint32_t argument) {
  register uint32_t r0 __asm__("r0") = argument;
  __asm__ volatile("svc 0" : "+r"(r0) : : "memory");
  return r0;
}

// What no compiler is meant to make: "permanently undefined".
static inline void undefinedInstruction(void) { __asm__ volatile("udf #0"); }
