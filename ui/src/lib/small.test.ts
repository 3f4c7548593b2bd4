// Tests of the smaller libraries.
import { describe, expect, test } from 'vitest';
import { barAt, bars, niceTop, stack } from './histogram.ts';
import { longestHistory, readHistory, remember, suggest } from './history.ts';
import { levelOf, shortLevel } from './levels.ts';
import { readLink, writeLink, type Place } from './link.ts';
import { indexOfId, merge } from './merge.ts';
import { bounds, durationText, fromInput, rangeLabel, shown, toInput } from './time.ts';

test('levels: many spellings, six levels', () => {
  expect(['WaRNiNg', 'WARN', 'wrn'].map(levelOf)).toEqual(['warning', 'warning', 'warning']);
  expect([levelOf('ERROR'), levelOf('Trace'), levelOf('INFO '), levelOf('Audit'), levelOf(null)]).toEqual([
    'error', 'verbose', 'information', 'information', 'information',
  ]);
  expect([shortLevel('Error'), shortLevel('Trace'), shortLevel('Audit!!')]).toEqual(['ERROR', 'TRACE', 'Audit']);
});

describe('merge', () => {
  const ids = (text: string) => [...text].map((Id) => ({ Id }));
  test.each([
    ['', 'abc', 'cba'],
    ['ca', 'b', 'cba'],
    ['cba', 'cb', 'cba'],
    ['cba', '', 'cba'],
    ['b', 'aacc', 'cba'],
  ])('%s with %s', (list, arrivals, want) => {
    expect(merge(ids(list), ids(arrivals)).map((e) => e.Id).join('')).toBe(want);
  });
});

describe('history', () => {
  test('newest first, once each, bounded', () => {
    let h: string[] = [];
    for (const f of ['a', 'b', 'a', ' ', 'c ']) h = remember(h, f);
    expect(h).toEqual(['c', 'a', 'b']);
    for (let i = 0; i < 100; i++) h = remember(h, `f${i}`);
    expect(h.length).toBe(longestHistory);
  });
  test('suggestions hold what is typed', () => {
    expect(suggest(['Level = 1', 'User'], 'lev')).toEqual(['Level = 1']);
    expect(suggest(['Level = 1', 'User'], 'user')).toEqual(['Level = 1', 'User']);
  });
  test('bad storage is no history', () => {
    expect(readHistory('{"a":1}')).toEqual([]);
    expect(readHistory('[1,"x"]')).toEqual(['x']);
    expect(readHistory('nonsense')).toEqual([]);
    expect(readHistory(null)).toEqual([]);
  });
});

describe('links', () => {
  const places: Place[] = [
    { view: 'events', filter: '', range: { last: 'all' } },
    { view: 'events', filter: "A = 'x & y' and B like '%z%'", range: { last: '1h' } },
    { view: 'events', filter: '', range: { from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z' } },
    { view: 'events', filter: '', range: { from: '2026-01-01T00:00:00.000Z' } },
    { view: 'documents', filter: '', range: { last: 'all' }, document: 'a/b c' },
    { view: 'refused', filter: '', range: { last: 'all' } },
  ];
  test.each(places)('%j', (place) => expect(readLink(writeLink(place))).toEqual(place));
  test('the plain page has a plain address', () => expect(writeLink(places[0]!)).toBe(''));
  test('nonsense is ignored', () => expect(readLink('?range=9y&from=never&view=x')).toEqual(places[0]));
});

describe('time', () => {
  test('presets count back from now', () => {
    expect(bounds({ last: '15m' }, Date.parse('2026-01-01T00:15:00Z'))).toEqual({ from: '2026-01-01T00:00:00.000Z' });
    expect(bounds({ last: 'all' }, 0)).toEqual({});
  });
  test('inputs round-trip', () => {
    const iso = '2026-03-04T05:06:07.000Z';
    expect(fromInput(toInput(iso))).toBe(iso);
    expect([toInput(undefined), fromInput(''), fromInput('x')]).toEqual(['', undefined, undefined]);
  });
  test('timestamps show local time, or themselves', () => {
    expect(shown(new Date(2026, 0, 2, 3, 4, 5, 6).toISOString())).toEqual({ date: '2026-01-02', time: '03:04:05.006' });
    expect(shown('not a time')).toEqual({ date: '', time: 'not a time' });
  });
  test('lengths', () => {
    expect([0, 850, 12_000, 200_000, 187_200_000, 4800 * 86_400_000].map(durationText)).toEqual(['0 ms', '850 ms', '12 s', '3 min 20 s', '2 d 4 h', '13 y 55 d']);
  });
  test('labels', () => {
    const at = (h: number) => new Date(2026, 0, 2, h, 0, 0).toISOString();
    expect(rangeLabel({ from: at(1), to: at(2) })).toBe('2026-01-02 01:00:00 – 02:00:00');
    expect(rangeLabel({ from: at(1) })).toBe('2026-01-02 01:00:00 – …');
    expect(rangeLabel({ last: '7d' })).toBe('Last 7 days');
  });
});

describe('histogram', () => {
  const made = bars([
    { start: '2026-01-01T00:00:00Z', counts: { Information: 5, info: 1, ERROR: 1 } },
    { start: '2026-01-01T00:01:00Z', end: '2026-01-01T00:02:00Z', counts: {} },
  ]);
  test('spellings are put together and ends filled in', () => {
    expect(made[0]).toMatchObject({ total: 7, counts: { information: 6, error: 1 } });
    expect(made[0]!.end).toBe(made[1]!.start);
    expect(made[1]!.end - made[1]!.start).toBe(60_000);
  });
  test('one error among thousands shows', () => {
    const bar = { ...made[0]!, counts: { ...made[0]!.counts, error: 1, information: 9999 } };
    expect(stack(bar, 10_000, 50)[0]).toEqual({ level: 'error', height: 1 });
  });
  test('scale and hit', () => {
    expect([0, 1, 3, 7, 10, 101].map(niceTop)).toEqual([1, 1, 5, 10, 10, 200]);
    expect([barAt(-5, 100, 10), barAt(55, 100, 10), barAt(100, 100, 10)]).toEqual([0, 5, 9]);
  });
});

test('an id is found where it is', () => {
  const list = [...'fdb'].map((Id) => ({ Id }));
  expect([...'gfedcba'].map((id) => indexOfId(list, id))).toEqual([-1, 0, -1, 1, -1, 2, -1]);
});
