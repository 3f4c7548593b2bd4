import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * libstele inside a JVM. HotSpot makes a NullPointerException of a SIGSEGV, and a StackOverflowError of a guard page; Go has handlers of its own for these
 * signals. Threads throw and catch both while others are inside Go and collections run.
 *
 *     java Smoke DIRECTORY SECONDS
 */
public final class Smoke {
    static {
        Native.register("stele");
    }

    static native int stele_open(byte[] path, long length, Pointer options, long[] store);
    static native int stele_close(long store);
    static native int stele_flush(long store);
    static native int stele_write_begin(long store, Pointer options, long[] writer);
    static native int stele_write_append(long writer, byte[] clef, long length);
    static native int stele_write_end(long writer, Pointer keys, long capacity, long[] count);
    static native int stele_read_begin(long store, Pointer options, long[] reader);
    static native int stele_read_next(long reader, byte[] key, byte[] buffer, long length, long[] actual);
    static native int stele_read_end(long reader);
    static native int stele_last_error(int[] code, long[] id, byte[] buffer, long length, long[] actual);
    static native String stele_result_name(int result);

    static final int DONE = 1, NOT_FOUND = 21;

    static void check(int result) {
        if (result == 0) return;
        byte[] text = new byte[65536];
        long[] actual = new long[1];
        stele_last_error(null, null, text, text.length, actual);
        throw new IllegalStateException(stele_result_name(result) + ": " + new String(text, 0, (int) actual[0], StandardCharsets.UTF_8));
    }

    static void expect(boolean good, String what) {
        if (!good) throw new IllegalStateException(what);
    }

    static final byte[] EVENT = "{\"@t\":\"2026-01-01T00:00:00Z\",\"@mt\":\"From the JVM\",\"N\":1}".getBytes(StandardCharsets.UTF_8);
    static final AtomicLong written = new AtomicLong(), read = new AtomicLong(), nulls = new AtomicLong(), overflows = new AtomicLong();

    static void write(long store) {
        long[] out = new long[1];
        check(stele_write_begin(store, null, out));
        long writer = out[0];
        for (int i = 0; i < 10; i++) check(stele_write_append(writer, EVENT, EVENT.length));
        check(stele_write_end(writer, null, 0, out));
        written.addAndGet(10);
    }

    static long readAll(long store) {
        long[] out = new long[1];
        check(stele_read_begin(store, null, out));
        long reader = out[0], events = 0;
        byte[] key = new byte[16], buffer = new byte[1024];
        int result;
        for (; (result = stele_read_next(reader, key, buffer, buffer.length, out)) == 0 && events < 50_000; events++)
            expect(out[0] == EVENT.length && buffer[0] == '{', "an event is not as it was written");
        expect(result == 0 || result == DONE, stele_result_name(result));
        check(stele_read_end(reader));
        read.addAndGet(events);
        return events;
    }

    static class Node {
        Node next;
        int value;
    }

    /** Dereferences null in compiled code, where there is no test for it but the page fault. */
    static int sum(Node node) {
        int sum = 0;
        for (int i = 0; i < 3; i++, node = node.next) sum += node.value;
        return sum;
    }

    static void dereference() {
        Node two = new Node();
        two.next = new Node();
        for (int i = 0; i < 1000; i++) {
            try {
                sum(two);
                throw new IllegalStateException("no NullPointerException");
            } catch (NullPointerException e) {
                nulls.incrementAndGet();
            }
        }
    }

    static int recurse(int n) {
        return n == Integer.MAX_VALUE ? 0 : recurse(n + 1) + 1;
    }

    static void overflow() {
        try {
            recurse(0);
            throw new IllegalStateException("no StackOverflowError");
        } catch (StackOverflowError e) {
            overflows.incrementAndGet();
        }
    }

    public static void main(String[] arguments) throws Exception {
        byte[] path = arguments[0].getBytes(StandardCharsets.UTF_8);
        long[] out = new long[1];
        check(stele_open(path, path.length, null, out));
        long store = out[0];
        write(store);
        expect(readAll(store) == 10, "ten events were written");

        long end = System.nanoTime() + Long.parseLong(arguments[1]) * 1_000_000_000L;
        List<Throwable> failures = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        List<Runnable> work = List.of(() -> write(store), () -> readAll(store), Smoke::dereference, Smoke::overflow, System::gc);
        for (Runnable task : work) {
            Thread thread = new Thread(() -> {
                try {
                    while (System.nanoTime() < end) task.run();
                } catch (Throwable e) {
                    synchronized (failures) {
                        failures.add(e);
                    }
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) thread.join();
        for (Throwable failure : failures) failure.printStackTrace();
        if (!failures.isEmpty()) System.exit(1);

        check(stele_flush(store));
        check(stele_close(store));
        check(stele_open(path, path.length, null, out));
        expect(written.get() > 50_000 || readAll(out[0]) == written.get(), "events are missing");
        check(stele_close(out[0]));
        expect(nulls.get() > 0 && overflows.get() > 0 && read.get() > 10, "not all threads came to work");
        System.out.println(nulls + " NullPointerExceptions, " + overflows + " StackOverflowErrors, " + written + " events written, " + read + " read");
    }
}
