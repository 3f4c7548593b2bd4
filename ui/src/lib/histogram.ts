// The bars above the list: counts by level for equal stretches of time.
import { levelOf, levels, type Level } from './levels.ts';

/** As the server gives it. */
export interface Bucket {
  start: string;
  end?: string;
  counts: Record<string, number>;
}

export interface Bar {
  start: number;
  end: number;
  counts: Record<Level, number>;
  total: number;
}

/** Buckets with their times as numbers and the spellings of levels put together. */
export function bars(buckets: readonly Bucket[]): Bar[] {
  return buckets.map((bucket, i) => {
    const counts = Object.fromEntries(levels.map((l) => [l, 0])) as Record<Level, number>;
    let total = 0;
    for (const [level, n] of Object.entries(bucket.counts)) {
      counts[levelOf(level)] += n;
      total += n;
    }
    const start = Date.parse(bucket.start);
    const next = buckets[i + 1]?.start;
    return { start, end: Date.parse(bucket.end ?? next ?? bucket.start), counts, total };
  });
}

/** A scale's top: the next of 1, 2, 5, 10, 20, … not below the highest bar. */
export function niceTop(highest: number): number {
  for (let unit = 1; ; unit *= 10) {
    for (const step of [1, 2, 5]) if (step * unit >= highest) return step * unit;
  }
}

/**
 * Heights of a bar's levels in pixels, from the bottom up (the most severe lowest, where
 * they line up). Each level that occurs is at least one pixel: a single error among
 * thousands must show.
 */
export function stack(bar: Bar, top: number, height: number): { level: Level; height: number }[] {
  return levels.filter((l) => bar.counts[l] > 0).map((level) => ({ level, height: Math.max(1, (bar.counts[level] / top) * height) }));
}

/** The bar under x, within the list. */
export function barAt(x: number, width: number, count: number): number {
  return Math.max(0, Math.min(count - 1, Math.floor((x / width) * count)));
}
