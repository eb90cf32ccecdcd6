// The parts of torture-m4 that are assembly (Kernel.S), and the calls between the two.
#include "Instructions.h"

// Where things are, and what was counted there.
uint32_t *_Nonnull taskMemory(void);                    // one MPU region a task: words of its own below, stack above
uint32_t tortureVectors(void);
uint32_t *_Nonnull refusals(void);                      // stores that the MPU refused
uint32_t *_Nonnull switchCycles(void);                  // least and most
uint32_t taskEntry(void);
void runTask(uint32_t number);

static inline void startTasks(void) { __asm__ volatile("svc 0" ::: "memory"); }
void mixFloats(uint32_t *_Nonnull state, uint32_t rounds);
void probe(uint32_t address);                           // a store that the MPU must refuse

// Called from Kernel.S.
uint32_t *_Nonnull firstTask(void);
uint32_t *_Nonnull switchTask(uint32_t *_Nonnull stack);
void service(struct ExceptionFrame *_Nonnull frame);
void interruptNested(uint32_t number);

static inline void yield(void) { __asm__ volatile("svc 1" ::: "memory"); }
static inline void finish(void) { __asm__ volatile("svc 3" ::: "memory"); }
static inline uint32_t ask(uint32_t question) {
  register uint32_t r0 __asm__("r0") = question;
  __asm__ volatile("svc 2" : "+r"(r0) : : "memory");
  return r0;
}

static inline void setControl(uint32_t value) {
  __asm__ volatile("msr control, %0\n isb" : : "r"(value) : "memory");
}
static inline void setPriorityMask(uint32_t value) {
  __asm__ volatile("msr basepri, %0" : : "r"(value) : "memory");
}
// All that a handler may change, FP included.
static inline void clobber(void) {
  __asm__ volatile(
      "mov r1, #0x5a\n mov r2, r1\n mov r3, r1\n mov r12, r1\n vmov s0, r1\n vmov s7, r1\n vmov s15, r1\n"
      "vmsr fpscr, r1\n" : : : "r1", "r2", "r3", "r12", "cc");
}
