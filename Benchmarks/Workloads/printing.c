// UART0 of a TM4C123 at 115,200 baud and 16 MHz, never idle: by the transmit interrupt, asleep between, or (POLLING) by looking at UARTFR.
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define DATA REGISTER(0x4000c000)
#define FLAGS REGISTER(0x4000c018)
extern char stack_top[];

static void fill(void)
{
    REGISTER(0x4000c044) = 0x20;
    while (!(FLAGS & 0x20))
        DATA = 'A';
}

static void start(void)
{
    REGISTER(0x400fe618) = 1;
    while (!(REGISTER(0x400fea18) & 1)) {}
    REGISTER(0x4000c024) = 8;
    REGISTER(0x4000c028) = 44;
    REGISTER(0x4000c02c) = 0x70;
    REGISTER(0x4000c030) = 0x301;
#ifdef POLLING
    for (;;) {
        while (FLAGS & 0x20) {}
        DATA = 'A';
    }
#else
    REGISTER(0x4000c038) = 0x20;
    REGISTER(0xe000e100) = 1 << 5;
    fill();
    for (;;)
        __asm__ volatile("wfi");
#endif
}

__attribute__((section(".start"), used)) static void (*const vectors[22])(void) = {
    (void (*)(void))stack_top, start, [16 + 5] = fill,
};
