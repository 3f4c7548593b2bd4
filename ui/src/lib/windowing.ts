// Which rows of a long list are on the screen. All rows have one height but for the
// few that are opened, which carry their detail's height in addition.

export interface Opened {
  index: number;
  /** Height added below the row. */
  height: number;
}

export interface Rows {
  count: number;
  rowHeight: number;
  /** Ascending by index. */
  opened: readonly Opened[];
}

/** Distance of a row's top from the list's top; of the list's end for index = count. */
export function topOf(rows: Rows, index: number): number {
  let top = index * rows.rowHeight;
  for (const o of rows.opened) {
    if (o.index >= index) break;
    top += o.height;
  }
  return top;
}

/** The row at a distance from the list's top, within the list. */
export function rowAt(rows: Rows, y: number): number {
  let extra = 0;
  for (const o of rows.opened) {
    const bottom = (o.index + 1) * rows.rowHeight + extra;
    if (y < bottom) break;
    if (y < bottom + o.height) return o.index;
    extra += o.height;
  }
  const index = Math.floor((y - extra) / rows.rowHeight);
  return Math.max(0, Math.min(rows.count - 1, index));
}

/** The rows to build for a viewport: what shows, and some on either side. */
export function visible(rows: Rows, scrollTop: number, height: number, around = 8): { start: number; end: number } {
  if (rows.count === 0) return { start: 0, end: 0 };
  return {
    start: Math.max(0, rowAt(rows, scrollTop) - around),
    end: Math.min(rows.count, rowAt(rows, scrollTop + height) + 1 + around),
  };
}

/** Where to scroll so that a row shows, moving as little as possible. */
export function reveal(rows: Rows, index: number, scrollTop: number, height: number): number {
  const top = topOf(rows, index);
  if (top < scrollTop) return top;
  if (top + rows.rowHeight > scrollTop + height) return top + rows.rowHeight - height;
  return scrollTop;
}
