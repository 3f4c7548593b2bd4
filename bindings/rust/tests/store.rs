//! The crate against the library.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stele::*;

/// A directory of a test, removed at its end.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Dir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Dir(std::env::temp_dir().join(format!("stele-rust-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))))
    }

    fn open(&self) -> Store {
        Store::open(&self.0).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn event(second: u32, message: &str) -> String {
    format!(r#"{{"@t":"2026-01-01T00:00:{second:02}Z","@mt":"{message}"}}"#)
}

fn second(n: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600 + n)
}

fn all(events: Result<Events>) -> Vec<String> {
    events.unwrap().map(|e| e.unwrap().clef).collect()
}

#[test]
fn handles_are_sent_and_shared_as_in_c() {
    fn send<T: Send>() {}
    fn sync<T: Send + Sync>() {}
    sync::<Store>();
    sync::<Server>();
    sync::<Canceller>();
    sync::<Error>();
    send::<Writer>();
    send::<Reader>();
    send::<Rows>();
    send::<Tail>();
    send::<Events>();
    send::<Lines>();
    send::<Following>();
}

#[test]
fn every_function_of_the_header_is_declared_in_raw() {
    let here = env!("CARGO_MANIFEST_DIR");
    let header = std::fs::read_to_string(format!("{here}/../../include/stele.h")).unwrap();
    let raw = std::fs::read_to_string(format!("{here}/src/raw.rs")).unwrap();
    let names = |text: &str, mark: &str| -> BTreeSet<String> {
        text.lines().filter(|line| line.trim_start().starts_with(mark)).filter_map(|line| Some(line.split_once('(')?.0.rsplit([' ', '*']).next()?.to_owned())).collect()
    };
    let declared = names(&header, "STELE_API ");
    assert!(declared.len() > 30);
    assert_eq!(declared, names(&raw, "pub fn "));
}

#[test]
fn events_come_back_as_they_were_written() {
    let dir = Dir::new();
    let store = dir.open();
    let mut writer = store.write().unwrap();
    writer.append(&format!("{}\n{}", event(1, "one"), event(2, "two"))).unwrap();
    assert!(all(store.read()).is_empty());
    writer.append(&event(0, "zero")).unwrap();
    let keys = writer.commit().unwrap();
    assert_eq!(keys.len(), 3);
    assert!(keys[2] < keys[0] && keys[0] < keys[1]);
    assert_eq!(keys[1].time(), second(2));
    assert_eq!(keys[1].to_string().parse::<Key>().unwrap(), keys[1]);
    assert!(keys[1].arrival() > keys[0].arrival());

    assert_eq!(all(store.read()), [event(0, "zero"), event(1, "one"), event(2, "two")]);
    assert_eq!(store.get(&keys[0]).unwrap(), event(1, "one"));

    let with = |options: ReadOptions| all(store.read_with(&options));
    assert_eq!(with(ReadOptions { descending: true, limit: 2, ..Default::default() }), [event(2, "two"), event(1, "one")]);
    assert_eq!(with(ReadOptions { filter: Some("@Message = 'one'"), read_ahead: true, ..Default::default() }), [event(1, "one")]);
    assert_eq!(with(ReadOptions { range: Range::of(second(1)..second(2)), ..Default::default() }), [event(1, "one")]);
    assert_eq!(with(ReadOptions { range: Range::of(keys[0]..=keys[1]), ..Default::default() }), [event(1, "one"), event(2, "two")]);

    assert_eq!(store.delete_keys(&[]).unwrap(), 0);
    assert_eq!(store.delete_keys(&[keys[0], keys[0]]).unwrap(), 1);
    assert_eq!(store.delete(&Range::of(second(2)..), None).unwrap(), 1);
    assert_eq!(store.delete(&Range::default(), Some("@Message = 'none'")).unwrap(), 0);
    assert_eq!(store.get(&keys[0]).unwrap_err().code, Code::NotFound);
    assert_eq!(all(store.read()), [event(0, "zero")]);
}

#[test]
fn keys_are_what_c_makes_of_them() {
    for (instant, arrival) in [(i64::MIN, 0), (-1, 1), (0, 7), (1_767_225_600_000_000_001, u64::MAX), (i64::MAX, 1 << 40)] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&((instant ^ i64::MIN) as u64).to_be_bytes());
        bytes[8..].copy_from_slice(&u64::to_be_bytes(arrival));
        let key = Key(bytes);
        assert_eq!((key.instant(), key.arrival()), (instant, arrival));

        let (mut c_instant, mut c_arrival, mut actual) = (0, 0, 0);
        let mut text = [0u8; raw::STELE_KEY_TEXT];
        let c_key = raw::stele_key { bytes };
        // SAFETY: all pointers are to what lives here.
        unsafe {
            assert_eq!(raw::stele_key_parts(&c_key, &mut c_instant, &mut c_arrival), raw::STELE_OK);
            assert_eq!(raw::stele_key_format(&c_key, text.as_mut_ptr().cast(), text.len(), &mut actual), raw::STELE_OK);
        }
        assert_eq!((c_instant, c_arrival), (instant, arrival));
        assert_eq!(key.to_string().as_bytes(), &text[..actual]);
    }
}

#[test]
fn buffers_are_the_callers() {
    let dir = Dir::new();
    let store = dir.open();
    for n in 0..3 {
        store.append(&event(n, "x")).unwrap();
    }
    let mut reader = store.begin_read(&ReadOptions::default()).unwrap();
    let len = event(0, "x").len();
    let mut buffer = [0; 256];
    assert_eq!(reader.next_into(&mut buffer[..8]).unwrap(), Step::TooSmall(len));
    let Step::Got((key, got)) = reader.next_into(&mut buffer).unwrap() else { panic!() };
    assert_eq!((key.time(), &buffer[..got]), (second(0), event(0, "x").as_bytes()));
    let Step::Got((_, 2)) = reader.next_batch_into(&mut buffer).unwrap() else { panic!() };
    assert_eq!(reader.next_into(&mut buffer).unwrap(), Step::Done);
    let handle = reader.handle();
    reader.end().unwrap();
    assert_eq!(Reader::from_handle(handle).next_into(&mut buffer).unwrap_err().code, Code::InvalidHandle);

    let mut writer = store.write().unwrap();
    writer.append(&event(9, "y")).unwrap();
    assert_eq!(writer.commit_into(&mut []).unwrap(), Step::TooSmall(1));
    let mut keys = [Key::default()];
    assert_eq!(writer.commit_into(&mut keys).unwrap(), Step::Got(1));
    assert_eq!(keys[0].time(), second(9));

    let writer = store.write().unwrap();
    writer.abandon().unwrap();
    assert!(store.close().unwrap());
    assert!(!store.close().unwrap());
    assert_eq!(store.flush().unwrap_err().code, Code::InvalidHandle);
    drop(store);
    dir.open();
}

#[test]
fn errors_have_codes_and_causes() {
    let dir = Dir::new();
    let store = dir.open();
    let error = Store::open(&dir.0).unwrap_err();
    assert_eq!((error.code, error.code.name()), (Code::Locked, "STELE_LOCKED"));
    let (last, id) = Error::last().unwrap();
    assert_eq!(last, error);
    assert!(!error.message.is_empty() && error.to_string().starts_with(&error.message));

    let options = OpenOptions { must_exist: true, ..Default::default() };
    assert_eq!(Store::open_with(dir.0.join("none"), &options).unwrap_err().code, Code::NotFound);
    assert!(Error::last().unwrap().1 > id);
    assert_eq!("event-".parse::<Key>().unwrap_err().code, Code::Invalid);

    let mut writer = store.write().unwrap();
    assert_eq!(writer.append("{").unwrap_err().code, Code::Invalid);
    assert_eq!(writer.commit().unwrap_err().code, Code::Invalid);
    let mut writer = store.write_with(&WriteOptions { partial: true, ..Default::default() }).unwrap();
    assert_eq!(writer.append("{").unwrap_err().code, Code::Invalid);
    writer.append(&event(0, "kept")).unwrap();
    assert_eq!(writer.commit().unwrap().len(), 1);

    let once = WriteOptions { id: Some("once"), ..Default::default() };
    let keys: Vec<_> = (0..2)
        .map(|_| {
            let mut writer = store.write_with(&once).unwrap();
            writer.append(&event(1, "once")).unwrap();
            writer.commit().unwrap()
        })
        .collect();
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn large_events_and_many() {
    let dir = Dir::new();
    let options = OpenOptions { event_bytes: 1 << 20, memory_bytes: 64 << 20, ..Default::default() };
    let store = Store::open_with(&dir.0, &options).unwrap();
    let mut clef: String = (0..5000).map(|n| event(n % 60, "of many") + "\n").collect();
    let large = format!(r#"{{"@t":"2026-01-01T00:01:00Z","X":"{}"}}"#, "x".repeat(600 << 10));
    clef.push_str(&large);
    let keys = store.append(&clef).unwrap();
    let mut events = store.read().unwrap();
    let mut count = 0;
    while let Some(event) = events.next_event().unwrap() {
        count += 1;
        if count == keys.len() {
            assert_eq!(event, EventRef { key: keys[5000], clef: &large });
        }
    }
    assert_eq!((count, keys.len()), (5001, 5001));
    events.end().unwrap();
}

#[test]
fn documents_queries_and_the_rest() {
    let dir = Dir::new();
    let store = dir.open();
    store.set_document("a/1", "[1, 2]").unwrap();
    store.set_document("a/2", "{}").unwrap();
    store.set_document("b", "0").unwrap();
    assert_eq!(store.document("a/1").unwrap(), "[1, 2]");
    assert_eq!(store.documents("a/").unwrap().filter(|row| row.as_ref().unwrap().contains(r#""Key":"a/"#)).count(), 2);
    assert_eq!(store.documents("").unwrap().count(), 3);
    store.delete_document("b").unwrap();
    assert_eq!(store.document("b").unwrap_err().code, Code::NotFound);
    assert_eq!(store.set_document("b", "{").unwrap_err().code, Code::Invalid);

    for n in 0..4 {
        store.append(&event(n, if n % 2 == 1 { "odd" } else { "even" })).unwrap();
    }
    let mut lines = store.query("select count(*) as n from stream group by @Message as m order by m").unwrap();
    assert_eq!(lines.next_row().unwrap(), Some(r#"["even",2]"#));
    assert_eq!(lines.by_ref().map(Result::unwrap).collect::<Vec<_>>(), [r#"["odd",2]"#]);
    assert!(lines.describe().unwrap().contains("Columns"));
    lines.end().unwrap();
    assert_eq!(store.query("select nothing of that").unwrap_err().code, Code::Invalid);

    assert!(store.statistics().unwrap().contains("StoreId"));
    assert!(store.verify().unwrap().next().unwrap().unwrap().contains("Damage"));
    let backups = Dir::new();
    assert!(store.backup(&backups.0, 1).unwrap().next().unwrap().unwrap().contains("Name"));
    store.flush().unwrap();
    assert!(!version().unwrap().is_empty());

    let server = store.serve(&ServeOptions { urls: Some("http://127.0.0.1:0"), ..Default::default() }).unwrap();
    assert!(server.urls().unwrap().starts_with("http://127.0.0.1:"));
    assert!(server.close().unwrap());
    assert!(!server.close().unwrap());
}

#[test]
fn a_store_is_followed() {
    let dir = Dir::new();
    let store = dir.open();
    let keys = store.append(&format!("{}\n{}", event(5, "a"), event(4, "b"))).unwrap();
    let mut following = store.follow().unwrap();
    let soon = Some(Duration::from_millis(1));
    assert_eq!(following.next_event(soon).unwrap().unwrap().clef, event(5, "a"));
    assert_eq!(following.position().unwrap(), keys[0].arrival());
    assert_eq!(following.next().unwrap().unwrap().clef, event(4, "b"));
    assert_eq!(following.position().unwrap(), keys[1].arrival());
    assert_eq!(following.next_event(Some(Duration::ZERO)).unwrap(), None);

    thread::scope(|s| {
        s.spawn(|| store.append(&event(1, "late")).unwrap());
        assert_eq!(following.next().unwrap().unwrap().clef, event(1, "late"));
    });
    let canceller = following.canceller();
    thread::scope(|s| {
        s.spawn(move || {
            thread::sleep(Duration::from_millis(20));
            canceller.cancel().unwrap();
        });
        assert_eq!(following.next().unwrap().unwrap_err().code, Code::Canceled);
        assert_eq!(following.next(), None);
    });

    let mut late = store.follow_with(&TailOptions { after: TailOptions::FROM_NOW, ..Default::default() }).unwrap();
    thread::scope(|s| {
        s.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            store.close().unwrap();
        });
        assert_eq!(late.next_event(None).unwrap_err().code, Code::Closed);
    });
}

/// Changes the byte at 60 from the end of every segment.
fn damage(dir: &Dir) {
    for file in std::fs::read_dir(&dir.0).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|e| e == "seg") {
            let mut bytes = std::fs::read(&file).unwrap();
            let at = bytes.len() - 60;
            bytes[at] ^= 0xff;
            std::fs::write(&file, bytes).unwrap();
        }
    }
}

#[test]
fn damage_is_told_after_the_last_event() {
    let dir = Dir::new();
    let store = dir.open();
    store.append(&event(1, "lost")).unwrap();
    store.flush().unwrap();
    store.append(&event(2, "kept")).unwrap();
    drop(store);
    damage(&dir);

    let store = dir.open();
    let mut events = store.read().unwrap();
    assert_eq!(events.next().unwrap().unwrap().clef, event(2, "kept"));
    let error = events.next().unwrap().unwrap_err();
    assert_eq!(error.code, Code::Corrupt);
    assert!(error.to_string().contains(".seg"), "{error}");
    assert_eq!(events.next(), None);
    assert_eq!(events.end().unwrap_err().code, Code::Corrupt);
    store.append(&event(3, "more")).unwrap();
}

#[test]
fn threads_use_a_store_while_it_is_closed() {
    let dir = Dir::new();
    let store = dir.open();
    thread::scope(|s| {
        for _ in 0..3 {
            s.spawn(|| {
                let error = loop {
                    if let Err(error) = store.append(&event(0, "x")).and_then(|_| store.read_with(&ReadOptions { limit: 5, ..Default::default() })?.collect::<Result<Vec<_>>>()) {
                        break error;
                    }
                };
                assert!(matches!(error.code, Code::Closed | Code::InvalidHandle), "{error}");
            });
        }
        thread::sleep(Duration::from_millis(50));
        assert!(store.close().unwrap());
    });
}

#[test]
fn a_bound_handle_stays_with_its_thread() {
    let dir = Dir::new();
    let store = dir.open();
    let mut reader = store.begin_read(&ReadOptions { bind_thread: true, ..Default::default() }).unwrap();
    let moved = thread::spawn(move || reader.next_into(&mut [0; 64])).join().unwrap();
    assert_eq!(moved.unwrap_err().code, Code::WrongThread);
}
