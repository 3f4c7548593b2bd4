// Writing filter expressions: literals, property paths, clauses, and adding a clause
// to the filter that is already there.
import { kindOf } from './event.ts';
import { NumberText, type Json } from './json.ts';

export type Path = (string | number)[];

const plain = /^[A-Za-z_][A-Za-z0-9_]*$/;
const words = new Set(
  ('and or not in is null like ci true false undefined if then else select from where group by having order ' +
    'asc desc limit for refresh as time distinct').split(' '),
);

/** A string literal: single quotes, and '' for a quote inside. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A literal, or null where the language has none (arrays and objects). */
export function literal(value: Json): string | null {
  switch (kindOf(value)) {
    case 'string':
      return quote(value as string);
    case 'number':
      return plainNumber(value instanceof NumberText ? value.text : String(value));
    case 'boolean':
      return String(value);
    case 'null':
      return 'null';
    default:
      return null;
  }
}

// The language's numbers have no exponent and end at 28 digits; a number beyond has no literal.
function plainNumber(text: string): string | null {
  const m = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!m) return null;
  const [, sign, whole = '', fraction = '', exponent] = m;
  const point = whole.length + Number(exponent ?? 0);
  if (point > 28 || fraction.length + whole.length - point > 28) return null;
  if (exponent === undefined) return text;
  const digits = (whole + fraction).padEnd(point, '0');
  const padded = point > 0 ? digits : '0'.repeat(1 - point) + digits;
  const at = Math.max(point, 1);
  const rest = padded.slice(at);
  return `${sign}${padded.slice(0, at)}${rest && '.' + rest}`;
}

function isPlain(name: string): boolean {
  return plain.test(name) && !words.has(name.toLowerCase());
}

/** The expression that reaches a property: User.Name, Items[0], @Properties['odd name']. */
export function pathText(path: Path, root = '@Properties'): string {
  const [first, ...rest] = path;
  let text =
    root === '@Properties' && typeof first === 'string' && isPlain(first)
      ? first
      : root + step(first ?? '');
  for (const segment of rest) text += step(segment);
  return text;
}

function step(segment: string | number): string {
  if (typeof segment === 'number') return `[${segment}]`;
  return isPlain(segment) ? `.${segment}` : `[${quote(segment)}]`;
}

/** The clause that selects events with this value. */
export function findClause(target: string, value: Json): string {
  const text = literal(value);
  if (text === null) return `Has(${target})`;
  return text === 'null' ? `${target} is null` : `${target} = ${text}`;
}

/**
 * The clause that leaves this value out. Written with `not`, because `<>` is undefined
 * for events that lack the property and would drop them too (R8).
 */
export function excludeClause(target: string, value: Json): string {
  const text = literal(value);
  if (text === 'null') return `${target} is not null`;
  return text === null ? `not Has(${target})` : `not (${findClause(target, value)})`;
}

/** Free text as an expression: double quotes, "" for one inside and \\ for a backslash. */
export function textClause(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '""')}"`;
}

/**
 * The filter narrowed by a clause. A filter that was searched as text is quoted first:
 * with a clause added it would no longer be read as text.
 */
export function narrow(filter: string, clause: string, wasText = false): string {
  const before = (wasText ? filter : withoutComments(filter)).trim();
  if (before === '') return clause;
  if (before === clause || before.endsWith(` and ${clause}`)) return before;
  if (wasText) return `${textClause(before)} and ${clause}`;
  return bindsLooser(before) ? `(${before}) and ${clause}` : `${before} and ${clause}`;
}

// A comment runs to the end of its line and would swallow the clause.
function withoutComments(filter: string): string {
  return filter.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*/g, (token) => (token.startsWith('--') ? '' : token));
}

// bindsLooser: an `or` or a conditional outside quotes and brackets.
function bindsLooser(filter: string): boolean {
  let depth = 0;
  const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[([{]|[)\]}]|[@$A-Za-z_][\w]*/g;
  for (const [token] of filter.matchAll(tokens)) {
    if ('([{'.includes(token)) depth++;
    else if (')]}'.includes(token)) depth--;
    else if (depth === 0 && /^(or|if)$/i.test(token)) return true;
  }
  return false;
}
