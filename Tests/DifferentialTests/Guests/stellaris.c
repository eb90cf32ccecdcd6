// Registers of a Stellaris part's devices, written and read, each read a line on UART0.
#include <stdint.h>

enum { UART1 = 0x4000d000, GPIOA = 0x40004000, I2C0 = 0x40020000, SSI0 = 0x40008000, TIMER0 = 0x40030000, ADC0 = 0x40038000 };
enum { READ, WRITE, WAIT };
static const struct { uint8_t what; uint32_t address, value; } steps[] = {
#define R(base, offset) { READ, (uint32_t)(base) + (offset), 0 },
#define W(base, offset, value) { WRITE, (uint32_t)(base) + (offset), value },
#define WR(base, offset, value) W(base, offset, value) R(base, offset)
#define IDENTITY(base) R(base, 0xfe0) R(base, 0xfe4) R(base, 0xfe8) R(base, 0xff0) R(base, 0xff4) R(base, 0xff8) R(base, 0xffc)
    R(UART1, 0x18) R(UART1, 0x30) R(UART1, 0x34) R(UART1, 0x3c) WR(UART1, 0x24, 27) WR(UART1, 0x28, 9) WR(UART1, 0x2c, 0x70)
    WR(UART1, 0x38, 0x50) R(UART1, 0x40) IDENTITY(UART1)
    WR(GPIOA, 0x400, 0xf0) W(GPIOA, 0x3fc, 0xa5) R(GPIOA, 0x3c0) R(GPIOA, 0x0c0) W(GPIOA, 0x140, 0xff) R(GPIOA, 0x3c0) W(GPIOA, 0x080, 0)
    R(GPIOA, 0x3c0) WR(GPIOA, 0x404, 0x11) WR(GPIOA, 0x408, 0x22) WR(GPIOA, 0x40c, 0x44) WR(GPIOA, 0x410, 0x80) R(GPIOA, 0x418)
    R(GPIOA, 0x500) WR(GPIOA, 0x504, 0x0f) R(GPIOA, 0x500) WR(GPIOA, 0x508, 0x03) R(GPIOA, 0x504) WR(GPIOA, 0x50c, 0x5a)
    WR(GPIOA, 0x518, 0xa5) WR(GPIOA, 0x51c, 0xff) R(GPIOA, 0x520) WR(GPIOA, 0x520, 0x1acce551) IDENTITY(GPIOA)
    R(I2C0, 0x04) WR(I2C0, 0x20, 0x10) WR(I2C0, 0x0c, 9) WR(I2C0, 0x10, 1) WR(I2C0, 0x00, 0x76) R(I2C0, 0x14) R(I2C0, 0x18)
    R(SSI0, 0x0c) WR(SSI0, 0x10, 2) WR(SSI0, 0x00, 0x707) WR(SSI0, 0x04, 3) W(SSI0, 0x08, 0x15a) R(SSI0, 0x0c) W(SSI0, 0x08, 0x33)
    W(SSI0, 0x08, 0x44) W(SSI0, 0x08, 0x55) R(SSI0, 0x18) R(SSI0, 0x08) R(SSI0, 0x08) R(SSI0, 0x18) R(SSI0, 0x08) R(SSI0, 0x08)
    R(SSI0, 0x0c) WR(SSI0, 0x14, 0xf) R(SSI0, 0x1c) IDENTITY(SSI0)
    R(TIMER0, 0x0c) W(TIMER0, 0x00, 0) W(TIMER0, 0x04, 1) WR(TIMER0, 0x28, 1000) WR(TIMER0, 0x18, 1) R(TIMER0, 0x1c) W(TIMER0, 0x0c, 1)
    { WAIT, 0, 20000 }, R(TIMER0, 0x1c) R(TIMER0, 0x20) R(TIMER0, 0x0c) W(TIMER0, 0x24, 1) R(TIMER0, 0x1c) WR(TIMER0, 0x04, 2)
    W(TIMER0, 0x0c, 1) { WAIT, 0, 20000 }, R(TIMER0, 0x1c) R(TIMER0, 0x0c) WR(TIMER0, 0x0c, 0) WR(TIMER0, 0x30, 0x1234) WR(TIMER0, 0x38, 5)
    R(ADC0, 0x20) WR(ADC0, 0x14, 0x5) WR(ADC0, 0x40, 0x3210) WR(ADC0, 0x44, 0x6)
};

static void put(char byte) { *(volatile uint32_t *)0x4000c000 = (uint8_t)byte; }

static void number(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        put("0123456789abcdef"[value >> shift & 15]);
}

void start(void)
{
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        volatile uint32_t *address = (volatile uint32_t *)(uintptr_t)steps[i].address;
        if (steps[i].what == WRITE) {
            *address = steps[i].value;
        } else if (steps[i].what == WAIT) {
            for (volatile uint32_t left = steps[i].value; left; left--) {}
        } else {
            number(steps[i].address), put(' '), number(*address), put('\n');
        }
    }
    register uint32_t r0 __asm__("r0") = 0x18;
    register uint32_t r1 __asm__("r1") = 0x20026;
    __asm__ volatile("bkpt 0xab" : : "r"(r0), "r"(r1));
    for (;;) {}
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = { (void *)0x20001000, start };
