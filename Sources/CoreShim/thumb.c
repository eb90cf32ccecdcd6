// Encodings that the library takes for something else than an ARMv7-M core does (ARM DDI 0403E.e). Its translator reads the instruction in
// parcels and gets, for such a one, the parcels of an encoding that it takes for the right thing.
#include "internal.h"

enum { WFE = 0xbf20, SEV = 0xbf40, WIDE_HINT = 0xf3af, WIDE_WFE = 0x8002, WIDE_SEV = 0x8004, BARRIER = 0xf3bf };
enum { UDF_FIRST = 0xf7f0, UDF_SECOND = 0xa000, DSB_SECOND = 0x8f4f };

static bool is_undefined(uint32_t first, uint32_t second)
{
    if ((first & 0xf800) == 0xf000)
        return (second & 0xd000) == 0xc000;                     // BLX <label>: there is no Arm state (A5.3.4)
    if ((first & 0xff9f) == 0xf80f || (first & 0xff9f) == 0xf88f)
        return true;                                            // STR, STRB, STRH relative to the PC (A7.7.161 to A7.7.170)
    if ((first & 0xff10) == 0xf900)
        return true;                                            // Advanced SIMD loads and stores (A5.3.1)
    if ((first & 0xffe0) == 0xe8c0 && (second & 0x00f0) == 0x0070)
        return true;                                            // LDREXD, STREXD (A5.3.6)
    return (first & 0xffe0) == 0xeee0 && (second & 0x0f10) == 0x0a10 && (first & 15) != 1;     // VMRS and VMSR of anything but FPSCR (A7.7.246)
}

static bool may_be_undefined(uint32_t first)
{
    return (first & 0xf800) == 0xf000 || (first & 0xff00) == 0xf800 || (first & 0xff10) == 0xf900 || (first & 0xffe0) == 0xeee0
        || (first & 0xffe0) == 0xe8c0;
}

// The parcel at start + offset as the translator is to see it.
uint32_t thumb_parcel(char *env, uint32_t start, uint32_t offset, uint32_t parcel)
{
    parcel &= 0xffff;
    if (offset == 0) {
        if (parcel == SEV)                                      // a NOP to the library; helper_wfe_arm tells the two apart
            return WFE;
        return may_be_undefined(parcel) && is_undefined(parcel, arm.fetch(env, start + 2) & 0xffff) ? UDF_FIRST : parcel;
    }
    uint32_t first = arm.fetch(env, start) & 0xffff;
    if (may_be_undefined(first) && is_undefined(first, parcel))
        return UDF_SECOND;
    if (first == WIDE_HINT && parcel == WIDE_SEV)
        return WIDE_WFE;
    if (first == BARRIER && (parcel & 0xfff0) == 0x8f60)        // ISB, which ends its block and forgets the IT state; nothing needs that end
        return DSB_SECOND;
    return parcel;
}

// Whatever may leave a stack pointer that is no multiple of 4; those that are in its place as well do no harm.
bool thumb_moves_sp(uint32_t first, uint32_t second)
{
    enum { SP = 13 };
    if (first < 0xe800)
        return (first & 0xff87) == 0x4485 || (first & 0xff87) == 0x4685;        // ADD SP, Rm; MOV SP, Rm
    if ((first & 0xf800) == 0xf000 && second & 0x8000)
        return (first & 0xffe0) == 0xf3e0 && (second >> 8 & 15) == SP;          // MRS; the others are branches
    bool writes_back = (first & 0xfe8f) == 0xf80d && (second & 0x0900) == 0x0900;
    return writes_back || second >> 12 == SP || (second >> 8 & 15) == SP || ((first & 0xffe0) == 0xec40 && (first & 15) == SP);
}
