import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { exporting } from './otel.mjs';

export const open = exporting(OTLPLogExporter);
