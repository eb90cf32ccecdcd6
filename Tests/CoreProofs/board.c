// The board: one device, one interrupt line a core, and for the Cortex-M4 the exceptions that the library does not know.
#include "guest.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wrong(ProofReport *report, const char *format, ...)
{
    if (report->failed)
        return;                                 // the first difference is the one to look at
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->text, sizeof report->text, format, arguments);
    va_end(arguments);
    report->failed = true;
}

void guest_free(Guest *guest)
{
    code_free(guest->code);
    free(guest->schedule);
    free(guest);
}

Trace *trace_new(uint64_t attempts)
{
    Trace *trace = calloc(1, sizeof *trace);
    trace->before = calloc(attempts + 1, sizeof *trace->before);
    trace->after = calloc(attempts + 1, sizeof *trace->after);
    trace->resumed = calloc(attempts + 1, sizeof *trace->resumed);
    trace->begun = calloc(attempts + 1, sizeof *trace->begun);
    trace->pc = calloc(attempts + 1, sizeof *trace->pc);
    return trace;
}

void trace_free(Trace *trace)
{
    free(trace->before);
    free(trace->after);
    free(trace->resumed);
    free(trace->begun);
    free(trace->pc);
    free(trace->event);
    free(trace);
}

void trace_add(Trace *trace, Event event)
{
    if (trace->events == trace->event_room) {
        trace->event_room = trace->event_room * 2 + 1000;
        trace->event = realloc(trace->event, trace->event_room * sizeof event);
    }
    trace->event[trace->events++] = event;
}

uint64_t hash_words(uint64_t hash, const void *words, size_t bytes)
{
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t word;
        memcpy(&word, (const char *)words + i, sizeof word);            // of any type
        hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 29;
    }
    return hash;
}

uint64_t rv64_state(const uint64_t *words, uint32_t mip)
{
    uint64_t hash = hash_words(mip, words, (CORE_RV64_PC + 1) * 8);
    uint64_t privilege[] = { words[CORE_RV64_PRIV], words[CORE_RV64_MSTATUS] };
    return hash_words(hash_words(hash, privilege, sizeof privilege), words + CORE_RV64_MIE, (CORE_RV64_WORDS - CORE_RV64_MIE) * 8);
}

uint64_t m4_state(const CoreM4 *state, const uint32_t *s, uint32_t fpscr)
{
    CoreM4 padded[2] = { *state };
    AT(uint32_t, &padded[1], 0) = fpscr;
    return hash_words(hash_words(1, padded, (sizeof *state + 11) & ~7ul), s, 32 * 4);
}

// ---- the device
bool board_access(Board *board, CoreAccess *access)
{
    const Guest *guest = board->guest;
    uint64_t offset = access->address - device_base(guest->kind);
    bool rv64 = guest->kind == CORE_RV64;
    board->happened(board, (Event){ access->is_store ? SAW_STORE : SAW_LOAD, access->index, access->pc, access->address << 8 | access->size, access->is_store ? access->value : 0 });
    if (offset >= DEVICE_SIZE)
        return false;
    if (guest->faults && offset < 0x100 && (offset % 64 == DEVICE_FAULT_A || offset % 64 == DEVICE_FAULT_B))
        return false;
    if (!access->is_store) {
        access->value = (access->index + offset) * 0x9e3779b97f4a7c15ull >> (access->size == 8 ? 0 : 13);
        return true;
    }
    uint32_t mip = board->mip;
    switch (offset) {
    case DEVICE_RAISE:
        board->mip |= (uint32_t)access->value & 0xaaa;
        board->pending = board->pending || !rv64;
        break;
    case DEVICE_CLEAR:
        board->mip &= ~(uint32_t)access->value;
        board->pending = false;
        break;
    case DEVICE_DMA: {
        uint64_t at = access->value & (RAM_SIZE - 4);
        AT(uint32_t, board->ram, at) ^= rv64 ? 1u << 21 : 1u << 2;
        board->ram_changed(board, at, 4);
        return true;
    }
    default:
        return true;
    }
    if (mip != board->mip || !rv64)
        board->lines_changed(board);
    return true;
}

void board_do(Board *board, const Scheduled *scheduled)
{
    switch (scheduled->what) {
    case HAPPENS_RAISE:
        board->mip |= (uint32_t)scheduled->value;
        board->pending = board->guest->kind == CORE_CORTEX_M4;
        board->lines_changed(board);
        break;
    case HAPPENS_PATCH:
        AT(uint32_t, board->ram, scheduled->value) ^= board->guest->kind == CORE_RV64 ? 1u << 22 : 1u << 1;
        board->ram_changed(board, scheduled->value, 4);
    }
}

// ---- Cortex-M4 exceptions, all state stacked at once (ARM DDI 0403, B1.5.6 to B1.5.8)
enum { FPCA = 4, SPSEL = 2, THUMB_BIT = 1 << 24, IT_BITS = 0x0600fc00 };

bool m4_takeable(const Board *board, const CoreM4 *state)
{
    enum { PRIORITY = 0x40 };
    return board->pending && !state->primask && !state->faultmask && !(state->xpsr & 0x1ff) && (!state->basepri || PRIORITY < state->basepri);
}

void m4_enter(Board *board, CoreM4 *state, uint32_t *s, uint32_t *fpscr, unsigned number, uint32_t return_pc, uint32_t vector)
{
    bool handler = state->xpsr & 0x1ff;
    bool psp = !handler && state->control & SPSEL;
    bool fp = state->control & FPCA;
    uint32_t sp = psp ? state->psp : state->msp;
    uint32_t frame = (sp - (fp ? 0x68 : 0x20)) & ~7u;
    uint32_t words[26] = { state->r[0], state->r[1], state->r[2], state->r[3], state->r[12], state->r[14], return_pc & ~1u,
        (state->xpsr & ~0x200u) | THUMB_BIT | (sp >> 2 & 1) << 9 };
    uint64_t at = frame - ram_base(CORE_CORTEX_M4);
    memcpy(words + 8, s, 16 * 4);
    words[24] = *fpscr;
    memcpy(board->ram + at, words, fp ? 0x68 : 0x20);
    board->ram_changed(board, at, fp ? 0x68 : 0x20);
    *(psp ? &state->psp : &state->msp) = frame;
    state->r[14] = 0xffffffe1 | (fp ? 0 : 0x10) | (handler ? 0 : 8) | (psp ? 4 : 0);
    state->control &= ~(uint32_t)(FPCA | SPSEL);
    state->xpsr = (state->xpsr & ~(uint32_t)(IT_BITS | 0x1ff)) | THUMB_BIT | number;
    state->r[15] = vector & ~1u;
}

void m4_leave(Board *board, CoreM4 *state, uint32_t *s, uint32_t *fpscr, uint32_t exc_return)
{
    bool psp = exc_return & 4;
    bool fp = !(exc_return & 0x10);
    uint32_t frame = psp ? state->psp : state->msp;
    const uint32_t *words = &AT(const uint32_t, board->ram, frame - ram_base(CORE_CORTEX_M4));
    memcpy(state->r, words, 16);
    state->r[12] = words[4];
    state->r[14] = words[5];
    state->r[15] = words[6];
    if (fp) {
        memcpy(s, words + 8, 16 * 4);
        *fpscr = words[24];
    }
    *(psp ? &state->psp : &state->msp) = (frame + (fp ? 0x68 : 0x20)) | (words[7] >> 9 & 1) << 2;
    state->xpsr = words[7] & ~0x200u;
    state->control = (state->control & 1) | (psp ? SPSEL : 0) | (fp ? FPCA : 0);
}

void m4_skip(Board *board, CoreM4 *state)
{
    uint16_t first = AT(uint16_t, board->ram, state->r[15] - ram_base(CORE_CORTEX_M4));
    uint32_t it = (state->xpsr >> 25 & 3) | (state->xpsr >> 8 & 0xfc);
    state->r[15] += first >> 11 >= 0x1d ? 4 : 2;
    it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
    state->xpsr = (state->xpsr & ~(uint32_t)IT_BITS) | (it & 3) << 25 | (it & 0xfc) << 8;
}
