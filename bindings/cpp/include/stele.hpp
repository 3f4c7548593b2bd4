// stele.hpp - Stele for C++17: header-only, nothing but stele.h below it.
//
//     stele::store store("events");
//     stele::writer writer = store.write();
//     writer.append(R"({"@t":"2026-01-01T00:00:00Z","@mt":"Hello"})");
//     writer.commit();
//     for (const stele::event &e : store.read())
//         std::cout << e.key.text() << ' ' << e.clef << '\n';
//
// Three floors. stele.h is the lowest. The handles are the classes store, writer, reader, rows, tail and server: they own
// one handle, move, close themselves, and every call that fails throws stele::error. The idiom is on top: the ranges
// events, lines and following, which fetch many records a call and are gone through with a range-based for.
//
// Threads are as in stele.h: a store and a server may be used by any thread at any time, the rest by one at a time. A second one meanwhile
// gets STELE_BUSY from a handle; ranges, as containers do, leave it to the caller. cancel and close may come from any thread.
#ifndef STELE_HPP
#define STELE_HPP

#include <stele.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stele {

// ------------------------------------------------------------------ errors

// What a call failed with. what() has the whole text: what happened, then lines that begin with "caused by: ".
class error : public std::runtime_error {
public:
    error(stele_result code, const std::string &text) : std::runtime_error(text), code_(code) {}

    // STELE_NOT_FOUND and so on.
    stele_result code() const noexcept { return code_; }
    const char *name() const noexcept { return stele_result_name(code_); }

    // The first line.
    std::string message() const {
        const std::string_view text(what());
        return std::string(text.substr(0, text.find("\ncaused by: ")));
    }

    // The causes, the nearest first, without "caused by: ".
    std::vector<std::string> causes() const {
        constexpr std::string_view mark("\ncaused by: ");
        std::vector<std::string> causes;
        const std::string_view text(what());
        for (size_t at = text.find(mark); at != text.npos;) {
            at += mark.size();
            const size_t next = text.find(mark, at);
            causes.emplace_back(text.substr(at, next == text.npos ? next : next - at));
            at = next;
        }
        return causes;
    }

private:
    stele_result code_;
};

namespace detail {

// Calls get(buffer, length, &actual) with larger buffers until the text fits.
template <typename Get> stele_result fetch(std::string &text, Get get) {
    size_t actual = 0;
    for (text.resize(512);; text.resize(actual)) {
        const stele_result r = get(&text[0], text.size(), &actual);
        if (r == STELE_BUFFER_TOO_SMALL) continue;
        text.resize(r == STELE_OK ? actual : 0);
        return r;
    }
}

} // namespace detail

// The text of the last failure on this thread; empty if there was none.
inline std::string last_error() {
    std::string text;
    detail::fetch(text, [](char *p, size_t n, size_t *actual) { return stele_last_error(nullptr, nullptr, p, n, actual); });
    return text;
}

// Throws what a call failed with. STELE_OK, STELE_DONE, STELE_TIMED_OUT and STELE_BUFFER_TOO_SMALL are no failures and are returned.
inline stele_result check(stele_result r) {
    if (r >= STELE_ARGUMENT_NULL) throw error(r, last_error());
    return r;
}

namespace detail {

template <typename Get> std::string text_of(Get get) {
    std::string text;
    check(fetch(text, get));
    return text;
}

} // namespace detail

// The version of the product, such as "0.3.0".
inline std::string version() {
    stele_version_info info;
    STELE_INIT(info);
    check(stele_version(&info));
    return info.text;
}

// -------------------------------------------------------------------- keys

// Nanoseconds since 1970.
using instant = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

// A key names an event and orders it: first the instant, then the arrival number.
struct key {
    stele_key raw{};

    static key parse(std::string_view text) {
        key k;
        check(stele_key_parse(text.data(), text.size(), &k.raw));
        return k;
    }

    std::string text() const {
        return detail::text_of([this](char *p, size_t n, size_t *actual) { return stele_key_format(&raw, p, n, actual); });
    }

    stele::instant instant() const {
        int64_t ns = 0;
        check(stele_key_parts(&raw, &ns, nullptr));
        return stele::instant(std::chrono::nanoseconds(ns));
    }

    uint64_t arrival() const {
        uint64_t arrival = 0;
        check(stele_key_parts(&raw, nullptr, &arrival));
        return arrival;
    }

    int compare(const key &other) const noexcept { return std::memcmp(raw.bytes, other.raw.bytes, sizeof raw.bytes); }
};
static_assert(sizeof(key) == sizeof(stele_key), "a vector of keys is handed to C as it is");

inline bool operator==(const key &a, const key &b) noexcept { return a.compare(b) == 0; }
inline bool operator!=(const key &a, const key &b) noexcept { return a.compare(b) != 0; }
inline bool operator<(const key &a, const key &b) noexcept { return a.compare(b) < 0; }
inline bool operator>(const key &a, const key &b) noexcept { return a.compare(b) > 0; }
inline bool operator<=(const key &a, const key &b) noexcept { return a.compare(b) <= 0; }
inline bool operator>=(const key &a, const key &b) noexcept { return a.compare(b) >= 0; }

// Bounds on the keys of events: range().from(a).before(b). Without any it has every event.
struct range {
    stele_range raw{};

    range &from(instant t) { return set(raw.from, STELE_INCLUSIVE_INSTANT, t); }
    range &after(instant t) { return set(raw.from, STELE_EXCLUSIVE_INSTANT, t); }
    range &to(instant t) { return set(raw.to, STELE_INCLUSIVE_INSTANT, t); }
    range &before(instant t) { return set(raw.to, STELE_EXCLUSIVE_INSTANT, t); }
    range &from(const key &k) { return set(raw.from, STELE_INCLUSIVE_KEY, k); }
    range &after(const key &k) { return set(raw.from, STELE_EXCLUSIVE_KEY, k); }
    range &to(const key &k) { return set(raw.to, STELE_INCLUSIVE_KEY, k); }
    range &before(const key &k) { return set(raw.to, STELE_EXCLUSIVE_KEY, k); }

private:
    range &set(stele_bound &bound, uint32_t kind, instant t) {
        bound = stele_bound{};
        bound.kind = kind;
        bound.instant = t.time_since_epoch().count();
        return *this;
    }

    range &set(stele_bound &bound, uint32_t kind, const key &k) {
        bound = stele_bound{};
        bound.kind = kind;
        bound.key = k.raw;
        return *this;
    }
};

// ----------------------------------------------------------------- options

// Options: what is zero or empty is the default, as stele.h tells it. The texts need to live until the call returns.

struct open_options {
    bool read_only = false;
    bool must_exist = false;
    uint32_t event_bytes = 0;
    uint64_t batch_bytes = 0;
    uint64_t memory_bytes = 0;
    uint64_t journal_bytes = 0;
    uint64_t cache_bytes = 0;
    uint64_t document_bytes = 0;
    int64_t min_free_bytes = 0;
    uint32_t open_files = 0;
};

struct write_options {
    bool partial = false; // a refused append does not make the commit fail
    std::string_view id;  // of the batch
    bool bind_thread = false;
};

struct read_options {
    stele::range range;
    std::string_view filter;
    uint64_t limit = 0;
    bool descending = false;
    bool read_ahead = false;
    bool bind_thread = false;
};

struct query_options {
    stele::range range;
    std::string_view filter;
    uint64_t memory_bytes = 0;
    std::chrono::milliseconds timeout{0}; // none
    bool bind_thread = false;
};

struct tail_options {
    uint64_t after = 0; // arrival number; STELE_FROM_NOW
    std::string_view filter;
    bool bind_thread = false;
};

struct serve_options {
    std::string_view urls;
    std::string_view instance;
};

// As a time to wait: without end.
constexpr std::chrono::milliseconds forever = std::chrono::milliseconds::max();

namespace detail {

// Milliseconds as C has them: negative is not at all, what does not fit is the most below for ever.
inline uint32_t milliseconds(std::chrono::milliseconds t) {
    if (t == forever) return UINT32_MAX;
    if (t.count() <= 0) return 0;
    return t.count() < UINT32_MAX ? static_cast<uint32_t>(t.count()) : UINT32_MAX - 1;
}

// Owns one handle, which End ends. The number stays after the end: the library itself knows that it is of no use any more, so that a
// close from another thread needs no lock here.
template <stele_result (*End)(uint64_t)> class owner {
public:
    owner() noexcept = default;
    explicit owner(uint64_t handle) noexcept : handle_(handle) {}
    owner(owner &&other) noexcept : handle_(other.release()) {}
    owner &operator=(owner &&other) noexcept {
        if (this != &other) {
            drop();
            handle_ = other.release();
        }
        return *this;
    }
    owner(const owner &) = delete;
    owner &operator=(const owner &) = delete;
    ~owner() { drop(); }

    // The number for functions of stele.h; 0 if it was moved from or released.
    uint64_t handle() const noexcept { return handle_; }

    // Gives the handle to the caller, who ends it.
    uint64_t release() noexcept { return std::exchange(handle_, 0); }

    // Ends the handle: false if it was ended before. What was lost on the way is thrown, and the handle is gone all the same.
    // The destructor does it too, and says nothing.
    bool close() {
        const stele_result r = End(handle_);
        return r != STELE_INVALID_HANDLE && check(r) == STELE_OK;
    }

private:
    void drop() noexcept {
        if (handle_ != 0) End(handle_);
    }

    uint64_t handle_ = 0;
};

// An exclusive handle can be told to give up.
template <stele_result (*End)(uint64_t)> class cancellable : public owner<End> {
public:
    using owner<End>::owner;

    // Makes the call that is inside, and every later one but the close, throw STELE_CANCELED. Any thread.
    void cancel() const { check(stele_cancel(this->handle())); }
};

} // namespace detail

// ----------------------------------------------------------------- handles

// A batch of events on its way in. What is not committed is abandoned: close and the destructor store nothing.
class writer : public detail::cancellable<stele_write_abandon> {
public:
    using cancellable::cancellable;

    // Adds lines of CLEF: all or none.
    void append(std::string_view clef) { check(stele_write_append(handle(), clef.data(), clef.size())); }

    // Stores what was added, durably and at once, and gives the keys in the order in which the events were added.
    std::vector<key> commit() {
        std::vector<key> keys(64);
        for (size_t count = 0;; keys.resize(count)) {
            if (check(commit_into(keys.data(), keys.size(), count)) == STELE_BUFFER_TOO_SMALL) continue;
            keys.resize(count);
            return keys;
        }
    }

    // The same into the caller's keys. STELE_BUFFER_TOO_SMALL: count says how many there are, and the write goes on.
    stele_result commit_into(key *keys, size_t capacity, size_t &count) {
        return check(stele_write_end(handle(), keys == nullptr ? nullptr : &keys->raw, capacity, &count));
    }
};

// Events in the order of their keys, one call each. See events for the range.
class reader : public detail::cancellable<stele_read_end> {
public:
    using cancellable::cancellable;

    // STELE_OK, STELE_DONE, or STELE_BUFFER_TOO_SMALL with the size needed in actual.
    stele_result next(stele::key *key, void *buffer, size_t len, size_t &actual) {
        return check(stele_read_next(handle(), key == nullptr ? nullptr : &key->raw, buffer, len, &actual));
    }

    // As many records (stele_record) as fit.
    stele_result next_batch(void *buffer, size_t len, size_t &actual, size_t &count) {
        return check(stele_read_next_batch(handle(), buffer, len, &actual, &count));
    }
};

// Rows of JSON. See lines for the range.
class rows : public detail::cancellable<stele_rows_end> {
public:
    using cancellable::cancellable;

    stele_result next(char *buffer, size_t len, size_t &actual) { return check(stele_rows_next(handle(), buffer, len, &actual)); }

    stele_result next_batch(void *buffer, size_t len, size_t &actual, size_t &count) {
        return check(stele_rows_next_batch(handle(), buffer, len, &actual, &count));
    }

    // A JSON object with Columns and, after the last row, Statistics.
    std::string describe() const {
        return detail::text_of([this](char *p, size_t n, size_t *actual) { return stele_rows_describe(handle(), p, n, actual); });
    }
};

// Events as they arrive. See following for the range.
class tail : public detail::cancellable<stele_tail_end> {
public:
    using cancellable::cancellable;

    // As reader::next, and STELE_TIMED_OUT rather than STELE_DONE.
    stele_result next(std::chrono::milliseconds timeout, stele::key *key, void *buffer, size_t len, size_t &actual) {
        return check(stele_tail_next(handle(), detail::milliseconds(timeout), key == nullptr ? nullptr : &key->raw, buffer, len, &actual));
    }

    stele_result next_batch(std::chrono::milliseconds timeout, void *buffer, size_t len, size_t &actual, size_t &count) {
        return check(stele_tail_next_batch(handle(), detail::milliseconds(timeout), buffer, len, &actual, &count));
    }

    // The arrival number after which to go on.
    uint64_t position() const {
        uint64_t arrival = 0;
        check(stele_tail_position(handle(), &arrival));
        return arrival;
    }
};

// The HTTP API and page of a store.
class server : public detail::owner<stele_serve_end> {
public:
    using owner::owner;

    // What is listened on, ";" between.
    std::string urls() const {
        return detail::text_of([this](char *p, size_t n, size_t *actual) { return stele_serve_urls(handle(), p, n, actual); });
    }
};

// ------------------------------------------------------------------- idiom

// One event of a range; its text lives until the next one is asked for.
struct event {
    stele::key key;
    std::string_view clef;
};

namespace detail {

// Records that came in one call, and where in them we are.
class batch {
public:
    bool empty() const noexcept { return left_ == 0; }

    // Fills itself by get(buffer, length, &actual, &count), again with a larger buffer if one record needs it.
    template <typename Get> stele_result fill(Get get) {
        if (!memory_) grow(256 << 10);
        for (;;) {
            size_t actual = 0, count = 0;
            const stele_result r = get(memory_.get(), size_, actual, count);
            if (r == STELE_BUFFER_TOO_SMALL) {
                grow(actual);
                continue;
            }
            if (r == STELE_OK) {
                next_ = memory_.get();
                left_ = count;
            }
            return r;
        }
    }

    event take() noexcept {
        stele_record record;
        std::memcpy(&record, next_, sizeof record);
        const std::string_view text(next_ + sizeof record, record.len);
        next_ += record.stride;
        left_--;
        return {{record.key}, text};
    }

private:
    void grow(size_t size) {
        memory_.reset(new char[size]); // its alignment is that of every fundamental type
        size_ = size;
    }

    std::unique_ptr<char[]> memory_;
    size_t size_ = 0, left_ = 0;
    char *next_ = nullptr;
};

// Goes through a range that has const Value *next(), which is null after the last.
template <typename Range, typename Value> class iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    using pointer = const Value *;
    using reference = const Value &;

    iterator() noexcept = default;
    explicit iterator(Range *range) : range_(range) { ++*this; }

    reference operator*() const noexcept { return *value_; }
    pointer operator->() const noexcept { return value_; }
    iterator &operator++() {
        value_ = range_->next();
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.value_ == b.value_; }
    friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.value_ != b.value_; }

private:
    Range *range_ = nullptr;
    const Value *value_ = nullptr;
};

} // namespace detail

// The events that a read gives. Gone through once: begin goes on where it is. Its end throws STELE_CORRUPT or STELE_IO if something was passed over on the way.
class events {
public:
    using iterator = detail::iterator<events, event>;

    explicit events(stele::reader reader) noexcept : reader_(std::move(reader)) {}

    // The next event, or null after the last; it lives until the next call.
    const event *next() {
        if (batch_.empty()) {
            const auto get = [this](void *p, size_t n, size_t &actual, size_t &count) { return reader_.next_batch(p, n, actual, count); };
            if (batch_.fill(get) == STELE_DONE) return nullptr;
        }
        current_ = batch_.take();
        return &current_;
    }

    iterator begin() { return iterator(this); }
    iterator end() noexcept { return iterator(); }

    void cancel() const { reader_.cancel(); }
    bool close() { return reader_.close(); }

private:
    stele::reader reader_;
    detail::batch batch_;
    event current_;
};

// The rows that a query, a list, a check or a backup gives, each a text of JSON that lives until the next one is asked for.
class lines {
public:
    using iterator = detail::iterator<lines, std::string_view>;

    explicit lines(stele::rows rows) noexcept : rows_(std::move(rows)) {}

    const std::string_view *next() {
        if (batch_.empty()) {
            const auto get = [this](void *p, size_t n, size_t &actual, size_t &count) { return rows_.next_batch(p, n, actual, count); };
            if (batch_.fill(get) == STELE_DONE) return nullptr;
        }
        current_ = batch_.take().clef;
        return &current_;
    }

    iterator begin() { return iterator(this); }
    iterator end() noexcept { return iterator(); }

    std::string describe() const { return rows_.describe(); }
    void cancel() const { rows_.cancel(); }
    bool close() { return rows_.close(); }

private:
    stele::rows rows_;
    detail::batch batch_;
    std::string_view current_;
};

// The events of a store as they arrive. A loop over it waits for more without end: cancel, or the store's close, throws out of it.
class following {
public:
    using iterator = detail::iterator<following, event>;

    explicit following(stele::tail tail) noexcept : tail_(std::move(tail)) {}

    // The next event, or null if none came in time; it lives until the next call.
    const event *next(std::chrono::milliseconds timeout = forever) {
        while (batch_.empty()) {
            const auto get = [&](void *p, size_t n, size_t &actual, size_t &count) { return tail_.next_batch(timeout, p, n, actual, count); };
            if (batch_.fill(get) == STELE_TIMED_OUT && timeout != forever) return nullptr;
        }
        current_ = batch_.take();
        return &current_;
    }

    iterator begin() { return iterator(this); }
    iterator end() noexcept { return iterator(); }

    // The arrival number after which to go on: nothing that next has not given is skipped.
    uint64_t position() const { return batch_.empty() ? tail_.position() : current_.key.arrival(); }

    void cancel() const { tail_.cancel(); }
    bool close() { return tail_.close(); }

private:
    stele::tail tail_;
    detail::batch batch_;
    event current_;
};

// ------------------------------------------------------------------- store

// An open store. Every method may be called by any thread at any time.
class store : public detail::owner<stele_close> {
public:
    using owner::owner;

    explicit store(std::string_view path, const open_options &options = {}) : owner(open(path, options)) {}

    // Seals what is in the journal into segments. What was acknowledged is durable without it.
    void flush() const { check(stele_flush(handle())); }

    // A JSON object with StoreId, Events and so on.
    std::string statistics() const {
        return detail::text_of([this](char *p, size_t n, size_t *actual) { return stele_statistics(handle(), p, n, actual); });
    }

    writer write(const write_options &options = {}) const {
        stele_write_options o;
        STELE_INIT(o);
        o.flags = flag(options.partial, STELE_WRITE_PARTIAL) | flag(options.bind_thread, STELE_BIND_THREAD);
        o.id = options.id.data();
        o.id_len = options.id.size();
        return begin<writer>(stele_write_begin, &o);
    }

    // Stores lines of CLEF as one write.
    std::vector<key> append(std::string_view clef) const {
        writer w = write();
        w.append(clef);
        return w.commit();
    }

    events read(const read_options &options = {}) const { return events(begin_read(options)); }

    reader begin_read(const read_options &options = {}) const {
        stele_read_options o;
        STELE_INIT(o);
        o.range = &options.range.raw;
        o.filter = options.filter.data();
        o.filter_len = options.filter.size();
        o.limit = options.limit;
        o.ordering = options.descending ? STELE_DESCENDING : STELE_ASCENDING;
        o.flags = flag(options.read_ahead, STELE_READ_AHEAD) | flag(options.bind_thread, STELE_BIND_THREAD);
        return begin<reader>(stele_read_begin, &o);
    }

    // The CLEF of one event.
    std::string get(const key &k) const {
        return detail::text_of([&](char *p, size_t n, size_t *actual) { return stele_get(handle(), &k.raw, p, n, actual); });
    }

    // Deletes events, durably and all at once, and says how many there were.
    uint64_t remove(const std::vector<key> &keys) const {
        uint64_t deleted = 0;
        check(stele_delete_keys(handle(), keys.empty() ? nullptr : &keys.data()->raw, keys.size(), &deleted));
        return deleted;
    }

    uint64_t remove(const range &r, std::string_view filter = {}) const {
        uint64_t deleted = 0;
        check(stele_delete(handle(), &r.raw, filter.data(), filter.size(), &deleted));
        return deleted;
    }

    void set_document(std::string_view key, std::string_view json) const {
        check(stele_document_set(handle(), key.data(), key.size(), json.data(), json.size()));
    }

    std::string document(std::string_view key) const {
        return detail::text_of([&](char *p, size_t n, size_t *actual) { return stele_document_get(handle(), key.data(), key.size(), p, n, actual); });
    }

    void remove_document(std::string_view key) const { check(stele_document_delete(handle(), key.data(), key.size())); }

    // JSON objects with Key, Bytes, Changed and Version.
    lines documents(std::string_view prefix = {}) const {
        return lines(begin<rows>(stele_document_list, prefix.data(), prefix.size()));
    }

    lines query(std::string_view query, const query_options &options = {}) const { return lines(begin_query(query, options)); }

    rows begin_query(std::string_view query, const query_options &options = {}) const {
        stele_query_options o;
        STELE_INIT(o);
        o.range = &options.range.raw;
        o.filter = options.filter.data();
        o.filter_len = options.filter.size();
        o.memory_bytes = options.memory_bytes;
        o.timeout_ms = detail::milliseconds(options.timeout);
        o.flags = flag(options.bind_thread, STELE_BIND_THREAD);
        return begin<rows>(stele_query_begin, query.data(), query.size(), &o);
    }

    following follow(const tail_options &options = {}) const { return following(begin_tail(options)); }

    tail begin_tail(const tail_options &options = {}) const {
        stele_tail_options o;
        STELE_INIT(o);
        o.after = options.after;
        o.filter = options.filter.data();
        o.filter_len = options.filter.size();
        o.flags = flag(options.bind_thread, STELE_BIND_THREAD);
        return begin<tail>(stele_tail_begin, &o);
    }

    // One JSON object with what was checked and the Damage found.
    lines verify() const { return lines(begin<rows>(stele_verify)); }

    // One JSON object that describes the backup, which is durable when this returns.
    lines backup(std::string_view directory, uint32_t keep = 0) const {
        return lines(begin<rows>(stele_backup, directory.data(), directory.size(), keep));
    }

    server serve(const serve_options &options = {}) const {
        stele_serve_options o;
        STELE_INIT(o);
        o.urls = options.urls.data();
        o.urls_len = options.urls.size();
        o.instance = options.instance.data();
        o.instance_len = options.instance.size();
        return begin<server>(stele_serve_begin, &o);
    }

private:
    static uint64_t open(std::string_view path, const open_options &options) {
        stele_options o;
        STELE_INIT(o);
        o.flags = flag(options.read_only, STELE_READ_ONLY) | flag(options.must_exist, STELE_MUST_EXIST);
        o.event_bytes = options.event_bytes;
        o.batch_bytes = options.batch_bytes;
        o.memory_bytes = options.memory_bytes;
        o.journal_bytes = options.journal_bytes;
        o.cache_bytes = options.cache_bytes;
        o.document_bytes = options.document_bytes;
        o.min_free_bytes = options.min_free_bytes;
        o.open_files = options.open_files;
        uint64_t handle = 0;
        check(stele_open(path.data(), path.size(), &o, &handle));
        return handle;
    }

    static uint32_t flag(bool on, uint32_t bit) noexcept { return on ? bit : 0; }

    // Begins what function makes of this store.
    template <typename Handle, typename Function, typename... Arguments> Handle begin(Function function, Arguments... arguments) const {
        uint64_t made = 0;
        check(function(handle(), arguments..., &made));
        return Handle(made);
    }
};

} // namespace stele

#endif
