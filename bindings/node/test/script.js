// The words and the answers of conformance scripts: capi/conformance/README.md has the form.

import { writeSync } from 'node:fs';

export function fail(why) {
  writeSync(2, `conformance: ${why}\n`);
  process.exit(2);
}

export const script = { directory: '', port: '0', handles: new Map() };

export function print(line) {
  writeSync(1, line + '\n');
}

const string = /"(?:[^"\\]|\\.)*"/y;

/** Where the JSON string at an offset ends. */
function stringEnd(text, at) {
  string.lastIndex = at;
  if (!string.test(text)) fail(`a text has no end: ${text.slice(at, at + 40)}`);
  return string.lastIndex;
}

const escapes = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

export function toJson(text) {
  return `"${text.replace(/["\\\x00-\x1f]/g, (c) => escapes[c] ?? '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'))}"`;
}

/** Where the JSON value at an offset ends, and how many elements a list has. */
function value(text, at) {
  let depth = 0;
  let commas = 0;
  let some = 0;
  do {
    const c = text[at];
    if (c === undefined) fail('JSON has no end');
    if (depth === 1 && !']},'.includes(c)) some = 1;
    if (c === '"') {
      at = stringEnd(text, at);
      continue;
    }
    if (c === '[' || c === '{') depth++;
    if (c === ']' || c === '}') depth--;
    if (c === ',' && depth === 1) commas++;
    at++;
  } while (depth > 0 || (at < text.length && !',]} '.includes(text[at])));
  return { end: at, elements: commas + some };
}

/** A member of a JSON object as picks are printed. */
export function pick(object, wanted) {
  for (let at = 1; object[at] !== '}'; ) {
    if (object[at] === ',') at++;
    const colon = stringEnd(object, at);
    const name = JSON.parse(object.slice(at, colon));
    const { end, elements } = value(object, colon + 1);
    const text = object.slice(colon + 1, end);
    at = end;
    if (name !== wanted) continue;
    if (text[0] === '"') return toJson(JSON.parse(text));
    if (text[0] === '[') return `[${elements}]`;
    return text[0] === '{' ? '{}' : text;
  }
  return 'absent';
}

function masked(text) {
  return text
    .replaceAll(script.directory, '$DIR')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:$$PORT')
    .replace(/process \d+/g, 'process $$PID')
    .replace(/(expected |found )(?:[0-9a-f]{16}|[0-9a-f]{8})(?![0-9a-f])/g, '$1$$SUM')
    .replace(/\d+(?= is not the handle)/g, '$$HANDLE');
}

/** Prints each line of a text with its mark before it. */
export function show(mark, text) {
  for (const line of masked(text).split('\n')) print(`${mark} ${line}`);
}

export function learnPort(urls) {
  script.port = /127\.0\.0\.1:(\d+)/.exec(urls)?.[1] ?? script.port;
}

export function toNumber(word) {
  if (!/^-?\d+$/.test(word ?? '')) fail(`not a number: ${word}`);
  return BigInt.asUintN(64, BigInt(word));
}

/** The text of a word; null for null. */
export function toText(word) {
  if (word === 'null') return null;
  if (!word?.startsWith('"')) fail(`not a text: ${word}`);
  const end = stringEnd(word, 0);
  const once = JSON.parse(word.slice(0, end)).replaceAll('$DIR', script.directory).replaceAll('$PORT', script.port);
  return word[end] === '*' ? once.repeat(Number(toNumber(word.slice(end + 1)))) : once;
}

/** The keys of a word. */
export function toKeys(word) {
  const [key, times] = word.split('*');
  return Array(Number(times ?? 1)).fill(key);
}

export function toHandle(word) {
  if (word.startsWith('#')) return toNumber(word.slice(1));
  return script.handles.get(word) ?? fail(`no such handle: ${word}`);
}

/** The words of a command that were not taken yet. */
export class Words {
  constructor(line) {
    this.left = line.match(/(?:"(?:[^"\\]|\\.)*"|[^ "])+/g) ?? [];
  }

  word() {
    return this.left.shift() ?? fail('a word is missing');
  }

  rest() {
    return this.left.splice(0);
  }

  /** The word of an option, or undefined. */
  option(name) {
    return this.left.find((word) => word.startsWith(name + '='))?.slice(name.length + 1);
  }

  optionNumber(name) {
    const word = this.option(name);
    return word === undefined ? 0n : toNumber(word);
  }

  optionText(name) {
    const word = this.option(name);
    return word === undefined ? undefined : toText(word);
  }

  /** The options from and to as the binding has them. */
  range() {
    const range = {};
    for (const [name, including, excluding] of [['from', 'from', 'after'], ['to', 'to', 'before']]) {
      const word = this.option(name);
      if (word === undefined) continue;
      const [kind, at] = word.split(':');
      range[kind === 'inclusive' ? including : excluding] = at.startsWith('event-') ? at : BigInt(at);
    }
    return range;
  }
}
