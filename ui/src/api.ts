// The server's HTTP interface. This file alone knows addresses; all of them are
// relative to the page's own, so the page works below any base path.
import type { Event } from './lib/event.ts';
import type { Bucket } from './lib/histogram.ts';
import { parseJson } from './lib/json.ts';

/** Why a request did not give what was asked for. */
export class ApiError extends Error {
  /** status is 0 when no answer came at all. */
  constructor(readonly status: number, message: string) {
    super(message);
  }
  /** The server is away, starting or stopping: the same request may succeed later. */
  get away(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

type Params = Record<string, string | number | undefined>;

function address(path: string, params: Params = {}): string {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
  }
  return url.href;
}

async function request(url: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e;
    throw new ApiError(0, 'The server does not answer.');
  }
  if (response.ok) return response;
  throw new ApiError(response.status, await reason(response));
}

// Every error body is {"Error": "..."}; a proxy in between may answer otherwise.
async function reason(response: Response): Promise<string> {
  try {
    const body: unknown = JSON.parse(await response.text());
    if (body !== null && typeof body === 'object' && 'Error' in body) return String(body.Error);
  } catch {
    // Not ours; the status has to do.
  }
  return `The server answered ${response.status} ${response.statusText}`.trim();
}

async function read<T>(response: Response): Promise<T> {
  try {
    return parseJson(await response.text()) as T;
  } catch (e) {
    if (e instanceof DOMException) throw e;
    if (e instanceof TypeError) throw new ApiError(0, 'The answer broke off.');
    throw new ApiError(500, 'The answer is not JSON. Is something else answering at this address?');
  }
}

export interface Query {
  filter: string;
  from?: string | undefined;
  to?: string | undefined;
}

export interface Page {
  events: Event[];
  /** The reason why the filter was searched as text, when it was. */
  asText: string | null;
  /** Where nothing was found: which properties no event has, and what was probably meant. */
  hint: string;
}

const asTextHeader = 'X-Stele-Matched-As-Text';
const hintHeader = 'X-Stele-Hint';

/** Events newest first, those after (older than) afterId. */
export async function searchEvents(query: Query, count: number, afterId?: string, signal?: AbortSignal): Promise<Page> {
  const response = await request(
    address('api/events', { filter: query.filter, fromDateUtc: query.from, toDateUtc: query.to, count, afterId }),
    { signal: signal ?? null },
  );
  return { events: await read<Event[]>(response), asText: response.headers.get(asTextHeader), hint: response.headers.get(hintHeader) ?? '' };
}

export async function histogram(query: Query, buckets: number, signal?: AbortSignal): Promise<Bucket[]> {
  const response = await request(
    address('api/events/histogram', { filter: query.filter, fromDateUtc: query.from, toDateUtc: query.to, buckets }),
    { signal: signal ?? null },
  );
  return read<Bucket[]>(response);
}

export interface Strict {
  MatchedAsText: boolean;
  ReasonIfMatchedAsText?: string | null;
  Position?: { Offset: number; Line: number; Column: number } | null;
}

/** How the server understands what was typed. */
export async function strict(fuzzy: string): Promise<Strict> {
  return read<Strict>(await request(address('api/expressions/to-strict', { fuzzy })));
}

export interface StreamHandlers {
  open(): void;
  event(event: Event): void;
  /** The connection broke. The stream goes on by itself unless ended is true. */
  broken(ended: boolean): void;
}

export interface Stream {
  /** The last message's id, to resume after. */
  lastId(): string | undefined;
  close(): void;
}

/** New events as they arrive. The browser reconnects and says where it was (R5). */
export function openStream(filter: string, lastEventId: string | undefined, handlers: StreamHandlers): Stream {
  const source = new EventSource(address('api/events/stream', { filter, lastEventId }));
  let last = lastEventId;
  source.onopen = () => handlers.open();
  source.onmessage = (m: MessageEvent<string>) => {
    last = m.lastEventId || last;
    handlers.event(parseJson(m.data) as Event);
  };
  source.onerror = () => handlers.broken(source.readyState === EventSource.CLOSED);
  return { lastId: () => last, close: () => source.close() };
}

export interface DocumentInfo {
  Key: string;
  Bytes: number;
  Changed?: string;
}

// Slashes stand as they are, because proxies dislike them encoded; but where a segment is
// empty or made of dots, an address would be tidied into another, so there they are encoded.
function documentAddress(key: string): string {
  const segments = key.split('/');
  const fragile = segments.some((s) => s === '' || s === '.' || s === '..');
  return address('api/documents/' + (fragile ? encodeURIComponent(key) : segments.map(encodeURIComponent).join('/')));
}

export async function listDocuments(prefix: string): Promise<DocumentInfo[]> {
  return (await read<DocumentInfo[] | null>(await request(address('api/documents', { prefix })))) ?? [];
}

/** A document's JSON as text, untouched. */
export async function readDocument(key: string): Promise<string> {
  return (await request(documentAddress(key))).text();
}

export async function writeDocument(key: string, json: string): Promise<void> {
  await request(documentAddress(key), { method: 'PUT', body: json, headers: { 'Content-Type': 'application/json' } });
}

export async function deleteDocument(key: string): Promise<void> {
  await request(documentAddress(key), { method: 'DELETE' });
}

/** A payload that ingestion turned away. */
export interface RefusedPayload {
  Id: string;
  Time: string;
  Endpoint: string;
  Format: string;
  Client: string;
  Error: string;
  /** The first event refused, from 1; 0 for the payload as a whole. */
  Line: number;
  Bytes: number;
  /** Only its beginning was kept. */
  Truncated: boolean;
}

const refusedAddress = (id: string) => address('api/refused/' + encodeURIComponent(id));

/** What was refused, newest first. */
export async function listRefused(): Promise<RefusedPayload[]> {
  return read<RefusedPayload[]>(await request(address('api/refused')));
}

/** The payload's bytes as text; what is not UTF-8 is replaced. */
export async function readRefused(id: string): Promise<string> {
  return (await request(refusedAddress(id))).text();
}

export async function retryRefused(id: string): Promise<void> {
  await request(address(`api/refused/${encodeURIComponent(id)}/retry`), { method: 'POST' });
}

export async function deleteRefused(id: string): Promise<void> {
  await request(refusedAddress(id), { method: 'DELETE' });
}

/** Sends events as newline-delimited CLEF. */
export async function ingest(clef: string): Promise<void> {
  await request(address('ingest/clef'), { method: 'POST', body: clef, headers: { 'Content-Type': 'application/vnd.serilog.clef' } });
}

/** Where others send events to, for showing. */
export function ingestAddress(): string {
  return address('ingest/clef');
}

/** Whether the server is in service. */
export async function healthy(): Promise<boolean> {
  try {
    await request(address('health'), { cache: 'no-store' });
    return true;
  } catch {
    return false;
  }
}
