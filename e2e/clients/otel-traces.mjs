// Sends a trace of two spans with OpenTelemetry's SDK and one of its exporters.
//
//   node otel-traces.mjs http|proto|grpc URL [gzip]
import { context, diag, DiagLogLevel, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const [kind, url, compression = 'none'] = process.argv.slice(2);
let failed = 0;
const fail = (...text) => {
  failed = 1;
  console.error(...text);
};
diag.setLogger({ error: fail, warn: fail, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);

const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${kind}`);
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url, compression }))],
});
const tracer = provider.getTracer('checkout', '0.9');

const start = new Date('2026-11-20T10:00:00.000Z');
const at = (ms) => new Date(start.getTime() + ms);
const parent = tracer.startSpan('POST /orders', { kind: SpanKind.SERVER, startTime: start, attributes: { 'http.response.status_code': 500 } });
const child = tracer.startSpan('insert order', { kind: SpanKind.CLIENT, startTime: at(10) }, trace.setSpan(context.active(), parent));
child.recordException(new Error('it broke'), at(20));
child.setStatus({ code: SpanStatusCode.ERROR, message: 'it broke' });
child.end(at(30));
parent.end(at(250));

await provider.shutdown();
process.exit(failed);
