// What the files of the shim share: the layout of the library's structures, one Core, one block of memory, and the table of what
// differs between the two guest architectures. All offsets are those of libunicorn 2.0.1.post1; core_check compares them.
#pragma once
#include "CoreShim.h"
#include <unicorn/unicorn.h>

#define AT(T, p, offset) (*(T *)((char *)(p) + (offset)))

// ---- the library's structures (from its DWARF)
enum { UC_CPU = 0x180, UC_PAGE = 0x268, UC_TCG = 0x2c0, UC_BYTEWISE = 0x508, UC_QUIT = 0x50e, UC_ERROR = 0x530,
       UC_UNTIL = 0x538, UC_JUMP_BUFFER = 0x790, UC_NESTED = 0x3990 };
enum { CPU_NEXT_CFLAGS = 24, CPU_INTERRUPT = 28, CPU_ENV = 296, CPU_JUMP_CACHE = 312, CPU_MEM_IO_PC = 0x8178,
       CPU_CORE = 0x8180 /* trace_dstate_delayed, unused */, CPU_HALTED = 0x8198, CPU_EXCEPTION = 0x81a0, CPU_UC = 0x81a8 };
enum { TCG_ENTER = 0x90, TCG_BUFFER = 0xa0, TCG_BUFFER_SIZE = 0xb8, TCG_HIGHWATER = 0xd0, TCG_EXIT_LABEL = 0x100, TCG_OPS = 0x7388, TCG_INSN_END = 0x74b8 };
enum { OP_NEXT = 8, OP_ARGS = 24, OP_CALL = 2, ENV_STOP = -16, ENV_STOP_HIGH = -14, ENV_BUDGET = -8, ENV_CYCLES = 64 };
// The soft TLB: before env a table of each mode, before these a descriptor of each, before these a word with a bit for each that is not empty.
enum { TLB_ENTRY = 32, TLB_USED_MODES = -0x20, TLB_VICTIM_COUNT = 8 };
#define NOT_DIRTY(arch) (1ull << ((arch)->page_bits - 2))      // in an entry: stores come by, and in what loads look up, loads
enum { RV_PC = 512, RV_LOAD_RES = 520, RV_LOAD_VAL = 528, RV_BADADDR = 544, RV_PRIV = 592, RV_MSTATUS = 624, RV_MIP = 632, RV_SATP = 672, RV_RESET_BYTES = 1576 };
enum { HFLAG_CYCLES = 1 << 29, HFLAG_FP_TRAPS = 3 << 22, HFLAG_DIVIDE = 1 << 18, HFLAG_ALIGN = 1 << 19, HFLAG_NEGATIVE = 2 << 24 };    // 18 and 19: of no use to the library on an M profile
enum { ARM_CF = 0x208, ARM_VF = 0x20c, ARM_NF = 0x210, ARM_ZF = 0x214, ARM_QF = 0x218, ARM_GE = 0x21c, ARM_HFLAGS = 0x150, ARM_THUMB = 0x220,
       ARM_CONDEXEC = 0x224, ARM_OTHER_SP = 2840, ARM_BASEPRI = 2860, ARM_CONTROL = 2868, ARM_FPCA = 2872, ARM_IPSR = 2928, ARM_PRIMASK = 2932,
       ARM_FAULTMASK = 2940, ARM_SECURE = 0xb88, ARM_S0 = 3088, ARM_FPSCR_FLAGS = 0xe2c, ARM_FP_STATUS = 0xe88, ARM_FPCCR = 0xbb4, ARM_EXCLUSIVE = 0xec0, ARM_RESET_BYTES = 4412 };
enum { INTERRUPT_HARD = 2, EXCP_INTERRUPT = 0x10000, EXCP_HLT, JUMP_NEXT = 0, JUMP_TOO_MANY = 1, JUMP_NORETURN = 2, CF_COUNT = 0x7fff, CF_NOCACHE = 0x10000, CF_INVALID = 0x40000, NOT_CODE = -1 };
enum { CF_BRANCH = 1 << 20, CF_WIDE = 1 << 21 };   // two that the library has no use for: a conditional branch ends the block; one of 4 bytes
enum { MAX_VIEWS = 16, MAX_SHARED_VIEWS = 128, MEMO_SIZE = 64, MAX_PARTS = 2048, MAX_ENDERS = 64, MAX_DONE = 32, MAX_WATCHES = 32, IO_PAGES = 16, MAX_USER_PAGES = 16, CODE_BYTES = 16 << 20 };

// ---- one block of host memory; Cores map it, several times if they like
typedef struct { Core *core; CoreMemory *memory; uint64_t ram_address, guest; bool writable; } View;

struct CoreMemory {
    uint8_t *host;
    uint64_t size;
    uint32_t *code;                 // per KiB: bit h = the Core of hart h has translated code there; WATCHED
    uint64_t code_low, code_high;   // KiB between which bits of code may be set
    uint8_t *tables;                // a bit per 8 bytes: a page table entry that some translation came from
    uint64_t *mapped;               // per 4 KiB with such entries: which addresses they map
    uint8_t *dirty;                 // per 4 KiB: written since core_memory_take_dirty
    View *views[MAX_SHARED_VIEWS];
    int view_count;
    struct { uint64_t offset, length; } watches[MAX_WATCHES];
    int watch_count;
    Core *last;                     // whose turn it is
    int guards;                     // reservations that wait for their harts
};
#define WATCHED (1u << 31)          // in `code`: somebody waits for a store into this page
#define TABLES (1u << 30)           // translations in some soft TLB came from this page
#define GUARDED (1u << 29)          // in `code`: a hart that is waiting for its turn has a reservation in this page
#define NOT_HARTS (WATCHED | TABLES | GUARDED)

// ---- one hart
typedef struct { uintptr_t host_pc; uint64_t pc, epoch; int64_t back, cycles_back; bool last; } Memo;    // which instruction a host address belongs to

typedef struct Coverage Coverage;   // coverage.c

struct Core {
    uc_engine *uc;
    char *cpu, *env;
    const struct Arch *arch;
    CoreKind kind;
    unsigned hart;
    CoreHost host;
    void *context;

    // Between here and `figures`: what a saved Core has beside env (state.c).
    int64_t granted;                // the index at which the budget is used up
    int64_t granted_cycles;         // likewise
    bool counts_cycles;             // a Cortex-M4 by its timing: cycles_of counts them down; else a cycle is an attempt
    uint64_t failed;                // attempts that trapped and so did not retire
    uint64_t trap_counts[64], flow;
    struct { uint64_t pc, cause, retired, valid; } last_trap;
    uint64_t clock_offset, clock_numerator, clock_denominator, time_offset, cycle_offset, retired_offset;
    // Device accesses of the instruction at done_index. When one of them must be the last thing before an interrupt or a stop, the
    // instruction is run again as a block of its own and gets these answers instead of touching the devices twice.
    uint64_t done_index, done_cycle, done[MAX_DONE];
    uint32_t done_count, replay_next, replay_count;
    uint32_t fp_access, fpdscr;
    bool event, fp_lazy_active, fp_automatic, traps_unaligned, traps_divide, negative;
    struct {                        // RV64: what env has no place for
        uint64_t pmp_address[16], pmp_from[16], pmp_past[16], menvcfg, senvcfg, inhibited, cycle, instret;         // the counters' values while they are inhibited
        uint8_t pmp_config[16], pmp_used;       // the entries from this one on are off
        bool external_line, external_written;   // the two that make mip.SEIP
    } rv64;
    uint8_t priority_mask;
    CoreM4MPU mpu;
    CoreM4Watch data_watch;
    CoreM4Unreadable unreadable;
    bool watching;

    struct { CoreMemory *memory; uint64_t offset; } guarded;    // the reservation, while it is another hart's turn
    bool has_turn;
    CoreFigures figures;
    bool expired;                   // a block did not fit into the budget
    bool alone;                     // an instruction is to be run again, as a block of one
    char *running;                  // that block, or the one of that instruction; NULL: it is gone
    char *parts[MAX_PARTS];         // blocks that are a few instructions of another one
    bool stop, attention, sleeping, sleeping_event;
    bool stepping;                  // interrupts wait, and a fetch fault ends the run
    struct { bool waits; uint64_t cause, value, pc; } next_fault;
    CoreExit exit;
    char failure[160];

    View views[MAX_VIEWS];
    int view_count;
    bool some_read_only;
    void *any_region;               // a region that permits everything: the answer to a look-up by virtual address

    uint64_t access_va;             // the access or fetch being made through the slow path
    unsigned access_mmu;
    bool paged_lookup;              // the core is about to look this virtual address up among the physical regions
    struct { uint64_t va, pa; unsigned mmu; } io_pages[IO_PAGES];   // virtual to physical, as the last walks found it
    uint64_t user_page[MAX_USER_PAGES];
    int user_pages;                 // RV64: pages of U mode in S mode's soft TLB; more than there is room for: any
    size_t replaced[4];             // RV64: entries of each mode's soft TLB that gave way to others since it was empty
    bool sparse[4];                 // RV64: it was much larger than needed when it was emptied
    bool in_access;
    bool split_page;                // RV64: the PMP tells parts of a page apart that the access touches
    CoreStore watched;              // what the store that is being made writes of watched memory; memory NULL: nothing
    uint64_t fault_address;
    uint64_t fault_cause;           // Cortex-M: what the data abort that was just raised means; 0: the MPU
    uint32_t only_word;             // the RV64 instruction that was translated last
    uint32_t trap_word;             // the RV64 instruction that traps, where its exception needs it

    uint32_t hflags[128];           // Cortex-M: the library's, by all that they hang on; 0: not asked yet
    struct { uint64_t pc; uint32_t repeats; } enders[MAX_ENDERS];   // instructions that were run again alone: how often
    uint64_t epoch;                 // counts translations: remembered host addresses are good for one epoch
    Memo memo[MEMO_SIZE];

    unsigned rv64_options;          // CORE_RV64_…: of the machine, not of its state
    uint64_t watch;                 // RV64 causes that the host wants to see
    bool watch_interrupts;
    bool host_csr;                  // the host reads a CSR: between instructions, not in one

    Coverage *coverage;             // NULL: nobody asks what is executed

    // A debugger's (breakpoints.c)
    uint64_t *breakpoints;          // ascending; virtual
    size_t breakpoint_count, watchpoint_count;
    CoreWatchpoint watchpoints[MAX_WATCHES];
    CoreTouch touch;                // that one was told of last
    struct { uint64_t index, pc; } passed;      // the instruction before which a run has ended already

    uint64_t *looks;                // ascending, where somebody looks at a run that goes on
    size_t look_count;
    void (*look)(void *context, size_t place, uint64_t index);
    void *look_context;
    struct { uint64_t index, pc, cycle; } looked;       // the instruction that was told last
    uint64_t *regions;                          // ascending, where they begin
    size_t region_count;
    uint32_t region;                            // of the block that runs; NO_REGION: what comes next is told
    uint8_t came, told_came;                    // CORE_CAME_...

    char pristine[ARM_RESET_BYTES]; // env as core_open left it
};

// ---- what differs between the guests
typedef struct Arch {
    const char *suffix;
    int env, modes, page_bits, entry_write, entry_addend, descriptor, victims;  // env - cpu; soft TLB
    int tb_icount, tb_flags, tb_cflags, tb_code, tb_code_size, tb_pages, tb_jump_reset, tb_jump_arg;
    int tcg_return, pc, pc_bytes, next_pc, is_jmp, words;                       // words: guest words per instruction in the search data
    size_t reset_bytes;
    int (*gen_code)(char *, char *);
    bool (*restore)(char *, uintptr_t, bool);
    int (*exec)(void *, char *);
    void (*loop)(void **, char *, char *, char *, int);
    void (*check_exit)(char *);
    void (*op_remove)(char *, char *);
    char *(*lookup)(char *, uintptr_t);
    void (*flush)(char *);
    void (*leave)(char *);
    void (*leave_restore)(char *, uintptr_t);
    void (*invalidate_fast)(char *, void *, uint64_t, int, uintptr_t);
    void (*invalidate_range)(char *, uint64_t, uint64_t);
    void *(*lookup_ptr)(char *);
    uint64_t (*ram_address)(void *);
    void (*protect)(char *, uint64_t);
    void (*unprotect)(char *, uint64_t);
    void *(*pages_lock)(char *, uint64_t, uint64_t);
    void (*pages_unlock)(void *);
    void (*tlb_flush)(char *);
    uint32_t (*fetch)(char *, uint64_t);
    void (*drop_block)(char *, char *, uint64_t);
    void (*each_block)(char *, int (*)(void *, void *, void *), void *);
    char *(*find_block)(char *, uint64_t, uint64_t, uint32_t, uint32_t);
    char *(*make_block)(char *, uint64_t, uint64_t, uint32_t, uint32_t);
} Arch;

// The offsets of each, apart: constants where every instruction counts.
#define RV64_LAYOUT \
    .suffix = "_riscv64", .env = 0x8910, .modes = 4, .page_bits = 12, .entry_write = 8, .entry_addend = 24, .descriptor = 0x1b8, .victims = 0x30, .tb_icount = 0x16, .tb_flags = 16, \
    .tb_cflags = 0x18, .tb_code = 0x20, .tb_code_size = 0x28, .tb_pages = 0x48, .tb_jump_reset = 0x58, .tb_jump_arg = 0x60, .tcg_return = 0x8bc8, \
    .pc = RV_PC, .pc_bytes = 8, .next_pc = 16, .is_jmp = 24, .words = 1, .reset_bytes = RV_RESET_BYTES
#define ARM_LAYOUT \
    .suffix = "_arm", .env = 0x96f0, .modes = 12, .page_bits = 10, .entry_write = 4, .entry_addend = 16, .descriptor = 0x1b0, .victims = 0x28, .tb_icount = 0x0e, .tb_flags = 8, \
    .tb_cflags = 0x10, .tb_code = 0x18, .tb_code_size = 0x20, .tb_pages = 0x40, .tb_jump_reset = 0x50, .tb_jump_arg = 0x58, .tcg_return = 0x93c8, \
    .pc = 60, .pc_bytes = 4, .next_pc = 12, .is_jmp = 16, .words = 3, .reset_bytes = ARM_RESET_BYTES
extern Arch rv64, arm;

// The library's own functions behind the names that the shim defines
extern struct Real {
    void *(*memory_mapping)(char *, uint64_t);
    bool (*qht_remove)(void *, char *, uint32_t);
    bool (*rv64_fill)(char *, uint64_t, int, int, int, bool, uintptr_t);
    bool (*arm_fill)(char *, uint64_t, int, int, int, bool, uintptr_t);
    void (*rv64_raise)(char *, uint32_t, uintptr_t);
    void (*rv64_raise_here)(char *, uint32_t);
    void (*rv64_wfi)(char *);
    int (*rv64_csr)(char *, int, uint64_t *, uint64_t, uint64_t);
    void (*rv64_set_page)(char *, uint64_t, uint64_t, int, int, uint64_t);
    uint64_t (*rv64_mret)(char *, uint64_t);
    uint64_t (*rv64_sret)(char *, uint64_t);
    void (*arm_rebuild_hflags)(char *);
    void (*arm_rebuild_m32)(char *, int);
    void (*arm_rebuild_m32_newel)(char *);
    void (*arm_set_page)(char *, uint32_t, uint64_t, uint32_t, int, int, uint32_t);
    void *(*arm_global)(char *, int, void *, intptr_t, const char *);
    void (*arm_gen_jump)(char *);
    void (*rv64_gen_jump)(char *);
    void (*arm_gen_skip)(void *, int, void *, int32_t, void *);
    void (*arm_gen_call)(char *, void *, void *, int, void **);
    void (*arm_gen_load)(void *, void *, void *, uint64_t, uint32_t);
    void (*arm_gen_store)(void *, void *, void *, uint64_t, uint32_t);
    void (*arm_gen_load64)(void *, void *, void *, uint64_t, uint32_t);
    void (*arm_gen_store64)(void *, void *, void *, uint64_t, uint32_t);
    int32_t (*arm_sdiv)(int32_t, int32_t);
    uint32_t (*arm_udiv)(uint32_t, uint32_t);
    uint32_t (*arm_add_usaturate)(char *, uint32_t, uint32_t);
    uint32_t (*arm_sub_usaturate)(char *, uint32_t, uint32_t);
    void (*arm_exit)(char *);
    void (*arm_raise)(char *, uint32_t);
    void (*arm_raise_with)(char *, uint32_t, uint32_t, uint32_t);
    int (*arm_fp_exception)(char *, int);
    void (*arm_wfi)(char *, uint32_t);
    void (*arm_wfe)(char *);
    void (*arm_msr)(char *, uint32_t, uint32_t);
    void (*arm_yield)(char *);
    uint32_t (*f32_add)(uint32_t, uint32_t, void *);
    uint32_t (*f32_sub)(uint32_t, uint32_t, void *);
    uint32_t (*f32_mul)(uint32_t, uint32_t, void *);
    uint32_t (*f32_div)(uint32_t, uint32_t, void *);
    uint32_t (*f32_sqrt)(uint32_t, char *);
    uint32_t (*f32_muladd)(uint32_t, uint32_t, uint32_t, void *);
    uint32_t (*f32_sito)(uint32_t, void *);
    uint32_t (*f32_uito)(uint32_t, void *);
    uint32_t (*f32_slto)(uint32_t, uint32_t, void *);
    uint32_t (*f32_ulto)(uint32_t, uint32_t, void *);
    uint32_t (*f32_tosiz)(uint32_t, void *);
    uint32_t (*f32_touiz)(uint32_t, void *);
    void (*f32_cmp)(uint32_t, uint32_t, char *);
    void (*f32_cmpe)(uint32_t, uint32_t, char *);
} real;

extern bool usable;                             // false: not our library; every function that the shim defines only passes on
void *real_symbol(const char *name, const char *suffix);

static inline Core *core_of_cpu(const char *cpu)
{
    return usable && cpu ? AT(Core *, cpu, CPU_CORE) : NULL;
}

static inline Core *core_of_uc(const char *uc)
{
    return usable ? core_of_cpu(AT(char *, uc, UC_CPU)) : NULL;
}

static inline int64_t *budget_of(const Core *c)
{
    return &AT(int64_t, c->env, ENV_BUDGET);
}

static inline int64_t *cycles_of(const Core *c)     // in xregs, of which an M profile has no use
{
    return &AT(int64_t, c->env, ENV_CYCLES);
}

static inline bool repeating(const Core *c)     // an instruction waits to be run again, alone, with the answers of its devices
{
    return c->replay_next < c->replay_count;
}

// blocks.c
bool knows_stack_pointer(void);                 // once a Cortex-M was opened
int block_count(const Arch *a, const char *tb);                                             // instructions in a translated block
int block_index(const Arch *a, const char *tb, uintptr_t host_pc, uint64_t *pc);            // which of them; NOT_CODE
int find_index(const Arch *a, char *cpu, uintptr_t host_pc, char **tb, uint64_t *pc);
int block_addresses(const Arch *a, const char *tb, uint64_t *pc, int most);                 // of its instructions; how many
// coverage.c
void coverage_begin_run(Core *c);
void cover_block(Core *c, const char *block, uint8_t *jump);
void uncover(Core *c, const char *block, int index);
uint8_t *covered_way(Core *c, uint64_t pc, int way);
void cover_exit(Core *c, const char *block, int exit);
// loop.c
void run_blocks(Core *c);                       // until the budget is used up, or something wants the host
char **jump_cache_of_page(const Core *c, uint64_t va);
// execute.c
const Memo *locate(Core *c, uintptr_t host_pc);
void repeat_alone(const Arch *a, char *cpu, char *tb, int index, uintptr_t host_pc);   // longjmp: undo the instruction, run it as a block of one
void repeat_at(Core *c, uintptr_t host_pc);
bool ends_block(const Core *c, uint64_t pc);     // does that instruction end its block, so that it need not be run again?
void leave_behind(Core *c);                     // back to the main loop before the next block
// access.c
void riscv_raise_exception_riscv64(char *env, uint32_t cause, uintptr_t host_pc);
void rv64_before_sc(Core *c, uint64_t va, unsigned size, uintptr_t host_pc);
enum { LOAD = 0, STORE = 1, FETCH = 2 };
bool paging(const Core *c, unsigned mmu);
void paged_fetch(Core *c, uint64_t va);
void watch_entry(Core *c, uint64_t va, unsigned mmu);
void rv64_remember_page(Core *c, uint64_t va, uint64_t pa, unsigned mmu);       // for accesses to devices
// hardfloat.c
uint8_t *inline_floats(uint8_t *code, uint8_t *end, const uint8_t *limit);
// thumb.c
uint32_t thumb_parcel(char *env, uint32_t start, uint32_t offset, uint32_t parcel);
bool thumb_moves_sp(uint32_t first, uint32_t second);          // to where it may not be: bits 1:0
int riscv_cpu_mmu_index_riscv64(char *env, bool fetch);
bool riscv_cpu_tlb_fill_riscv64(char *cpu, uint64_t va, int size, int type, int mode, bool probe, uintptr_t host_pc);
const uint8_t *loads_from(Core *c, uint64_t va);        // where in memory a load would find it now; NULL: nowhere
// memory.c
bool store_opens(Core *c, const uint8_t *host);
void forget_code(Core *c);
uint8_t *code_bytes(Core *c, const char *tb, uint64_t pc);      // where the host has the code that this block was made from; NULL: not in memory
void entry_marked(CoreMemory *memory, uint64_t at);            // A or D was set by a page table walk
void close_pages(CoreMemory *memory, uint64_t from, uint64_t size);     // no Core stores there unseen from here on
bool map_region(Core *c, const CoreRegion *region);
void unmap_regions(Core *c);
// reservations.c
#define NO_RESERVATION (~0ull)
void begin_turn(Core *c);
void forget_turn(Core *c);
void restore_turn(Core *c, uint64_t guarded, int view, bool has_turn);
void lose_reservation(Core *c);
void break_guarded(CoreMemory *memory, uint64_t at, uint64_t length);           // another hart stores
void break_reservations(CoreMemory *memory, uint64_t at, uint64_t length);      // a device or the host has written
// watch.c
void watched_store(Core *c, CoreMemory *memory, uint64_t at, uint64_t length, uintptr_t host_pc);
void report_store(Core *c, uintptr_t host_pc);
// breakpoints.c
bool is_breakpoint(const Core *c, uint64_t pc);
bool begins_block(const Core *c, uint64_t pc);  // for somebody who stops or looks there
enum { NO_LOOK = -1 };
int look_at(const Core *c, uint64_t pc);
uint32_t region_of(const Core *c, uint64_t pc);
void look_here(Core *c, uint64_t pc, uint32_t place, uint32_t region, uint32_t count, uint32_t cycles);
#define NO_REGION 0xffffffffu
static inline void came_by(Core *c, uint8_t how)
{
    c->region = NO_REGION;
    c->came |= how;
}
bool stops_before(Core *c, uint64_t pc);        // that breakpoint; once at each index
bool is_watched_page(const Core *c, uint64_t va, int type);      // has the page of that address a watchpoint for loads, or for stores?
bool is_watched_access(Core *c, uint64_t va, unsigned size, int type, uintptr_t host_pc);
void stop_before_access(Core *c, uint64_t va, unsigned size, int type, uintptr_t host_pc);      // longjmp
// rv64.c
enum { MSTATUS_SIE = 1 << 1, MSTATUS_MIE = 1 << 3, MSTATUS_SPIE = 1 << 5, MSTATUS_MPIE = 1 << 7, MSTATUS_SPP = 1 << 8, MSTATUS_MPP = 3 << 11,
       MSTATUS_FS = 3 << 13, MSTATUS_MPRV = 1 << 17, MSTATUS_SUM = 1 << 18, MSTATUS_MXR = 1 << 19, MSTATUS_TVM = 1 << 20, MSTATUS_TW = 1 << 21,
       MSTATUS_TSR = 1 << 22 };
enum { MIP_SSIP = 1 << 1, MIP_STIP = 1 << 5, MIP_SEIP = 1 << 9 };
#define MSTATUS_SD (1ull << 63)
static inline uint64_t *words_of(const Core *c)
{
    return (uint64_t *)c->env;
}
void rv64_set_up(Core *c);
uint64_t rv64_written_mip(const Core *c);                       // mip with what software wrote to SEIP alone
void rv64_write_mip(Core *c, uint64_t mask, uint64_t value);    // as a csrw does
void rv64_look_for_interrupts(Core *c);
bool rv64_take_interrupt(Core *c);
void rv64_on_trap(Core *c, uint32_t number);
void rv64_trap(Core *c, uint64_t cause, uint64_t value, uint64_t pc);
uint32_t rv64_cause(Core *c, uint32_t cause, uintptr_t host_pc);
void rv64_misaligned(Core *c, uint64_t va, bool is_store, uintptr_t host_pc);
bool rv64_is_amo(Core *c, uintptr_t host_pc);                // the instruction that is running
void rv64_access_fault(Core *c, uint64_t va, bool is_store, uintptr_t host_pc);
// rv64_pmp.c
enum { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_MODE = 3 << 3, PMP_TOR = 1 << 3, PMP_NA4 = 2 << 3, PMP_NAPOT = 3 << 3, PMP_LOCKED = 1 << 7 };
unsigned rv64_protection(const Core *c, uint64_t address, uint64_t size, unsigned mode, bool *whole);
void rv64_protection_changed(Core *c);
// rv64_mmu.c
bool riscv_cpu_tlb_fill_riscv64(char *cpu, uint64_t va, int size, int type, int mode, bool probe, uintptr_t host_pc);
// rv64_tlb.c
enum { PAGE_READ = 1, PAGE_WRITE = 2, PAGE_EXEC = 4 };
void rv64_size_tlb(Core *c);
void rv64_set_page(Core *c, uint64_t va, const View *view, uint64_t offset, int rights, unsigned mode);
void tlb_flush_riscv64(char *cpu);
void rv64_forget_spaces(Core *c);
void rv64_forget_page(Core *c, uint64_t va);
void rv64_user_page(Core *c, uint64_t va);      // that S mode got at by SUM
void rv64_forget_user_pages(Core *c);
// rv64_tables.c
void rv64_table_used(const View *view, uint64_t address, uint64_t va, int level);       // physical, of a page table entry
void rv64_entry_stored(Core *c, CoreMemory *memory, uint64_t at, uint64_t length, uintptr_t host_pc);
bool rv64_entries_written(CoreMemory *memory, uint64_t from, uint64_t last);
// rv64_decode.c
enum { DB_INSNS = 0x1c };                       // DisasContextBase.num_insns
void rv64_decode_set_up(void);
uint32_t rv64_substitute(uint32_t word, bool floats_off);      // what the library is to translate in its place, as long
void rv64_begin_block(char *db);
void rv64_precede(char *tcg_context, uint32_t word);
bool rv64_correct(char *tcg_context, uint32_t word);
// rv64_fp.c
void rv64_fp_set_up(void);
// cortexm.c
bool m4_take_interrupt(Core *c);
void m4_on_trap(Core *c, uint32_t number);
void m4_trap(Core *c, uint64_t cause, uint64_t value);
void m4_access_fault(Core *c, uint64_t va, uint64_t cause, uintptr_t host_pc);
void arm_rebuild_hflags_arm(char *env);
// mpu.c
bool arm_cpu_tlb_fill_arm(char *cpu, uint64_t va, int size, int type, int mmu, bool probe, uintptr_t host_pc);
bool m4_is_device_space(uint32_t address);
void m4_rights_changed(Core *c);
char *m4_make_block(char *cpu, uint64_t pc, uint64_t base, uint32_t flags, uint32_t cflags);
bool m4_watches(const Core *c, uint32_t va, uint32_t size);
void m4_check_tail(Core *c, uint32_t va, unsigned size, int type, unsigned mmu, uintptr_t host_pc);
// cycles.c
typedef struct { uint8_t always, more; } M4Cost;     // more: where its condition passes; of a divide, the most that it may take
M4Cost m4_cost(uint32_t first, uint32_t second, bool in_it, bool traps_fp);
unsigned m4_divide_cycles(uint32_t dividend, uint32_t divisor);
const M4Cost *block_costs(const char *tb);
int64_t cycles_from(const char *tb, int index);
int64_t cycles_behind(const char *tb, int index);
uint32_t cycles_fit(const Core *c, const char *tb);
int32_t cycles_needed(const M4Cost *costs, int n, int32_t *all);
void arm_rebuild_hflags_arm(char *env);
// core.c
void library_error(Core *c);                    // while it translated: at the block's first instruction
void note_trap(Core *c, uint64_t slot, uint64_t cause, uint64_t pc);
void fail(Core *c, const char *what, long number);
// selftest.c
const char *check_offsets(void);
