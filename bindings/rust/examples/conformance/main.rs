//! The runner of the conformance scripts over this crate: `capi/conformance/README.md` has the form.
//!
//!     conformance SCRIPT DIRECTORY

mod calls;
mod script;

use calls::{name, RawCall};
use script::{fail, pick, to_json, to_keys, Script, Words};
use std::collections::HashMap;
use std::mem::ManuallyDrop;
use std::ptr::null;
use std::thread;
use std::time::Duration;
use stele::raw::*;
use stele::*;

struct Runner {
    script: Script,
    running: HashMap<String, thread::JoinHandle<RawCall>>,
}

/// Makes an error of what a call of the raw floor failed with.
fn check(result: stele_result) -> Result<()> {
    if result < STELE_ARGUMENT_NULL {
        return Ok(());
    }
    Err(Error::last().unwrap().0)
}

fn pointer(text: &Option<String>) -> (*const std::os::raw::c_char, usize) {
    text.as_ref().map_or((null(), 0), |t| (t.as_ptr().cast(), t.len()))
}

/// Makes a call with a buffer that grows.
fn grow<T>(mut next: impl FnMut(&mut [u8]) -> Result<Step<T>>) -> Result<(Step<T>, Vec<u8>)> {
    let mut buffer = vec![0; 16];
    loop {
        match next(&mut buffer)? {
            Step::TooSmall(needed) => buffer = vec![0; needed],
            step => return Ok((step, buffer)),
        }
    }
}

impl Runner {
    fn answer(&self, result: stele_result, values: &str) -> Result<()> {
        let space = if values.is_empty() { "" } else { " " };
        println!("= {}{space}{values}", name(result));
        if result >= STELE_ARGUMENT_NULL {
            self.script.show('!', &Error::last().unwrap().0.to_string());
        }
        Ok(())
    }

    fn ok(&self) -> Result<()> {
        self.answer(STELE_OK, "")
    }

    fn text(&self, json: &str, words: &mut Words) -> Result<()> {
        self.ok()?;
        let picks = words.rest();
        if picks.is_empty() {
            self.script.show('|', json);
        }
        for wanted in picks {
            self.script.show('|', &format!("{wanted} {}", pick(json, &wanted)));
        }
        Ok(())
    }

    /// Lets the binding hold a handle for one call.
    fn store(&self, words: &mut Words) -> ManuallyDrop<Store> {
        ManuallyDrop::new(Store::from_handle(self.script.handle(&words.word())))
    }

    fn writer(&self, words: &mut Words) -> ManuallyDrop<Writer> {
        ManuallyDrop::new(Writer::from_handle(self.script.handle(&words.word())))
    }

    fn reader(&self, words: &mut Words) -> ManuallyDrop<Reader> {
        ManuallyDrop::new(Reader::from_handle(self.script.handle(&words.word())))
    }

    fn rows(&self, words: &mut Words) -> ManuallyDrop<Rows> {
        ManuallyDrop::new(Rows::from_handle(self.script.handle(&words.word())))
    }

    fn tail(&self, words: &mut Words) -> ManuallyDrop<Tail> {
        ManuallyDrop::new(Tail::from_handle(self.script.handle(&words.word())))
    }

    fn server(&self, words: &mut Words) -> ManuallyDrop<Server> {
        ManuallyDrop::new(Server::from_handle(self.script.handle(&words.word())))
    }

    fn bind(&mut self, name: String, handle: u64) -> Result<()> {
        self.script.handles.insert(name, handle);
        self.ok()
    }

    /// Binds what a call of the raw floor begins.
    fn begin(&mut self, name: String, call: impl FnOnce(*mut u64) -> stele_result) -> Result<()> {
        let mut handle = 0;
        check(call(&mut handle))?;
        self.bind(name, handle)
    }

    fn event(&self, next: impl FnMut(&mut [u8]) -> Result<Step<(Key, usize)>>) -> Result<()> {
        match grow(next)? {
            (Step::Got((key, len)), buffer) => {
                self.answer(STELE_OK, &key.to_string())?;
                self.script.show('|', std::str::from_utf8(&buffer[..len]).unwrap());
                Ok(())
            }
            (step, _) => self.no_step(step),
        }
    }

    fn no_step<T>(&self, step: Step<T>) -> Result<()> {
        match step {
            Step::Done => self.answer(STELE_DONE, ""),
            Step::TimedOut => self.answer(STELE_TIMED_OUT, ""),
            Step::TooSmall(needed) => self.answer(STELE_BUFFER_TOO_SMALL, &needed.to_string()),
            Step::Got(_) => unreachable!(),
        }
    }

    fn batch(&self, keys: bool, size: u64, mut next: impl FnMut(&mut [u8]) -> Result<Step<(usize, usize)>>) -> Result<()> {
        let mut buffer = vec![0; size as usize];
        let step = next(&mut buffer)?;
        let Step::Got((_, count)) = step else { return self.no_step(step) };
        self.answer(STELE_OK, &count.to_string())?;
        let mut at = 0;
        for _ in 0..count {
            let number = |from: usize| u32::from_ne_bytes(buffer[at + from..at + from + 4].try_into().unwrap()) as usize;
            let text = std::str::from_utf8(&buffer[at + 24..at + 24 + number(16)]).unwrap();
            let key = Key(buffer[at..at + 16].try_into().unwrap());
            self.script.show('|', &if keys { format!("{key} {text}") } else { text.to_owned() });
            at += number(20);
        }
        Ok(())
    }

    fn closed(&self, closed: Result<bool>) -> Result<()> {
        self.answer(if closed? { STELE_OK } else { STELE_INVALID_HANDLE }, "")
    }

    fn open(&mut self, words: &mut Words) -> Result<()> {
        let (name, path) = (words.word(), self.script.text(&words.word()));
        let flags = words.option_number("flags");
        let options = OpenOptions {
            read_only: flags & 1 != 0,
            must_exist: flags & 2 != 0,
            event_bytes: words.option_number("event_bytes") as u32,
            batch_bytes: words.option_number("batch_bytes"),
            memory_bytes: words.option_number("memory_bytes"),
            journal_bytes: words.option_number("journal_bytes"),
            cache_bytes: words.option_number("cache_bytes"),
            document_bytes: words.option_number("document_bytes"),
            min_free_bytes: words.option_number("min_free_bytes") as i64,
            open_files: words.option_number("open_files") as u32,
        };
        match &path {
            Some(path) if flags < 4 => {
                let store = Store::open_with(path, &options)?;
                self.bind(name, store.into_handle())
            }
            _ => {
                // SAFETY: all of zeroes is a value of it.
                let mut o: stele_options = unsafe { std::mem::zeroed() };
                (o.size, o.flags) = (std::mem::size_of_val(&o), flags as u32);
                let (path, len) = pointer(&path);
                // SAFETY: what is pointed to lives until the call is over.
                self.begin(name, |store| unsafe { stele_open(path, len, &o, store) })
            }
        }
    }

    fn write_begin(&mut self, words: &mut Words) -> Result<()> {
        let (name, store) = (words.word(), self.store(words));
        let (flags, id) = (words.option_number("flags"), words.option_text("id", &self.script));
        if flags < 4 {
            let options = WriteOptions { partial: flags & 1 != 0, bind_thread: flags & 2 != 0, id: id.as_deref() };
            return self.bind(name, store.write_with(&options)?.into_handle());
        }
        let (id, id_len) = pointer(&id);
        let o = stele_write_options { size: std::mem::size_of::<stele_write_options>(), flags: flags as u32, reserved: 0, id, id_len };
        // SAFETY: what is pointed to lives until the call is over.
        self.begin(name, |writer| unsafe { stele_write_begin(store.handle(), &o, writer) })
    }

    fn read_begin(&mut self, words: &mut Words) -> Result<()> {
        let (name, store) = (words.word(), self.store(words));
        let (flags, ordering) = (words.option_number("flags"), words.option_number("ordering"));
        let (filter, limit) = (words.option_text("filter", &self.script), words.option_number("limit"));
        if flags < 4 && ordering < 2 {
            let options =
                ReadOptions { range: words.range(), filter: filter.as_deref(), limit, descending: ordering == 1, read_ahead: flags & 1 != 0, bind_thread: flags & 2 != 0 };
            return self.bind(name, store.begin_read(&options)?.into_handle());
        }
        let (filter, filter_len) = pointer(&filter);
        let size = std::mem::size_of::<stele_read_options>();
        let o = stele_read_options { size, range: null(), filter, filter_len, limit, ordering: ordering as u32, flags: flags as u32 };
        // SAFETY: what is pointed to lives until the call is over.
        self.begin(name, |reader| unsafe { stele_read_begin(store.handle(), &o, reader) })
    }

    fn query_begin(&mut self, words: &mut Words) -> Result<()> {
        let (name, store, query) = (words.word(), self.store(words), self.script.text(&words.word()));
        let (flags, filter) = (words.option_number("flags"), words.option_text("filter", &self.script));
        let (memory_bytes, timeout) = (words.option_number("memory_bytes"), words.option_number("timeout_ms"));
        match &query {
            Some(query) if flags & !2 == 0 => {
                let options = QueryOptions {
                    range: words.range(),
                    filter: filter.as_deref(),
                    memory_bytes,
                    timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
                    bind_thread: flags & 2 != 0,
                };
                self.bind(name, store.begin_query(query, &options)?.into_handle())
            }
            _ => {
                let (filter, filter_len) = pointer(&filter);
                let (query, len) = pointer(&query);
                let size = std::mem::size_of::<stele_query_options>();
                let o = stele_query_options { size, range: null(), filter, filter_len, memory_bytes, timeout_ms: timeout as u32, flags: flags as u32 };
                // SAFETY: what is pointed to lives until the call is over.
                self.begin(name, |rows| unsafe { stele_query_begin(store.handle(), query, len, &o, rows) })
            }
        }
    }

    fn tail_begin(&mut self, words: &mut Words) -> Result<()> {
        let (name, store) = (words.word(), self.store(words));
        let (flags, after) = (words.option_number("flags"), words.option_number("after"));
        let filter = words.option_text("filter", &self.script);
        if flags & !2 == 0 {
            let options = TailOptions { after, filter: filter.as_deref(), bind_thread: flags & 2 != 0 };
            return self.bind(name, store.begin_tail(&options)?.into_handle());
        }
        let (filter, filter_len) = pointer(&filter);
        let o = stele_tail_options { size: std::mem::size_of::<stele_tail_options>(), after, filter, filter_len, flags: flags as u32, reserved: 0 };
        // SAFETY: what is pointed to lives until the call is over.
        self.begin(name, |tail| unsafe { stele_tail_begin(store.handle(), &o, tail) })
    }

    /// A document's key with what more it needs; without a key the raw floor is asked.
    fn document(&mut self, command: &str, words: &mut Words) -> Result<()> {
        let (store, key) = (self.store(words), self.script.text(&words.word()));
        let (raw_key, raw_len) = pointer(&key);
        let mut actual = 0;
        match (command, key) {
            ("document_set", key) => match (key, self.script.text(&words.word())) {
                (Some(key), Some(json)) => store.set_document(&key, &json)?,
                (key, json) => {
                    let ((key, key_len), (json, json_len)) = (pointer(&key), pointer(&json));
                    // SAFETY: what is pointed to lives until the call is over.
                    check(unsafe { stele_document_set(store.handle(), key, key_len, json, json_len) })?;
                }
            },
            ("document_get", Some(key)) => return self.text(&store.document(&key)?, words),
            // SAFETY: NULL is what is asked about.
            ("document_get", None) => check(unsafe { stele_document_get(store.handle(), raw_key, raw_len, std::ptr::null_mut(), 0, &mut actual) })?,
            (_, Some(key)) => store.delete_document(&key)?,
            // SAFETY: NULL is what is asked about.
            (_, None) => check(unsafe { stele_document_delete(store.handle(), raw_key, raw_len) })?,
        }
        self.ok()
    }

    fn last_error(&self) -> Result<()> {
        let Some((error, _)) = Error::last() else { return self.answer(STELE_DONE, "") };
        self.answer(STELE_OK, name(error.code.result()))?;
        self.script.show('|', &error.to_string());
        Ok(())
    }

    fn raw_call(&self, words: &mut Words) -> RawCall {
        if words.word() != "raw" {
            fail("raw is missing");
        }
        RawCall::of(words, &self.script)
    }

    fn raw_answer(&mut self, call: &RawCall) -> Result<()> {
        println!("{}", call.line(&mut self.script));
        if call.result >= STELE_ARGUMENT_NULL {
            self.script.show('!', &Error::last().unwrap().0.to_string());
        }
        Ok(())
    }

    fn until(&mut self, words: &mut Words) -> Result<()> {
        let wanted = words.word();
        let mut call = self.raw_call(words);
        for _ in 0..5000 {
            call.call();
            if name(call.result) == wanted {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.raw_answer(&call)
    }

    fn join(&mut self, running: thread::JoinHandle<RawCall>) -> Result<()> {
        let call = running.join().unwrap();
        println!("{}", call.line(&mut self.script));
        Ok(())
    }

    fn damage(&self, words: &mut Words) -> Result<()> {
        let path = self.script.text(&words.word()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap_or_else(|e| fail(&format!("{path}: {e}")));
        let at = bytes.len() - words.number() as usize;
        bytes[at] ^= words.number() as u8;
        use std::io::{Seek, SeekFrom, Write};
        let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.seek(SeekFrom::Start(at as u64)).and_then(|_| file.write_all(&bytes[at..=at])).unwrap();
        self.ok()
    }

    fn run(&mut self, words: &mut Words) -> Result<()> {
        match words.word().as_str() {
            "version" => {
                // SAFETY: all of zeroes is a value of it.
                let mut info: stele_version_info = unsafe { std::mem::zeroed() };
                info.size = std::mem::size_of_val(&info);
                // SAFETY: the struct has the size that it says.
                check(unsafe { stele_version(&mut info) })?;
                stele::version()?;
                self.answer(STELE_OK, &info.abi.to_string())
            }
            "result_name" => self.answer(STELE_OK, &to_json(name(words.number() as i32))),
            "last_error" => self.last_error(),
            // SAFETY: any number is allowed.
            "host" => check(unsafe { stele_host(words.number() as u32) }).and_then(|_| self.ok()),
            "key_parse" => match self.script.text(&words.word()) {
                Some(text) => self.answer(STELE_OK, &text.parse::<Key>()?.to_string()),
                // SAFETY: NULL is what is asked about.
                None => check(unsafe { stele_key_parse(null(), 0, &mut stele_key { bytes: [0; 16] }) }),
            },
            "key_format" => self.answer(STELE_OK, &to_json(&words.key().to_string())),
            "key_parts" => {
                let key = words.key();
                self.answer(STELE_OK, &format!("{} {}", key.instant(), key.arrival()))
            }
            "open" => self.open(words),
            "close" => self.closed(self.store(words).close()),
            "flush" => self.store(words).flush().and_then(|_| self.ok()),
            "statistics" => self.text(&self.store(words).statistics()?, words),
            "verify" => {
                let (name, store) = (words.word(), self.store(words));
                // SAFETY: begin gives a pointer to a number.
                self.begin(name, |rows| unsafe { stele_verify(store.handle(), rows) })
            }
            "backup" => {
                let (name, store, directory) = (words.word(), self.store(words), self.script.text(&words.word()));
                let (path, len) = pointer(&directory);
                let keep = words.option_number("keep") as u32;
                // SAFETY: what is pointed to lives until the call is over.
                self.begin(name, |rows| unsafe { stele_backup(store.handle(), path, len, keep, rows) })
            }
            "write_begin" => self.write_begin(words),
            "write_append" => {
                let (mut writer, clef) = (self.writer(words), self.script.text(&words.word()));
                match clef {
                    Some(clef) => writer.append(&clef)?,
                    // SAFETY: NULL is what is asked about.
                    None => check(unsafe { stele_write_append(writer.handle(), null(), 0) })?,
                }
                self.ok()
            }
            "write_end" => {
                let keys = ManuallyDrop::into_inner(self.writer(words)).commit()?;
                self.answer(STELE_OK, &keys.len().to_string())?;
                keys.iter().for_each(|key| self.script.show('|', &key.to_string()));
                Ok(())
            }
            "write_abandon" => ManuallyDrop::into_inner(self.writer(words)).abandon().and_then(|_| self.ok()),
            "read_begin" => self.read_begin(words),
            "read_next" => {
                let mut reader = self.reader(words);
                self.event(|buffer| reader.next_into(buffer))
            }
            "read_next_batch" => {
                let (mut reader, size) = (self.reader(words), words.number());
                self.batch(true, size, |buffer| reader.next_batch_into(buffer))
            }
            "read_end" => ManuallyDrop::into_inner(self.reader(words)).end().and_then(|_| self.ok()),
            "get" => {
                let clef = self.store(words).get(&words.key())?;
                self.text(&clef, words)
            }
            "delete_keys" => {
                let store = self.store(words);
                let keys: Vec<Key> = words.rest().iter().flat_map(|word| to_keys(word)).collect();
                self.answer(STELE_OK, &store.delete_keys(&keys)?.to_string())
            }
            "delete" => {
                let store = self.store(words);
                let filter = words.option_text("filter", &self.script);
                self.answer(STELE_OK, &store.delete(&words.range(), filter.as_deref())?.to_string())
            }
            command @ ("document_set" | "document_get" | "document_delete") => self.document(command, words),
            "document_list" => {
                let (name, store, prefix) = (words.word(), self.store(words), self.script.text(&words.word()));
                let (prefix, len) = pointer(&prefix);
                // SAFETY: what is pointed to lives until the call is over.
                self.begin(name, |rows| unsafe { stele_document_list(store.handle(), prefix, len, rows) })
            }
            "query_begin" => self.query_begin(words),
            "rows_describe" => self.text(&self.rows(words).describe()?, words),
            "rows_next" => {
                let mut rows = self.rows(words);
                match grow(|buffer| rows.next_into(buffer))? {
                    (Step::Got(len), buffer) => self.text(std::str::from_utf8(&buffer[..len]).unwrap(), words),
                    (step, _) => self.no_step(step),
                }
            }
            "rows_next_batch" => {
                let (mut rows, size) = (self.rows(words), words.number());
                self.batch(false, size, |buffer| rows.next_batch_into(buffer))
            }
            "rows_end" => ManuallyDrop::into_inner(self.rows(words)).end().and_then(|_| self.ok()),
            "tail_begin" => self.tail_begin(words),
            "tail_next" => {
                let (mut tail, timeout) = (self.tail(words), timeout(words));
                self.event(|buffer| tail.next_into(timeout, buffer))
            }
            "tail_next_batch" => {
                let (mut tail, timeout, size) = (self.tail(words), timeout(words), words.number());
                self.batch(true, size, |buffer| tail.next_batch_into(timeout, buffer))
            }
            "tail_position" => self.answer(STELE_OK, &self.tail(words).position()?.to_string()),
            "tail_end" => ManuallyDrop::into_inner(self.tail(words)).end().and_then(|_| self.ok()),
            "serve_begin" => {
                let (name, store) = (words.word(), self.store(words));
                let (urls, instance) = (words.option_text("urls", &self.script), words.option_text("instance", &self.script));
                let server = store.serve(&ServeOptions { urls: urls.as_deref(), instance: instance.as_deref() })?;
                self.bind(name, server.into_handle())
            }
            "serve_urls" => {
                let urls = self.server(words).urls()?;
                self.script.learn_port(&urls);
                self.text(&urls, words)
            }
            "serve_end" => self.closed(self.server(words).close()),
            "cancel" => self.reader(words).canceller().cancel().and_then(|_| self.ok()),

            "raw" => {
                let mut call = RawCall::of(words, &self.script);
                call.call();
                self.raw_answer(&call)
            }
            "thread" => {
                let call = self.raw_call(words);
                let running = spawn(call);
                self.join(running)
            }
            "spawn" => {
                let name = words.word();
                let call = self.raw_call(words);
                self.running.insert(name, spawn(call));
                thread::sleep(Duration::from_millis(20));
                Ok(())
            }
            "join" => {
                let running = self.running.remove(&words.word()).unwrap_or_else(|| fail("nothing runs of that name"));
                self.join(running)
            }
            "until" => self.until(words),
            "damage" => self.damage(words),
            "file" => {
                let path = self.script.text(&words.word()).unwrap();
                std::fs::write(&path, self.script.text(&words.word()).unwrap()).unwrap_or_else(|e| fail(&format!("{path}: {e}")));
                self.ok()
            }
            other => fail(&format!("no such command: {other}")),
        }
    }
}

fn timeout(words: &mut Words) -> Option<Duration> {
    let n = words.number();
    (n != u64::from(u32::MAX)).then(|| Duration::from_millis(n))
}

fn spawn(mut call: RawCall) -> thread::JoinHandle<RawCall> {
    thread::spawn(move || {
        call.call();
        call
    })
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&arguments[1]).unwrap_or_else(|e| fail(&e.to_string()));
    let script = Script { directory: arguments[2].clone(), port: "0".to_owned(), handles: HashMap::new() };
    let mut runner = Runner { script, running: HashMap::new() };
    for line in text.lines().filter(|line| !line.starts_with(['=', '!', '|'])) {
        println!("{line}");
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Err(error) = runner.run(&mut Words::of(line)) {
            println!("= {}", error.code.name());
            runner.script.show('!', &error.to_string());
        }
    }
}
