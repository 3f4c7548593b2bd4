import { describe, expect, test } from 'vitest';
import { excludeClause, findClause, narrow, pathText, quote, textClause } from './filter.ts';
import { NumberText } from './json.ts';

test('strings are quoted singly, with quotes doubled', () => {
  expect(quote("it's 'so'")).toBe("'it''s ''so'''");
  expect(textClause('say "hi" \\n')).toBe('"say ""hi"" \\\\n"');
});

describe('paths', () => {
  test.each([
    [['User'], 'User'],
    [['User', 'Name'], 'User.Name'],
    [['Items', 0, 'Sku'], 'Items[0].Sku'],
    [['odd name'], "@Properties['odd name']"],
    [["it's"], "@Properties['it''s']"],
    [[''], "@Properties['']"],
    [['@t'], "@Properties['@t']"],
    [['User', 'first name'], "User['first name']"],
    [['http', 'status-code'], "http['status-code']"],
    [['and'], "@Properties['and']"],
    [['Like', 'null'], "@Properties['Like']['null']"],
    [['1st'], "@Properties['1st']"],
    [['Größe'], "@Properties['Größe']"],
  ])('%j is %s', (path, text) => expect(pathText(path)).toBe(text));

  test('other roots keep their name', () => {
    expect(pathText(['service', 'name'], '@Resource')).toBe('@Resource.service.name');
  });
});

describe('clauses', () => {
  test.each([
    ['x', "A = 'x'", "not (A = 'x')"],
    [1.5, 'A = 1.5', 'not (A = 1.5)'],
    [new NumberText('635476923356034756'), 'A = 635476923356034756', 'not (A = 635476923356034756)'],
    [new NumberText('1.5e3'), 'A = 1500', 'not (A = 1500)'],
    [new NumberText('-25e-4'), 'A = -0.0025', 'not (A = -0.0025)'],
    [new NumberText('1.25E1'), 'A = 12.5', 'not (A = 12.5)'],
    [1e300, 'Has(A)', 'not Has(A)'],
    [true, 'A = true', 'not (A = true)'],
    [null, 'A is null', 'A is not null'],
    [[1], 'Has(A)', 'not Has(A)'],
    [{}, 'Has(A)', 'not Has(A)'],
  ])('%j', (value, found, left) => {
    expect(findClause('A', value)).toBe(found);
    expect(excludeClause('A', value)).toBe(left);
  });
});

describe('narrowing', () => {
  test.each([
    ['', 'A = 1', 'A = 1'],
    ['  ', 'A = 1', 'A = 1'],
    ['B = 2', 'A = 1', 'B = 2 and A = 1'],
    ['B = 2 or C = 3', 'A = 1', '(B = 2 or C = 3) and A = 1'],
    ['B = 2 OR C = 3', 'A = 1', '(B = 2 OR C = 3) and A = 1'],
    ['(B = 2 or C = 3)', 'A = 1', '(B = 2 or C = 3) and A = 1'],
    ["B = 'x or y'", 'A = 1', "B = 'x or y' and A = 1"],
    ['"x or y"', 'A = 1', '"x or y" and A = 1'],
    ["B = 'it''s' or C", 'A = 1', "(B = 'it''s' or C) and A = 1"],
    ['Order.or = 2', 'A = 1', '(Order.or = 2) and A = 1'],
    ['B = 2 -- or C', 'A = 1', 'B = 2 and A = 1'],
    ["B = '--x'", 'A = 1', "B = '--x' and A = 1"],
    ['A = 1', 'A = 1', 'A = 1'],
    ['B = 2 and A = 1', 'A = 1', 'B = 2 and A = 1'],
  ])('%s and %s', (filter, clause, want) => expect(narrow(filter, clause)).toBe(want));

  test('what was searched as text stays a text search', () => {
    expect(narrow('connection "lost"', 'A = 1', true)).toBe('"connection ""lost""" and A = 1');
  });
});
