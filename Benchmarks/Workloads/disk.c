// Reads a disk of 64 MiB and writes it anew, ROUNDS times, in requests of 256 KiB: for what virtio-blk takes. RV64 only.
#include "virtio_block.h"

enum { REQUEST = 256 << 10, DISK = 64 << 20 };
static uint32_t bytes[REQUEST / 4] __attribute__((aligned(4096)));

static uint32_t all(uint32_t type)
{
    uint32_t sum = 0;
    for (uint32_t place = 0; place < DISK; place += REQUEST) {
        bytes[0] = place;
        block_submit(type, place / 512, bytes, REQUEST);
        while (!block_is_done())
            ;
        sum = sum * 31 + bytes[0] + block_status;
    }
    return sum;
}

uint32_t work(uint32_t rounds)
{
    uint32_t sum = 0;
    if (!block_start(0x10001000))
        return 0;
    for (uint32_t round = 0; round < rounds; round++) {
        sum = sum * 31 + all(BLOCK_READ);
        sum = sum * 31 + all(BLOCK_WRITE);
    }
    return sum;
}
