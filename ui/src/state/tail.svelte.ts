// Live tail: new events join the list as they arrive, or wait while paused.
import { openStream, type Stream } from '../api.ts';
import type { Event } from '../lib/event.ts';
import { connection } from './connection.svelte.ts';
import { search } from './search.svelte.ts';

/** Events that wait at most; when more have come, resuming searches afresh instead. */
const mostWaiting = 5_000;
/** How often arrivals are put into the list, in milliseconds. */
const rhythm = 150;
const barsRhythm = 5_000;

class Tail {
  on = $state(false);
  paused = $state(false);
  /** Connected to the server right now. */
  live = $state(false);
  /** Arrived since the pause began. */
  waiting = $state(0);

  #stream: Stream | undefined;
  #buffer: Event[] = [];
  #flush: ReturnType<typeof setTimeout> | undefined;
  #barsDue: ReturnType<typeof setTimeout> | undefined;
  #filter = '';

  constructor() {
    connection.onBack(() => {
      if (this.on && !this.live) this.#again();
    });
  }

  toggle(): void {
    if (this.on) this.stop();
    else void this.start();
  }

  /** Follows the current search. The stream opens first, so that nothing falls between it and the search. */
  start(): Promise<void> {
    this.on = true;
    this.paused = false;
    this.#filter = search.filter.trim();
    this.#clear();
    this.#connect(undefined);
    const range = search.range;
    // A fixed end in the past would hide everything new.
    return search.go('to' in range && range.to ? { range: range.from ? { from: range.from } : { last: 'all' } } : {});
  }

  /** Follows the changed search, when on. */
  follow(): void {
    if (!this.on || search.filter.trim() === this.#filter) return;
    this.#filter = search.filter.trim();
    this.#clear();
    this.#connect(undefined);
  }

  stop(): void {
    this.on = this.paused = this.live = false;
    this.#stream?.close();
    this.#stream = undefined;
    this.#deliver();
    this.#clear();
  }

  pause(): void {
    if (!this.on || this.paused) return;
    this.#deliver();
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.waiting > this.#buffer.length) {
      // More came than were kept: the store has them all.
      this.#clear();
      void search.start();
      return;
    }
    this.#deliver();
  }

  #again(): void {
    const lastId = this.#stream?.lastId();
    this.#connect(lastId);
    // With no place to resume at, a search brings what came in between.
    if (lastId === undefined) void search.start();
  }

  #connect(lastId: string | undefined): void {
    this.#stream?.close();
    this.live = false;
    this.#stream = openStream(this.#filter, lastId, {
      open: () => (this.live = true),
      event: (event) => this.#arrived(event),
      broken: (ended) => {
        this.live = false;
        // An answer that was no stream ends it for good; try again, from where it was.
        if (ended) setTimeout(() => this.on && !this.live && this.#again(), 2000);
      },
    });
  }

  #arrived(event: Event): void {
    if (this.paused) {
      this.waiting++;
      if (this.#buffer.length < mostWaiting) this.#buffer.push(event);
      return;
    }
    this.#buffer.push(event);
    this.#flush ??= setTimeout(() => this.#deliver(), rhythm);
  }

  #deliver(): void {
    clearTimeout(this.#flush);
    this.#flush = undefined;
    this.waiting = 0;
    if (this.#buffer.length === 0) return;
    // While the search that came with the tail is on its way, its answer would replace these.
    if (search.loading) {
      this.#flush = setTimeout(() => this.#deliver(), rhythm);
      return;
    }
    search.add(this.#buffer);
    this.#buffer = [];
    this.#barsDue ??= setTimeout(() => {
      this.#barsDue = undefined;
      search.refreshBars();
    }, barsRhythm);
  }

  #clear(): void {
    clearTimeout(this.#flush);
    this.#flush = undefined;
    this.#buffer = [];
    this.waiting = 0;
  }
}

export const tail = new Tail();
