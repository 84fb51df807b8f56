/* SPDX-License-Identifier: Apache-2.0 */
/* The network extension: ip() and cidr(). An address is 4 or 16 bytes; a CIDR has a prefix length
 * too. IPv4 inside IPv6 and zones are refused, as the extension says. */
#include <arpa/inet.h>
#include <stdio.h>

#include "cel/machine.h"

#define FUNCTION(name)                                                                             \
    static struct cel_value name(struct cel_machine *m, const struct cel_value *a, uint32_t count)
#define UNUSED_ARGUMENTS (void)m, (void)a, (void)count

enum { ADDRESS_TEXT_MAX = 64, MAPPED_PREFIX_SIZE = 12 };

size_t cel_address_text(const struct cel_value *value, char *out)
{
    char text[INET6_ADDRSTRLEN] = "?";
    (void)inet_ntop(value->text.size == 4 ? AF_INET : AF_INET6, value->text.data, text,
                    sizeof(text));
    return (size_t)(value->kind == CEL_CIDR
                        ? snprintf(out, ADDRESS_TEXT_MAX, "%s/%d", text, value->nanos)
                        : snprintf(out, ADDRESS_TEXT_MAX, "%s", text));
}

/* Into 16 bytes; the size, or 0 with a reason. */
static size_t parse_address(struct slice text, uint8_t out[16], const char **out_error)
{
    static const uint8_t mapped[MAPPED_PREFIX_SIZE] = {[10] = 0xff, [11] = 0xff};
    char copy[ADDRESS_TEXT_MAX];
    *out_error = "IP Address parse error during conversion from string";
    if (text.size == 0 || text.size >= sizeof(copy) || memchr(text.data, 0, text.size) != NULL) {
        return 0;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (strchr(copy, '%') != NULL) {
        *out_error = "IP Address with zone value is not allowed";
        return 0;
    }
    if (inet_pton(AF_INET, copy, out) == 1) {
        return 4;
    }
    if (inet_pton(AF_INET6, copy, out) != 1) {
        return 0;
    }
    /* Written with dots it is refused; written in hexadecimal it is the IPv4 address it stands for.
     */
    if (memcmp(out, mapped, MAPPED_PREFIX_SIZE) == 0) {
        *out_error = "IPv4-mapped IPv6 address is not allowed";
        if (strchr(copy, '.') != NULL) {
            return 0;
        }
        memmove(out, out + MAPPED_PREFIX_SIZE, 4);
        return 4;
    }
    return 16;
}

static struct cel_value keep(struct cel_machine *m, enum cel_kind kind, const uint8_t *bytes,
                             size_t size, int32_t prefix)
{
    struct cel_value copy = cel_scratch_string(m, slice_of(bytes, size));
    if (copy.kind == CEL_STRING) {
        copy.kind = kind;
        copy.nanos = prefix;
    }
    return copy;
}

static struct cel_value make_ip(struct cel_machine *m, struct slice text)
{
    uint8_t bytes[16];
    const char *error = NULL;
    size_t size = parse_address(text, bytes, &error);
    return size == 0 ? cel_error(error) : keep(m, CEL_IP, bytes, size, 0);
}

static struct cel_value make_cidr(struct cel_machine *m, struct slice text)
{
    const uint8_t *slash = text.size == 0 ? NULL : memchr(text.data, '/', text.size);
    size_t at = slash == NULL ? text.size : (size_t)(slash - text.data);
    uint8_t bytes[16];
    const char *error = NULL;
    size_t size = parse_address(slice_of(text.data, at), bytes, &error);
    if (size == 0) {
        return cel_error(error);
    }
    int32_t prefix = at + 1 < text.size && text.size - at <= 4 ? 0 : -1;
    for (size_t i = at + 1; prefix >= 0 && i < text.size; i++) {
        bool digit = text.data[i] >= '0' && text.data[i] <= '9';
        prefix = digit ? prefix * 10 + (text.data[i] - '0') : -1;
    }
    if (prefix < 0 || prefix > (int32_t)size * 8 ||
        (text.size - at > 2 && text.data[at + 1] == '0')) {
        return cel_error("network address parse error during conversion from string");
    }
    return keep(m, CEL_CIDR, bytes, size, prefix);
}

FUNCTION(ip_of_string)
{
    (void)count;
    return make_ip(m, a[0].text);
}

FUNCTION(cidr_of_string)
{
    (void)count;
    return make_cidr(m, a[0].text);
}

FUNCTION(same)
{
    UNUSED_ARGUMENTS;
    return a[0];
}

FUNCTION(is_ip)
{
    UNUSED_ARGUMENTS;
    uint8_t bytes[16];
    const char *error = NULL;
    return cel_bool(parse_address(a[0].text, bytes, &error) != 0);
}

FUNCTION(is_cidr)
{
    (void)count;
    struct cel_value cidr = make_cidr(m, a[0].text);
    return cel_bool(cidr.kind == CEL_CIDR);
}

FUNCTION(is_canonical)
{
    (void)count;
    struct cel_value ip = make_ip(m, a[0].text);
    char text[ADDRESS_TEXT_MAX];
    return ip.kind != CEL_IP
               ? ip
               : cel_bool(slice_equal(slice_of(text, cel_address_text(&ip, text)), a[0].text));
}

FUNCTION(family)
{
    UNUSED_ARGUMENTS;
    return cel_int(a[0].text.size == 4 ? 4 : 6);
}

static bool all_zero(struct slice bytes, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (bytes.data[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool unspecified(struct slice ip)
{
    return all_zero(ip, 0, ip.size);
}

static bool loopback(struct slice ip)
{
    return ip.size == 4 ? ip.data[0] == 127 : all_zero(ip, 0, 15) && ip.data[15] == 1;
}

static bool link_local_unicast(struct slice ip)
{
    return ip.size == 4 ? ip.data[0] == 169 && ip.data[1] == 254
                        : ip.data[0] == 0xfe && (ip.data[1] & 0xc0) == 0x80;
}

static bool link_local_multicast(struct slice ip)
{
    return ip.size == 4 ? ip.data[0] == 224 && ip.data[1] == 0 && ip.data[2] == 0
                        : ip.data[0] == 0xff && (ip.data[1] & 0x0f) == 0x02;
}

static bool global_unicast(struct slice ip)
{
    bool multicast = ip.size == 4 ? (ip.data[0] & 0xf0) == 0xe0 : ip.data[0] == 0xff;
    bool broadcast = ip.size == 4 && memcmp(ip.data, "\xff\xff\xff\xff", 4) == 0;
    return !multicast && !broadcast && !unspecified(ip) && !loopback(ip) && !link_local_unicast(ip);
}

#define QUESTION(name, question)                                                                   \
    FUNCTION(name)                                                                                 \
    {                                                                                              \
        UNUSED_ARGUMENTS;                                                                          \
        return cel_bool(question(a[0].text));                                                      \
    }
QUESTION(is_unspecified, unspecified)
QUESTION(is_loopback, loopback)
QUESTION(is_global_unicast, global_unicast)
QUESTION(is_link_local_unicast, link_local_unicast)
QUESTION(is_link_local_multicast, link_local_multicast)

/* Are the first `prefix` bits the same? */
static bool same_bits(struct slice a, struct slice b, int32_t prefix)
{
    size_t whole = (size_t)prefix / 8;
    unsigned rest = (unsigned)prefix % 8;
    return a.size == b.size && memcmp(a.data, b.data, whole) == 0 &&
           (rest == 0 || (a.data[whole] ^ b.data[whole]) >> (8 - rest) == 0);
}

FUNCTION(contains_ip)
{
    (void)count;
    struct cel_value ip = a[1].kind == CEL_IP ? a[1] : make_ip(m, a[1].text);
    return ip.kind != CEL_IP ? ip : cel_bool(same_bits(a[0].text, ip.text, a[0].nanos));
}

FUNCTION(contains_cidr)
{
    (void)count;
    struct cel_value inner = a[1].kind == CEL_CIDR ? a[1] : make_cidr(m, a[1].text);
    return inner.kind != CEL_CIDR ? inner
                                  : cel_bool(inner.nanos >= a[0].nanos &&
                                             same_bits(a[0].text, inner.text, a[0].nanos));
}

FUNCTION(ip_of_cidr)
{
    UNUSED_ARGUMENTS;
    return (struct cel_value){.kind = CEL_IP, .text = a[0].text};
}

FUNCTION(masked)
{
    (void)count;
    uint8_t bytes[16];
    memcpy(bytes, a[0].text.data, a[0].text.size);
    for (size_t i = 0; i < a[0].text.size; i++) {
        int32_t bits = a[0].nanos - (int32_t)(8 * i);
        bytes[i] = bits >= 8 ? bytes[i] : bits <= 0 ? 0 : (uint8_t)(bytes[i] & 0xff << (8 - bits));
    }
    return keep(m, CEL_CIDR, bytes, a[0].text.size, a[0].nanos);
}

FUNCTION(prefix_length)
{
    UNUSED_ARGUMENTS;
    return cel_int(a[0].nanos);
}

const struct cel_function cel_networks[] = {
    {"ip", "s:P", ip_of_string},
    {"ip", "P:P", same},
    {"ip", ".C:P", ip_of_cidr},
    {"cidr", "s:C", cidr_of_string},
    {"cidr", "C:C", same},
    {"isIP", "s:b", is_ip},
    {"isCIDR", "s:b", is_cidr},
    {"ip.isCanonical", "s:b", is_canonical},
    {"family", ".P:i", family},
    {"isUnspecified", ".P:b", is_unspecified},
    {"isLoopback", ".P:b", is_loopback},
    {"isGlobalUnicast", ".P:b", is_global_unicast},
    {"isLinkLocalUnicast", ".P:b", is_link_local_unicast},
    {"isLinkLocalMulticast", ".P:b", is_link_local_multicast},
    {"containsIP", ".CP:b", contains_ip},
    {"containsIP", ".Cs:b", contains_ip},
    {"containsCIDR", ".CC:b", contains_cidr},
    {"containsCIDR", ".Cs:b", contains_cidr},
    {"masked", ".C:C", masked},
    {"prefixLength", ".C:i", prefix_length},
    {NULL, NULL, NULL},
};
