// Machine code without an assembler: a buffer, labels, and one function per instruction that the guests of the proofs use.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { CODE_LIMIT = 128 << 10, MAX_LABELS = 4096, MAX_FIXUPS = 8192 };
typedef enum { FIX_RV_BRANCH, FIX_RV_JAL, FIX_RV_ADDRESS, FIX_T_BRANCH, FIX_T_BRANCH_W, FIX_T_ADDRESS } FixupKind;

typedef struct {
    uint64_t base;
    uint32_t size;
    int labels, fixups;
    int64_t label_at[MAX_LABELS];           // offset; -1: not bound yet
    struct { uint32_t at; int label; int32_t addend; FixupKind kind; } fixup[MAX_FIXUPS];
    uint8_t bytes[CODE_LIMIT];
} Code;

Code *code_new(uint64_t base);
void code_free(Code *code);
int code_label(Code *code);                 // a label to bind later
void code_bind(Code *code, int label);
int code_here(Code *code);                  // a label bound here
void code_align(Code *code, uint32_t boundary, bool thumb);     // with nops
void code_finish(Code *code);               // resolves all labels
uint64_t code_address(const Code *code, int label);
void put16(Code *code, uint16_t halfword);
void put32(Code *code, uint32_t word);      // RV64: a 32-bit instruction
void put_wide(Code *code, uint16_t first, uint16_t second);     // Thumb: a 32-bit instruction

// ---- random numbers: a guest is its seed
typedef struct { uint64_t state; } Random;
uint32_t random_next(Random *random);
static inline uint32_t below(Random *random, uint32_t limit) { return random_next(random) % limit; }
static inline bool one_in(Random *random, uint32_t n) { return below(random, n) == 0; }

// ---- RV64
enum { ZERO, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5, A6, A7, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, T3, T4, T5, T6 };
enum { RV_LOAD = 0x03, RV_LOAD_FP = 0x07, RV_OP_IMM = 0x13, RV_STORE = 0x23, RV_STORE_FP = 0x27, RV_OP = 0x33, RV_OP_32 = 0x3b, RV_SYSTEM = 0x73, RV_AMO = 0x2f };
enum { RV_ECALL = 0x73, RV_EBREAK = 0x100073, RV_C_EBREAK = 0x9002, RV_WFI = 0x10500073, RV_MRET = 0x30200073, RV_SRET = 0x10200073, RV_FENCE_I = 0x100f,
       RV_SFENCE_VMA = 0x12000073, RV_NOP = 0x13, RV_RET = 0x8067 };
enum { AMO_ADD = 0, AMO_SWAP = 1, AMO_LR = 2, AMO_SC = 3, AMO_XOR = 4, AMO_OR = 8, AMO_AND = 12 };
static inline uint32_t rv_r(int op, int f3, int f7, int rd, int rs1, int rs2) { return (uint32_t)(op | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20) | (uint32_t)f7 << 25; }
static inline uint32_t rv_i(int op, int f3, int rd, int rs1, int imm) { return (uint32_t)(op | rd << 7 | f3 << 12 | rs1 << 15) | (uint32_t)imm << 20; }
static inline uint32_t rv_s(int op, int f3, int rs1, int rs2, int imm) { return (uint32_t)(op | (imm & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20) | (uint32_t)(imm >> 5) << 25; }
static inline uint32_t rv_addi(int rd, int rs1, int imm) { return rv_i(RV_OP_IMM, 0, rd, rs1, imm); }
static inline uint32_t rv_xori(int rd, int rs1, int imm) { return rv_i(RV_OP_IMM, 4, rd, rs1, imm); }
static inline uint32_t rv_andi(int rd, int rs1, int imm) { return rv_i(RV_OP_IMM, 7, rd, rs1, imm); }
static inline uint32_t rv_slli(int rd, int rs1, int by) { return rv_i(RV_OP_IMM, 1, rd, rs1, by); }
static inline uint32_t rv_srli(int rd, int rs1, int by) { return rv_i(RV_OP_IMM, 5, rd, rs1, by); }
static inline uint32_t rv_add(int rd, int rs1, int rs2) { return rv_r(RV_OP, 0, 0, rd, rs1, rs2); }
static inline uint32_t rv_xor(int rd, int rs1, int rs2) { return rv_r(RV_OP, 4, 0, rd, rs1, rs2); }
static inline uint32_t rv_load(int bits, int rd, int rs1, int imm) { return rv_i(RV_LOAD, bits, rd, rs1, imm); }    // bits: 0 lb, 1 lh, 2 lw, 3 ld, 4 lbu, 5 lhu, 6 lwu
static inline uint32_t rv_store(int bits, int rs2, int rs1, int imm) { return rv_s(RV_STORE, bits, rs1, rs2, imm); }
static inline uint32_t rv_amo(int f5, int bits, int rd, int rs1, int rs2) { return rv_r(RV_AMO, bits, f5 << 2, rd, rs1, rs2); }
static inline uint32_t rv_csrrw(int rd, int csr, int rs1) { return rv_i(RV_SYSTEM, 1, rd, rs1, csr); }
static inline uint32_t rv_csrrs(int rd, int csr, int rs1) { return rv_i(RV_SYSTEM, 2, rd, rs1, csr); }
static inline uint32_t rv_csrrc(int rd, int csr, int rs1) { return rv_i(RV_SYSTEM, 3, rd, rs1, csr); }
static inline uint32_t rv_csrsi(int csr, int imm) { return rv_i(RV_SYSTEM, 6, 0, imm, csr); }
static inline uint32_t rv_csrci(int csr, int imm) { return rv_i(RV_SYSTEM, 7, 0, imm, csr); }
static inline uint32_t rv_jalr(int rd, int rs1) { return rv_i(0x67, 0, rd, rs1, 0); }
static inline uint16_t rv_c_addi(int rd, int imm) { return (uint16_t)(1 | (imm >> 5 & 1) << 12 | rd << 7 | (imm & 31) << 2); }
void rv_li(Code *code, int rd, uint64_t value);
void rv_la(Code *code, int rd, int label, int addend);          // always 8 bytes
enum { BEQ = 0, BNE = 1, BLT = 4, BGE = 5 };
void rv_branch(Code *code, int condition, int rs1, int rs2, int label);
void rv_jal(Code *code, int rd, int label);

// ---- Thumb-2
enum { EQ, NE, CS, CC, MI, PL, VS, VC, HI, LS, GE, LT, GT, LE };
enum { T_NOP = 0xbf00, T_YIELD = 0xbf10, T_WFE = 0xbf20, T_WFI = 0xbf30, T_SEV = 0xbf40, T_CPSIE = 0xb662, T_CPSID = 0xb672, T_UDF = 0xde00, T_BKPT = 0xbe00, T_SVC = 0xdf00 };
enum { SYS_MSP = 8, SYS_PSP = 9, SYS_PRIMASK = 16, SYS_BASEPRI = 17, SYS_FAULTMASK = 19, SYS_CONTROL = 20 };
static inline uint16_t t_movs(int rd, int imm) { return (uint16_t)(0x2000 | rd << 8 | imm); }
static inline uint16_t t_cmp(int rd, int imm) { return (uint16_t)(0x2800 | rd << 8 | imm); }
static inline uint16_t t_adds(int rd, int imm) { return (uint16_t)(0x3000 | rd << 8 | imm); }
static inline uint16_t t_subs(int rd, int imm) { return (uint16_t)(0x3800 | rd << 8 | imm); }
static inline uint16_t t_alu(int op, int rd, int rm) { return (uint16_t)(0x4000 | op << 6 | rm << 3 | rd); }        // 0 and, 1 eor, 2 lsl, 8 tst, 10 cmp, 12 orr, 13 mul
static inline uint16_t t_ldr(int rt, int rn, int offset) { return (uint16_t)(0x6800 | offset / 4 << 6 | rn << 3 | rt); }
static inline uint16_t t_str(int rt, int rn, int offset) { return (uint16_t)(0x6000 | offset / 4 << 6 | rn << 3 | rt); }
static inline uint16_t t_it(int condition, int mask) { return (uint16_t)(0xbf00 | condition << 4 | mask); }
static inline uint16_t t_bx(int rm) { return (uint16_t)(0x4700 | rm << 3); }
void t_memory(Code *code, int first, int rt, int rn, int offset);       // .w forms with a 12-bit offset
enum { LDR_W = 0xf8d0, STR_W = 0xf8c0, LDRH_W = 0xf8b0, STRH_W = 0xf8a0, LDRB_W = 0xf890, STRB_W = 0xf880 };
void t_dual(Code *code, int first, int rt, int rt2, int rn, int offset);
enum { LDRD = 0xe9d0, STRD = 0xe9c0, STRD_PRE = 0xe9e0 };
void t_multiple(Code *code, int first, int rn, int list);
enum { LDMIA = 0xe890, LDMIA_WB = 0xe8b0, STMIA = 0xe880, STMIA_WB = 0xe8a0, STMDB_WB = 0xe920 };
void t_immediate(Code *code, int first, int rd, int rn, int imm8);
enum { ADD_IMM = 0xf100, SUB_IMM = 0xf1a0, EOR_IMM = 0xf080, MOV_IMM = 0xf04f };
void t_shifted(Code *code, int first, int rd, int rn, int rm, int type, int by);       // type: 0 lsl, 1 lsr
enum { EOR_REG = 0xea80, ADD_REG = 0xeb00 };
void t_mov32(Code *code, int rd, uint32_t value);               // movw, movt: always 8 bytes
void t_la(Code *code, int rd, int label, int addend);           // address | 1 where addend says so
void t_branch(Code *code, int condition, int label);            // 16-bit, near
void t_branch_w(Code *code, int label);
void t_msr(Code *code, int sysm, int rn);
void t_mrs(Code *code, int rd, int sysm);
void t_ldrex(Code *code, int rt, int rn, int offset);
void t_strex(Code *code, int rd, int rt, int rn, int offset);
void t_isb(Code *code);
void t_fp(Code *code, int first, int second, int vd, int low);  // first | D, second | Vd << 12 | low
