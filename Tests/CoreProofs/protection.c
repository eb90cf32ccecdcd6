// Physical memory protection (Privileged Architecture 1.12, 3.7) against the specification's own words: every byte of an access is looked up
// by itself here.
#include "proofs.h"
#include "rig.h"
#include <string.h>

enum { FETCH_FAULT = 1, LOAD_FAULT = 5, STORE_FAULT = 7, MPRV = 1 << 17, DATA = 0x4000, DATA_SIZE = 0x4000 };
typedef struct { uint8_t config[16]; uint64_t address[16]; } Entries;

static int matching(const Entries *e, uint64_t byte)            // the first entry for a byte; -1: none
{
    for (int i = 0; i < 16; i++) {
        uint64_t a = e->address[i];
        bool in = false;
        switch (e->config[i] >> 3 & 3) {
        case 1: in = byte >> 2 < a && byte >> 2 >= (i ? e->address[i - 1] : 0); break;
        case 2: in = byte >> 2 == a; break;
        case 3: {
            int ones = 0;
            while (a >> ones & 1)
                ones++;
            in = byte >> (ones + 3) == a >> (ones + 1);
        } }
        if (in)
            return i;
    }
    return -1;
}

static bool allowed(const Entries *e, uint64_t address, int size, int right, uint64_t mode)
{
    int first = matching(e, address);
    for (int i = 1; i < size; i++) {
        if (matching(e, address + (uint64_t)i) != first)
            return false;
    }
    if (first < 0)
        return mode == 3;
    return (mode == 3 && !(e->config[first] & 0x80)) || e->config[first] & right;
}

static void set_entries(Rig *rig, const Entries *e)
{
    for (unsigned i = 0; i < 16; i++)
        core_rv64_set_csr(rig->core, 0x3b0 + i, e->address[i]);
    for (unsigned half = 0; half < 2; half++) {
        uint64_t value = 0;
        for (int i = 0; i < 8; i++)
            value |= (uint64_t)e->config[8 * half + (unsigned)i] << 8 * i;
        core_rv64_set_csr(rig->core, 0x3a0 + 2 * half, value);
    }
}

static Entries random_entries(Rig *rig, Random *random)         // over DATA; entry 0 holds the code
{
    Entries e = { .config = { 0x1d }, .address = { rig->base >> 2 | 0x1ff } };
    bool coarse = one_in(random, 3);
    for (int i = 1; i < 16; i++) {
        uint64_t at = rig->base + DATA + below(random, DATA_SIZE) - 64;
        uint8_t rights = (uint8_t)below(random, 8);
        if ((rights & 3) == 2)
            rights = 1;
        e.config[i] = one_in(random, 3) ? 0 : (uint8_t)(rights | below(random, 4) << 3 | (one_in(random, 6) ? 0x80 : 0));
        e.address[i] = (coarse ? at & ~4095ull : at) >> 2;
        if ((e.config[i] >> 3 & 3) == 3) {
            uint64_t bits = coarse ? 9 + below(random, 3) : below(random, 12);
            e.address[i] = (e.address[i] & ~((1ull << (bits + 1)) - 1)) | ((1ull << bits) - 1);
        }
    }
    return e;
}

void memory_protection(int variant, ProofReport *report)
{
    static const int modes[] = { 0, 1, 3, 3 };
    Random random = { (uint64_t)variant * 91 + 3 };
    Rig *rig = rig_bench();
    uint64_t *x = rig_x(rig);
    for (int round = 0; round < 60 && !report->failed; round++) {
        rig_reset(rig);
        Entries e = random_entries(rig, &random);
        set_entries(rig, &e);
        for (int k = 0; k < 60; k++) {
            int choice = (int)below(&random, 4), bits = (int)below(&random, 4), size = 1 << bits;
            uint64_t mode = (uint64_t)modes[choice], as = choice == 3 ? below(&random, 2) : mode;
            uint64_t at = rig->base + DATA + (below(&random, DATA_SIZE - 8) & (one_in(&random, 4) ? ~0u : ~(uint32_t)(size - 1)));
            if (one_in(&random, 3))             // where a region begins or ends
                at = ((e.address[1 + below(&random, 15)] << 2) + below(&random, 9) - 4) % (DATA_SIZE - 8) + rig->base + DATA;
            bool store = one_in(&random, 2);
            int inside = (int)(4096 - (at & 4095)) < size ? (int)(4096 - (at & 4095)) : size;
            bool first = allowed(&e, at, inside, store ? 2 : 1, as);
            bool second = inside == size || allowed(&e, at + (uint64_t)inside, size - inside, store ? 2 : 1, as);
            x[A0] = at;
            x[CORE_RV64_MSTATUS] = choice == 3 ? MPRV | as << 11 : 0;
            rig_one(rig, mode, store ? rv_store(bits, A2, A0, 0) : rv_load(bits, A1, A0, 0), 0);
            uint64_t value = first ? at + (uint64_t)inside : at;
            bool right = first && second ? !rig->traps : rig->traps == 1 && rig->trap[0].cause == (store ? STORE_FAULT : LOAD_FAULT) && rig->trap[0].value == value;
            EXPECT(report, right, "%s of %d at %llx as %d: %d traps, cause %d, tval %llx", store ? "store" : "load", size, (unsigned long long)at, (int)as, rig->traps,
                (int)rig->trap[0].cause, (unsigned long long)rig->trap[0].value);
            report->runs++;
        }
        for (int k = 0; k < 10; k++) {          // fetches: 2 and 4 byte nops in a row
            uint64_t at = rig->base + DATA + (below(&random, DATA_SIZE - 64) & ~1u), pc = at, mode = (uint64_t)modes[below(&random, 3)];
            uint8_t *ram = rig->ram + (at - rig->base);
            for (int i = 0; i < 20; i += 2)
                memcpy(ram + i, i % 6 == 0 ? &(uint16_t){ 0x0001 } : i % 6 == 2 ? &(uint16_t){ 0x0013 } : &(uint16_t){ 0 }, 2);
            core_memory_written(rig->memory, at - rig->base, 20);
            int instructions = 0;
            uint64_t fault = 0;
            for (;;) {                          // the sixth is looked up, and faults, behind the fifth
                int length = (pc - at) % 6 == 0 ? 2 : 4;
                for (int i = 0; i < length && !fault; i += 2)
                    fault = allowed(&e, pc + (uint64_t)i, 2, 4, mode) ? 0 : pc + (uint64_t)i;
                if (fault || instructions == 5)
                    break;
                pc += (uint64_t)length, instructions++;
            }
            rig_one(rig, 3, RV_NOP, 0);         // two fetches that fail are no trap loop
            rig->traps = 0;
            x[CORE_RV64_PC] = at;
            x[CORE_RV64_PRIV] = mode;
            x[CORE_RV64_MSTATUS] = 0;
            uint64_t before = core_index(rig->core);
            for (int i = 0; i < 5 && !rig->traps; i += variant % 2 ? 1 : 5)
                core_run(rig->core, variant % 2 ? 1 : 5);
            bool right = fault ? rig->traps == 1 && rig->trap[0].cause == FETCH_FAULT && rig->trap[0].value == fault && rig->trap[0].pc == pc : !rig->traps && rig_pc(rig) == pc;
            EXPECT(report, right && core_index(rig->core) - before == (uint64_t)instructions, "fetches at %llx in mode %d: %d traps, tval %llx, not %llx; %d attempts, not %d",
                (unsigned long long)at, (int)mode, rig->traps, (unsigned long long)rig->trap[0].value, (unsigned long long)fault, (int)(core_index(rig->core) - before), instructions);
            report->runs++;
        }
    }
    // locked entries hold: themselves, and the address below one in TOR mode
    rig_reset(rig);
    core_rv64_set_csr(rig->core, 0x3b4, 0x111);
    core_rv64_set_csr(rig->core, 0x3b5, 0x222);
    core_rv64_set_csr(rig->core, 0x3a0, 0x8full << 40);
    uint64_t value = 0;
    core_rv64_set_csr(rig->core, 0x3b4, 0);
    EXPECT(report, core_rv64_csr(rig->core, 0x3b4, &value) && value == 0x111, "the address below a locked TOR entry: %llx", (unsigned long long)value);
    core_rv64_set_csr(rig->core, 0x3b5, 0);
    EXPECT(report, core_rv64_csr(rig->core, 0x3b5, &value) && value == 0x222, "a locked address: %llx", (unsigned long long)value);
    core_rv64_set_csr(rig->core, 0x3a0, 0);
    EXPECT(report, core_rv64_csr(rig->core, 0x3a0, &value) && value == 0x8full << 40, "a locked entry: %llx", (unsigned long long)value);
    rig_free(rig);
}
