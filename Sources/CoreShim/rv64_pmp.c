// RV64 physical memory protection: Privileged Architecture 1.12, section 3.7. Sixteen entries, granularity 4 bytes.
#include "internal.h"

static void set_range(Core *c, int i)           // the bytes that entry i matches: [from, past); none: 0 and 0
{
    uint64_t address = c->rv64.pmp_address[i], from = 0, past = 0;
    switch (c->rv64.pmp_config[i] & PMP_MODE) {
    case PMP_TOR:
        from = i ? c->rv64.pmp_address[i - 1] << 2 : 0;
        past = address << 2;
        break;
    case PMP_NA4:
        from = address << 2;
        past = from + 4;
        break;
    case PMP_NAPOT: {
        uint64_t low = address ^ (address + 1);         // the ones at the end and the zero above them
        from = (address & ~low) << 2;
        past = from + ((low + 1) << 2);
    }
    }
    c->rv64.pmp_from[i] = from < past ? from : 0;
    c->rv64.pmp_past[i] = from < past ? past : 0;
}

// What a mode may do with [address, address + size); whole: every byte of the page answers alike.
unsigned rv64_protection(const Core *c, uint64_t address, uint64_t size, unsigned mode, bool *whole)
{
    uint64_t page = address & ~4095ull, last = address + size - 1;
    *whole = true;
    for (int i = 0; i < c->rv64.pmp_used; i++) {
        uint64_t from = c->rv64.pmp_from[i], past = c->rv64.pmp_past[i];
        if (past <= page || from >= page + 4096)
            continue;
        if (from > page || past < page + 4096)
            *whole = false;
        if (past <= address || from > last)
            continue;
        uint8_t entry = c->rv64.pmp_config[i];
        if (from > address || past <= last)             // an access must lie in one region as a whole
            return 0;
        return mode == 3 && !(entry & PMP_LOCKED) ? PMP_R | PMP_W | PMP_X : entry & (PMP_R | PMP_W | PMP_X);
    }
    return mode == 3 ? PMP_R | PMP_W | PMP_X : 0;
}

void rv64_protection_changed(Core *c)
{
    c->rv64.pmp_used = 0;
    for (int i = 0; i < 16; i++) {
        set_range(c, i);
        if (c->rv64.pmp_config[i] & PMP_MODE)
            c->rv64.pmp_used = (uint8_t)(i + 1);
    }
    lose_reservation(c);
    tlb_flush_riscv64(c->cpu);
}
