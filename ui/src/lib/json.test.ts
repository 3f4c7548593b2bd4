import { describe, expect, test } from 'vitest';
import { checkJson, compact, formatJson, NumberText, parseJson, type Json } from './json.ts';

// Node 20's JSON.parse has no source access; browsers have. The text is kept only where it is.
const keepsText = (() => {
  let seen = false;
  JSON.parse('1', function (_k: string, _v: unknown, ...context: unknown[]) {
    seen ||= (context[0] as { source?: string } | undefined)?.source === '1';
  } as Parameters<typeof JSON.parse>[1]);
  return seen;
})();

test.skipIf(!keepsText)('numbers keep their text', () => {
  const value = parseJson('{"a":635476923356034756,"b":1.50,"c":1e3,"d":-0,"e":12}') as Record<string, Json>;
  expect(compact(value)).toBe('{"a":635476923356034756,"b":1.50,"c":1e3,"d":-0,"e":12}');
  expect(value.a).toBeInstanceOf(NumberText);
  expect(value.e).toBe(12);
});

test('ordinary JSON is read as such', () => {
  expect(parseJson('[{"a":"x","n":1.5,"z":null}]')).toEqual([{ a: 'x', n: 1.5, z: null }]);
});

test('compact writes what was read', () => {
  expect(compact({ a: [1, 'x"', null, true], 'b c': {} })).toBe('{"a":[1,"x\\"",null,true],"b c":{}}');
});

describe('checking', () => {
  test.each(['1', '"x"', ' [1, 2.5e-3] ', '{"a":{"b":[]},"c":"\\u00e4"}', 'null', '[[[[]]]]'])('%s is JSON', (text) => {
    expect(checkJson(text)).toBeNull();
    expect(() => JSON.parse(text)).not.toThrow();
  });

  test.each([
    ['', 1, 1, 'missing'],
    ['{', 1, 2, 'not closed'],
    ['[1', 1, 3, 'not closed'],
    ['{"a":1,}', 1, 8, 'comma before }'],
    ['[1,]', 1, 4, 'a value'],
    ['{a:1}', 1, 2, 'a name in double quotes'],
    ['{"a" 1}', 1, 6, 'a colon'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'a comma or }'],
    ['[1 2]', 1, 4, 'a comma or ]'],
    ['1 2', 1, 3, 'after the value'],
    ['"x', 1, 1, 'not closed'],
    ['"a\tb"', 1, 1, 'escaped'],
    ['01', 1, 2, 'after the value'],
    ["{'a':1}", 1, 2, 'double quotes'],
    ['nul', 1, 1, 'a value'],
    ['[1}', 1, 3, 'a comma or ]'],
  ])('%j fails at %d:%d', (text, line, column, message) => {
    expect(() => JSON.parse(text)).toThrow();
    const problem = checkJson(text)!;
    expect(problem.message).toContain(message);
    expect([problem.line, problem.column]).toEqual([line, column]);
  });

  test('deep nesting is no problem', () => {
    expect(checkJson('['.repeat(100_000) + ']'.repeat(100_000))).toBeNull();
  });
});

test('layout changes no value', () => {
  const text = '{"a":1.500,"b":[],"c":{},"d":[1,{"e":"\\u00e4"}],"big":12345678901234567890}';
  const laid = formatJson(text)!;
  expect(laid).toBe(
    '{\n  "a": 1.500,\n  "b": [],\n  "c": {},\n  "d": [\n    1,\n    {\n      "e": "\\u00e4"\n    }\n  ],\n  "big": 12345678901234567890\n}',
  );
  expect(formatJson(laid)).toBe(laid);
  expect(formatJson('{')).toBeNull();
});
