// The shape in which the server answers with events, and what the list shows of one.
import { compact, NumberText, type Json } from './json.ts';

export interface Property {
  Name: string;
  Value: Json;
}

export interface TemplateToken {
  Text?: string;
  PropertyName?: string;
  RawText?: string;
  FormattedValue?: string;
}

export interface Event {
  Id: string;
  Timestamp: string;
  Level: string;
  Properties: Property[];
  MessageTemplateTokens?: TemplateToken[];
  RenderedMessage?: string;
  EventType?: string;
  Exception?: string | null;
  TraceId?: string | null;
  SpanId?: string | null;
  ParentId?: string | null;
  SpanKind?: string | null;
  Start?: string | null;
  Resource?: Property[] | null;
  Scope?: Property[] | null;
}

/** A stretch of a message; one with a property is a value and is marked. */
export interface Stretch {
  text: string;
  property?: string;
  kind?: Kind;
}

export type Kind = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

export function kindOf(value: Json | undefined): Kind {
  if (value === null || value === undefined) return 'null';
  if (value instanceof NumberText) return 'number';
  if (Array.isArray(value)) return 'array';
  return typeof value as Kind;
}

/** A value as a message shows it: text bare, everything else as JSON. */
export function display(value: Json | undefined): string {
  return typeof value === 'string' ? value : compact(value);
}

// A row shows one line; longer text is cut here so that the browser never lays out
// a megabyte to hide it.
const longest = 600;

/** The message of an event as stretches of text and property values, on one line. */
export function message(event: Event): Stretch[] {
  const stretches: Stretch[] = [];
  let length = 0;
  for (const token of event.MessageTemplateTokens ?? []) {
    if (length > longest) break;
    const stretch = stretchOf(event, token);
    length += stretch.text.length;
    stretches.push(stretch);
  }
  if (stretches.length === 0 && event.RenderedMessage) stretches.push({ text: oneLine(event.RenderedMessage) });
  if (stretches.every((s) => s.text === '') && event.Exception) return [{ text: oneLine(event.Exception) }];
  return stretches;
}

function stretchOf(event: Event, token: TemplateToken): Stretch {
  if (token.PropertyName === undefined) return { text: oneLine(token.Text ?? token.RawText ?? '') };
  const property = find(event, token.PropertyName);
  if (token.FormattedValue !== undefined && token.FormattedValue !== null) {
    return { text: oneLine(token.FormattedValue), property: token.PropertyName, kind: kindOf(property?.Value) };
  }
  // A hole that no property fills stays as it was written.
  if (!property) return { text: oneLine(token.RawText ?? `{${token.PropertyName}}`) };
  return { text: oneLine(display(property.Value)), property: token.PropertyName, kind: kindOf(property.Value) };
}

// Names may repeat in an event; the last one counts, as in queries (R6).
function find(event: Event, name: string): Property | undefined {
  for (let i = event.Properties.length - 1; i >= 0; i--) {
    if (event.Properties[i]!.Name === name) return event.Properties[i];
  }
  return undefined;
}

function oneLine(text: string): string {
  const cut = text.length > longest ? text.slice(0, longest) + '…' : text;
  return cut.includes('\n') || cut.includes('\r') ? cut.replace(/\s*[\r\n]+\s*/g, ' ⏎ ') : cut;
}

/** The message template's own text, put together from its tokens. */
export function template(event: Event): string {
  return (event.MessageTemplateTokens ?? [])
    .map((t) => (t.PropertyName === undefined ? (t.Text ?? '').replaceAll('{', '{{').replaceAll('}', '}}') : (t.RawText ?? `{${t.PropertyName}}`)))
    .join('');
}
