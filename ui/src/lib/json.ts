// JSON without loss. JavaScript's numbers cannot hold every number text that the
// store keeps (R6), so a number whose text would change is carried as its text, and
// documents are checked and laid out as text, never through values.

/** A number whose text JavaScript's own number would not give back. */
export class NumberText {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
  toJSON(): unknown {
    return Number(this.text);
  }
}

export type Json = null | boolean | number | string | NumberText | Json[] | { [name: string]: Json };

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

// Texts that may hold a number that needs care: long, with an exponent, with a
// trailing zero after the point, or a negative zero. Most have none and skip the
// slower reading.
const suspicious = /[:[,]\s*-?(?:\d{16,}|\d*\.\d{15,}|\d+(?:\.\d+)?[eE]|\d+\.\d*0\s*[,}\]])|-0\s*[,}\]]/;

/** Reads JSON, keeping the text of numbers where the engine lets us see it. */
export function parseJson(text: string): unknown {
  if (!suspicious.test(text)) return JSON.parse(text);
  const keepNumbers: Reviver = (_key, value, context) =>
    typeof value === 'number' && context?.source !== undefined && !same(value, context.source)
      ? new NumberText(context.source)
      : value;
  return JSON.parse(text, keepNumbers);
}

function same(value: number, source: string): boolean {
  return String(value) === source;
}

/** One line of JSON. */
export function compact(value: Json | undefined): string {
  if (value === undefined) return '';
  if (value instanceof NumberText) return value.text;
  if (Array.isArray(value)) return `[${value.map(compact).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${compact(v)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Where and why a text is not JSON. Line and column count from 1. */
export interface JsonProblem {
  message: string;
  offset: number;
  line: number;
  column: number;
}

/** Says what is wrong with text as JSON, or null. */
export function checkJson(text: string): JsonProblem | null {
  return walk(text, () => {});
}

/** Lays JSON out with two spaces an indent, every value's text untouched; null if it is not JSON. */
export function formatJson(text: string): string | null {
  let out = '';
  let depth = 0;
  let fresh = false; // just after an opening bracket
  const problem = walk(text, (token) => {
    const indent = () => '\n' + '  '.repeat(depth);
    if (token === '}' || token === ']') {
      depth--;
      out += fresh ? token : indent() + token;
      fresh = false;
      return;
    }
    if (fresh) out += indent();
    fresh = token === '{' || token === '[';
    if (fresh) depth++;
    if (token === ',') out += token + indent();
    else if (token === ':') out += ': ';
    else out += token;
  });
  return problem ? null : out;
}

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /true|false|null/y;
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

// walk calls visit with each token's text and stops at the first that cannot stand
// where it is. It keeps its own stack, so nesting has no limit but memory.
function walk(text: string, visit: (token: string) => void): JsonProblem | null {
  const open: ('{' | '[')[] = [];
  let at = 0;
  let want: 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or end' = 'value';

  const fail = (message: string, offset = at): JsonProblem => ({ message, offset, ...place(text, offset) });
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };

  for (;;) {
    at += match(space)!.length;
    const c = text[at];
    if (c === undefined) {
      if (want === ', or end' && open.length === 0) return null;
      if (open.length === 0) return fail('a JSON value is missing');
      return fail(`the ${open[open.length - 1] === '{' ? 'object' : 'array'} is not closed`);
    }
    let token: string | null = null;
    if (want === 'value' || want === 'value or ]') {
      if (c === ']' && want === 'value or ]') {
        token = c;
        open.pop();
        want = ', or end';
      } else if (c === '{' || c === '[') {
        token = c;
        open.push(c);
        want = c === '{' ? 'name or }' : 'value or ]';
      } else {
        token = match(string) ?? match(number) ?? match(word);
        if (token === null) return fail(c === '"' ? 'the string is not closed, or has a character that must be escaped' : unexpected(c, 'a value'));
        want = ', or end';
      }
    } else if (want === 'name' || want === 'name or }') {
      if (c === '}' && want === 'name or }') {
        token = c;
        open.pop();
        want = ', or end';
      } else {
        token = match(string);
        if (token === null) return fail(c === '}' ? 'a comma before } is not allowed' : unexpected(c, 'a name in double quotes'));
        want = ':';
      }
    } else if (want === ':') {
      if (c !== ':') return fail(unexpected(c, 'a colon'));
      token = c;
      want = 'value';
    } else {
      const inside = open[open.length - 1];
      if (inside === undefined) return fail('there is text after the value');
      if (c === ',') {
        token = c;
        want = inside === '{' ? 'name' : 'value';
      } else if (c === (inside === '{' ? '}' : ']')) {
        token = c;
        open.pop();
      } else return fail(unexpected(c, inside === '{' ? 'a comma or }' : 'a comma or ]'));
    }
    at += token.length;
    visit(token);
  }
}

function unexpected(c: string, wanted: string): string {
  return `${c === '\n' ? 'end of line' : c} where ${wanted} belongs`;
}

/** The line and column of an offset, counted from 1. */
export function place(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}
