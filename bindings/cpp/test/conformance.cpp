// The runner of the conformance scripts over stele.hpp: capi/conformance/README.md has the form.
//
//     conformance SCRIPT DIRECTORY
#include "script.hpp"

#include <fstream>
#include <functional>
#include <memory>
#include <thread>

using namespace script;

namespace {

// ------------------------------------------------------------- raw calls

using function = stele_result (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

template <typename F> function raw(F f) {
    return reinterpret_cast<function>(reinterpret_cast<void (*)()>(f)); // numbers and pointers alike are a register each
}

const std::map<std::string, function> functions = {
    {"version", raw(stele_version)}, {"last_error", raw(stele_last_error)}, {"host", raw(stele_host)}, {"cancel", raw(stele_cancel)},
    {"key_parse", raw(stele_key_parse)}, {"key_format", raw(stele_key_format)}, {"key_parts", raw(stele_key_parts)},
    {"open", raw(stele_open)}, {"close", raw(stele_close)}, {"flush", raw(stele_flush)}, {"statistics", raw(stele_statistics)},
    {"verify", raw(stele_verify)}, {"backup", raw(stele_backup)},
    {"write_begin", raw(stele_write_begin)}, {"write_append", raw(stele_write_append)}, {"write_end", raw(stele_write_end)}, {"write_abandon", raw(stele_write_abandon)},
    {"read_begin", raw(stele_read_begin)}, {"read_next", raw(stele_read_next)}, {"read_next_batch", raw(stele_read_next_batch)}, {"read_end", raw(stele_read_end)},
    {"get", raw(stele_get)}, {"delete_keys", raw(stele_delete_keys)}, {"delete", raw(stele_delete)},
    {"document_set", raw(stele_document_set)}, {"document_get", raw(stele_document_get)}, {"document_delete", raw(stele_document_delete)}, {"document_list", raw(stele_document_list)},
    {"query_begin", raw(stele_query_begin)}, {"rows_describe", raw(stele_rows_describe)}, {"rows_next", raw(stele_rows_next)}, {"rows_next_batch", raw(stele_rows_next_batch)}, {"rows_end", raw(stele_rows_end)},
    {"tail_begin", raw(stele_tail_begin)}, {"tail_next", raw(stele_tail_next)}, {"tail_next_batch", raw(stele_tail_next_batch)}, {"tail_position", raw(stele_tail_position)}, {"tail_end", raw(stele_tail_end)},
    {"serve_begin", raw(stele_serve_begin)}, {"serve_urls", raw(stele_serve_urls)}, {"serve_end", raw(stele_serve_end)},
};

// A call with its memory.
class raw_call {
public:
    explicit raw_call(words &w) {
        const std::string name = w.next();
        const auto found = functions.find(name);
        if (found == functions.end()) fail("no such function: " + name);
        function_ = found->second;
        const std::vector<std::string> parameters = w.rest();
        if (parameters.size() > 6) fail("too many parameters");
        for (size_t i = 0; i < parameters.size(); i++) parameters_[i] = parameter(parameters[i]);
    }

    stele_result call() { return result_ = function_(parameters_[0], parameters_[1], parameters_[2], parameters_[3], parameters_[4], parameters_[5]); }

    // Binds new names and gives the = line.
    std::string line() const {
        std::string line = std::string("= ") + stele_result_name(result_);
        for (const out &o : outs_) {
            uint64_t u64;
            uint32_t u32;
            std::memcpy(&u64, o.memory, sizeof u64);
            std::memcpy(&u32, o.memory, sizeof u32);
            if (o.name.empty())
                line += " " + std::to_string(o.wide ? u64 : u32);
            else if (result_ == STELE_OK)
                handles[o.name] = u64;
        }
        return line;
    }

private:
    struct out {
        const void *memory;
        bool wide;
        std::string name; // of a handle to bind
    };

    uint64_t parameter(const std::string &w) {
        if (w == "null") return 0;
        if (w[0] == '"') {
            const std::string bytes = to_text(w).bytes;
            return memory(bytes.size() + 1, bytes);
        }
        if (w.compare(0, 6, "event-") == 0) {
            const stele::key key = to_key(w);
            const size_t star = w.find('*');
            std::string bytes;
            for (uint64_t n = star == w.npos ? 1 : number(w.substr(star + 1)); n > 0; n--) bytes.append(reinterpret_cast<const char *>(key.raw.bytes), sizeof key.raw.bytes);
            return memory(bytes.size(), bytes);
        }
        if (w.compare(0, 4, "hex:") == 0) {
            std::string bytes;
            for (size_t i = 4; i + 1 < w.size(); i += 2) bytes += static_cast<char>(std::stoul(w.substr(i, 2), nullptr, 16));
            return memory(bytes.size(), bytes);
        }
        if (w.compare(0, 7, "buffer:") == 0) return memory(number(w.substr(7)), "");
        if (w == "u64" || w == "u32") {
            const uint64_t p = w == "u64" ? seven<uint64_t>() : seven<uint32_t>();
            outs_.push_back({memory_.back().get(), w == "u64", ""});
            return p;
        }
        if (w.compare(0, 4, "new:") == 0) {
            const uint64_t p = memory(8, "");
            outs_.push_back({memory_.back().get(), true, w.substr(4)});
            return p;
        }
        return w[0] == '-' || (w[0] >= '0' && w[0] <= '9') ? number(w) : to_handle(w);
    }

    template <typename T> uint64_t seven() {
        const T n = 7;
        return memory(8, std::string_view(reinterpret_cast<const char *>(&n), sizeof n));
    }

    // A pointer to that many bytes, the first of which are given.
    uint64_t memory(size_t size, std::string_view bytes) {
        memory_.emplace_back(new uint64_t[size / 8 + 1]());
        std::memcpy(memory_.back().get(), bytes.data(), bytes.size());
        return reinterpret_cast<uintptr_t>(memory_.back().get());
    }

    function function_ = nullptr;
    uint64_t parameters_[6] = {};
    std::vector<std::unique_ptr<uint64_t[]>> memory_;
    std::vector<out> outs_;
    stele_result result_ = STELE_OK;
};

// -------------------------------------------------------------- commands

// A handle of the script in the hands of the binding, for one call.
template <typename Handle> struct lent : Handle {
    explicit lent(const std::string &word) : Handle(to_handle(word)) {}
    ~lent() { this->release(); }
};

void answer(stele_result r, const std::string &values = "") {
    std::cout << "= " << stele_result_name(r) << (values.empty() ? "" : " ") << values << '\n';
    if (r >= STELE_ARGUMENT_NULL) show('!', stele::last_error());
}

void answer_text(std::string_view json, words &w) {
    answer(STELE_OK);
    if (!w.more()) show('|', json);
    for (const std::string &name : w.rest()) show('|', name + " " + pick(json, name));
}

// Calls get(buffer, length, actual) with a buffer that grows.
template <typename Get> stele_result grow(std::string &buffer, Get get) {
    size_t actual = 0;
    stele_result r;
    for (buffer.resize(16); (r = get(&buffer[0], buffer.size(), actual)) == STELE_BUFFER_TOO_SMALL;) buffer.resize(actual);
    buffer.resize(r == STELE_OK ? actual : 0);
    return r;
}

template <typename Next> void answer_event(Next next) {
    stele::key key;
    std::string buffer;
    const stele_result r = grow(buffer, [&](char *p, size_t n, size_t &actual) { return next(&key, p, n, actual); });
    answer(r, r == STELE_OK ? key.text() : "");
    if (r == STELE_OK) show('|', buffer);
}

template <typename Next> void answer_batch(words &w, bool keys, Next next) {
    const size_t size = number(w.next());
    const std::unique_ptr<uint64_t[]> buffer(new uint64_t[size / 8 + 1]);
    size_t actual = 0, count = 0;
    const stele_result r = next(buffer.get(), size, actual, count);
    answer(r, r == STELE_OK ? std::to_string(count) : r == STELE_BUFFER_TOO_SMALL ? std::to_string(actual) : "");
    const char *p = reinterpret_cast<const char *>(buffer.get());
    for (; r == STELE_OK && count > 0; count--) {
        stele_record record;
        std::memcpy(&record, p, sizeof record);
        const std::string text(p + sizeof record, record.len);
        show('|', keys ? stele::key{record.key}.text() + " " + text : text);
        p += record.stride;
    }
}

template <typename Handle> void end(words &w) {
    lent<Handle> handle(w.next());
    answer(handle.close() ? STELE_OK : STELE_INVALID_HANDLE);
}

// Takes over the handle of what begins a thing of the script.
template <typename Handle> void bind(const std::string &name, Handle handle) {
    handles[name] = handle.release();
    answer(STELE_OK);
}

// As bind for what the idiom gives as lines: the script wants rows.
template <typename Begin> void bind_rows(const std::string &name, Begin begin) {
    uint64_t rows = 0;
    stele::check(begin(&rows));
    bind(name, stele::rows(rows));
}

void open(words &w) {
    const std::string name = w.next();
    const text path = to_text(w.next());
    stele_options o;
    STELE_INIT(o);
    stele::open_options idiom;
    o.flags = static_cast<uint32_t>(option_number(w, "flags"));
    o.event_bytes = idiom.event_bytes = static_cast<uint32_t>(option_number(w, "event_bytes"));
    o.batch_bytes = idiom.batch_bytes = option_number(w, "batch_bytes");
    o.memory_bytes = idiom.memory_bytes = option_number(w, "memory_bytes");
    o.journal_bytes = idiom.journal_bytes = option_number(w, "journal_bytes");
    o.cache_bytes = idiom.cache_bytes = option_number(w, "cache_bytes");
    o.document_bytes = idiom.document_bytes = option_number(w, "document_bytes");
    o.min_free_bytes = idiom.min_free_bytes = static_cast<int64_t>(option_number(w, "min_free_bytes"));
    o.open_files = idiom.open_files = static_cast<uint32_t>(option_number(w, "open_files"));
    idiom.read_only = (o.flags & STELE_READ_ONLY) != 0;
    idiom.must_exist = (o.flags & STELE_MUST_EXIST) != 0;
    if (o.flags <= (STELE_READ_ONLY | STELE_MUST_EXIST)) return bind(name, stele::store(path, idiom));
    uint64_t handle = 0;
    stele::check(stele_open(std::string_view(path).data(), std::string_view(path).size(), &o, &handle));
    bind(name, stele::store(handle));
}

void write_begin(words &w) {
    const std::string name = w.next();
    const lent<stele::store> store(w.next());
    const text id = option_text(w, "id");
    const std::string_view o_id = id;
    const uint64_t flags = option_number(w, "flags");
    if (flags <= (STELE_WRITE_PARTIAL | STELE_BIND_THREAD)) {
        stele::write_options o;
        o.partial = (flags & STELE_WRITE_PARTIAL) != 0;
        o.bind_thread = (flags & STELE_BIND_THREAD) != 0;
        o.id = o_id;
        return bind(name, store.write(o));
    }
    stele_write_options o;
    STELE_INIT(o);
    o.flags = static_cast<uint32_t>(flags);
    o.id = o_id.data();
    o.id_len = o_id.size();
    uint64_t handle = 0;
    stele::check(stele_write_begin(store.handle(), &o, &handle));
    bind(name, stele::writer(handle));
}

void read_begin(words &w) {
    const std::string name = w.next();
    const lent<stele::store> store(w.next());
    const text filter = option_text(w, "filter");
    const uint64_t flags = option_number(w, "flags"), ordering = option_number(w, "ordering");
    stele::read_options o;
    o.range = to_range(w);
    o.filter = filter;
    o.limit = option_number(w, "limit");
    o.descending = ordering == STELE_DESCENDING;
    o.read_ahead = (flags & STELE_READ_AHEAD) != 0;
    o.bind_thread = (flags & STELE_BIND_THREAD) != 0;
    if (flags <= (STELE_READ_AHEAD | STELE_BIND_THREAD) && ordering <= STELE_DESCENDING) return bind(name, store.begin_read(o));
    stele_read_options c;
    STELE_INIT(c);
    c.range = &o.range.raw;
    c.filter = o.filter.data();
    c.filter_len = o.filter.size();
    c.limit = o.limit;
    c.ordering = static_cast<uint32_t>(ordering);
    c.flags = static_cast<uint32_t>(flags);
    uint64_t handle = 0;
    stele::check(stele_read_begin(store.handle(), &c, &handle));
    bind(name, stele::reader(handle));
}

void query_begin(words &w) {
    const std::string name = w.next();
    const lent<stele::store> store(w.next());
    const text query = to_text(w.next()), filter = option_text(w, "filter");
    const uint64_t flags = option_number(w, "flags");
    stele::query_options o;
    o.range = to_range(w);
    o.filter = filter;
    o.memory_bytes = option_number(w, "memory_bytes");
    o.timeout = std::chrono::milliseconds(option_number(w, "timeout_ms"));
    o.bind_thread = (flags & STELE_BIND_THREAD) != 0;
    if ((flags | STELE_BIND_THREAD) == STELE_BIND_THREAD) return bind(name, store.begin_query(query, o));
    stele_query_options c;
    STELE_INIT(c);
    c.range = &o.range.raw;
    c.filter = o.filter.data();
    c.filter_len = o.filter.size();
    c.memory_bytes = o.memory_bytes;
    c.timeout_ms = static_cast<uint32_t>(o.timeout.count());
    c.flags = static_cast<uint32_t>(flags);
    bind_rows(name, [&](uint64_t *rows) { return stele_query_begin(store.handle(), std::string_view(query).data(), std::string_view(query).size(), &c, rows); });
}

void tail_begin(words &w) {
    const std::string name = w.next();
    const lent<stele::store> store(w.next());
    const text filter = option_text(w, "filter");
    const uint64_t flags = option_number(w, "flags");
    stele::tail_options o;
    o.after = option_number(w, "after");
    o.filter = filter;
    o.bind_thread = (flags & STELE_BIND_THREAD) != 0;
    if ((flags | STELE_BIND_THREAD) == STELE_BIND_THREAD) return bind(name, store.begin_tail(o));
    stele_tail_options c;
    STELE_INIT(c);
    c.after = o.after;
    c.filter = o.filter.data();
    c.filter_len = o.filter.size();
    c.flags = static_cast<uint32_t>(flags);
    uint64_t handle = 0;
    stele::check(stele_tail_begin(store.handle(), &c, &handle));
    bind(name, stele::tail(handle));
}

void write_end(words &w) {
    lent<stele::writer> writer(w.next());
    const std::vector<stele::key> keys = writer.commit();
    answer(STELE_OK, std::to_string(keys.size()));
    for (const stele::key &key : keys) show('|', key.text());
}

void last_error() {
    stele_result code = STELE_OK;
    size_t actual = 0;
    if (stele_last_error(&code, nullptr, nullptr, 0, &actual) == STELE_DONE) return answer(STELE_DONE);
    answer(STELE_OK, stele_result_name(code));
    show('|', stele::last_error());
}

std::chrono::milliseconds milliseconds(words &w) {
    const uint64_t n = number(w.next());
    return n == UINT32_MAX ? stele::forever : std::chrono::milliseconds(n);
}

struct spawned {
    raw_call call;
    std::thread thread;
};
std::map<std::string, spawned> running;

raw_call raw_of(words &w) { return w.next() == "raw" ? raw_call(w) : (fail("raw is missing"), raw_call(w)); }

void until(words &w) {
    const std::string wanted = w.next();
    raw_call call = raw_of(w);
    stele_result r = STELE_OK;
    for (int i = 0; i < 5000 && stele_result_name(r = call.call()) != wanted; i++) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::cout << call.line() << '\n';
    if (r >= STELE_ARGUMENT_NULL) show('!', stele::last_error());
}

void damage(words &w) {
    const std::string path = to_text(w.next()).bytes;
    const int64_t from_end = static_cast<int64_t>(number(w.next()));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-from_end, std::ios::end);
    const int byte = file.get() ^ static_cast<int>(number(w.next()));
    file.seekp(-from_end, std::ios::end);
    file.put(static_cast<char>(byte));
    if (!file) fail("cannot damage " + path);
    answer(STELE_OK);
}

using command = std::function<void(words &)>;

const std::map<std::string, command> commands = {
    {"version", [](words &) {
         stele_version_info info;
         STELE_INIT(info);
         stele::check(stele_version(&info));
         if (stele::version() != info.text) fail("the versions differ");
         answer(STELE_OK, std::to_string(info.abi));
     }},
    {"result_name", [](words &w) { answer(STELE_OK, to_json(stele::error(static_cast<stele_result>(number(w.next())), "").name())); }},
    {"last_error", [](words &) { last_error(); }},
    {"host", [](words &w) { answer(stele_host(static_cast<uint32_t>(number(w.next())))); }},
    {"key_parse", [](words &w) { answer(STELE_OK, stele::key::parse(to_text(w.next())).text()); }},
    {"key_format", [](words &w) { answer(STELE_OK, to_json(to_key(w.next()).text())); }},
    {"key_parts", [](words &w) {
         const stele::key key = to_key(w.next());
         answer(STELE_OK, std::to_string(key.instant().time_since_epoch().count()) + " " + std::to_string(key.arrival()));
     }},
    {"open", open},
    {"close", end<stele::store>},
    {"flush", [](words &w) { lent<stele::store>(w.next()).flush(), answer(STELE_OK); }},
    {"statistics", [](words &w) { answer_text(lent<stele::store>(w.next()).statistics(), w); }},
    {"verify", [](words &w) {
         const std::string name = w.next();
         const lent<stele::store> store(w.next());
         bind_rows(name, [&](uint64_t *rows) { return stele_verify(store.handle(), rows); });
     }},
    {"backup", [](words &w) {
         const std::string name = w.next();
         const lent<stele::store> store(w.next());
         const text to = to_text(w.next());
         bind_rows(name, [&](uint64_t *rows) { return stele_backup(store.handle(), std::string_view(to).data(), std::string_view(to).size(), static_cast<uint32_t>(option_number(w, "keep")), rows); });
     }},
    {"write_begin", write_begin},
    {"write_append", [](words &w) {
         lent<stele::writer> writer(w.next());
         writer.append(to_text(w.next()));
         answer(STELE_OK);
     }},
    {"write_end", write_end},
    {"write_abandon", end<stele::writer>},
    {"read_begin", read_begin},
    {"read_next", [](words &w) {
         lent<stele::reader> reader(w.next());
         answer_event([&](stele::key *key, char *p, size_t n, size_t &actual) { return reader.next(key, p, n, actual); });
     }},
    {"read_next_batch", [](words &w) {
         lent<stele::reader> reader(w.next());
         answer_batch(w, true, [&](void *p, size_t n, size_t &actual, size_t &count) { return reader.next_batch(p, n, actual, count); });
     }},
    {"read_end", end<stele::reader>},
    {"get", [](words &w) {
         const lent<stele::store> store(w.next());
         const std::string clef = store.get(to_key(w.next()));
         answer_text(clef, w);
     }},
    {"delete_keys", [](words &w) {
         const lent<stele::store> store(w.next());
         std::vector<stele::key> keys;
         for (const std::string &word : w.rest()) {
             const size_t star = word.find('*');
             keys.insert(keys.end(), star == word.npos ? 1 : number(word.substr(star + 1)), to_key(word));
         }
         answer(STELE_OK, std::to_string(store.remove(keys)));
     }},
    {"delete", [](words &w) {
         const lent<stele::store> store(w.next());
         answer(STELE_OK, std::to_string(store.remove(to_range(w), option_text(w, "filter"))));
     }},
    {"document_set", [](words &w) {
         const lent<stele::store> store(w.next());
         const text key = to_text(w.next());
         store.set_document(key, to_text(w.next()));
         answer(STELE_OK);
     }},
    {"document_get", [](words &w) {
         const lent<stele::store> store(w.next());
         const std::string json = store.document(to_text(w.next()));
         answer_text(json, w);
     }},
    {"document_delete", [](words &w) {
         const lent<stele::store> store(w.next());
         store.remove_document(to_text(w.next()));
         answer(STELE_OK);
     }},
    {"document_list", [](words &w) {
         const std::string name = w.next();
         const lent<stele::store> store(w.next());
         const text prefix = to_text(w.next());
         bind_rows(name, [&](uint64_t *rows) { return stele_document_list(store.handle(), std::string_view(prefix).data(), std::string_view(prefix).size(), rows); });
     }},
    {"query_begin", query_begin},
    {"rows_describe", [](words &w) { answer_text(lent<stele::rows>(w.next()).describe(), w); }},
    {"rows_next", [](words &w) {
         lent<stele::rows> rows(w.next());
         std::string buffer;
         const stele_result r = grow(buffer, [&](char *p, size_t n, size_t &actual) { return rows.next(p, n, actual); });
         r == STELE_OK ? answer_text(buffer, w) : answer(r);
     }},
    {"rows_next_batch", [](words &w) {
         lent<stele::rows> rows(w.next());
         answer_batch(w, false, [&](void *p, size_t n, size_t &actual, size_t &count) { return rows.next_batch(p, n, actual, count); });
     }},
    {"rows_end", end<stele::rows>},
    {"tail_begin", tail_begin},
    {"tail_next", [](words &w) {
         lent<stele::tail> tail(w.next());
         const std::chrono::milliseconds timeout = milliseconds(w);
         answer_event([&](stele::key *key, char *p, size_t n, size_t &actual) { return tail.next(timeout, key, p, n, actual); });
     }},
    {"tail_next_batch", [](words &w) {
         lent<stele::tail> tail(w.next());
         const std::chrono::milliseconds timeout = milliseconds(w);
         answer_batch(w, true, [&](void *p, size_t n, size_t &actual, size_t &count) { return tail.next_batch(timeout, p, n, actual, count); });
     }},
    {"tail_position", [](words &w) { answer(STELE_OK, std::to_string(lent<stele::tail>(w.next()).position())); }},
    {"tail_end", end<stele::tail>},
    {"serve_begin", [](words &w) {
         const std::string name = w.next();
         const lent<stele::store> store(w.next());
         const text urls = option_text(w, "urls"), instance = option_text(w, "instance");
         stele::serve_options o;
         o.urls = urls;
         o.instance = instance;
         bind(name, store.serve(o));
     }},
    {"serve_urls", [](words &w) {
         const std::string urls = lent<stele::server>(w.next()).urls();
         const size_t at = urls.find("127.0.0.1:");
         if (at != urls.npos) port = urls.substr(at + 10, digits(std::string_view(urls).substr(at + 10), false));
         answer_text(urls, w);
     }},
    {"serve_end", end<stele::server>},
    {"cancel", [](words &w) { lent<stele::reader>(w.next()).cancel(), answer(STELE_OK); }},

    {"raw", [](words &w) {
         raw_call call(w);
         const stele_result r = call.call();
         std::cout << call.line() << '\n';
         if (r >= STELE_ARGUMENT_NULL) show('!', stele::last_error());
     }},
    {"thread", [](words &w) {
         raw_call call = raw_of(w);
         std::thread([&] { call.call(); }).join();
         std::cout << call.line() << '\n';
     }},
    {"spawn", [](words &w) {
         const std::string name = w.next();
         spawned &s = running.emplace(name, spawned{raw_of(w), {}}).first->second;
         s.thread = std::thread([&s] { s.call.call(); });
         std::this_thread::sleep_for(std::chrono::milliseconds(20));
     }},
    {"join", [](words &w) {
         const auto s = running.find(w.next());
         if (s == running.end()) fail("nothing runs of that name");
         s->second.thread.join();
         std::cout << s->second.call.line() << '\n';
         running.erase(s);
     }},
    {"until", until},
    {"damage", damage},
    {"file", [](words &w) {
         std::ofstream file(to_text(w.next()).bytes, std::ios::binary);
         file << to_text(w.next()).bytes;
         answer(STELE_OK);
     }},
};

void run(std::istream &script) {
    for (std::string line; std::getline(script, line);) {
        if (!line.empty() && std::strchr("=!|", line[0])) continue;
        std::cout << line << '\n';
        if (line.empty() || line[0] == '#') continue;
        words w(line);
        const auto found = commands.find(w.next());
        if (found == commands.end()) fail("no such command: " + line);
        try {
            found->second(w);
        } catch (const stele::error &e) {
            std::cout << "= " << e.name() << '\n';
            show('!', e.what());
        } catch (const std::exception &e) {
            fail(line + ": " + e.what());
        }
    }
}

} // namespace

int main(int, char **argv) {
    std::ifstream script(argv[1]);
    directory = argv[2];
    try {
        run(script);
    } catch (const std::exception &e) {
        std::cout.flush();
        std::cerr << "conformance: " << e.what() << '\n';
        return 2;
    }
}
