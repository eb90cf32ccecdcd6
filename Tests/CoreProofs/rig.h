// A Core with one block of RAM and a host that writes down all it is asked, for cases whose outcome is counted by hand.
#pragma once
#include "guest.h"

enum { RIG_RAM = 64 << 10, RIG_LOG = 512 };

typedef struct Rig {
    Core *core;
    CoreMemory *memory;
    uint8_t *ram;
    uint64_t base;
    CoreAccess access[RIG_LOG];                 // as answered
    CoreTrap trap[RIG_LOG];
    int accesses, traps, interrupts, asked;     // asked: Cortex-M4, host.interrupt
    uint64_t asked_at[RIG_LOG];
    CoreAccessVerdict (*on_access)(struct Rig *, CoreAccess *);        // NULL: answers 1, 2, 3 ...
    CoreTrapVerdict (*on_trap)(struct Rig *, const CoreTrap *);        // NULL: stops; RV64 enters the handler
    void (*on_interrupt)(struct Rig *);
    uint64_t parameter;
} Rig;

Rig *rig_new(CoreKind kind, const Code *code);  // its code at the base of RAM
void rig_reset(Rig *rig);                       // the Core and the log; the pc back at the base; RAM stays
void rig_free(Rig *rig);
// RV64, one instruction at a time in some mode, between a nop, so that two that trap are no trap loop, and a wfi. status replaces FS and SD.
Rig *rig_bench(void);
CoreExit rig_one(Rig *rig, uint64_t privilege, uint32_t word, uint64_t status);
uint64_t rig_pc(const Rig *rig);
static inline uint64_t *rig_x(const Rig *rig) { return core_rv64_words(rig->core); }
static inline uint32_t *rig_r(const Rig *rig) { return core_m4_r(rig->core); }

#define EXPECT(report, condition, ...) do { if (!(condition)) { wrong(report, __VA_ARGS__); wrong_at(report, #condition, __FILE__, __LINE__); } } while (0)
void wrong_at(ProofReport *report, const char *condition, const char *file, int line);
