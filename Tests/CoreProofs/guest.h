// What the reference and the Core under test have in common: the guest, its little board, its schedule, and the trace of what happened.
#pragma once
#include "assemble.h"
#include "CoreProofs.h"
#include "internal.h"

enum { RAM_SIZE = 256 << 10, DEVICE_SIZE = 0x1000 };
static inline uint64_t ram_base(CoreKind kind) { return kind == CORE_RV64 ? 0x80000000 : 0x20000000; }
static inline uint64_t device_base(CoreKind kind) { return kind == CORE_RV64 ? 0x10000000 : 0x40000000; }

// Registers of the board's device. The others answer with a value that depends on the index, and remember nothing.
enum {
    DEVICE_FAULT_A = 0x10, DEVICE_FAULT_B = 0x24,       // modulo 64 below 0x100: refuse, when the guest is one with faults
    DEVICE_RAISE = 0x100,       // store: RV64 sets these bits of mip; M4 makes its interrupt pending
    DEVICE_CLEAR = 0x108,
    DEVICE_DMA = 0x118,         // store: the host toggles bits of the word of RAM at that offset
};

typedef enum { HAPPENS_RAISE, HAPPENS_PATCH } Happening;
typedef struct { uint64_t index, value; Happening what; } Scheduled;

typedef struct {
    CoreKind kind;
    Code *code;
    uint64_t start, attempts, stack;
    bool faults, drop;          // drop: the reference forgets all code before each step
    uint64_t irq_handler, svc_handler;      // M4
    uint64_t privilege;         // RV64: to start in, default M (0 means M)
    Scheduled *schedule;
    int scheduled;
} Guest;

void guest_free(Guest *guest);

// ---- what happened
typedef enum { SAW_TRAP = 1, SAW_LOAD, SAW_STORE, SAW_INTERRUPT, SAW_SLEEP } EventKind;
typedef struct { uint64_t kind, index, pc, a, b; } Event;

typedef struct {
    uint64_t attempts, events, event_room;
    Event *event;
    uint64_t *before, *after;   // registers at each index: before and after the interrupts taken there
    uint64_t *resumed;          // and after those that the schedule brings at that index
    uint64_t *begun, *pc;       // when the instruction begins
    uint64_t memory;            // at the end
    uint64_t retired;
} Trace;

Trace *trace_new(uint64_t attempts);
void trace_free(Trace *trace);
void trace_add(Trace *trace, Event event);
uint64_t hash_words(uint64_t hash, const void *words, size_t bytes);
uint64_t rv64_state(const uint64_t *words, uint32_t mip);
uint64_t m4_state(const CoreM4 *state, const uint32_t *s, uint32_t fpscr);

// ---- the board
typedef struct Board {
    const Guest *guest;
    uint8_t *ram;
    uint32_t mip;
    bool pending;               // M4
    void (*happened)(struct Board *, Event);
    void (*lines_changed)(struct Board *);              // mip or pending
    void (*ram_changed)(struct Board *, uint64_t offset, uint64_t length);
} Board;

bool board_access(Board *board, CoreAccess *access);    // false: a fault
void board_do(Board *board, const Scheduled *scheduled);
bool m4_takeable(const Board *board, const CoreM4 *state);
void m4_enter(Board *board, CoreM4 *state, uint32_t *s, uint32_t *fpscr, unsigned number, uint32_t return_pc, uint32_t vector);
void m4_leave(Board *board, CoreM4 *state, uint32_t *s, uint32_t *fpscr, uint32_t exc_return);
void m4_skip(Board *board, CoreM4 *state);              // past the instruction at pc

Trace *reference_run(const Guest *guest);

// ---- the Core under test
typedef struct {
    uint64_t max_slice;         // 0: as far as the schedule allows
    bool storm;                 // stops, cuts and dropped code from inside callbacks and between runs
    bool overflows;             // the code buffer is full whenever it hurts
    uint64_t seed;
    uint64_t stop_at;           // 0: the end
    unsigned breakpoints;       // at one address of so many; 0: none
    bool watches;               // every access to a device, and to some of the data
    unsigned looks;             // at one address of so many; 0: none
    bool covers;                // which instructions were begun and, where the guest changes no code, which ways its branches went
    bool patched;
} Policy;

bool subject_run(const Guest *guest, const Trace *trace, Policy policy, Core *core, CoreMemory *memory, ProofReport *report);
bool prove(const Guest *guest, const Trace *trace, Policy policy, ProofReport *report);     // on a new Core
void fill_code_buffer(Core *core);          // the next translation finds no room
void wrong(ProofReport *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

// ---- guests
enum { WITH_PATCHES = 1, WITH_FAULTS = 2, WITH_INTERRUPTS = 4, WITH_DMA = 8, WITH_HOST_PATCHES = 16 };
Guest *random_rv64(uint64_t seed, unsigned with, uint64_t attempts);
Guest *random_privileged(uint64_t seed, uint64_t attempts);    // RV64 in all modes
Guest *random_m4(uint64_t seed, unsigned with, uint64_t attempts);
