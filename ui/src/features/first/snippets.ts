// Copy-paste ways to send the first record. Pure text: the addresses come from the server's list of listeners.
export interface Addresses {
  /** host:port of each listener as a client reaches it. */
  http: string;
  otlpGrpc: string;
  otlpHttp: string;
  raw: string;
}

export interface Snippet {
  id: string;
  name: string;
  /** Shown above the code: a file name or the kind of text. */
  file: string;
  code: (a: Addresses) => string;
}

/** The page's own address is reachable by definition; a listener on every interface is reachable under the page's name. */
export function addressesOf(listeners: { name: string; address: string }[], page: { host: string; hostname: string }): Addresses {
  const find = (name: RegExp, port: number) => {
    const address = listeners.find((l) => name.test(l.name))?.address ?? `${page.hostname}:${port}`;
    const colon = address.lastIndexOf(":");
    const host = address.slice(0, colon).replace(/^(0\.0\.0\.0|\[::\]|\*|)$/, page.hostname);
    return `${host}:${address.slice(colon + 1)}`;
  };
  return { http: page.host, otlpGrpc: find(/otlp.?grpc/i, 4317), otlpHttp: find(/otlp.?http/i, 4318), raw: find(/raw|line/i, 8080) };
}

const hostOf = (address: string) => address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
const portOf = (address: string) => address.slice(address.lastIndexOf(":") + 1);

export const SNIPPETS: Snippet[] = [
  {
    id: "curl", name: "curl", file: "shell",
    code: (a) => `curl -X POST 'http://${a.http}/api/v1/ingest/jsonl?service=hello' \\
  --data-binary '{"time":"'$(date -u +%FT%TZ)'","level":"info","message":"Hello, Clewline!","user":"ada"}'`,
  },
  {
    id: "nc", name: "nc", file: "shell",
    code: (a) => `# one line is one record; no framing, no format
echo 'Hello, World!' | nc -w1 ${hostOf(a.raw)} ${portOf(a.raw)}

# name the node: node, tab, message
printf 'node_1\\tHello, World!\\n' | nc -w1 ${hostOf(a.raw)} ${portOf(a.raw)}`,
  },
  {
    id: "udp", name: "UDP", file: "shell",
    code: (a) => `# one datagram is one record
echo -n 'Hello by UDP' > /dev/udp/${hostOf(a.raw)}/${portOf(a.raw)}     # bash
echo -n 'Hello by UDP' | nc -u -w1 ${hostOf(a.raw)} ${portOf(a.raw)}`,
  },
  {
    id: "python", name: "Python", file: "shell",
    code: (a) => `pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install

export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=http://${a.otlpGrpc}
export OTEL_EXPORTER_OTLP_PROTOCOL=grpc
export OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true
opentelemetry-instrument --logs_exporter otlp python app.py`,
  },
  {
    id: "js", name: "JavaScript", file: "shell",
    code: (a) => `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node

export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=http://${a.otlpHttp}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_LOGS_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp
node --require @opentelemetry/auto-instrumentations-node/register app.js`,
  },
  {
    id: "java", name: "Java", file: "shell",
    code: (a) => `# opentelemetry-javaagent.jar: from the OpenTelemetry Java instrumentation releases
java -javaagent:opentelemetry-javaagent.jar \\
  -Dotel.service.name=my-service \\
  -Dotel.exporter.otlp.endpoint=http://${a.otlpHttp} \\
  -Dotel.exporter.otlp.protocol=http/protobuf \\
  -jar app.jar`,
  },
  {
    id: "go", name: "Go", file: "main.go",
    code: (a) => `// go get go.opentelemetry.io/otel go.opentelemetry.io/otel/sdk \\
//   go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc
exporter, err := otlptracegrpc.New(ctx,
    otlptracegrpc.WithEndpoint("${a.otlpGrpc}"),
    otlptracegrpc.WithInsecure())
if err != nil {
    log.Fatal(err)
}
provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
defer provider.Shutdown(ctx)
otel.SetTracerProvider(provider)`,
  },
  {
    id: "dotnet", name: ".NET", file: "Program.cs",
    code: (a) => `// dotnet add package OpenTelemetry.Extensions.Hosting
// dotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol
// dotnet add package OpenTelemetry.Instrumentation.AspNetCore
builder.Services.AddOpenTelemetry()
    .WithTracing(t => t.AddAspNetCoreInstrumentation())
    .WithMetrics(m => m.AddAspNetCoreInstrumentation())
    .WithLogging()
    .UseOtlpExporter(OtlpExportProtocol.Grpc, new Uri("http://${a.otlpGrpc}"));`,
  },
  {
    id: "collector", name: "Collector", file: "otelcol.yaml",
    code: (a) => `exporters:
  otlp/clewline:
    endpoint: ${a.otlpGrpc}
    compression: zstd
    tls:
      insecure: true

service:
  pipelines:
    traces:  { receivers: [otlp], processors: [batch], exporters: [otlp/clewline] }
    logs:    { receivers: [otlp], processors: [batch], exporters: [otlp/clewline] }
    metrics: { receivers: [otlp], processors: [batch], exporters: [otlp/clewline] }`,
  },
  {
    id: "rsyslog", name: "rsyslog", file: "/etc/rsyslog.d/90-clewline.conf",
    code: (a) => `template(name="clewline" type="string" string="%hostname%\\t%programname%: %msg:::drop-last-lf%\\n")

action(type="omfwd" target="${hostOf(a.raw)}" port="${portOf(a.raw)}" protocol="tcp"
       template="clewline"
       queue.type="LinkedList" queue.filename="clewline" action.resumeRetryCount="-1")`,
  },
  {
    id: "fluentbit", name: "Fluent Bit", file: "fluent-bit.yaml",
    code: (a) => `pipeline:
  inputs:
    - name: tail
      path: /var/log/*.log
  outputs:
    - name: opentelemetry
      match: '*'
      host: ${hostOf(a.otlpHttp)}
      port: ${portOf(a.otlpHttp)}
      logs_uri: /v1/logs
      compress: gzip`,
  },
  {
    id: "vector", name: "Vector", file: "vector.yaml",
    code: (a) => `sources:
  files:
    type: file
    include: [/var/log/*.log]

sinks:
  clewline:
    type: http
    inputs: [files]
    uri: http://${a.http}/api/v1/ingest/jsonl?time_field=timestamp&message_field=message
    encoding: { codec: json }
    framing: { method: newline_delimited }
    compression: gzip`,
  },
];
