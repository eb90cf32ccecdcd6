// The CSRs of the Privileged Architecture 1.12: which there are, what they hold when written with ones and with zeros (docs/rv64.md has the
// choices), who may read and write them; and the instructions that only some modes have.
#include "proofs.h"
#include "rig.h"

enum { ILLEGAL = 2, BREAKPOINT = 3, MRET_TARGET = 0x2000 };
enum { FS = 3 << 13, MPRV = 1 << 17, SUM = 1 << 18, TVM = 1 << 20, TW = 1 << 21, TSR = 1 << 22, MPP = 3 << 11, SPP = 1 << 8 };
typedef struct { unsigned csr; uint64_t reset, ones, zeros; } Register;
#define ALL (~0ull)
#define XL 0xa00000000ull

static const Register registers[] = {
    { 0x001, 0, 31, 0 }, { 0x002, 0, 7, 0 }, { 0x003, 0, 255, 0 },
    { 0x100, 0x200000000, 0x80000002000c6122, 0x200000000 }, { 0x104, 0, 0x222, 0 }, { 0x105, 0, ALL - 2, 0 }, { 0x106, 0, 0xffffffff, 0 },
    { 0x10a, 0, 1, 0 }, { 0x140, 0, ALL, 0 }, { 0x141, 0, ALL - 1, 0 }, { 0x142, 0, ALL, 0 }, { 0x143, 0, ALL, 0 }, { 0x144, 0, 2, 0 },
    { 0x180, 0, 0, 0 },                         // mode 15: no write
    { 0x300, XL, 0x8000000a007e79aa, XL }, { 0x301, 0x800000000014112d, 0x800000000014112d, 0x800000000014112d }, { 0x302, 0, 0xb3fe, 0 },
    { 0x303, 0x222, 0x222, 0 }, { 0x304, 0, 0xaaa, 0 }, { 0x305, 0, ALL - 2, 0 }, { 0x306, 0, 0xffffffff, 0 }, { 0x30a, 0, 1, 0 }, { 0x320, 0, 0xfffffffd, 0 },
    { 0x323, 0, 0, 0 }, { 0x33f, 0, 0, 0 }, { 0x340, 0, ALL, 0 }, { 0x341, 0, ALL - 1, 0 }, { 0x342, 0, ALL, 0 }, { 0x343, 0, ALL, 0 },
    { 0x344, 0, 0x222, 0 }, { 0x3a2, 0, 0x9f9f9f9f9f9f9f9f, 0x9f9f9f9f9f9f9f9f }, { 0x3b1, 0, ALL >> 10, 0 }, { 0x3bf, 0, ALL >> 10, 0 },
    { 0x7a0, 0, 0, 0 }, { 0x7a1, 0, 0, 0 }, { 0x7a2, 0, 0, 0 }, { 0x7a3, 0, 0, 0 }, { 0x7a4, 1, 1, 1 }, { 0xb03, 0, 0, 0 }, { 0xb1f, 0, 0, 0 },
};
static const struct { unsigned csr; uint64_t value; } constants[] = {
    { 0xc03, 0 }, { 0xc1f, 0 }, { 0xf11, 0 }, { 0xf12, 0 }, { 0xf13, 0x656d7501 }, { 0xf14, 0 }, { 0xf15, 0 } };

static Rig *open_bench(void)                    // S and U may use all memory, and a trap is only written down
{
    Rig *rig = rig_bench();
    core_rv64_set_csr(rig->core, 0x3b0, ALL);
    core_rv64_set_csr(rig->core, 0x3a0, 0x1f);
    return rig;
}

static uint64_t read_as(Rig *rig, uint64_t privilege, unsigned csr)
{
    rig_one(rig, privilege, rv_csrrs(A1, (int)csr, ZERO), FS);
    return rig_x(rig)[A1];
}

static void write_as(Rig *rig, uint64_t privilege, unsigned csr, uint64_t value)
{
    rig_x(rig)[A0] = value;
    rig_one(rig, privilege, rv_csrrw(ZERO, (int)csr, A0), FS);
}

static bool exists(unsigned csr)
{
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
        if (registers[i].csr == csr)
            return true;
    }
    return (csr >= 0xc00 && csr <= 0xc1f) || (csr >= 0xf11 && csr <= 0xf15) || (csr >= 0xb02 && csr <= 0xb1f) || csr == 0xb00 || (csr >= 0x323 && csr <= 0x33f)
        || csr == 0x3a0 || (csr >= 0x3b0 && csr <= 0x3bf);
}

void csr_fields(int variant, ProofReport *report)
{
    (void)variant;
    Rig *rig = open_bench();
    uint64_t *x = rig_x(rig);
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
        const Register *r = &registers[i];
        rig_reset(rig);
        core_rv64_set_csr(rig->core, 0x303, 0x222);             // for what sie and sip show
        uint64_t known = r->csr == 0x100 || r->csr == 0x300 ? FS | 1ull << 63 : 0;      // rig_one sets FS
        EXPECT(report, (read_as(rig, 3, r->csr) & ~known) == r->reset && !rig->traps, "csr %x at reset: %llx", r->csr, (unsigned long long)x[A1]);
        write_as(rig, 3, r->csr, ALL);
        EXPECT(report, !rig->traps && (read_as(rig, 3, r->csr) | known) == (r->ones | known), "csr %x of ones: %llx", r->csr, (unsigned long long)x[A1]);
        write_as(rig, 3, r->csr, 0);
        EXPECT(report, !rig->traps && (read_as(rig, 3, r->csr) & ~known) == (r->zeros & ~known), "csr %x of zeros: %llx", r->csr, (unsigned long long)x[A1]);
        report->runs++;
    }
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        EXPECT(report, read_as(rig, 3, constants[i].csr) == constants[i].value && !rig->traps, "csr %x: %llx", constants[i].csr, (unsigned long long)x[A1]);
    rig_reset(rig);
    write_as(rig, 3, 0x300, 2 << 11);
    EXPECT(report, !(read_as(rig, 3, 0x300) & MPP), "MPP 2: %llx", (unsigned long long)x[A1]);
    for (uint64_t mode = 0; mode < 16; mode++) {                // satp: Bare, Sv39, Sv48, Sv57
        uint64_t value = mode << 60 | 0xabcull << 44 | 0x12345;
        write_as(rig, 3, 0x180, 1);
        write_as(rig, 3, 0x180, value);
        EXPECT(report, read_as(rig, 3, 0x180) == (mode == 0 || (mode >= 8 && mode <= 10) ? value : 1), "satp mode %d: %llx", (int)mode, (unsigned long long)x[A1]);
    }
    rig_reset(rig);
    core_rv64_set_csr(rig->core, 0x304, 0xaaa);
    core_rv64_set_csr(rig->core, 0x303, 0x202);
    EXPECT(report, read_as(rig, 3, 0x104) == 0x202, "sie shows %llx", (unsigned long long)x[A1]);
    write_as(rig, 3, 0x104, 0x20);
    EXPECT(report, read_as(rig, 3, 0x304) == 0x8a8, "mie behind a write of sie: %llx", (unsigned long long)x[A1]);
    core_rv64_set_csr(rig->core, 0x304, 0);
    core_rv64_set_mip(rig->core, 0x200, 0x200);                 // SEIP: the line and what software wrote are two things
    EXPECT(report, read_as(rig, 3, 0x344) == 0x200, "SEIP of the line");
    rig_one(rig, 3, rv_csrsi(0x344, 2), FS);                    // sets SSIP, and must not make SEIP its own
    core_rv64_set_mip(rig->core, 0x200, 0);
    EXPECT(report, read_as(rig, 3, 0x344) == 2, "mip %llx", (unsigned long long)x[A1]);
    write_as(rig, 3, 0x344, 0x200);
    core_rv64_set_mip(rig->core, 0x200, 0x200);
    core_rv64_set_mip(rig->core, 0x200, 0);
    EXPECT(report, read_as(rig, 3, 0x344) == 0x200, "SEIP as written: %llx", (unsigned long long)x[A1]);
    rig_free(rig);
}

void csr_rights(int variant, ProofReport *report)
{
    (void)variant;
    Rig *rig = open_bench();
    uint64_t *x = rig_x(rig);
    for (unsigned csr = 0; csr < 0x1000; csr++) {
        for (uint64_t mode = 0; mode <= 3; mode += mode == 1 ? 2 : 1) {
            for (int open = 0; open < 4; open++) {              // bit 0 mcounteren, bit 1 scounteren; TVM goes with bit 0
                if (open && csr != 0x180 && (csr < 0xc00 || csr > 0xc1f))
                    continue;
                core_rv64_set_csr(rig->core, 0x306, open & 1 ? ALL : 0);
                core_rv64_set_csr(rig->core, 0x106, open & 2 ? ALL : 0);
                x[CORE_RV64_MSTATUS] = open & 1 ? TVM : 0;
                bool reads = exists(csr) && mode >= (csr >> 8 & 3);
                if (csr >= 0xc00 && csr <= 0xc1f)
                    reads = mode == 3 || (open & 1 && (mode == 1 || open & 2));
                if (csr == 0x180 && mode == 1 && open & 1)
                    reads = false;
                bool writes = reads && csr < 0xc00;
                read_as(rig, mode, csr);
                uint32_t trap = rv_csrrs(A1, (int)csr, ZERO);
                EXPECT(report, rig->traps == !reads && (reads || (rig->trap[0].cause == ILLEGAL && rig->trap[0].value == trap)), "mode %d reads csr %x: %d traps", (int)mode, csr, rig->traps);
                if (csr == 0x3a0 || csr == 0x3b0)
                    continue;                                   // as they are, S and U have memory
                x[A0] = 0;
                rig_one(rig, mode, rv_csrrs(ZERO, (int)csr, A0), FS);  // sets no bits, and is a write
                EXPECT(report, rig->traps == !writes, "mode %d writes csr %x: %d traps", (int)mode, csr, rig->traps);
                report->runs++;
            }
        }
    }
    for (unsigned csr = 1; csr <= 3; csr++) {
        rig_one(rig, 3, rv_csrrs(A1, (int)csr, ZERO), 0);
        EXPECT(report, rig->traps == 1, "csr %x with FS off", csr);
    }
    rig_free(rig);
}

// ---- mret, sret, wfi, sfence.vma, ebreak
void privileged_instructions(int variant, ProofReport *report)
{
    (void)variant;
    Rig *rig = open_bench();
    uint64_t *x = rig_x(rig);
    struct { const char *name; uint32_t word; uint64_t status; bool user, supervisor, machine; } may[] = {
        { "wfi", RV_WFI, 0, false, true, true }, { "wfi with TW", RV_WFI, TW, false, false, true },
        { "sfence.vma", RV_SFENCE_VMA, 0, false, true, true }, { "sfence.vma with TVM", RV_SFENCE_VMA, TVM, false, false, true },
        { "sret", RV_SRET, 0, false, true, true }, { "sret with TSR", RV_SRET, TSR, false, false, true }, { "mret", RV_MRET, 0, false, false, true } };
    AT(uint32_t, rig->ram, MRET_TARGET) = RV_NOP;
    for (size_t i = 0; i < sizeof may / sizeof *may; i++) {
        for (uint64_t mode = 0; mode <= 3; mode += mode == 1 ? 2 : 1) {
            x[CORE_RV64_MSTATUS] = may[i].status;
            x[CORE_RV64_MEPC] = x[CORE_RV64_SEPC] = rig->base + MRET_TARGET;
            rig_one(rig, mode, may[i].word, FS);
            bool allowed = mode == 3 ? may[i].machine : mode ? may[i].supervisor : may[i].user;
            EXPECT(report, rig->traps == !allowed && (allowed || (rig->trap[0].cause == ILLEGAL && rig->trap[0].value == may[i].word)), "%s in mode %d: %d traps", may[i].name, (int)mode, rig->traps);
            report->runs++;
        }
    }
    for (uint64_t to = 0; to <= 3; to += to == 1 ? 2 : 1) {     // MPRV goes when the mode is left
        x[CORE_RV64_MSTATUS] = MPRV | to << 11 | 0x80;
        x[CORE_RV64_MEPC] = rig->base + MRET_TARGET + 1;
        rig_one(rig, 3, RV_MRET, 0);
        EXPECT(report, x[CORE_RV64_PRIV] == to && x[CORE_RV64_MSTATUS] == (0x88 | (to == 3 ? MPRV : 0)) && x[CORE_RV64_PC] == rig->base + MRET_TARGET + 4, "mret to %d: mstatus %llx pc %llx", (int)to,
            (unsigned long long)x[CORE_RV64_MSTATUS], (unsigned long long)x[CORE_RV64_PC]);
        if (to == 3)
            continue;
        x[CORE_RV64_MSTATUS] = MPRV | to << 8 | 0x20 | MPP;
        rig_one(rig, 3, RV_SRET, 0);
        EXPECT(report, x[CORE_RV64_PRIV] == to && x[CORE_RV64_MSTATUS] == (0x22 | MPP), "sret to %d: mstatus %llx", (int)to, (unsigned long long)x[CORE_RV64_MSTATUS]);
    }
    rig_one(rig, 3, RV_EBREAK, 0);
    EXPECT(report, rig->traps == 1 && rig->trap[0].cause == BREAKPOINT && rig->trap[0].value == rig->base + 4, "ebreak");
    rig_one(rig, 3, RV_C_EBREAK, 0);
    EXPECT(report, rig->traps == 1 && rig->trap[0].cause == BREAKPOINT && rig->trap[0].value == rig->base + 4, "c.ebreak");
    rig_free(rig);
}

// ---- mcountinhibit
void inhibited_counters(int variant, ProofReport *report)
{
    enum { MCYCLE = 0xb00, MINSTRET = 0xb02, INHIBIT = 0x320 };
    uint64_t step = variant ? (uint64_t)variant : 1000;
    Code *code = code_new(0);
    put32(code, rv_csrrs(A0, MCYCLE, ZERO));                    // 0
    put32(code, rv_i(RV_SYSTEM, 5, 0, 5, INHIBIT));             // 1: csrwi mcountinhibit, 5
    put32(code, rv_csrrs(A1, MCYCLE, ZERO));                    // 2
    put32(code, rv_csrrs(A2, MINSTRET, ZERO));                  // 3
    put32(code, rv_csrrs(A3, MCYCLE, ZERO));                    // 4
    put32(code, rv_i(RV_SYSTEM, 5, 0, 4, INHIBIT));             // 5: cycles run again
    put32(code, rv_csrrs(A4, MCYCLE, ZERO));                    // 6
    put32(code, rv_csrrs(A5, MCYCLE, ZERO));                    // 7
    put32(code, rv_csrrs(A6, MINSTRET, ZERO));                  // 8
    put32(code, rv_csrrw(ZERO, MINSTRET, A5));                  // 9: written while it stands
    put32(code, rv_csrrs(A7, MINSTRET, ZERO));
    put32(code, RV_WFI);
    Rig *rig = rig_new(CORE_RV64, code);
    uint64_t *x = rig_x(rig);
    while (core_run(rig->core, step) == CORE_BUDGET)
        ;
    EXPECT(report, x[A0] == 0 && x[A1] == 2 && x[A2] == 2 && x[A3] == 2, "inhibited: %d %d %d", (int)x[A1], (int)x[A2], (int)x[A3]);
    EXPECT(report, x[A4] == 2 && x[A5] == 3 && x[A6] == 2 && x[A7] == 3, "and again: %d %d %d %d", (int)x[A4], (int)x[A5], (int)x[A6], (int)x[A7]);
    rig_free(rig);
    code_free(code);
}
