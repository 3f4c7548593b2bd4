// The words and the answers of conformance scripts: capi/conformance/README.md has the form.
#ifndef STELE_TEST_SCRIPT_HPP
#define STELE_TEST_SCRIPT_HPP

#include <stele.hpp>

#include <cstdio>
#include <iostream>
#include <map>
#include <sstream>

namespace script {

inline std::string directory, port = "0";
inline std::map<std::string, uint64_t> handles;

[[noreturn]] inline void fail(const std::string &why) { throw std::runtime_error(why); }

// ---------------------------------------------------------------- texts

inline void add_utf8(std::string &text, uint32_t c) {
    if (c < 0x80) {
        text += static_cast<char>(c);
        return;
    }
    const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    const uint32_t lead[] = {0xC0, 0xE0, 0xF0};
    text += static_cast<char>(lead[more - 1] | c >> 6 * more);
    for (int i = more; i-- > 0;) text += static_cast<char>(0x80 | (c >> 6 * i & 0x3F));
}

// Takes the JSON string at the begin of p.
inline std::string json_string(std::string_view &p) {
    std::string text;
    for (p.remove_prefix(1); !p.empty() && p[0] != '"'; p.remove_prefix(1)) {
        if (p[0] != '\\') {
            text += p[0];
            continue;
        }
        p.remove_prefix(1);
        if (p[0] == 'u') {
            uint32_t c = static_cast<uint32_t>(std::stoul(std::string(p.substr(1, 4)), nullptr, 16));
            p.remove_prefix(4);
            if (c >= 0xD800 && c < 0xDC00 && p.substr(1, 2) == "\\u") {
                c = 0x10000 + ((c - 0xD800) << 10) + static_cast<uint32_t>(std::stoul(std::string(p.substr(3, 4)), nullptr, 16)) - 0xDC00;
                p.remove_prefix(6);
            }
            add_utf8(text, c);
            continue;
        }
        const size_t at = std::string_view("bfnrt").find(p[0]);
        text += at == std::string_view::npos ? p[0] : "\b\f\n\r\t"[at];
    }
    if (p.empty()) fail("a text has no end");
    p.remove_prefix(1);
    return text;
}

inline std::string to_json(std::string_view text) {
    std::string json = "\"";
    for (char c : text) {
        const size_t at = std::string_view("\"\\\n\r\t").find(c);
        if (at != std::string_view::npos) {
            json += '\\';
            json += "\"\\nrt"[at];
        } else if (static_cast<unsigned char>(c) < ' ') {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", c);
            json += escape;
        } else {
            json += c;
        }
    }
    return json + '"';
}

// Takes the JSON value at the begin of p; elements is how many a list or object has.
inline std::string_view json_value(std::string_view &p, int &elements) {
    const std::string_view begin = p;
    int depth = 0, commas = 0;
    bool some = false;
    do {
        const char c = p.empty() ? '\0' : p[0];
        if (c == '\0') fail("JSON has no end");
        if (depth == 1 && !std::strchr("]},", c)) some = true;
        if (c == '"') {
            json_string(p);
            continue;
        }
        if (c == '[' || c == '{') depth++;
        if (c == ']' || c == '}') depth--;
        if (c == ',' && depth == 1) commas++;
        p.remove_prefix(1);
    } while (depth > 0 || (!p.empty() && !std::strchr(",]} ", p[0])));
    elements = commas + some;
    return begin.substr(0, begin.size() - p.size());
}

inline std::string pick(std::string_view object, const std::string &wanted) {
    for (object.remove_prefix(1); !object.empty() && object[0] != '}';) {
        if (object[0] == ',') object.remove_prefix(1);
        const std::string name = json_string(object);
        object.remove_prefix(1);
        int elements = 0;
        std::string_view value = json_value(object, elements);
        if (name != wanted) continue;
        if (value[0] == '"') return to_json(json_string(value));
        if (value[0] == '[') return "[" + std::to_string(elements) + "]";
        return value[0] == '{' ? "{}" : std::string(value);
    }
    return "absent";
}

inline size_t digits(std::string_view p, bool hex) { return std::min(p.size(), p.find_first_not_of(hex ? "0123456789abcdef" : "0123456789")); }

inline std::string masked(std::string_view p) {
    static const struct {
        std::string_view after, name;
        bool hex;
    } masks[] = {{"127.0.0.1:", "$PORT", false}, {"process ", "$PID", false}, {"expected ", "$SUM", true}, {"found ", "$SUM", true}};
    std::string text;
    while (!p.empty()) {
        if (p.substr(0, directory.size()) == directory) {
            text += "$DIR";
            p.remove_prefix(directory.size());
            continue;
        }
        size_t taken = 0;
        for (const auto &mask : masks) {
            if (p.substr(0, mask.after.size()) != mask.after) continue;
            const size_t n = digits(p.substr(mask.after.size()), mask.hex);
            if (mask.hex ? n != 8 && n != 16 : n == 0) continue;
            text.append(mask.after).append(mask.name);
            taken = mask.after.size() + n;
            break;
        }
        const size_t n = digits(p, false);
        constexpr std::string_view handle(" is not the handle");
        if (taken == 0 && n > 0 && p.substr(n, handle.size()) == handle) {
            text += "$HANDLE";
            taken = n;
        }
        if (taken == 0) {
            taken = std::max<size_t>(n, 1);
            text += p.substr(0, taken);
        }
        p.remove_prefix(taken);
    }
    return text;
}

inline void show(char mark, std::string_view text) {
    std::istringstream lines(masked(text) + "\n");
    for (std::string line; std::getline(lines, line);) std::cout << mark << ' ' << line << '\n';
}

// ---------------------------------------------------------------- words

class words {
public:
    explicit words(const std::string &line) {
        bool quoted = false, escaped = false;
        std::string word;
        for (char c : line) {
            if (c == ' ' && !quoted) {
                all_.push_back(std::exchange(word, ""));
                continue;
            }
            if (c == '"' && !escaped) quoted = !quoted;
            escaped = c == '\\' && !escaped;
            word += c;
        }
        all_.push_back(word);
    }

    bool more() const { return at_ < all_.size(); }
    std::string next() { return more() ? all_[at_++] : (fail("a word is missing"), ""); }
    std::vector<std::string> rest() { return {all_.begin() + static_cast<std::ptrdiff_t>(std::exchange(at_, all_.size())), all_.end()}; }

    // The option's word, or null.
    const char *option(const std::string &name) const {
        for (size_t i = at_; i < all_.size(); i++)
            if (all_[i].compare(0, name.size() + 1, name + "=") == 0) return all_[i].c_str() + name.size() + 1;
        return nullptr;
    }

private:
    std::vector<std::string> all_;
    size_t at_ = 0;
};

inline uint64_t number(const std::string &w) {
    size_t end = 0;
    const uint64_t n = w[0] == '-' ? static_cast<uint64_t>(std::stoll(w, &end)) : std::stoull(w, &end);
    return end == w.size() ? n : (fail("not a number: " + w), 0);
}

// A text that may be left out.
struct text {
    bool given = false;
    std::string bytes;

    operator std::string_view() const { return given ? std::string_view(bytes) : std::string_view(); }
};

inline text to_text(const std::string &w) {
    if (w == "null") return {};
    std::string_view p = w;
    if (p.empty() || p[0] != '"') fail("not a text: " + w);
    std::string once = json_string(p);
    for (const auto &variable : {std::make_pair("$DIR", &directory), std::make_pair("$PORT", &port)})
        for (size_t at = 0; (at = once.find(variable.first, at)) != once.npos; at += variable.second->size())
            once.replace(at, std::strlen(variable.first), *variable.second);
    text t{true, ""};
    for (uint64_t n = p.empty() ? 1 : number(std::string(p.substr(1))); n > 0; n--) t.bytes += once;
    return t;
}

inline uint64_t to_handle(const std::string &w) {
    if (w[0] == '#') return number(w.substr(1));
    const auto found = handles.find(w);
    return found != handles.end() ? found->second : (fail("no such handle: " + w), 0);
}

inline stele::key to_key(const std::string &w) { return stele::key::parse(w.substr(0, w.find('*'))); }

inline text option_text(const words &w, const std::string &name) { return w.option(name) ? to_text(w.option(name)) : text{}; }
inline uint64_t option_number(const words &w, const std::string &name) { return w.option(name) ? number(w.option(name)) : 0; }

// Sets one end of a range: included or excluded, at a key or an instant.
template <typename Including, typename Excluding> void set_bound(const char *word, Including including, Excluding excluding) {
    if (word == nullptr) return;
    const std::string at = std::string(word).substr(std::string(word).find(':') + 1);
    const auto set = [&](auto position) { word[0] == 'i' ? including(position) : excluding(position); };
    if (at[0] == 'e')
        set(to_key(at));
    else
        set(stele::instant(std::chrono::nanoseconds(static_cast<int64_t>(number(at)))));
}

inline stele::range to_range(const words &w) {
    stele::range range;
    set_bound(w.option("from"), [&](auto p) { range.from(p); }, [&](auto p) { range.after(p); });
    set_bound(w.option("to"), [&](auto p) { range.to(p); }, [&](auto p) { range.before(p); });
    return range;
}

} // namespace script

#endif
