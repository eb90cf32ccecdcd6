// What Swift cannot say: symbols that are defined elsewhere, and instructions.

#include "../Common/Hooks.h"

// What the trap entry keeps of what it came into, and puts back.
struct TrapFrame {
  uint64_t ra, t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7;
};

// Every trap comes here. A program that wants interrupts defines it and hands the rest to
// `unexpectedTrap`, which the linker script takes where there is no other.
void handleTrap(uint64_t cause, uint64_t pc, struct TrapFrame *_Nonnull frame);

_Noreturn void unexpectedTrap(uint64_t cause, uint64_t pc, struct TrapFrame *_Nonnull frame);

// Where a second hart begins that was started, on a stack of its own: with its number, under an SBI with what it was given.
void startHart(uint64_t value);

// The address that the SBI starts it at.
void otherStart(void);
static inline uint64_t otherEntry(void) { return (uint64_t)otherStart; }

static inline void clearSoftwareInterrupt(void) {
  __asm__ volatile("csrc sip, %0" : : "r"(1 << 1));
}

// The mode that the program runs in: M or S.
#ifdef RV64Supervisor
#define CSR(name) "s" name
enum { INTERRUPTS_ON = 1 << 1, SOFTWARE_INTERRUPT = 1 << 1, TIMER_INTERRUPT = 1 << 5 };
#else
#define CSR(name) "m" name
enum { INTERRUPTS_ON = 1 << 3, SOFTWARE_INTERRUPT = 1 << 3, TIMER_INTERRUPT = 1 << 7 };
#endif

static inline void waitForInterrupt(void) { __asm__ volatile("wfi" ::: "memory"); }

static inline _Bool disableInterrupts(void) {
  uint64_t status;
  __asm__ volatile("csrrci %0, " CSR("status") ", %1"
                   : "=r"(status) : "i"(INTERRUPTS_ON) : "memory");
  return status & INTERRUPTS_ON;
}

static inline void restoreInterrupts(_Bool wereOn) {
  __asm__ volatile("csrs " CSR("status") ", %0" : : "r"(wereOn ? INTERRUPTS_ON : 0) : "memory");
}

// They end a wait for interrupts; they are taken where interrupts are on.
static inline void listen(uint64_t interrupts) {
  __asm__ volatile("csrs " CSR("ie") ", %0" : : "r"(interrupts) : "memory");
}

static inline void listenForTimer(void) { listen(TIMER_INTERRUPT); }
static inline void listenForSoftware(void) { listen(SOFTWARE_INTERRUPT); }
static inline void enableInterrupts(void) { restoreInterrupts(1); }

// Where the trap that is being handled will go on.
static inline void returnTo(uint64_t pc) {
  __asm__ volatile("csrw " CSR("epc") ", %0" : : "r"(pc));
}

static inline uint64_t readTime(void) {
  uint64_t time;
  __asm__ volatile("rdtime %0" : "=r"(time));
  return time;
}

static inline uint64_t readRetired(void) {
  uint64_t count;
  __asm__ volatile("rdinstret %0" : "=r"(count));
  return count;
}

// A load that the compiler may neither leave out nor keep: of what an interrupt or another hart
// changes. Loads before it stay before it, and so do stores.
static inline uint32_t loadAgain(const uint32_t *_Nonnull word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void storeBehindAll(uint32_t *_Nonnull word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static inline uint64_t environmentCall(uint64_t argument) {
  register uint64_t a0 __asm__("a0") = argument;
  __asm__ volatile("ecall" : "+r"(a0) : : "memory");
  return a0;
}

static inline uint64_t semihostingCall(uint64_t operation, uint64_t parameter) {
  register uint64_t a0 __asm__("a0") = operation;
  register uint64_t a1 __asm__("a1") = parameter;
  __asm__ volatile(
      ".option push\n .option norvc\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n .option pop"
      : "+r"(a0) : "r"(a1) : "memory");
  return a0;
}

// What no compiler is meant to make: all zeros are defined to be illegal.
static inline void undefinedInstruction(void) { __asm__ volatile(".option push\n .option norvc\n unimp\n .option pop"); }

// Two instructions a turn, whatever the compiler thinks of empty loops.
static inline void spin(uint64_t turns) {
  __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(turns));
}

static inline void breakpoint(void) { __asm__ volatile("ebreak"); }

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
