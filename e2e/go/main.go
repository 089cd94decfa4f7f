// A small program with the OpenTelemetry Go SDK: traces, logs and metrics over OTLP/gRPC. What it exported is also written to
// the file RECORD, one JSON object a line, in the shape of programs/shop.py.
//
// Usage: RECORD=file OTEL_EXPORTER_OTLP_ENDPOINT=url shop REQUESTS
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type object = map[string]any

var file = must(os.Create(os.Getenv("RECORD")))

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func write(kind string, members object) {
	members["record"] = kind
	fmt.Fprintln(file, string(must(json.Marshal(members))))
}

// float is written with a point, so that the reader keeps its type.
type float float64

func (f float) MarshalJSON() ([]byte, error) {
	if float64(f) == math.Trunc(float64(f)) && math.Abs(float64(f)) < 1e15 {
		return []byte(strconv.FormatFloat(float64(f), 'f', 1, 64)), nil
	}
	return json.Marshal(float64(f))
}

func value(v attribute.Value) any {
	switch v.Type() {
	case attribute.FLOAT64:
		return float(v.AsFloat64())
	case attribute.FLOAT64SLICE:
		out := []float{}
		for _, f := range v.AsFloat64Slice() {
			out = append(out, float(f))
		}
		return out
	case attribute.SLICE:
		out := []any{}
		for _, item := range v.AsSlice() {
			out = append(out, value(item))
		}
		return out
	default:
		return v.AsInterface()
	}
}

func plain(attributes []attribute.KeyValue) object {
	out := object{}
	for _, a := range attributes {
		out[string(a.Key)] = value(a.Value)
	}
	return out
}

type spans struct{ sdktrace.SpanExporter }

func (e spans) ExportSpans(ctx context.Context, batch []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, batch); err != nil {
		panic(err)
	}
	for _, s := range batch {
		events, links := []object{}, []object{}
		for _, event := range s.Events() {
			events = append(events, object{"name": event.Name, "time_ns": event.Time.UnixNano(), "attributes": plain(event.Attributes)})
		}
		for _, link := range s.Links() {
			links = append(links, object{"trace_id": link.SpanContext.TraceID().String(), "span_id": link.SpanContext.SpanID().String(), "attributes": plain(link.Attributes)})
		}
		var parent any
		if s.Parent().HasSpanID() {
			parent = s.Parent().SpanID().String()
		}
		write("span", object{
			"trace_id": s.SpanContext().TraceID().String(), "span_id": s.SpanContext().SpanID().String(), "parent_span_id": parent, "name": s.Name(),
			"kind": strings.ToLower(s.SpanKind().String()), "start_ns": s.StartTime().UnixNano(), "end_ns": s.EndTime().UnixNano(),
			"status": strings.ToLower(s.Status().Code.String()), "status_message": s.Status().Description, "attributes": plain(s.Attributes()),
			"events": events, "links": links, "resource": plain(s.Resource().Attributes()), "scope": s.InstrumentationScope().Name,
		})
	}
	return nil
}

type logs struct{ sdklog.Exporter }

func (e logs) Export(ctx context.Context, batch []sdklog.Record) error {
	if err := e.Exporter.Export(ctx, batch); err != nil {
		panic(err)
	}
	for _, r := range batch {
		attributes := object{}
		r.WalkAttributes(func(a attribute.KeyValue) bool { attributes[string(a.Key)] = value(a.Value); return true })
		var trace, span any
		if r.TraceID().IsValid() {
			trace, span = r.TraceID().String(), r.SpanID().String()
		}
		write("log", object{
			"time_ns": r.Timestamp().UnixNano(), "severity_number": int(r.Severity()), "severity_text": r.SeverityText(), "body": value(r.Body()),
			"trace_id": trace, "span_id": span, "attributes": attributes, "resource": plain(r.Resource().Attributes()), "scope": r.InstrumentationScope().Name,
		})
	}
	return nil
}

type metrics struct{ sdkmetric.Exporter }

func number[N int64 | float64](n N) any {
	if f, ok := any(n).(float64); ok {
		return float(f)
	}
	return n
}

func points[N int64 | float64](shared object, kind string, list []metricdata.DataPoint[N]) {
	for _, p := range list {
		write("point", with(shared, object{"kind": kind, "time_ns": p.Time.UnixNano(), "attributes": plain(p.Attributes.ToSlice()), "value": number(p.Value)}))
	}
}

func with(shared, more object) object {
	out := object{}
	for _, part := range []object{shared, more} {
		for name, v := range part {
			out[name] = v
		}
	}
	return out
}

func (e metrics) Export(ctx context.Context, data *metricdata.ResourceMetrics) error {
	if err := e.Exporter.Export(ctx, data); err != nil {
		panic(err)
	}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			shared := object{"name": m.Name, "unit": m.Unit, "resource": plain(data.Resource.Attributes()), "scope": scope.Scope.Name}
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				points(shared, "sum", d.DataPoints)
			case metricdata.Sum[float64]:
				points(shared, "sum", d.DataPoints)
			case metricdata.Gauge[float64]:
				points(shared, "gauge", d.DataPoints)
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					low, _ := p.Min.Value()
					high, _ := p.Max.Value()
					write("point", with(shared, object{
						"kind": "histogram", "time_ns": p.Time.UnixNano(), "attributes": plain(p.Attributes.ToSlice()), "count": p.Count, "sum": float(p.Sum),
						"min": float(low), "max": float(high), "counts": p.BucketCounts, "bounds": p.Bounds,
					}))
				}
			default:
				panic(fmt.Sprintf("no record of %T", d))
			}
		}
	}
	return nil
}

func main() {
	ctx := context.Background()
	requests := must(strconv.Atoi(os.Args[1]))
	res := resource.NewSchemaless(attribute.String("service.name", os.Getenv("OTEL_SERVICE_NAME")), attribute.Int("process.pid", os.Getpid()), attribute.Float64("host.load", 2))
	tracers := sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithBatcher(spans{must(otlptracegrpc.New(ctx))}))
	loggers := sdklog.NewLoggerProvider(sdklog.WithResource(res), sdklog.WithProcessor(sdklog.NewBatchProcessor(logs{must(otlploggrpc.New(ctx))})))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithResource(res), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics{must(otlpmetricgrpc.New(ctx))}, sdkmetric.WithInterval(400*time.Millisecond))))

	tracer, logger, meter := tracers.Tracer("shop-go"), loggers.Logger("shop-go.log"), meters.Meter("shop-go.meter")
	orders := must(meter.Int64Counter("shop.orders", metric.WithUnit("{order}")))
	weight := must(meter.Float64UpDownCounter("shop.weight", metric.WithUnit("kg")))
	latency := must(meter.Float64Histogram("shop.latency", metric.WithUnit("ms")))
	must(meter.Float64ObservableGauge("shop.temperature", metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
		o.Observe(21, metric.WithAttributes(attribute.String("room", "a")))
		return nil
	})))

	for n := range requests {
		outer, server := tracer.Start(ctx, "GET /order", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.Int("n", n)))
		inner, span := tracer.Start(outer, "place", trace.WithLinks(trace.Link{SpanContext: server.SpanContext(), Attributes: []attribute.KeyValue{attribute.String("why", "test")}}), trace.WithAttributes(
			attribute.String("text", fmt.Sprintf("order №%d 订单", n)), attribute.Int64("int", math.MaxInt64-int64(n)), attribute.Float64("float", float64(n)/2), attribute.Bool("bool", n%2 == 0),
			attribute.StringSlice("list", []string{"a", "b"}), attribute.Int64Slice("ints", []int64{1, 2}), attribute.Float64Slice("floats", []float64{1, 2.5}), attribute.BoolSlice("bools", []bool{true}), attribute.String("empty", ""),
		))
		span.AddEvent("reserved", trace.WithAttributes(attribute.Int("items", n)))
		var record log.Record
		record.SetTimestamp(time.Now())
		record.SetSeverity(log.SeverityInfo2)
		record.SetSeverityText("INFO2")
		record.SetBody(attribute.StringValue(fmt.Sprintf("order %d placed", n)))
		record.AddAttributes(attribute.Int("n", n), attribute.Float64("half", float64(n)/2), attribute.Bool("even", n%2 == 0), attribute.Slice("mixed", attribute.StringValue("x"), attribute.Int64Value(1), attribute.BoolValue(true)))
		logger.Emit(inner, record)
		if n%5 == 0 {
			span.RecordError(errors.New("out of stock"))
			span.SetStatus(codes.Error, "out of stock")
		} else {
			span.SetStatus(codes.Ok, "")
		}
		span.End()
		orders.Add(ctx, 1, metric.WithAttributes(attribute.Bool("even", n%2 == 0)))
		weight.Add(ctx, float64(n)*0.75)
		latency.Record(ctx, float64(n)*7.5)
		time.Sleep(5 * time.Millisecond)
		server.End()
	}
	if err := errors.Join(tracers.Shutdown(ctx), loggers.Shutdown(ctx), meters.Shutdown(ctx)); err != nil {
		panic(err)
	}
	must(0, file.Close())
}
