import{$ as e,B as t,G as n,H as r,I as i,M as a,O as o,R as s,Z as c,et as l,i as u,o as d,q as f,r as p,z as m}from"./server-BJR0OjlI.js";import{_ as h,d as g,v as _,y as v}from"./index-B4AQoRNk.js";function y(e,t){let n=(n,r)=>{let i=e.find(e=>n.test(e.name))?.address??`${t.hostname}:${r}`,a=i.lastIndexOf(`:`);return`${i.slice(0,a).replace(/^(0\.0\.0\.0|\[::\]|\*|)$/,t.hostname)}:${i.slice(a+1)}`};return{http:t.host,otlpGrpc:n(/otlp.?grpc/i,4317),otlpHttp:n(/otlp.?http/i,4318),raw:n(/raw|line/i,8080)}}var b=e=>e.slice(0,e.lastIndexOf(`:`)).replace(/^\[|\]$/g,``),x=e=>e.slice(e.lastIndexOf(`:`)+1),S=[{id:`curl`,name:`curl`,file:`shell`,code:e=>`curl -X POST 'http://${e.http}/api/v1/ingest/jsonl?service=hello' \\
  --data-binary '{"time":"'$(date -u +%FT%TZ)'","level":"info","message":"Hello, Clewline!","user":"ada"}'`},{id:`nc`,name:`nc`,file:`shell`,code:e=>`# one line is one record; no framing, no format
echo 'Hello, World!' | nc -w1 ${b(e.raw)} ${x(e.raw)}

# name the node: node, tab, message
printf 'node_1\\tHello, World!\\n' | nc -w1 ${b(e.raw)} ${x(e.raw)}`},{id:`udp`,name:`UDP`,file:`shell`,code:e=>`# one datagram is one record
echo -n 'Hello by UDP' > /dev/udp/${b(e.raw)}/${x(e.raw)}     # bash
echo -n 'Hello by UDP' | nc -u -w1 ${b(e.raw)} ${x(e.raw)}`},{id:`python`,name:`Python`,file:`shell`,code:e=>`pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install

export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=http://${e.otlpGrpc}
export OTEL_EXPORTER_OTLP_PROTOCOL=grpc
export OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true
opentelemetry-instrument --logs_exporter otlp python app.py`},{id:`js`,name:`JavaScript`,file:`shell`,code:e=>`npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node

export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=http://${e.otlpHttp}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_LOGS_EXPORTER=otlp OTEL_METRICS_EXPORTER=otlp
node --require @opentelemetry/auto-instrumentations-node/register app.js`},{id:`java`,name:`Java`,file:`shell`,code:e=>`# opentelemetry-javaagent.jar: from the OpenTelemetry Java instrumentation releases
java -javaagent:opentelemetry-javaagent.jar \\
  -Dotel.service.name=my-service \\
  -Dotel.exporter.otlp.endpoint=http://${e.otlpHttp} \\
  -Dotel.exporter.otlp.protocol=http/protobuf \\
  -jar app.jar`},{id:`go`,name:`Go`,file:`main.go`,code:e=>`// go get go.opentelemetry.io/otel go.opentelemetry.io/otel/sdk \\
//   go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc
exporter, err := otlptracegrpc.New(ctx,
    otlptracegrpc.WithEndpoint("${e.otlpGrpc}"),
    otlptracegrpc.WithInsecure())
if err != nil {
    log.Fatal(err)
}
provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
defer provider.Shutdown(ctx)
otel.SetTracerProvider(provider)`},{id:`dotnet`,name:`.NET`,file:`Program.cs`,code:e=>`// dotnet add package OpenTelemetry.Extensions.Hosting
// dotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol
// dotnet add package OpenTelemetry.Instrumentation.AspNetCore
builder.Services.AddOpenTelemetry()
    .WithTracing(t => t.AddAspNetCoreInstrumentation())
    .WithMetrics(m => m.AddAspNetCoreInstrumentation())
    .WithLogging()
    .UseOtlpExporter(OtlpExportProtocol.Grpc, new Uri("http://${e.otlpGrpc}"));`},{id:`collector`,name:`Collector`,file:`otelcol.yaml`,code:e=>`exporters:
  otlp/clewline:
    endpoint: ${e.otlpGrpc}
    compression: zstd
    tls:
      insecure: true

service:
  pipelines:
    traces:  { receivers: [otlp], processors: [batch], exporters: [otlp/clewline] }
    logs:    { receivers: [otlp], processors: [batch], exporters: [otlp/clewline] }
    metrics: { receivers: [otlp], processors: [batch], exporters: [otlp/clewline] }`},{id:`rsyslog`,name:`rsyslog`,file:`/etc/rsyslog.d/90-clewline.conf`,code:e=>`template(name="clewline" type="string" string="%hostname%\\t%programname%: %msg:::drop-last-lf%\\n")

action(type="omfwd" target="${b(e.raw)}" port="${x(e.raw)}" protocol="tcp"
       template="clewline"
       queue.type="LinkedList" queue.filename="clewline" action.resumeRetryCount="-1")`},{id:`fluentbit`,name:`Fluent Bit`,file:`fluent-bit.yaml`,code:e=>`pipeline:
  inputs:
    - name: tail
      path: /var/log/*.log
  outputs:
    - name: opentelemetry
      match: '*'
      host: ${b(e.otlpHttp)}
      port: ${x(e.otlpHttp)}
      logs_uri: /v1/logs
      compress: gzip`},{id:`vector`,name:`Vector`,file:`vector.yaml`,code:e=>`sources:
  files:
    type: file
    include: [/var/log/*.log]

sinks:
  clewline:
    type: http
    inputs: [files]
    uri: http://${e.http}/api/v1/ingest/jsonl?time_field=timestamp&message_field=message
    encoding: { codec: json }
    framing: { method: newline_delimited }
    compression: gzip`}],C=i(`<b class="tick">✓</b>`),w=i(`<span></span>`),T=i(`<span class="grow"></span>`),E=i(`<a class="button primary"></a>`),D=i(`<div class="page first"><h1></h1><p class="lead"></p><div class="waiting"role="status"></div><div class="tabs"role="tablist"></div><div class="code snippet"role="tabpanel"><h3 class="mono"></h3><pre class="mono"></pre></div><div class="cards"><div class="card"><h3>OTLP gRPC</h3><b class="mono"></b></div><div class="card"><h3>OTLP HTTP</h3><b class="mono"></b></div><div class="card"><h3></h3><b class="mono"></b></div><div class="card"><h3></h3><b class="mono"></b></div></div><p class="quiet"> <code class="mono command">clewline demo</code> </p></div>`),O=i(`<i class="pulse"></i>`),k=i(`<button role="tab"></button>`);function A(){let i=()=>S.find(e=>e.id===_(`with`))??S[0],s=e(()=>y(u()?.listeners??[],location)),b=()=>d(u()?.received),x=e=>{let t=e.key===`ArrowRight`?1:e.key===`ArrowLeft`?-1:0;if(!t)return;e.preventDefault();let n=S[(S.indexOf(i())+t+S.length)%S.length];v({with:n.id},!0),e.currentTarget.querySelector(`#tab-${n.id}`)?.focus()};return(()=>{var e=D(),u=e.firstChild,d=u.nextSibling,_=d.nextSibling,y=_.nextSibling,A=y.nextSibling,j=A.firstChild,M=j.nextSibling,N=A.nextSibling,P=N.firstChild,F=P.firstChild.nextSibling,I=P.nextSibling,L=I.firstChild.nextSibling,R=I.nextSibling,z=R.firstChild,B=z.nextSibling,V=R.nextSibling.firstChild,H=V.nextSibling,U=N.nextSibling,W=U.firstChild;return W.nextSibling.nextSibling,m(u,()=>o(`first.title`)),m(d,()=>o(`first.lead`)),m(_,c(f,{get when(){return b()>0},get fallback(){return[O(),` `,(()=>{var e=w();return m(e,(()=>{var e=t(()=>p()===`down`);return()=>e()?o(`problem.unreachable`):o(`first.waiting`)})()),e})()]},get children(){return[C(),(()=>{var e=w();return m(e,()=>o(`first.received`,{n:a(b())})),e})(),T(),(()=>{var e=E();return m(e,()=>o(`first.look`)),l(()=>r(e,`href`,h(`/search`,{start:`all`}))),e})()]}})),y.$$keydown=x,m(y,c(n,{each:S,children:e=>(()=>{var t=k();return t.$$click=()=>v({with:e.id},!0),m(t,()=>e.name),l(n=>{var a=`tab-${e.id}`,o=i().id===e.id,s=i().id===e.id?0:-1,c=i().id===e.id;return a!==n.e&&r(t,`id`,n.e=a),o!==n.t&&r(t,`aria-selected`,n.t=o),s!==n.a&&r(t,`tabindex`,n.a=s),c!==n.o&&t.classList.toggle(`on`,n.o=c),n},{e:void 0,t:void 0,a:void 0,o:void 0}),t})()})),m(j,()=>i().file),m(A,c(g,{class:`small float`,text:()=>i().code(s())}),M),m(M,()=>i().code(s())),m(F,()=>s().otlpGrpc),m(L,()=>s().otlpHttp),m(z,()=>o(`first.json`)),m(B,()=>s().http),m(V,()=>o(`first.raw`)),m(H,()=>s().raw),m(U,()=>o(`first.demo`),W),m(U,c(g,{class:`tiny`,text:()=>`clewline demo`,icon:!0}),null),l(e=>{var t=b()>0,n=o(`first.title`),a=`tab-${i().id}`;return t!==e.e&&_.classList.toggle(`done`,e.e=t),n!==e.t&&r(y,`aria-label`,e.t=n),a!==e.a&&r(A,`aria-labelledby`,e.a=a),e},{e:void 0,t:void 0,a:void 0}),e})()}s([`keydown`,`click`]);export{A as default};