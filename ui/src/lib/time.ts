// Times as people read and type them. The page shows local time; what it sends is UTC.

const pad = (n: number, width = 2) => String(n).padStart(width, '0');

export interface Shown {
  date: string;
  time: string;
}

/** A timestamp in local time, to the millisecond; its own text if it is no time. */
export function shown(timestamp: string): Shown {
  const d = new Date(timestamp);
  if (Number.isNaN(d.getTime())) return { date: '', time: timestamp };
  return { date: dateText(d), time: `${clockText(d)}.${pad(d.getMilliseconds(), 3)}` };
}

export function dateText(d: Date): string {
  return `${pad(d.getFullYear(), 4)}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
}

export function clockText(d: Date): string {
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

/** The value of an <input type="datetime-local" step="1">. */
export function toInput(iso: string | undefined): string {
  const d = new Date(iso ?? '');
  return Number.isNaN(d.getTime()) ? '' : `${dateText(d)}T${clockText(d)}`;
}

/** UTC text of such a value, read as local time; undefined when empty or no time. */
export function fromInput(text: string): string | undefined {
  if (text.trim() === '') return undefined;
  const d = new Date(text);
  return Number.isNaN(d.getTime()) ? undefined : d.toISOString();
}

export const presets = [
  { name: '15m', label: '15 min', title: 'Last 15 minutes', ms: 15 * 60_000 },
  { name: '1h', label: '1 h', title: 'Last hour', ms: 3_600_000 },
  { name: '24h', label: '24 h', title: 'Last 24 hours', ms: 86_400_000 },
  { name: '7d', label: '7 d', title: 'Last 7 days', ms: 7 * 86_400_000 },
  { name: 'all', label: 'All', title: 'All time', ms: 0 },
] as const;

export type PresetName = (typeof presets)[number]['name'];

/** Either a preset, counted back from now at each search, or fixed ends (each optional). */
export type Range = { last: PresetName } | { from?: string; to?: string };

/** The ends of a range at the moment now. */
export function bounds(range: Range, now: number): { from?: string; to?: string } {
  if (!('last' in range)) return range;
  const ms = presets.find((p) => p.name === range.last)?.ms ?? 0;
  return ms === 0 ? {} : { from: new Date(now - ms).toISOString() };
}

export function rangeLabel(range: Range): string {
  if ('last' in range) return presets.find((p) => p.name === range.last)?.title ?? 'All time';
  const end = (iso: string | undefined) => {
    if (!iso) return '…';
    const d = new Date(iso);
    const ms = d.getMilliseconds();
    return `${dateText(d)} ${clockText(d)}${ms ? '.' + pad(ms, 3) : ''}`;
  };
  const [from, to] = [end(range.from), end(range.to)];
  const sameDay = range.from && range.to && from.slice(0, 10) === to.slice(0, 10);
  return `${from} – ${sameDay ? to.slice(11) : to}`;
}

/** A length of time in at most two units: 850 ms, 12 s, 3 min 20 s, 2 d 4 h, 13 y 55 d. */
export function durationText(ms: number): string {
  const units: [string, number][] = [['y', 365 * 86_400_000], ['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1000], ['ms', 1]];
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const n = Math.floor(ms / size);
    if (n > 0) parts.push(`${n} ${unit}`);
    ms -= n * size;
    if (parts.length === 2) break;
  }
  return parts.join(' ') || '0 ms';
}
