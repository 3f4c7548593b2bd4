// Tests of stele.hpp: a number of small programs in one. The first argument is an empty directory.
#include <stele.hpp>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <type_traits>

namespace {

int failures = 0;

void expect(bool good, const char *what, const char *file, int line) {
    if (good) return;
    std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
    failures++;
}
#define EXPECT(what) expect((what), #what, __FILE__, __LINE__)

stele::error failure(const std::function<void()> &call) {
    try {
        call();
    } catch (const stele::error &e) {
        return e;
    }
    return stele::error(STELE_OK, "nothing was thrown");
}

std::string event(int second, const char *message) {
    char text[128];
    std::snprintf(text, sizeof text, R"({"@t":"2026-01-01T00:00:%02dZ","@mt":"%s"})", second, message);
    return text;
}

std::string all(stele::events events) {
    std::string joined;
    for (const stele::event &e : events) joined.append(e.clef).append("\n");
    return joined;
}

stele::instant second(int n) {
    return stele::instant(std::chrono::seconds(1767225600 + n)); // 2026-01-01
}

template <typename T> constexpr bool moves_only() {
    return std::is_nothrow_move_constructible<T>::value && std::is_nothrow_move_assignable<T>::value && !std::is_copy_constructible<T>::value && !std::is_copy_assignable<T>::value;
}
static_assert(moves_only<stele::store>() && moves_only<stele::writer>() && moves_only<stele::reader>() && moves_only<stele::rows>() && moves_only<stele::tail>() && moves_only<stele::server>(), "a handle has one owner");
static_assert(moves_only<stele::events>() && moves_only<stele::lines>() && moves_only<stele::following>(), "a range owns its handle");

void test_round_trip(const std::string &dir) {
    stele::store store(dir);
    stele::writer writer = store.write();
    writer.append(event(1, "one") + "\n" + event(2, "two"));
    EXPECT(all(store.read()).empty());
    writer.append(event(0, "zero"));
    const std::vector<stele::key> keys = writer.commit();
    EXPECT(keys.size() == 3);
    EXPECT(keys[2] < keys[0] && keys[0] < keys[1] && keys[0] == keys[0] && keys[0] != keys[1]);
    EXPECT(keys[1].instant() == second(2));
    EXPECT(stele::key::parse(keys[1].text()) == keys[1]);
    EXPECT(keys[1].arrival() > keys[0].arrival());
    EXPECT(!writer.close());

    EXPECT(all(store.read()) == event(0, "zero") + "\n" + event(1, "one") + "\n" + event(2, "two") + "\n");
    EXPECT(store.get(keys[0]) == event(1, "one"));

    stele::read_options o;
    o.descending = true;
    o.limit = 2;
    EXPECT(all(store.read(o)) == event(2, "two") + "\n" + event(1, "one") + "\n");
    o = {};
    o.filter = "@Message = 'one'";
    o.read_ahead = true;
    EXPECT(all(store.read(o)) == event(1, "one") + "\n");
    o = {};
    o.range.from(second(1)).before(second(2));
    EXPECT(all(store.read(o)) == event(1, "one") + "\n");
    o.range = stele::range().after(keys[2]).to(keys[1]);
    EXPECT(all(store.read(o)) == event(1, "one") + "\n" + event(2, "two") + "\n");

    EXPECT(store.remove(std::vector<stele::key>{}) == 0);
    EXPECT(store.remove({keys[0], keys[0]}) == 1);
    EXPECT(store.remove(stele::range().from(second(2))) == 1);
    EXPECT(store.remove(stele::range(), "@Message = 'none'") == 0);
    EXPECT(failure([&] { store.get(keys[0]); }).code() == STELE_NOT_FOUND);
    EXPECT(all(store.read()) == event(0, "zero") + "\n");
}

void test_handles(const std::string &dir) {
    stele::store store(dir);
    for (int i = 0; i < 3; i++) store.append(event(i, "x"));
    stele::reader reader = store.begin_read();
    stele::key key;
    char small[8], buffer[256];
    size_t actual = 0, count = 0;
    EXPECT(reader.next(&key, small, sizeof small, actual) == STELE_BUFFER_TOO_SMALL && actual == event(0, "x").size());
    EXPECT(reader.next(nullptr, buffer, sizeof buffer, actual) == STELE_OK && std::string(buffer, actual) == event(0, "x"));
    EXPECT(reader.next_batch(buffer, sizeof buffer, actual, count) == STELE_OK && count == 2);
    EXPECT(reader.next(&key, buffer, sizeof buffer, actual) == STELE_DONE);
    EXPECT(reader.close());
    EXPECT(!reader.close());
    EXPECT(failure([&] { reader.next(&key, buffer, sizeof buffer, actual); }).code() == STELE_INVALID_HANDLE);

    stele::writer writer = store.write();
    writer.append(event(9, "y"));
    stele::key one;
    EXPECT(writer.commit_into(&one, 0, count) == STELE_BUFFER_TOO_SMALL && count == 1);
    EXPECT(writer.commit_into(&one, 1, count) == STELE_OK && one.instant() == second(9));

    stele::writer moved = store.write(), other = store.write();
    const uint64_t number = moved.handle(), ended = other.handle();
    other = std::move(moved);
    EXPECT(other.handle() == number && moved.handle() == 0);
    EXPECT(stele_write_abandon(ended) == STELE_INVALID_HANDLE);
    const uint64_t released = other.release();
    EXPECT(stele_write_abandon(released) == STELE_OK);

    EXPECT(store.close());
    EXPECT(!store.close());
    EXPECT(failure([&] { store.flush(); }).code() == STELE_INVALID_HANDLE);
    EXPECT(stele::store(dir).close());
}

void test_errors(const std::string &dir) {
    stele::store store(dir);
    const stele::error e = failure([&] { stele::store again(dir); });
    EXPECT(e.code() == STELE_LOCKED && std::string(e.name()) == "STELE_LOCKED");
    EXPECT(e.what() == stele::last_error());
    std::string joined = e.message();
    for (const std::string &cause : e.causes()) joined += "\ncaused by: " + cause;
    EXPECT(joined == e.what());

    const stele::error chain(STELE_CORRUPT, "a\nb\ncaused by: c\ncaused by: d\ne");
    EXPECT(chain.message() == "a\nb");
    EXPECT((chain.causes() == std::vector<std::string>{"c", "d\ne"}));

    stele::open_options o;
    o.must_exist = true;
    EXPECT(failure([&] { stele::store none(dir + "/none", o); }).code() == STELE_NOT_FOUND);
    EXPECT(failure([&] { stele::key::parse("event-"); }).code() == STELE_INVALID);

    stele::writer writer = store.write();
    EXPECT(failure([&] { writer.append("{"); }).code() == STELE_INVALID);
    EXPECT(failure([&] { writer.commit(); }).code() == STELE_INVALID);
    stele::write_options partial;
    partial.partial = true;
    writer = store.write(partial);
    EXPECT(failure([&] { writer.append("{"); }).code() == STELE_INVALID);
    writer.append(event(0, "kept"));
    EXPECT(writer.commit().size() == 1);
}

void test_many(const std::string &dir) {
    stele::open_options o;
    o.event_bytes = 1 << 20;
    o.memory_bytes = 64 << 20;
    stele::store store(dir, o);
    std::string batch;
    for (int i = 0; i < 5000; i++) batch += event(i % 60, "of many") + "\n";
    const std::string large = R"({"@t":"2026-01-01T00:01:00Z","X":")" + std::string(600 << 10, 'x') + "\"}";
    const std::vector<stele::key> keys = store.append(batch + large);
    EXPECT(keys.size() == 5001);
    size_t n = 0, bytes = 0;
    for (const stele::event &e : store.read()) {
        n++;
        bytes += e.clef.size();
        if (n == keys.size()) EXPECT(e.clef == large && e.key == keys.back());
    }
    EXPECT(n == keys.size() && bytes == batch.size() - 5000 + large.size());
}

void test_documents_and_queries(const std::string &dir) {
    stele::store store(dir);
    store.set_document("a/1", "[1, 2]");
    store.set_document("a/2", "{}");
    store.set_document("b", "0");
    EXPECT(store.document("a/1") == "[1, 2]");
    int n = 0;
    for (std::string_view row : store.documents("a/")) {
        EXPECT(row.find(R"("Key":"a/)") != row.npos);
        n++;
    }
    EXPECT(n == 2);
    store.remove_document("b");
    EXPECT(failure([&] { store.document("b"); }).code() == STELE_NOT_FOUND);
    EXPECT(failure([&] { store.set_document("b", "{"); }).code() == STELE_INVALID);

    for (int i = 0; i < 4; i++) store.append(event(i, i % 2 ? "odd" : "even"));
    stele::lines lines = store.query("select count(*) as n from stream group by @Message as m order by m");
    std::string joined;
    for (std::string_view row : lines) joined.append(row).append(" ");
    EXPECT(joined == R"(["even",2] ["odd",2] )");
    EXPECT(lines.describe().find("\"Columns\"") != std::string::npos);
    EXPECT(lines.close() && !lines.close());
    EXPECT(failure([&] { store.query("select nothing of that"); }).code() == STELE_INVALID);

    EXPECT(store.statistics().find("\"StoreId\"") != std::string::npos);
    EXPECT(store.verify().next()->find("\"Damage\"") != std::string_view::npos);
    EXPECT(store.backup(dir + "-backups", 1).next()->find("\"Name\"") != std::string_view::npos);
    EXPECT(!stele::version().empty());

    stele::serve_options o;
    o.urls = "http://127.0.0.1:0";
    stele::server server = store.serve(o);
    EXPECT(server.urls().find("http://127.0.0.1:") == 0);
    EXPECT(server.close() && !server.close());
}

void test_tail(const std::string &dir) {
    using std::chrono::milliseconds;
    stele::store store(dir);
    const std::vector<stele::key> keys = store.append(event(5, "a") + "\n" + event(4, "b"));
    stele::following following = store.follow();
    EXPECT(following.next(milliseconds(0))->clef == event(5, "a"));
    EXPECT(following.position() == keys[0].arrival());
    EXPECT(following.next()->clef == event(4, "b"));
    EXPECT(following.position() == keys[1].arrival());
    EXPECT(following.next(milliseconds(0)) == nullptr);
    EXPECT(following.next(milliseconds(-5)) == nullptr);

    std::thread late([&] { store.append(event(1, "late")); });
    EXPECT(following.next()->clef == event(1, "late"));
    late.join();

    std::thread cancel([&] {
        std::this_thread::sleep_for(milliseconds(20));
        following.cancel();
    });
    EXPECT(failure([&] { for (const stele::event &e : following) static_cast<void>(e); }).code() == STELE_CANCELED);
    cancel.join();

    stele::tail_options o;
    o.after = STELE_FROM_NOW;
    stele::following second = store.follow(o);
    std::thread close([&] {
        std::this_thread::sleep_for(milliseconds(20));
        store.close();
    });
    EXPECT(failure([&] { second.next(); }).code() == STELE_CLOSED);
    close.join();
}

// What was passed over is told after the last event, by the range and by its close, and the store goes on.
void test_damage(const std::string &dir) {
    {
        stele::store store(dir);
        store.append(event(1, "lost"));
        store.flush();
        store.append(event(2, "kept"));
    }
    for (const auto &file : std::filesystem::directory_iterator(dir)) {
        if (file.path().extension() != ".seg") continue;
        std::fstream segment(file.path(), std::ios::in | std::ios::out | std::ios::binary);
        segment.seekg(-60, std::ios::end);
        const int byte = segment.get() ^ 0xFF;
        segment.seekp(-60, std::ios::end);
        segment.put(static_cast<char>(byte));
    }
    stele::store store(dir);
    stele::events events = store.read();
    std::string seen;
    const stele::error e = failure([&] {
        for (const stele::event &event : events) seen.append(event.clef);
    });
    EXPECT(seen == event(2, "kept"));
    EXPECT(e.code() == STELE_CORRUPT && std::string(e.what()).find(".seg") != std::string::npos);
    EXPECT(failure([&] { events.next(); }).what() == std::string(e.what()));
    EXPECT(failure([&] { events.close(); }).code() == STELE_CORRUPT);
    EXPECT(!events.close());
    store.append(event(3, "more"));
}

// A store is shared: threads use it while another closes it, and get answers.
void test_threads(const std::string &dir) {
    stele::store store(dir);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; t++) {
        threads.emplace_back([&] {
            const stele::error e = failure([&] {
                for (;;) {
                    store.append(event(0, "x"));
                    stele::read_options o;
                    o.limit = 5;
                    all(store.read(o));
                }
            });
            if (e.code() != STELE_CLOSED && e.code() != STELE_INVALID_HANDLE) wrong++;
        });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT(store.close());
    for (std::thread &t : threads) t.join();
    EXPECT(wrong == 0);
}

} // namespace

int main(int, char **argv) {
    const std::string dir = argv[1];
    test_round_trip(dir + "/round-trip");
    test_handles(dir + "/handles");
    test_errors(dir + "/errors");
    test_many(dir + "/many");
    test_documents_and_queries(dir + "/documents");
    test_tail(dir + "/tail");
    test_damage(dir + "/damage");
    test_threads(dir + "/threads");
    return failures != 0;
}
