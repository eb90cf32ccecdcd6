// What the Swift runtime does with an exception that nobody handles, in C; and the vector table.
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
_Noreturn void halted(void);

struct frame { uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr; };

#ifdef Console
#ifdef __arm__
static void configure(void) {
  REGISTER(0x4000C024) = 8;
  REGISTER(0x4000C028) = 44;
  REGISTER(0x4000C02C) = 0x70;
  REGISTER(0x4000C030) = 0x301;
}
static void put(uint8_t byte) {
  while (REGISTER(0x4000C018) & 1 << 5) {}
  REGISTER(0x4000C000) = byte;
}
#else
static void configure(void) {}
static void put(uint8_t byte) {
  while (!(*(volatile uint8_t *)0x10000005 & 1 << 5)) {}
  *(volatile uint8_t *)0x10000000 = byte;
}
#endif

static void print(const char *text) {
  while (*text) put((uint8_t)*text++);
}

static void print_number(uintptr_t number, unsigned radix, int digits) {
  uint8_t text[20];
  int first = 20;
  do {
    uint8_t digit = (uint8_t)(number % radix);
    text[--first] = (uint8_t)(digit < 10 ? '0' + digit : 'a' + digit - 10);
    number /= radix;
  } while (number || 20 - first < digits);
  while (first < 20) put(text[first++]);
}

static void tell(const char *what, uintptr_t number, uintptr_t pc) {
  configure();
  print("panic: ");
  print(what);
  print_number(number, 10, 1);
  print(" at 0x");
  print_number(pc, 16, 2 * sizeof pc);
  print("\n");
}
#else
#define tell(what, number, pc) (void)(number), (void)(pc)
#endif

#ifdef __arm__
_Noreturn void unexpectedException(struct frame *frame) {
  uint32_t number;
  __asm__ volatile("mrs %0, ipsr" : "=r"(number));
  tell("exception ", number, frame->pc);
  REGISTER(0x400FE604) |= 1 << 1;
  for (;;) {
    REGISTER(0x400FE608) ^= 1 << 1;
    uint32_t turns = 16000000 / 4;
    __asm__ volatile("1: subs %0, #1\n bne 1b" : "+l"(turns) : : "cc");
  }
}

void stackTop(void);
void reset(void);
void nonMaskableInterrupt(void);
void hardFault(void);
void memoryManagementFault(void);
void busFault(void);
void usageFault(void);
void supervisorCall(void);
void debugMonitor(void);
void pendableServiceCall(void);
void sysTick(void);

__attribute__((section(".vectors"), used)) void (*const vectors[16])(void) = {
  stackTop, reset, nonMaskableInterrupt, hardFault, memoryManagementFault, busFault, usageFault, 0,
  0, 0, 0, supervisorCall, debugMonitor, 0, pendableServiceCall, sysTick,
};
#else
_Noreturn void unexpectedTrap(uint64_t cause, uint64_t pc) {
  tell("trap ", cause, pc);
  *(volatile uint32_t *)0x100000 = 0x13333;
  halted();
}
#endif
