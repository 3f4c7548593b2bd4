// Levels are free text, kept as written; for colours and for stacking, the many
// spellings fall into six.

export const levels = ['fatal', 'error', 'warning', 'information', 'debug', 'verbose'] as const;
export type Level = (typeof levels)[number];

const spellings: Record<Level, string> = {
  fatal: 'fatal ftl critical crit crt panic alert emergency emerg f c',
  error: 'error err eror severe failure e',
  warning: 'warning warn wrn w',
  information: 'information info inf informational notice log i',
  debug: 'debug dbg dbug fine d',
  verbose: 'verbose vrb trace trce trc finer finest silly v t',
};

const bySpelling = new Map<string, Level>(
  levels.flatMap((level) => spellings[level].split(' ').map((s): [string, Level] => [s, level])),
);

/** The level a spelling means; unknown ones count as information. */
export function levelOf(text: string | null | undefined): Level {
  return bySpelling.get((text ?? '').trim().toLowerCase()) ?? 'information';
}

/** What a row shows: our short form of known spellings, the text itself otherwise. */
export function shortLevel(text: string): string {
  const known = bySpelling.get(text.trim().toLowerCase());
  return known ? short[known] : text.slice(0, 5);
}

const short: Record<Level, string> = {
  fatal: 'FATAL',
  error: 'ERROR',
  warning: 'WARN',
  information: 'INFO',
  debug: 'DEBUG',
  verbose: 'TRACE',
};
