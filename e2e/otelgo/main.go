// Command otelgo sends known records and spans with OpenTelemetry's Go SDK and one of its exporters, as any program would.
//
//	otelgo http|http-gzip|grpc|grpc-gzip HOST:PORT
//
// It ends with 1, and says why, if an exporter reports an error.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: otelgo http|http-gzip|grpc|grpc-gzip HOST:PORT")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := run(ctx, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kind, address string) error {
	var failed atomic.Value
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { failed.CompareAndSwap(nil, err.Error()) }))
	logs, traces, err := exporters(ctx, kind, address)
	if err != nil {
		return err
	}
	res := resource.NewSchemaless(attribute.String("service.name", "shop"), attribute.Int("service.instances", 3))
	loggers := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))
	tracers := sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithBatcher(traces))
	send(ctx, loggers.Logger("checkout", log.WithInstrumentationVersion("0.9")), tracers.Tracer("checkout", trace.WithInstrumentationVersion("0.9")))
	if err := errors.Join(loggers.Shutdown(ctx), tracers.Shutdown(ctx)); err != nil {
		return err
	}
	if text := failed.Load(); text != nil {
		return errors.New(text.(string))
	}
	return nil
}

func exporters(ctx context.Context, kind, address string) (sdklog.Exporter, *otlptrace.Exporter, error) {
	switch kind {
	case "http", "http-gzip":
		l := []otlploghttp.Option{otlploghttp.WithInsecure(), otlploghttp.WithEndpoint(address)}
		t := []otlptracehttp.Option{otlptracehttp.WithInsecure(), otlptracehttp.WithEndpoint(address)}
		if kind == "http-gzip" {
			l = append(l, otlploghttp.WithCompression(otlploghttp.GzipCompression))
			t = append(t, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		}
		logs, err := otlploghttp.New(ctx, l...)
		if err != nil {
			return nil, nil, err
		}
		traces, err := otlptracehttp.New(ctx, t...)
		return logs, traces, err
	case "grpc", "grpc-gzip":
		l := []otlploggrpc.Option{otlploggrpc.WithInsecure(), otlploggrpc.WithEndpoint(address)}
		t := []otlptracegrpc.Option{otlptracegrpc.WithInsecure(), otlptracegrpc.WithEndpoint(address)}
		if kind == "grpc-gzip" {
			l = append(l, otlploggrpc.WithCompressor("gzip"))
			t = append(t, otlptracegrpc.WithCompressor("gzip"))
		}
		logs, err := otlploggrpc.New(ctx, l...)
		if err != nil {
			return nil, nil, err
		}
		traces, err := otlptracegrpc.New(ctx, t...)
		return logs, traces, err
	}
	return nil, nil, fmt.Errorf("%q is no kind of exporter", kind)
}

// send emits two spans, and within the inner one three records and many more.
func send(ctx context.Context, logger log.Logger, tracer trace.Tracer) {
	at := time.Date(2026, 11, 20, 10, 0, 0, 123_456_789, time.UTC)
	ctx, outer := tracer.Start(ctx, "GET /orders/{id}", trace.WithTimestamp(at), trace.WithSpanKind(trace.SpanKindServer))
	inner, child := tracer.Start(ctx, "charge", trace.WithTimestamp(at.Add(time.Millisecond)), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("peer.service", "bank"), attribute.StringSlice("cards", []string{"a", "b"})),
		trace.WithLinks(trace.Link{SpanContext: outer.SpanContext(), Attributes: []attribute.KeyValue{attribute.Bool("again", true)}}))

	emit := func(ctx context.Context, after time.Duration, severity log.Severity, text string, body attribute.Value, attributes ...attribute.KeyValue) {
		var r log.Record
		r.SetTimestamp(at.Add(after))
		r.SetSeverity(severity)
		r.SetSeverityText(text)
		r.SetBody(body)
		r.AddAttributes(attributes...)
		logger.Emit(ctx, r)
	}
	emit(inner, time.Second, log.SeverityWarn, "WARN", attribute.StringValue("The basket is nearly full"),
		attribute.Int("items", 41), attribute.Float64("ratio", 0.5), attribute.Bool("paid", false), attribute.String("http.request.method", "POST"), attribute.ByteSlice("raw", []byte{0, 1, 2}))
	emit(inner, 2*time.Second, log.SeverityError2, "", attribute.MapValue(attribute.Int("id", 7), attribute.Slice("lines", attribute.Int64Value(1), attribute.StringValue("two"))))
	emit(context.Background(), 3*time.Second, log.SeverityFatal, "PANIC", attribute.StringValue("It broke"),
		attribute.String("exception.type", "net.OpError"), attribute.String("exception.message", "connection refused"))
	for n := range 1000 {
		emit(context.Background(), time.Minute, log.SeverityInfo, "INFO", attribute.StringValue(fmt.Sprintf("record %d", n)))
	}

	child.RecordError(errors.New("card declined"), trace.WithTimestamp(at.Add(2*time.Millisecond)))
	child.SetStatus(codes.Error, "declined")
	child.End(trace.WithTimestamp(at.Add(3 * time.Millisecond)))
	outer.SetStatus(codes.Ok, "")
	outer.End(trace.WithTimestamp(at.Add(5 * time.Millisecond)))
}
