#include "assemble.h"
#include <stdlib.h>
#include <string.h>

Code *code_new(uint64_t base)
{
    Code *code = calloc(1, sizeof *code);
    if (!code)
        abort();
    code->base = base;
    return code;
}

void code_free(Code *code)
{
    free(code);
}

int code_label(Code *code)
{
    if (code->labels == MAX_LABELS)
        abort();
    code->label_at[code->labels] = -1;
    return code->labels++;
}

void code_bind(Code *code, int label)
{
    code->label_at[label] = code->size;
}

int code_here(Code *code)
{
    int label = code_label(code);
    code_bind(code, label);
    return label;
}

void code_align(Code *code, uint32_t boundary, bool thumb)
{
    while (code->size % boundary)
        put16(code, thumb ? T_NOP : 0x0001);
}

uint64_t code_address(const Code *code, int label)
{
    return code->base + (uint64_t)code->label_at[label];
}

void put16(Code *code, uint16_t halfword)
{
    if (code->size + 2 > CODE_LIMIT)
        abort();
    memcpy(code->bytes + code->size, &halfword, 2);
    code->size += 2;
}

void put32(Code *code, uint32_t word)
{
    put16(code, (uint16_t)word);
    put16(code, (uint16_t)(word >> 16));
}

void put_wide(Code *code, uint16_t first, uint16_t second)
{
    put16(code, first);
    put16(code, second);
}

static void note(Code *code, int label, int32_t addend, FixupKind kind)
{
    if (code->fixups == MAX_FIXUPS)
        abort();
    code->fixup[code->fixups].at = code->size;
    code->fixup[code->fixups].label = label;
    code->fixup[code->fixups].addend = addend;
    code->fixup[code->fixups++].kind = kind;
}

static uint32_t word_at(const Code *code, uint32_t at)
{
    uint32_t word;
    memcpy(&word, code->bytes + at, 4);
    return word;
}

static void set_word(Code *code, uint32_t at, uint32_t word)
{
    memcpy(code->bytes + at, &word, 4);
}

static void set_mov(Code *code, uint32_t at, uint32_t value)    // the immediate of a movw or movt
{
    uint16_t half[2];
    memcpy(half, code->bytes + at, 4);
    half[0] = (uint16_t)((half[0] & 0xfbf0) | (value >> 11 & 1) << 10 | value >> 12);
    half[1] = (uint16_t)((half[1] & 0x8f00) | (value >> 8 & 7) << 12 | (value & 0xff));
    memcpy(code->bytes + at, half, 4);
}

void code_finish(Code *code)
{
    for (int i = 0; i < code->fixups; i++) {
        uint32_t at = code->fixup[i].at;
        int64_t target = code->label_at[code->fixup[i].label];
        int64_t to = target + code->fixup[i].addend;
        uint32_t distance = (uint32_t)(to - at);
        uint16_t half[2];
        if (target < 0)
            abort();
        switch (code->fixup[i].kind) {
        case FIX_RV_BRANCH:
            if ((int32_t)distance < -4096 || (int32_t)distance > 4094)
                abort();
            set_word(code, at, word_at(code, at) | (distance >> 12 & 1) << 31 | (distance >> 5 & 63) << 25 | (distance >> 1 & 15) << 8 | (distance >> 11 & 1) << 7);
            break;
        case FIX_RV_JAL:
            set_word(code, at, word_at(code, at) | (distance >> 20 & 1) << 31 | (distance >> 1 & 1023) << 21 | (distance >> 11 & 1) << 20 | (distance & 0xff000));
            break;
        case FIX_RV_ADDRESS:
            set_word(code, at, word_at(code, at) | ((distance + 0x800) & 0xfffff000));
            set_word(code, at + 4, word_at(code, at + 4) | distance << 20);
            break;
        case FIX_T_BRANCH:
            if ((int32_t)distance - 4 < -256 || (int32_t)distance - 4 > 254)
                abort();
            memcpy(half, code->bytes + at, 2);
            half[0] = (uint16_t)(half[0] | ((distance - 4) >> 1 & 0xff));
            memcpy(code->bytes + at, half, 2);
            break;
        case FIX_T_BRANCH_W: {
            uint32_t d = distance - 4, s = d >> 31, j1 = !((d >> 23 & 1) ^ s), j2 = !((d >> 22 & 1) ^ s);
            half[0] = (uint16_t)(0xf000 | s << 10 | (d >> 12 & 1023));
            half[1] = (uint16_t)(0x9000 | j1 << 13 | j2 << 11 | (d >> 1 & 2047));
            memcpy(code->bytes + at, half, 4);
            break;
        }
        case FIX_T_ADDRESS: {
            uint32_t address = (uint32_t)(code->base + (uint64_t)to);
            set_mov(code, at, address & 0xffff);
            set_mov(code, at + 4, address >> 16);
        }
        }
    }
}

uint32_t random_next(Random *random)
{
    uint64_t x = random->state += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return (uint32_t)(x >> 32 ^ x);
}

// ---- RV64
void rv_li(Code *code, int rd, uint64_t value)
{
    int64_t v = (int64_t)value;
    if (v >= -2048 && v < 2048) {
        put32(code, rv_addi(rd, ZERO, (int)v));
        return;
    }
    if (v == (int32_t)v) {
        uint32_t high = ((uint32_t)v + 0x800) & 0xfffff000;
        put32(code, 0x37 | (uint32_t)rd << 7 | high);
        if (v & 0xfff)
            put32(code, rv_i(0x1b, 0, rd, rd, (int)(v & 0xfff)));          // addiw
        return;
    }
    int64_t low = (int64_t)((uint64_t)v << 52) >> 52;
    uint64_t rest = (value - (uint64_t)low) >> 12;
    rv_li(code, rd, (uint64_t)((int64_t)(rest << 12) >> 12));
    put32(code, rv_slli(rd, rd, 12));
    if (low)
        put32(code, rv_addi(rd, rd, (int)low));
}

void rv_la(Code *code, int rd, int label, int addend)
{
    note(code, label, addend, FIX_RV_ADDRESS);
    put32(code, 0x17 | (uint32_t)rd << 7);
    put32(code, rv_addi(rd, rd, 0));
}

void rv_branch(Code *code, int condition, int rs1, int rs2, int label)
{
    note(code, label, 0, FIX_RV_BRANCH);
    put32(code, 0x63 | (uint32_t)(condition << 12 | rs1 << 15 | rs2 << 20));
}

void rv_jal(Code *code, int rd, int label)
{
    note(code, label, 0, FIX_RV_JAL);
    put32(code, 0x6f | (uint32_t)rd << 7);
}

// ---- Thumb-2
void t_memory(Code *code, int first, int rt, int rn, int offset)
{
    put_wide(code, (uint16_t)(first | rn), (uint16_t)(rt << 12 | offset));
}

void t_dual(Code *code, int first, int rt, int rt2, int rn, int offset)
{
    put_wide(code, (uint16_t)(first | rn), (uint16_t)(rt << 12 | rt2 << 8 | offset / 4));
}

void t_multiple(Code *code, int first, int rn, int list)
{
    put_wide(code, (uint16_t)(first | rn), (uint16_t)list);
}

void t_immediate(Code *code, int first, int rd, int rn, int imm8)
{
    put_wide(code, (uint16_t)(first | rn), (uint16_t)(rd << 8 | imm8));
}

void t_shifted(Code *code, int first, int rd, int rn, int rm, int type, int by)
{
    put_wide(code, (uint16_t)(first | rn), (uint16_t)((by >> 2) << 12 | rd << 8 | (by & 3) << 6 | type << 4 | rm));
}

void t_mov32(Code *code, int rd, uint32_t value)
{
    put_wide(code, 0xf240, (uint16_t)(rd << 8));
    put_wide(code, 0xf2c0, (uint16_t)(rd << 8));
    set_mov(code, code->size - 8, value & 0xffff);
    set_mov(code, code->size - 4, value >> 16);
}

void t_la(Code *code, int rd, int label, int addend)
{
    note(code, label, addend, FIX_T_ADDRESS);
    put_wide(code, 0xf240, (uint16_t)(rd << 8));
    put_wide(code, 0xf2c0, (uint16_t)(rd << 8));
}

void t_branch(Code *code, int condition, int label)
{
    note(code, label, 0, FIX_T_BRANCH);
    put16(code, (uint16_t)(0xd000 | condition << 8));
}

void t_branch_w(Code *code, int label)
{
    note(code, label, 0, FIX_T_BRANCH_W);
    put_wide(code, 0, 0);
}

void t_msr(Code *code, int sysm, int rn)
{
    put_wide(code, (uint16_t)(0xf380 | rn), (uint16_t)(0x8800 | sysm));
}

void t_mrs(Code *code, int rd, int sysm)
{
    put_wide(code, 0xf3ef, (uint16_t)(0x8000 | rd << 8 | sysm));
}

void t_ldrex(Code *code, int rt, int rn, int offset)
{
    put_wide(code, (uint16_t)(0xe850 | rn), (uint16_t)(rt << 12 | 0xf00 | offset / 4));
}

void t_strex(Code *code, int rd, int rt, int rn, int offset)
{
    put_wide(code, (uint16_t)(0xe840 | rn), (uint16_t)(rt << 12 | rd << 8 | offset / 4));
}

void t_isb(Code *code)
{
    put_wide(code, 0xf3bf, 0x8f6f);
}

void t_fp(Code *code, int first, int second, int vd, int low)   // single-precision registers: number = Vd:D
{
    put_wide(code, (uint16_t)(first | (vd & 1) << 6), (uint16_t)(second | (vd >> 1) << 12 | low));
}
