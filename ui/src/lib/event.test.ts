import { expect, test } from 'vitest';
import { message, template, type Event } from './event.ts';

const event = (more: Partial<Event>): Event => ({ Id: 'event-0', Timestamp: '', Level: 'Information', Properties: [], ...more });

test('a message is text and marked values', () => {
  const e = event({
    Properties: [
      { Name: 'User', Value: { Name: 'ann' } },
      { Name: 'N', Value: 1 },
      { Name: 'N', Value: 42 },
      { Name: 'S', Value: 'x' },
    ],
    MessageTemplateTokens: [
      { Text: 'Hello ' },
      { PropertyName: 'User', RawText: '{@User}' },
      { PropertyName: 'N', RawText: '{N:x8}', FormattedValue: '0000002a' },
      { PropertyName: 'N', RawText: '{N}' },
      { PropertyName: 'S', RawText: '{S}' },
      { PropertyName: 'Gone', RawText: '{Gone}' },
    ],
  });
  expect(message(e)).toEqual([
    { text: 'Hello ' },
    { text: '{"Name":"ann"}', property: 'User', kind: 'object' },
    { text: '0000002a', property: 'N', kind: 'number' },
    { text: '42', property: 'N', kind: 'number' },
    { text: 'x', property: 'S', kind: 'string' },
    { text: '{Gone}' },
  ]);
  expect(template(e)).toBe('Hello {@User}{N:x8}{N}{S}{Gone}');
});

test('without tokens the rendered message shows, without either the exception', () => {
  expect(message(event({ RenderedMessage: 'a\r\n  b' }))).toEqual([{ text: 'a ⏎ b' }]);
  expect(message(event({ Exception: 'Boom\n at x' }))).toEqual([{ text: 'Boom ⏎ at x' }]);
});

test('a long value is cut', () => {
  const e = event({ Properties: [{ Name: 'A', Value: 'x'.repeat(1e6) }], MessageTemplateTokens: [{ PropertyName: 'A', RawText: '{A}' }] });
  expect(message(e)[0]!.text.length).toBeLessThan(1000);
});
