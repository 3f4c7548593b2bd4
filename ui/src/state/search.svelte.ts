// The current search: its events, page by page, and its histogram.
import { histogram, searchEvents, strict, type Query } from '../api.ts';
import type { Event } from '../lib/event.ts';
import { bars, type Bar } from '../lib/histogram.ts';
import { readHistory, remember } from '../lib/history.ts';
import { place } from '../lib/json.ts';
import { merge } from '../lib/merge.ts';
import { narrow } from '../lib/filter.ts';
import { bounds, type Range } from '../lib/time.ts';
import { connection } from './connection.svelte.ts';
import { here } from './place.svelte.ts';
import { keep, recall } from './storage.ts';

/** The first page is small, to show at once; the rest come in pages of this many. */
const firstPage = 200;
const pageSize = 1000;
/** Events held at most; beyond it the page asks to narrow the search. */
const mostLoaded = 250_000;
/** Events held while tailing with the list at its top. */
const mostTailed = 10_000;

export interface AsText {
  reason: string;
  /** Where in the filter, counted in characters, when the server says. */
  offset?: number;
  column?: number;
}

export class Search {
  events: Event[] = $state.raw([]);
  loading = $state(false);
  loadingMore = $state(false);
  /** There are older events than those loaded. */
  more = $state(false);
  capped = $state(false);
  /** What the server refused the search with. */
  error = $state('');
  asText: AsText | null = $state.raw(null);
  /** What may be wrong with a filter that finds nothing. */
  hint = $state('');
  /** A search has been answered since the page was opened. */
  answered = $state(false);
  /** Nothing at all is stored. */
  empty = $state(false);
  bars: Bar[] = $state.raw([]);
  barsLoading = $state(false);
  history: string[] = $state.raw(readHistory(recall('history')));
  /** Counts searches, so that the list knows to start at its top. */
  run = $state(0);
  /** Set by the list: nothing is scrolled or opened, so the tail may drop old events. */
  atTop = true;

  #query: Query = { filter: '' };
  #abort = new AbortController();
  #barsAbort = new AbortController();

  get filter(): string {
    return here.current.filter;
  }
  get range(): Range {
    return here.current.range;
  }

  /** Searches for something else, as a step in the browser's history. */
  go(change: { filter?: string; range?: Range }): Promise<void> {
    here.go({ view: 'events', ...change });
    return this.start();
  }

  narrow(clause: string): void {
    void this.go({ filter: narrow(this.filter, clause, this.asText !== null) });
  }

  /** Runs the search afresh. */
  async start(): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const signal = this.#abort.signal;
    this.#query = { filter: this.filter.trim(), ...bounds(this.range, Date.now()) };
    this.loading = true;
    this.loadingMore = false;
    this.error = '';
    this.refreshBars();
    try {
      const page = await searchEvents(this.#query, firstPage, undefined, signal);
      this.events = page.events;
      this.more = page.events.length === firstPage;
      this.capped = false;
      this.answered = true;
      this.run++;
      this.hint = page.hint;
      this.asText = page.asText === null ? null : { reason: page.asText };
      this.history = remember(this.history, this.#query.filter);
      keep('history', JSON.stringify(this.history));
      if (page.asText !== null) void this.#locate(this.#query.filter, signal);
      this.empty = page.events.length === 0 && (await this.#nothingStored(signal));
    } catch (e) {
      if (signal.aborted) return;
      if (!connection.took(e)) {
        this.error = e instanceof Error ? e.message : String(e);
        this.events = [];
        this.more = false;
        this.asText = null;
        this.answered = true;
      }
    } finally {
      if (!signal.aborted) this.loading = false;
    }
  }

  /** Fetches the next page of older events. */
  async loadMore(): Promise<void> {
    if (!this.more || this.loadingMore || this.loading || connection.down) return;
    const last = this.events[this.events.length - 1];
    if (!last) return;
    const signal = this.#abort.signal;
    this.loadingMore = true;
    try {
      const page = await searchEvents(this.#query, pageSize, last.Id, signal);
      this.events = this.events.concat(page.events);
      this.capped = this.events.length >= mostLoaded;
      this.more = page.events.length === pageSize && !this.capped;
    } catch (e) {
      if (signal.aborted) return;
      if (!connection.took(e)) {
        this.error = e instanceof Error ? e.message : String(e);
        this.more = false;
      }
    } finally {
      if (!signal.aborted) this.loadingMore = false;
    }
  }

  /** Puts newly arrived events into the list. */
  add(arrivals: Event[]): void {
    let events = merge(this.events, arrivals);
    const most = this.atTop ? mostTailed : mostLoaded;
    if (events.length > most) {
      events = events.slice(0, most);
      this.more = true;
    }
    this.events = events;
    this.empty = false;
  }

  /** Counts again for the histogram; the list does not wait for it. */
  refreshBars(): void {
    this.#barsAbort.abort();
    this.#barsAbort = new AbortController();
    const signal = this.#barsAbort.signal;
    const query = { ...this.#query, ...bounds(this.range, Date.now()) };
    this.barsLoading = true;
    histogram(query, innerWidth < 640 ? 60 : 120, signal)
      .then((buckets) => (this.bars = bars(buckets)))
      .catch((e: unknown) => {
        if (!signal.aborted && !connection.took(e)) this.bars = [];
      })
      .finally(() => {
        if (!signal.aborted) this.barsLoading = false;
      });
  }

  /** Looks, without a stir, whether an empty store has got its first event. */
  async peek(): Promise<void> {
    try {
      if (this.empty && !this.loading && !(await this.#nothingStored(this.#abort.signal, true))) await this.start();
    } catch (e) {
      connection.took(e);
    }
  }

  async #nothingStored(signal: AbortSignal, ask = false): Promise<boolean> {
    const { filter, from, to } = this.#query;
    if (!ask && filter === '' && !from && !to) return true;
    return (await searchEvents({ filter: '' }, 1, undefined, signal)).events.length === 0;
  }

  // The header has the reason; the place comes from the expression resource.
  async #locate(filter: string, signal: AbortSignal): Promise<void> {
    try {
      const { Position: p, ReasonIfMatchedAsText: reason } = await strict(filter);
      if (signal.aborted || !this.asText || !p) return;
      const offset = characters(filter, p.Offset);
      this.asText = { reason: reason ?? this.asText.reason, offset, column: place(filter, offset).column };
    } catch {
      // The reason alone will do.
    }
  }
}

// The server counts bytes of UTF-8; the page, characters.
function characters(text: string, bytes: number): number {
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, bytes)).length;
}

export const search = new Search();
