// Sends log records with OpenTelemetry's SDK and one of its exporters.
//
//   node otel-logs.mjs http|proto|grpc URL [gzip]
import { diag, DiagLogLevel, trace, TraceFlags, context } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';

const [kind, url, compression = 'none'] = process.argv.slice(2);
let failed = 0;
const fail = (...text) => {
  failed = 1;
  console.error(...text);
};
diag.setLogger({ error: fail, warn: fail, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);

const { OTLPLogExporter } = await import(`@opentelemetry/exporter-logs-otlp-${kind}`);
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop', 'service.version': '1.2.3' }),
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url, compression }) })],
});
const logger = provider.getLogger('checkout', '0.9');

logger.emit({
  timestamp: new Date('2026-11-20T10:00:00.123Z'),
  severityNumber: SeverityNumber.WARN,
  severityText: 'WARNING',
  body: 'The basket is nearly full',
  attributes: { 'http.method': 'POST', items: 41, ratio: 0.5, tags: ['a', 'b'], large: Number.MAX_SAFE_INTEGER },
});
logger.emit({
  timestamp: new Date('2026-11-20T10:00:01.000Z'),
  body: { order: { id: 7, lines: [1, 'two', null] }, paid: true },
  context: trace.setSpanContext(context.active(), {
    traceId: '0123456789abcdef0123456789abcdef',
    spanId: '0123456789abcdef',
    traceFlags: TraceFlags.SAMPLED,
  }),
});
for (let n = 0; n < 100; n++) {
  logger.emit({ timestamp: new Date('2026-11-20T10:00:02.000Z'), severityNumber: SeverityNumber.INFO, severityText: 'INFO', body: `record ${n}` });
}

await provider.shutdown();
process.exit(failed);
