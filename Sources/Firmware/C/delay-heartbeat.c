// delay-heartbeat-m4 and -rv64 in C.
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#ifdef __arm__
#define DIRECTION REGISTER(0x400FE604)
#define DATA REGISTER(0x400FE608)
#define PIN 1
#define CLOCK 16000000
#define LOOP "1: subs %0, #1\n bne 1b"
#else
#define DIRECTION REGISTER(0x10060008)
#define DATA REGISTER(0x1006000C)
#define PIN 0
#define CLOCK 1000000000
#define LOOP "1: addi %0, %0, -1\n bnez %0, 1b"
#endif

int main(void) {
  DIRECTION |= 1 << PIN;
  for (;;) {
    DATA ^= 1 << PIN;
    uintptr_t turns = CLOCK / 2 / 2;
    __asm__ volatile(LOOP : "+r"(turns) : : "cc");
  }
}
