/* instructions.c - see instructions.h. */
#include "sim/instructions.h"

#include <stdbool.h>
#include <string.h>

/* What follows an opcode. */
enum form {
    NOTHING = '.',
    MODRM = 'm',
    MODRM_BYTE = 'b', /* and a constant of one byte */
    MODRM_WORD = 'w', /* and one of the operand's size, four bytes at most */
    BYTE = '1',
    HALF = '2',
    WORD = '4',
    JUMP = 'j',       /* four bytes whatever the operand's size is */
    LONG = '8',       /* eight bytes with REX.W, else as WORD */
    OFFSET = 'o',     /* eight bytes */
    UNARY_BYTE = 'u', /* a constant only where the ModRM byte asks for TEST */
    UNARY_WORD = 'v',
    INVALID = 'x',
};

/* By the opcode: sixteen a line. Prefixes are dealt with before. */
static const char one_byte[] = "mmmm14xxmmmm14xx"
                               "mmmm14xxmmmm14xx"
                               "mmmm14xxmmmm14xx"
                               "mmmm14xxmmmm14xx"
                               "xxxxxxxxxxxxxxxx"
                               "................"
                               "xxxmxxxx4w1b...."
                               "1111111111111111"
                               "bwxbmmmmmmmmmmmm"
                               "..........x....."
                               "oooo....14......"
                               "1111111188888888"
                               "bb2.xxbwx.2..1x."
                               "mmmmxxx.mmmmmmmm"
                               "11111111jjx1...."
                               "x.x..."
                               "uv......mm";
static const char two_bytes[] = "mmmmx.....x.xmxx"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmxxxxmmmmmmmm"
                                "........xxxxxxxx"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "bbbbmmm.mmxxmmmm"
                                "jjjjjjjjjjjjjjjj"
                                "mmmmmmmmmmmmmmmm"
                                "...mbmxx...mbmmm"
                                "mmmmmmmmmmbmmmmm"
                                "mmbmbbbm........"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm";

struct decoded {
    const unsigned char *opcode; /* its last byte */
    bool is_long, is_half;       /* REX.W, 66 */
    bool is_plain;               /* the opcode has one byte, and the instruction no VEX prefix */
    bool has_rep;
    unsigned bytes;
};

static bool is_prefix(unsigned char byte)
{
    return memchr("\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3", byte, 11) != NULL;
}

/* The opcode and what follows it. */
static enum form form_of(const unsigned char *at, struct decoded *decoded)
{
    enum { ESCAPE = 0x0f, VEX2 = 0xc5, VEX3 = 0xc4, EVEX = 0x62 };
    unsigned map = 1;
    decoded->opcode = at;
    decoded->is_plain = false;
    if (*at == VEX2 || *at == VEX3 || *at == EVEX) {
        map = *at == VEX2 ? 1 : at[1] & 7;
        decoded->opcode = at + (*at == VEX2 ? 2 : *at == VEX3 ? 3 : 4);
    } else if (*at == ESCAPE) {
        map = at[1] == 0x38 ? 2 : at[1] == 0x3a ? 3 : 1;
        decoded->opcode = at + (map == 1 ? 1 : 2);
    } else {
        decoded->is_plain = true;
        return (enum form)(unsigned char)one_byte[*at];
    }
    return map == 2 ? MODRM : map == 3 ? MODRM_BYTE : (enum form)(unsigned char)two_bytes[*decoded->opcode];
}

/* The ModRM byte and the address behind it. */
static unsigned modrm_bytes(const unsigned char *modrm)
{
    unsigned mode = modrm[0] >> 6, base = modrm[0] & 7, bytes = 1;
    if (mode == 3)
        return bytes;
    if (base == 4) {
        base = modrm[1] & 7;
        bytes++;
    }
    return bytes + (mode == 1 ? 1 : mode == 2 || base == 5 ? 4 : 0);
}

static unsigned constant_bytes(enum form form, const struct decoded *decoded, const unsigned char *modrm)
{
    unsigned word = decoded->is_half && !decoded->is_long ? 2 : 4;
    bool is_test = (modrm[0] >> 3 & 7) < 2;
    switch (form) {
    case MODRM_BYTE:
    case BYTE:
        return 1;
    case HALF:
        return 2;
    case MODRM_WORD:
    case WORD:
        return word;
    case JUMP:
        return 4;
    case LONG:
        return decoded->is_long ? 8 : word;
    case OFFSET:
        return 8;
    case UNARY_BYTE:
        return is_test;
    case UNARY_WORD:
        return is_test ? word : 0;
    default:
        return 0;
    }
}

static bool decode(const unsigned char *code, struct decoded *decoded)
{
    const unsigned char *at = code;
    *decoded = (struct decoded){0};
    for (; is_prefix(*at) && at - code < 14; at++) {
        decoded->is_half |= *at == 0x66;
        decoded->has_rep |= *at == 0xf3;
    }
    if ((*at & 0xf0) == 0x40) /* REX */
        decoded->is_long = (*at++ & 8) != 0;
    enum form form = form_of(at, decoded);
    if (form == INVALID)
        return false;
    const unsigned char *next = decoded->opcode + 1;
    bool has_modrm = strchr("mbwuv", (int)form) != NULL;
    unsigned constant = constant_bytes(form, decoded, next);
    decoded->bytes = (unsigned)(next - code) + constant + (has_modrm ? modrm_bytes(next) : 0);
    return true;
}

unsigned instruction_bytes(const unsigned char *code)
{
    struct decoded decoded;
    return decode(code, &decoded) ? decoded.bytes : 0;
}

/* ---- Blocks. ---- */

enum { CALL = 0xe8, JUMP_FAR = 0xe9, JUMP_NEAR = 0xeb, RETURN = 0xc3, GROUP_5 = 0xff, LOAD = 0x8b, STORE = 0x89 };

static bool leaves(const struct decoded *decoded)
{
    unsigned char opcode = *decoded->opcode;
    bool is_indirect = opcode == GROUP_5 && (decoded->opcode[1] >> 3 & 6) == 4;
    return decoded->is_plain && (opcode == JUMP_FAR || opcode == JUMP_NEAR || opcode == RETURN || is_indirect);
}

/* A function saves registers at its begin, and around calls on its stack; between them only the calls that are left out
 * make it do so, as good as always. No-operations fill up. */
static bool is_by_calls(const struct decoded *decoded)
{
    unsigned char opcode = *decoded->opcode;
    bool on_stack = (decoded->opcode[1] & 7) == 4 && decoded->opcode[1] >> 6 != 3 && decoded->opcode[2] == 0x24;
    if (!decoded->is_plain)
        return opcode == 0x1f || opcode == 0x1e; /* NOP, ENDBR64 */
    return (opcode & 0xf0) == 0x50 || opcode == 0x90 || ((opcode == LOAD || opcode == STORE) && on_stack);
}

static const unsigned char *called(const struct decoded *decoded)
{
    int32_t distance;
    if (!decoded->is_plain || *decoded->opcode != CALL)
        return NULL;
    memcpy(&distance, decoded->opcode + 1, sizeof distance);
    return decoded->opcode + 1 + sizeof distance + distance;
}

unsigned instructions_count(const unsigned char *code, const struct instructions_calls *calls)
{
    unsigned count = 0, arguments = 0;
    struct decoded decoded;
    while (count < INSTRUCTIONS_MAX &&
           decode(code, &decoded)) { /* ends: compilers end each function by a jump or RET */
        const unsigned char *to = called(&decoded);
        if (to != NULL && to == calls->block)
            break;
        if (to != NULL && to >= calls->first && to < calls->after)
            arguments++;
        else if (to != calls->exit || to == NULL)
            count += !is_by_calls(&decoded);
        if (leaves(&decoded))
            break;
        code += decoded.bytes;
    }
    return count > arguments ? count - arguments : 0;
}
