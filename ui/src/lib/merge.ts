// A newest-first list without repeats. An id's text orders like the event's key (R1),
// so comparing ids compares instants, then arrival.

export interface Identified {
  Id: string;
}

/**
 * The list with arrivals put in their places. Arrivals come in any order and may
 * repeat what is there (a page and the live tail overlap).
 */
export function merge<T extends Identified>(list: readonly T[], arrivals: readonly T[]): T[] {
  const fresh = [...arrivals].sort((a, b) => (a.Id < b.Id ? 1 : a.Id > b.Id ? -1 : 0));
  const out: T[] = [];
  let i = 0;
  let j = 0;
  while (i < list.length || j < fresh.length) {
    const a = list[i];
    const b = fresh[j];
    let next: T;
    if (b === undefined || (a !== undefined && a.Id >= b.Id)) {
      next = a!;
      i++;
    } else {
      next = b;
      j++;
    }
    if (out[out.length - 1]?.Id !== next.Id) out.push(next);
  }
  return out;
}

/** Where an id is in a newest-first list, or -1. */
export function indexOfId(list: readonly Identified[], id: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.Id > id) low = middle + 1;
    else high = middle;
  }
  return list[low]?.Id === id ? low : -1;
}
