// The engine seam: one hart of an RV64 or Cortex-M4 machine, exact to the instruction. Everything above this header is Swift
// and knows no library type; everything below it is libunicorn 2.0.1 (x86-64 hosts) and what it takes to make that exact.
// Swap the engine here.
//
// Words: an *attempt* is one instruction that was begun, whether it retired or trapped. The *index* of an instruction is the
// number of attempts before it since core_open or core_reset. A Core runs on one thread at a time; Cores that share a
// CoreMemory run on one thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- is this the library and the host that all of this was proven on?

typedef struct {
    unsigned major, minor;      // what uc_version says
    char build_id[48];          // GNU build ID in hex, "" if it has none
    char path[256];             // the file that the loader took
    bool tested;                // the build ID is one that the whole test suite has run against
} CoreLibrary;

void core_library(CoreLibrary *library);
// NULL: usable; else the check that fails, in a few words. Computed once: symbols and offsets for a tested build; for any
// other the whole self-test too, in a child process, since a foreign library may crash instead of answering.
const char *core_check(void);
// Short guests on both cores (a few ms): counts, indexes, self-modifying code, stores, dirty log, paging, FP. NULL: passed.
const char *core_self_test(void);

// ---- memory: blocks of host memory that guests execute from and access directly

typedef struct CoreMemory CoreMemory;

CoreMemory *core_memory_new(uint64_t size);                 // zeroed; size: a multiple of 4096; NULL: no memory
void core_memory_free(CoreMemory *memory);                  // after every Core that maps it was closed
uint8_t *core_memory_bytes(CoreMemory *memory);
// After every write by anybody but the guest: marks the dirty log, drops the code translated from these bytes in every Core.
void core_memory_written(CoreMemory *memory, uint64_t offset, uint64_t length);
// Calls page with the offset of each 4 KiB page written since the last call, forgets them, arms the log again; how many.
size_t core_memory_take_dirty(CoreMemory *memory, void (*page)(void *data, uint64_t offset), void *data);

// Bytes that somebody waits for: a guest's store that touches one of them is told to its Core's host (CoreHost.stored). Stores into
// that page are slow meanwhile; elsewhere it costs nothing. False: 32 are watched already, or these do not lie in memory.
bool core_memory_watch(CoreMemory *memory, uint64_t offset, uint64_t length);
void core_memory_unwatch(CoreMemory *memory, uint64_t offset, uint64_t length);     // one that was begun with the same numbers

// ---- what a Core asks of its host. No callback may unwind through C: it returns a verdict and the shim acts on it

typedef struct Core Core;
typedef enum { CORE_RV64, CORE_CORTEX_M4 } CoreKind;

typedef struct {
    uint64_t address;           // physical
    uint64_t value;             // store: what is stored; load: the host writes the answer here
    uint64_t index;             // of the accessing instruction
    uint64_t cycle;             // in which it begins
    uint64_t pc;                // its virtual address
    uint8_t size;               // 1, 2, 4 or 8 bytes, naturally aligned; as the guest made it
    bool is_store;
    bool privileged;            // M4: privileged; RV64: S or M mode
} CoreAccess;

typedef enum { CORE_ACCESS_DONE, CORE_ACCESS_FAULT } CoreAccessVerdict;     // FAULT: nothing happened, a precise guest fault

enum {                          // CoreTrap.cause on a Cortex-M4; on RV64 it is the value of mcause
    CORE_M4_SVC = 1, CORE_M4_BKPT, CORE_M4_UNDEFINED, CORE_M4_INVALID_STATE, CORE_M4_NO_COPROCESSOR, CORE_M4_UNALIGNED,
    CORE_M4_BUS_FAULT,          // value: address of a load or store
    CORE_M4_FETCH_FAULT,        // no memory at pc
    CORE_M4_EXECUTE_NEVER,      // pc lies in an XN region
    CORE_M4_MPU_FAULT,          // value: address of a load or store
    CORE_M4_EXCEPTION_RETURN,   // value: the EXC_RETURN that was loaded into the PC in handler mode
    CORE_M4_LAZY_FP,            // first FP instruction while lazy state preservation is pending; no attempt
    CORE_M4_DIVIDE_BY_ZERO,     // SDIV or UDIV, where core_m4_set_traps says so
};

typedef struct {
    uint64_t cause;
    uint64_t value;             // RV64: what mtval gets
    uint64_t pc;                // of the instruction; SVC: of the next one (the return address); an interrupt: where it struck
    uint64_t index;             // attempts so far, the trapping one included (a fetch fault is no attempt)
    uint64_t cycle;             // cycles so far, likewise
} CoreTrap;

typedef enum {
    CORE_TRAP_DELIVER,          // RV64: enter the guest's trap vector; M4: the host has entered the exception
    CORE_TRAP_RESUME,           // the host has handled it and written pc; the instruction counts as retired
    CORE_TRAP_RETRY,            // run the instruction again; the attempt does not count
} CoreTrapVerdict;

typedef struct {
    CoreMemory *memory;
    uint64_t offset, length;    // the watched bytes among those stored
    uint64_t index, pc;         // of the storing instruction
} CoreStore;

typedef struct {
    // A load or store that hits no CoreMemory, or a store into one that is read-only.
    CoreAccessVerdict (*access)(void *context, CoreAccess *access);
    // A synchronous trap. M4: every one. RV64: those of core_rv64_watch, and with bit 63 interrupts just taken (verdict ignored).
    CoreTrapVerdict (*trap)(void *context, const CoreTrap *trap);
    // M4: between two instructions, while core_m4_set_pending says so: enter the pending exception if its priority allows.
    void (*interrupt)(void *context);
    // A store into watched memory, once it is done: between it and the next instruction. The registers that this one writes behind
    // its store (rd of an AMO or SC, a base register on M4) are still to come. The host may write memory and stop.
    void (*stored)(void *context, const CoreStore *store);
    // A load or store that is refused for its alignment, so that access is not asked; M4: also of memory, where it traps. A precise guest
    // fault whatever the host does. May be NULL.
    void (*misaligned)(void *context, const CoreAccess *access);
} CoreHost;

typedef struct {
    CoreMemory *memory;
    uint64_t address;           // physical, a multiple of 4096
    bool writable;              // by the guest
} CoreRegion;

// ---- life

// Call core_check first. NULL: out of memory, more than 16 regions, or not our library. hart: 0..28, different for Cores that share memory.
Core *core_open(CoreKind kind, unsigned hart, const CoreRegion *regions, size_t count);
void core_close(Core *core);
// Back to the state of core_open in all that a guest can see, with this host from now on; translated code is kept.
void core_reset(Core *core, CoreHost host, void *context);
void core_drop_code(Core *core);            // forget all translated code
// Between two runs: all of a Core but its memory, host and translated code, as bytes for a Core of the same kind in this process.
size_t core_state_size(const Core *core);
void core_save(const Core *core, void *state);
void core_load(Core *core, const void *state);  // resets it first
// The same for another process, from a file that anybody may have written. A Cortex-M4's registers are not in it: the host has them.
size_t core_portable_size(const Core *core);
bool core_to_portable(const Core *core, const void *state, void *portable);     // false: it would not be all of it, a bug
bool core_from_portable(const Core *core, const void *portable, void *state);   // false: no Core has that state
bool core_rv64_is_legal(Core *core);        // its CSRs hold what can be written to them; disturbs it: load it again

// ---- running

typedef enum {
    CORE_BUDGET,                // exactly the attempts asked for were made
    CORE_SLEEP,                 // wfi / WFI, which is done; the host decides when to run again
    CORE_SLEEP_EVENT,           // WFE with the event register clear
    CORE_STOPPED,               // core_stop
    CORE_TRAP_LOOP,             // RV64: a trap handler's first instruction trapped into itself with nothing retired in between
    CORE_FAILED,                // the library reported something unknown: an emulator bug; core_failure says what
    CORE_BREAKPOINT,            // before an instruction of core_set_breakpoints
    CORE_WATCHPOINT,            // before an instruction that touches what core_set_watchpoints says: core_touch
} CoreExit;

CoreExit core_run(Core *core, uint64_t attempts);
// Also ends before the first instruction that does not begin within so many cycles.
CoreExit core_run_cycles(Core *core, uint64_t attempts, uint64_t cycles);
// RV64, for a host that looks at every instruction: one attempt at most, and the core as that left it. core_run(core, 1) goes on to the
// interrupts behind it and to the fetch fault of the next one: core_enter_pending does, which is to be called after CORE_BUDGET, and
// before every step. A fetch fault in place of the attempt is CORE_STOPPED.
CoreExit core_step(Core *core);
void core_enter_pending(Core *core);
// From a callback: leave core_run directly behind the running instruction (from trap: before the handler's first).
void core_stop(Core *core);
// From a callback: end the run when that index is reached (directly behind the running instruction if that is later).
void core_cut(Core *core, uint64_t index);
void core_cut_cycles(Core *core, uint64_t cycle);
uint64_t core_cycle(const Core *core);      // cycles so far: attempts, unless core_m4_set_cycles
uint64_t core_index(const Core *core);      // attempts so far; exact between instructions
uint64_t core_retired(const Core *core);    // index less the attempts that trapped
uint64_t core_flow(const Core *core);       // a hash over (index, cause, pc) of every trap and RV64 interrupt
const uint64_t *core_trap_counts(const Core *core);     // [64] by cause; RV64 interrupts at 32 + cause
const char *core_failure(const Core *core);
typedef struct { uint64_t translations, precise_exits, repeats, overflows, slow_stores, cross_drops, opened_pages, pte_updates; } CoreFigures;
CoreFigures core_figures(const Core *core); // for tests and `doctor`
// The machine's clock as this hart reads it: tick = index + offset (ticks spent asleep, and in other harts' turns);
// cycle CSR = tick; time CSR = floor(tick * numerator / denominator) + time_offset.
void core_set_clock(Core *core, uint64_t offset, uint64_t numerator, uint64_t denominator, uint64_t time_offset);

// ---- what was executed

// From here on keeps which instructions are begun and which ways conditional branches go, or no more; forgets what was kept, and all translated
// code. Between runs. No part of what a guest sees or of a saved Core; core_reset leaves it as it is.
void core_cover(Core *core, bool covers);
// By virtual address, in no order. taken, passed: false but of conditional branches; M4: those in an IT block are none.
void core_each_covered(const Core *core, void (*each)(void *data, uint64_t pc, bool taken, bool passed), void *data);

// ---- a debugger's stops. They are no part of what a guest sees, of an index, or of a saved Core; without them nothing is slower

// A run ends before the instruction at one of these addresses, as the guest's pc has them, and before an instruction that would load or
// store one of those bytes, as the guest addresses them, in memory or in a device. What is pending there has been entered, what is due
// by its budget is done. The next run begins with that instruction. Between runs; false, and as it was: no memory, or more than 32.
typedef struct {
    uint64_t address, size;
    bool loads, stores;
} CoreWatchpoint;

typedef struct {
    uint64_t address;           // virtual, of the whole access
    uint64_t index, pc;         // of the instruction
    uint8_t size;
    bool is_store;
} CoreTouch;

bool core_set_breakpoints(Core *core, const uint64_t *addresses, size_t count);
bool core_set_watchpoints(Core *core, const CoreWatchpoint *watchpoints, size_t count);
CoreTouch core_touch(const Core *core);     // after CORE_WATCHPOINT
// Before an instruction at one of these addresses is begun, each time, `look` is told once: with the place of the address among those given,
// which ascend, and with the instruction's index. It is called from translated code, and nothing ends or is left for it. Registers and pc
// are live. It may read and do nothing else. Between runs; they stay over a reset. False, and as it was: no memory.
bool core_set_looks(Core *core, const uint64_t *addresses, size_t count, void (*look)(void *context, size_t place, uint64_t index), void *context);
// Where there are looks, they may know regions of the code, too, each from one of these addresses to the next: `look` is also told of the first
// instruction of a block that begins in another region than what it was told of last, or to which control came by no instruction. Its place is
// then the number of looks, and as many more as regions begin at or below it. Forgets all translated code.
bool core_set_regions(Core *core, const uint64_t *starts, size_t count);
enum { CORE_CAME_ENTERED = 1, CORE_CAME_RETURNED = 2, CORE_CAME_MOVED = 4 };
// To the instruction that is looked at: since the one before, a trap or an interrupt was entered, or mret or sret was executed (RV64; both:
// in the other order), or the host has moved the core (M4).
unsigned core_came(const Core *core);
uint64_t core_looked_cycle(const Core *core);   // core_cycle at that instruction
void core_pass(Core *core);                 // the next run begins with the instruction at pc, whether there is a breakpoint or not
void core_moved(Core *core);                // the host has changed pc between two runs: nothing of the old instruction is left to do

// ---- RV64 state: 64-bit words by number; live between instructions and inside callbacks (pc and index: in the callback's struct)

enum {
    CORE_RV64_X0 = 0, CORE_RV64_F0 = 32, CORE_RV64_PC = 64, CORE_RV64_RESERVATION = 65, CORE_RV64_MISA = 71,
    CORE_RV64_PRIV = 74, CORE_RV64_MHARTID = 77,
    CORE_RV64_MSTATUS = 78, CORE_RV64_MIE = 81, CORE_RV64_MIDELEG = 82, CORE_RV64_SATP = 84, CORE_RV64_STVAL = 85,
    CORE_RV64_MTVAL = 86, CORE_RV64_MEDELEG = 87, CORE_RV64_STVEC = 88, CORE_RV64_SEPC = 89, CORE_RV64_SCAUSE = 90,
    CORE_RV64_MTVEC = 91, CORE_RV64_MEPC = 92, CORE_RV64_MCAUSE = 93, CORE_RV64_WORDS = 94
};
uint64_t *core_rv64_words(Core *core);
enum {                          // what a machine may choose; 0: as QEMU's virt does by default
    CORE_RV64_TRAP_MISALIGNED = 1,      // misaligned loads and stores trap instead of being done
    CORE_RV64_SVADE = 2,                // a page whose A or D bit would have to be set is a page fault instead
};
void core_rv64_set_options(Core *core, unsigned options);      // at any time between runs
uint64_t core_rv64_mip(const Core *core);
void core_rv64_set_mip(Core *core, uint64_t mask, uint64_t bits);   // one that can be taken is taken directly behind the running instruction
void core_rv64_fence(Core *core);           // SFENCE.VMA of everything, between its runs or from a callback of its own
// Eight bytes at a virtual address, as a load of the hart would find them; false: it would fault, or meet a device.
bool core_rv64_load(Core *core, uint64_t va, uint64_t *value);
// Which traps the host wants to see: bit = cause (8 ecall from U, 9 S, 11 M; 3 ebreak ...); and whether interrupts too.
void core_rv64_watch(Core *core, uint64_t causes, bool interrupts);
// Any CSR by number, whatever the mode; false: there is no such CSR. Writes have the effects that a csrw in M mode has.
bool core_rv64_csr(Core *core, unsigned csr, uint64_t *value);
bool core_rv64_set_csr(Core *core, unsigned csr, uint64_t value);

// ---- Cortex-M4 state

typedef struct {
    uint32_t r[16];             // r[13] is the active stack pointer
    uint32_t xpsr;              // IPSR, EPSR with ICI/IT and T, APSR
    uint32_t msp, psp;
    uint32_t control, primask, faultmask, basepri;
} CoreM4;

typedef struct { uint32_t primask, faultmask, basepri; } CoreM4Masks;

void core_m4_get(Core *core, CoreM4 *state);
CoreM4Masks core_m4_masks(const Core *core);                // the part of it that is asked for most often
void core_m4_set(Core *core, const CoreM4 *state);          // r[13] is ignored: msp, psp, CONTROL.SPSEL and IPSR decide
uint32_t *core_m4_r(Core *core);                            // r0-r12, sp, lr live; r15 only between instructions
uint32_t *core_m4_s(Core *core);                            // s0-s31
uint32_t core_m4_fpscr(Core *core);
void core_m4_set_fpscr(Core *core, uint32_t fpscr);
// Something enabled is pending: host.interrupt is asked wherever masks may have changed. takeable: its priority allows it now,
// so translated code is left directly behind the running instruction.
void core_m4_set_pending(Core *core, bool pending, bool takeable);
void core_m4_set_event(Core *core, bool event);             // the event register of WFE
bool core_m4_event(const Core *core);
void core_m4_clear_exclusive(Core *core);                   // at exception entry and return: a STREX behind it fails
void core_m4_set_priority_mask(Core *core, uint8_t mask);    // the bits of BASEPRI that are implemented; all, unless told
// Cycles are those of the Cortex-M4's manual (cycles.c) and no longer the attempts; core_reset ends that.
void core_m4_set_cycles(Core *core, bool counts);
void core_m4_take_cycles(Core *core, unsigned cycles);      // exception entry and return: the next instruction begins so much later
// When an FP instruction traps. access: CPACR's field (0 off, 1 privileged, 3 on); automatic: FPCCR.ASPEN; lazy_active:
// FPCCR.LSPACT; fpdscr: what FPSCR becomes when an FP context is created.
void core_m4_set_fp(Core *core, unsigned access, bool automatic, bool lazy_active, uint32_t fpdscr);
// CCR.UNALIGN_TRP and CCR.DIV_0_TRP. From the next block on: end the running one (core_cut).
void core_m4_set_traps(Core *core, bool unaligned, bool divide_by_zero);
// An exception of priority below 0 (HardFault, NMI) is active. With FAULTMASK it decides whether MPU_CTRL.HFNMIENA counts.
void core_m4_set_negative(Core *core, bool active);

typedef struct {
    uint32_t control;           // MPU_CTRL
    uint32_t base[8];           // MPU_RBAR
    uint32_t attributes[8];     // MPU_RASR
} CoreM4MPU;

void core_m4_set_mpu(Core *core, const CoreM4MPU *mpu);     // as core_m4_set_traps: end the running block

typedef struct {
    uint32_t start, block;      // of memory: multiples of 1 KiB; block 0: nothing is unreadable
    uint32_t blocks[4];         // a bit each
} CoreM4Unreadable;

// Loads of data from these blocks are bus faults; code there runs. As core_m4_set_traps: end the running block.
void core_m4_set_unreadable(Core *core, const CoreM4Unreadable *unreadable);
typedef struct {
    struct { uint32_t address, size; } range[4];            // size 0: none
} CoreM4Watch;

// Loads and stores that touch one of these bytes go to host.access, memory or not. As core_m4_set_traps: end the running block.
void core_m4_set_watch(Core *core, const CoreM4Watch *watch);
// May data be loaded or stored there? Of exceptions, which load and store themselves.
bool core_m4_allows(const Core *core, uint32_t address, uint32_t size, bool is_store, bool privileged, bool negative);
