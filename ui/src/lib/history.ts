// What was searched before, newest first, without repeats.

export const longestHistory = 50;

export function remember(history: readonly string[], filter: string): string[] {
  const text = filter.trim();
  if (text === '' || text.length > 4096) return [...history];
  return [text, ...history.filter((h) => h !== text)].slice(0, longestHistory);
}

/** Entries that hold what is typed; all of them when nothing is, or when it is one of them. */
export function suggest(history: readonly string[], typed: string): string[] {
  const text = typed.trim().toLowerCase();
  if (text === '' || history.some((h) => h.toLowerCase() === text)) return [...history];
  return history.filter((h) => h.toLowerCase().includes(text));
}

/** History as it was stored; anything unreadable is no history. */
export function readHistory(stored: string | null): string[] {
  try {
    const value: unknown = JSON.parse(stored ?? '[]');
    return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string').slice(0, longestHistory) : [];
  } catch {
    return [];
  }
}
