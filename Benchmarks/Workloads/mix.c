// What firmware does all day: sort a list, multiply matrices, check a CRC, run a state machine over text.
#include "workload.h"

typedef struct Node { struct Node *next; uint32_t key; } Node;
enum { NODES = 512, SIDE = 24, BYTES = 2048 };
PRIVATE Node nodes[NODES];
PRIVATE int32_t a[SIDE][SIDE], b[SIDE][SIDE], product[SIDE][SIDE];
PRIVATE uint8_t text[BYTES];
PRIVATE uint32_t crc_table[256];

static Node *merge(Node *x, Node *y)
{
    Node head, *tail = &head;
    while (x && y) {
        Node **least = x->key <= y->key ? &x : &y;
        tail = tail->next = *least;
        *least = (*least)->next;
    }
    tail->next = x ? x : y;
    return head.next;
}

static Node *sort(Node *list)
{
    if (!list || !list->next)
        return list;
    Node *slow = list, *fast = list->next;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
    }
    Node *rest = slow->next;
    slow->next = 0;
    return merge(sort(list), sort(rest));
}

static uint32_t machine(void)                   // counts words, numbers and quoted strings
{
    enum { SPACE, WORD, NUMBER, QUOTE } state = SPACE;
    uint32_t words = 0, numbers = 0, quotes = 0;
    for (int i = 0; i < BYTES; i++) {
        uint8_t c = text[i];
        switch (state) {
        case SPACE:
            state = c == '"' ? QUOTE : c >= '0' && c <= '9' ? NUMBER : c > ' ' ? WORD : SPACE;
            break;
        case WORD:
            if (c <= ' ')
                words++, state = SPACE;
            break;
        case NUMBER:
            if (c < '0' || c > '9')
                numbers++, state = c <= ' ' ? SPACE : WORD;
            break;
        case QUOTE:
            if (c == '"')
                quotes++, state = SPACE;
        }
    }
    return words << 16 ^ numbers << 8 ^ quotes;
}

uint32_t work(uint32_t rounds)
{
    uint32_t seed = 2463534242u, sum = 0;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
        crc_table[i] = c;
    }
    for (uint32_t round = 0; round < rounds; round++) {
        for (int i = 0; i < NODES; i++)
            nodes[i] = (Node){ i + 1 < NODES ? &nodes[i + 1] : 0, next_random(&seed) };
        uint32_t place = 0;
        for (Node *n = sort(nodes); n; n = n->next)
            sum += n->key * ++place;
        for (int i = 0; i < SIDE; i++)
            for (int j = 0; j < SIDE; j++)
                a[i][j] = (int32_t)(next_random(&seed) & 255), b[i][j] = (int32_t)(seed >> 8 & 255);
        for (int i = 0; i < SIDE; i++)
            for (int j = 0; j < SIDE; j++) {
                int32_t dot = 0;
                for (int k = 0; k < SIDE; k++)
                    dot += a[i][k] * b[k][j];
                product[i][j] = dot;
            }
        sum += (uint32_t)product[round % SIDE][5];
        for (int i = 0; i < BYTES; i++)
            text[i] = (uint8_t)(' ' + (next_random(&seed) >> 9) % 64);
        uint32_t crc = ~0u;
        for (int i = 0; i < BYTES; i++)
            crc = crc >> 8 ^ crc_table[(crc ^ text[i]) & 255];
        sum ^= crc + machine();
    }
    return sum;
}
