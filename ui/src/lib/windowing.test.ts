import { expect, test } from 'vitest';
import { reveal, rowAt, topOf, visible, type Rows } from './windowing.ts';

const rows: Rows = { count: 1000, rowHeight: 20, opened: [{ index: 2, height: 100 }, { index: 5, height: 50 }] };

test('tops and rows agree', () => {
  for (let i = 0; i < rows.count; i++) {
    expect(rowAt(rows, topOf(rows, i))).toBe(i);
    expect(rowAt(rows, topOf(rows, i + 1) - 1)).toBe(i);
  }
  expect(topOf(rows, 1000)).toBe(20_150);
});

test('a window is what shows and a little more', () => {
  expect(visible(rows, 0, 100, 0)).toEqual({ start: 0, end: 3 });
  expect(visible(rows, 10_000, 400, 8)).toEqual({ start: 484, end: 521 });
  expect(visible(rows, 1e9, 400)).toEqual({ start: 991, end: 1000 });
  expect(visible({ ...rows, count: 0 }, 0, 100)).toEqual({ start: 0, end: 0 });
});

test('revealing moves as little as possible', () => {
  expect(reveal(rows, 0, 50, 100)).toBe(0);
  expect(reveal(rows, 3, 100, 100)).toBe(100);
  expect(reveal(rows, 9, 100, 100)).toBe(topOf(rows, 10) - 100);
});
