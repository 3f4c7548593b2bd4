// What the page shows, kept equal to its address in both directions.
import { readLink, writeLink, type Place } from '../lib/link.ts';

class Here {
  current: Place = $state.raw(readLink(location.search));
  #changed = new Set<() => void>();

  constructor() {
    addEventListener('popstate', () => {
      this.current = readLink(location.search);
      for (const call of this.#changed) call();
    });
  }

  /** Calls back when the browser went back or forward. */
  onMoved(call: () => void): () => void {
    this.#changed.add(call);
    return () => this.#changed.delete(call);
  }

  /** Goes to a place; a new entry in the browser's history when it differs. */
  go(change: Partial<Place>): void {
    const next = { ...this.current, ...change };
    const search = writeLink(next);
    const before = writeLink(this.current);
    this.current = next;
    if (search !== before) history.pushState(null, '', location.pathname + search);
  }
}

export const here = new Here();
