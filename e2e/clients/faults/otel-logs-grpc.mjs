import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-grpc';
import { exporting } from './otel.mjs';

export const open = exporting(OTLPLogExporter, '');
