// What needs no store: versions, hosts, keys.
#include "enter.h"
#include "_cgo_export.h"

#include <stddef.h>

stele_result stele_version(stele_version_info *info)
{
    static const char here[] = "stele_version";
    TRY(enter_plain(here));
    TRY(given(here, info, "info"));
    if (info->size < offsetof(stele_version_info, reserved))
        return shim_failf(here, STELE_INVALID, "info->size is %llu; set it with STELE_INIT", (unsigned long long)info->size);
    stele_version_info all;
    STELE_INIT(all);
    all.size = info->size;
    all.abi = STELE_ABI_VERSION;
    stele_result r;
    GO(r = stelego_version(all.text, sizeof all.text));
    if (r != STELE_OK)
        return r;
    memcpy(info, &all, info->size < sizeof all ? info->size : sizeof all);
    return STELE_OK;
}

stele_result stele_host(uint32_t host)
{
    static const char here[] = "stele_host";
    TRY(enter_plain(here));
    if (host > STELE_HOST_SIGNALS)
        return shim_failf(here, STELE_UNSUPPORTED, "%u is no host that this version knows", (unsigned)host);
    os_set_host(host);
    return STELE_OK;
}

static stele_result cancel(uint32_t index)
{
    stele_result r;
    GO(r = stelego_cancel(index));
    return r;
}

stele_result stele_cancel(uint64_t handle)
{
    static const char here[] = "stele_cancel";
    TRY(enter_plain(here));
    stele_result r = slot_cancel(handle, cancel);
    if (r == STELE_INVALID_HANDLE)
        return shim_failf(here, r, "%llu is not the handle of a writer, a reader, a tail or a result that is open", (unsigned long long)handle);
    return r;
}

// ------------------------------------------------------------------- keys

static const char prefix[] = "event-";

stele_result stele_key_parse(const char *s, size_t len, stele_key *key)
{
    static const char here[] = "stele_key_parse";
    TRY(enter_plain(here));
    TRY(text(here, s, &len, "text", false));
    TRY(given(here, key, "key"));
    stele_key k;
    bool      good = len == STELE_KEY_TEXT && memcmp(s, prefix, sizeof prefix - 1) == 0;
    for (size_t i = 0; good && i < 32; i++) {
        char c = s[sizeof prefix - 1 + i];
        int  digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        good = digit >= 0;
        k.bytes[i / 2] = (uint8_t)(i % 2 ? k.bytes[i / 2] << 4 | digit : digit);
    }
    if (!good) {
        int shown = 0; // what is ASCII, so that the text is UTF-8 whatever this is
        while (shown < 60 && (size_t)shown < len && s[shown] >= ' ' && s[shown] <= '~')
            shown++;
        return shim_failf(here, STELE_INVALID, "\"%.*s\" is no key, which is event- and 32 hex digits", shown, s);
    }
    *key = k;
    return STELE_OK;
}

stele_result stele_key_format(const stele_key *key, char *buffer, size_t len, size_t *actual)
{
    static const char here[] = "stele_key_format", digits[] = "0123456789abcdef";
    TRY(enter_plain(here));
    TRY(given(here, key, "key"));
    TRY(given(here, actual, "actual"));
    if (len)
        TRY(given(here, buffer, "buffer"));
    *actual = STELE_KEY_TEXT;
    if (len < STELE_KEY_TEXT)
        return STELE_BUFFER_TOO_SMALL;
    memcpy(buffer, prefix, sizeof prefix - 1);
    for (size_t i = 0; i < 16; i++) {
        buffer[sizeof prefix - 1 + 2 * i] = digits[key->bytes[i] >> 4];
        buffer[sizeof prefix + 2 * i] = digits[key->bytes[i] & 15];
    }
    return STELE_OK;
}

stele_result stele_key_parts(const stele_key *key, int64_t *instant, uint64_t *arrival)
{
    static const char here[] = "stele_key_parts";
    TRY(enter_plain(here));
    TRY(given(here, key, "key"));
    uint64_t parts[2] = {0, 0};
    for (size_t i = 0; i < 16; i++)
        parts[i / 8] = parts[i / 8] << 8 | key->bytes[i];
    if (instant)
        *instant = (int64_t)(parts[0] ^ UINT64_C(1) << 63);
    if (arrival)
        *arrival = parts[1];
    return STELE_OK;
}
