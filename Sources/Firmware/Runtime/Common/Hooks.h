// What a program may define for itself. Where it does not, Link/Hooks.ld takes the runtime's own.

#include <stdint.h>

// The first thing after reset, on the boot stack: neither .data nor .bss is there yet. Nothing.
void earlyInit(void);

// There is nothing to do; returns when there may be. Waits for an interrupt.
void idleHook(void);

// After the words of a panic. The number is that of the exception (Cortex-M) or the cause (RV64), 0
// for a panic that the program called. Blinks the panic LED for ever (Cortex-M), or lights it and ends the machine (RV64).
_Noreturn void panicHook(uint32_t number);

// The endless loop behind everything, at a symbol that debuggers and emulators know.
_Noreturn void halted(void);

// What the linker script has left of RAM: only their addresses count.
extern uint8_t poolStartByte[], poolEndByte[];
static inline void *_Nonnull poolStart(void) { return poolStartByte; }
static inline void *_Nonnull poolEnd(void) { return poolEndByte; }

static inline void call(uintptr_t address) { ((void (*)(void))address)(); }
