// The address of the page says what it shows, so that a link is a search and the
// browser's back and forward work.
import { presets, type PresetName, type Range } from './time.ts';

export type View = 'events' | 'documents' | 'refused';
const views: View[] = ['events', 'documents', 'refused'];

export interface Place {
  view: View;
  filter: string;
  range: Range;
  /** The opened document. */
  document?: string;
}

/** Reads a location's search part. Anything not understood is left at its default. */
export function readLink(search: string): Place {
  const p = new URLSearchParams(search);
  const last = p.get('range');
  const from = time(p.get('from'));
  const to = time(p.get('to'));
  const place: Place = {
    view: views.find((v) => v === p.get('view')) ?? 'events',
    filter: p.get('filter') ?? '',
    range: from || to ? { ...(from && { from }), ...(to && { to }) } : { last: isPreset(last) ? last : 'all' },
  };
  const document = p.get('key');
  if (place.view === 'documents' && document !== null) place.document = document;
  return place;
}

/** The search part that readLink gives the place back from; empty for the plain page. */
export function writeLink(place: Place): string {
  const p = new URLSearchParams();
  if (place.view !== 'events') p.set('view', place.view);
  if (place.view === 'documents' && place.document !== undefined) p.set('key', place.document);
  if (place.filter.trim() !== '') p.set('filter', place.filter);
  if ('last' in place.range) {
    if (place.range.last !== 'all') p.set('range', place.range.last);
  } else {
    if (place.range.from) p.set('from', place.range.from);
    if (place.range.to) p.set('to', place.range.to);
  }
  const text = p.toString();
  return text === '' ? '' : '?' + text;
}

function isPreset(name: string | null): name is PresetName {
  return presets.some((p) => p.name === name);
}

function time(text: string | null): string | undefined {
  return text !== null && !Number.isNaN(Date.parse(text)) ? text : undefined;
}
