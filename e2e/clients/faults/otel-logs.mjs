import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { exporting } from './otel.mjs';

export const open = exporting(OTLPLogExporter);
