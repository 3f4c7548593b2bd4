//! The words and the answers of conformance scripts.

use std::collections::HashMap;
use std::ops::Bound;
use std::str::FromStr;
use stele::{Key, Position, Range};

/// Ends the runner: the script is not understood.
pub fn fail(why: &str) -> ! {
    eprintln!("conformance: {why}");
    std::process::exit(2)
}

/// What a script knows: its directory, the last port and its names.
pub struct Script {
    pub directory: String,
    pub port: String,
    pub handles: HashMap<String, u64>,
}

/// Takes the JSON string at the begin of `p`.
fn json_string(p: &mut &str) -> String {
    let mut text = Vec::new();
    let mut chars = p[1..].char_indices();
    let mut unit = Vec::new();
    let digits = |chars: &mut std::str::CharIndices| -> u16 {
        let four: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
        u16::from_str_radix(&four, 16).unwrap_or_else(|_| fail("four hex digits are missing"))
    };
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            let (_, escaped) = chars.next().unwrap_or_else(|| fail("a text has no end"));
            match escaped {
                'u' => {
                    unit.push(digits(&mut chars));
                    continue;
                }
                'b' => text.push((std::mem::take(&mut unit), '\u{8}')),
                'f' => text.push((std::mem::take(&mut unit), '\u{c}')),
                'n' => text.push((std::mem::take(&mut unit), '\n')),
                'r' => text.push((std::mem::take(&mut unit), '\r')),
                't' => text.push((std::mem::take(&mut unit), '\t')),
                other => text.push((std::mem::take(&mut unit), other)),
            }
            continue;
        }
        if c == '"' {
            *p = &p[at + 2..];
            let mut out = String::new();
            for (before, c) in text {
                out.push_str(&String::from_utf16_lossy(&before));
                out.push(c);
            }
            out.push_str(&String::from_utf16_lossy(&unit));
            return out;
        }
        text.push((std::mem::take(&mut unit), c));
    }
    fail("a text has no end")
}

pub fn to_json(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", c as u32)),
            c => json.push(c),
        }
    }
    json + "\""
}

/// Takes the JSON value at the begin of `p`, and counts the elements of a list.
fn json_value<'a>(p: &mut &'a str) -> (&'a str, usize) {
    let begin = *p;
    let (mut depth, mut commas, mut some) = (0, 0, 0);
    loop {
        let c = p.chars().next().unwrap_or_else(|| fail("JSON has no end"));
        if depth == 1 && !"]},".contains(c) {
            some = 1;
        }
        match c {
            '"' => {
                json_string(p);
            }
            _ => {
                match c {
                    '[' | '{' => depth += 1,
                    ']' | '}' => depth -= 1,
                    ',' if depth == 1 => commas += 1,
                    _ => {}
                }
                *p = &p[c.len_utf8()..];
            }
        }
        if depth == 0 && (p.is_empty() || p.starts_with([',', ']', '}', ' '])) {
            return (&begin[..begin.len() - p.len()], commas + some);
        }
    }
}

/// A member of a JSON object, as picks are printed.
pub fn pick(object: &str, wanted: &str) -> String {
    let mut p = &object[1..];
    while !p.is_empty() && !p.starts_with('}') {
        p = p.strip_prefix(',').unwrap_or(p);
        let name = json_string(&mut p);
        p = &p[1..];
        let (mut value, elements) = json_value(&mut p);
        if name != wanted {
            continue;
        }
        return match value.as_bytes()[0] {
            b'"' => to_json(&json_string(&mut value)),
            b'[' => format!("[{elements}]"),
            b'{' => "{}".to_owned(),
            _ => value.to_owned(),
        };
    }
    "absent".to_owned()
}

fn digits(text: &str, digit: fn(char) -> bool) -> usize {
    text.find(|c| !digit(c)).unwrap_or(text.len())
}

fn decimal(c: char) -> bool {
    c.is_ascii_digit()
}

fn hexadecimal(c: char) -> bool {
    matches!(c, '0'..='9' | 'a'..='f')
}

impl Script {
    fn masked(&self, text: &str) -> String {
        type Mask = (&'static str, &'static str, fn(char) -> bool, fn(usize) -> bool);
        const MASKS: [Mask; 4] = [
            ("127.0.0.1:", "$PORT", decimal, |n| n > 0),
            ("process ", "$PID", decimal, |n| n > 0),
            ("expected ", "$SUM", hexadecimal, |n| n == 8 || n == 16),
            ("found ", "$SUM", hexadecimal, |n| n == 8 || n == 16),
        ];
        let mut out = String::new();
        let mut rest = text;
        'next: while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix(&self.directory) {
                out.push_str("$DIR");
                rest = after;
                continue;
            }
            for (mark, name, digit, good) in MASKS {
                let Some(after) = rest.strip_prefix(mark) else { continue };
                let n = digits(after, digit);
                if good(n) {
                    out.push_str(mark);
                    out.push_str(name);
                    rest = &after[n..];
                    continue 'next;
                }
            }
            let n = digits(rest, decimal);
            if n > 0 && rest[n..].starts_with(" is not the handle") {
                out.push_str("$HANDLE");
                rest = &rest[n..];
                continue;
            }
            let n = n.max(first.len_utf8());
            out.push_str(&rest[..n]);
            rest = &rest[n..];
        }
        out
    }

    /// Prints each line of a text with its mark before it.
    pub fn show(&self, mark: char, text: &str) {
        for line in self.masked(text).split('\n') {
            println!("{mark} {line}");
        }
    }

    pub fn learn_port(&mut self, urls: &str) {
        if let Some((_, after)) = urls.split_once("127.0.0.1:") {
            self.port = after[..digits(after, decimal)].to_owned();
        }
    }

    /// The text of a word; none for `null`.
    pub fn text(&self, word: &str) -> Option<String> {
        if word == "null" {
            return None;
        }
        if !word.starts_with('"') {
            fail(&format!("not a text: {word}"));
        }
        let mut p = word;
        let once = json_string(&mut p).replace("$DIR", &self.directory).replace("$PORT", &self.port);
        Some(once.repeat(repeats(p)))
    }

    pub fn handle(&self, word: &str) -> u64 {
        if let Some(number) = word.strip_prefix('#') {
            return to_number(number);
        }
        *self.handles.get(word).unwrap_or_else(|| fail(&format!("no such handle: {word}")))
    }
}

fn repeats(word: &str) -> usize {
    word.strip_prefix('*').map_or(1, |n| to_number(n) as usize)
}

pub fn to_number(word: &str) -> u64 {
    let number = if word.starts_with('-') { i64::from_str(word).map(|n| n as u64) } else { u64::from_str(word) };
    number.unwrap_or_else(|_| fail(&format!("not a number: {word}")))
}

/// The keys of a word.
pub fn to_keys(word: &str) -> Vec<Key> {
    let star = word.find('*').unwrap_or(word.len());
    let key = word[..star].parse().unwrap_or_else(|_| fail(&format!("not a key: {word}")));
    vec![key; repeats(&word[star..])]
}

/// The words of a command that were not taken yet.
pub struct Words(std::collections::VecDeque<String>);

impl Words {
    pub fn of(line: &str) -> Words {
        let (mut quoted, mut escaped) = (false, false);
        let words = line.split(|c| {
            quoted ^= c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            c == ' ' && !quoted
        });
        Words(words.map(str::to_owned).collect())
    }

    pub fn word(&mut self) -> String {
        self.0.pop_front().unwrap_or_else(|| fail("a word is missing"))
    }

    pub fn number(&mut self) -> u64 {
        to_number(&self.word())
    }

    pub fn key(&mut self) -> Key {
        to_keys(&self.word())[0]
    }

    pub fn rest(&mut self) -> Vec<String> {
        self.0.drain(..).collect()
    }

    /// The word of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    pub fn option_number(&self, name: &str) -> u64 {
        self.option(name).map_or(0, to_number)
    }

    pub fn option_text(&self, name: &str, script: &Script) -> Option<String> {
        script.text(self.option(name)?)
    }

    pub fn range(&self) -> Range {
        let bound = |name| {
            let Some((kind, at)) = self.option(name).map(|word| word.split_once(':').unwrap_or_else(|| fail("not a bound"))) else {
                return Bound::Unbounded;
            };
            let position = if at.starts_with('e') { Position::Key(to_keys(at)[0]) } else { Position::Instant(to_number(at) as i64) };
            if kind == "inclusive" {
                Bound::Included(position)
            } else {
                Bound::Excluded(position)
            }
        };
        Range { from: bound("from"), to: bound("to") }
    }
}
