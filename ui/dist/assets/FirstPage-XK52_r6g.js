import{F as e,G as t,H as n,J as r,U as i,V as a,X as o,et as s,i as c,j as l,nt as u,o as d,r as f,rt as p,z as m}from"./server-B_unTYgs.js";import{_ as h,d as g,v as _,y as v}from"./index-CaekLKVa.js";function y(e,t){let n=(n,r)=>{let i=e.find(e=>n.test(e.name))?.address??`${t.hostname}:${r}`,a=i.lastIndexOf(`:`);return`${i.slice(0,a).replace(/^(0\.0\.0\.0|\[::\]|\*|)$/,t.hostname)}:${i.slice(a+1)}`};return{http:t.host,otlpGrpc:n(/otlp.?grpc/i,4317),otlpHttp:n(/otlp.?http/i,4318),raw:n(/raw|line/i,8080)}}var b=e=>e.slice(0,e.lastIndexOf(`:`)).replace(/^\[|\]$/g,``),x=e=>e.slice(e.lastIndexOf(`:`)+1),S=[{id:`curl`,name:`curl`,file:`shell`,code:e=>`curl -X POST 'http://${e.http}/api/v1/ingest/jsonl?service=hello' \\
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
    compression: gzip`}],C=m(`<b class="tick">✓</b>`),w=m(`<span></span>`),T=m(`<span class="grow"></span>`),E=m(`<a class="button primary"></a>`),D=m(`<div class="page first"><h1></h1><p class="lead"></p><div class="waiting"role="status"></div><div class="tabs"role="tablist"></div><div class="code snippet"role="tabpanel"><h3 class="mono"></h3><pre class="mono"></pre></div><div class="cards"><div class="card"><h3>OTLP gRPC</h3><b class="mono"></b></div><div class="card"><h3>OTLP HTTP</h3><b class="mono"></b></div><div class="card"><h3></h3><b class="mono"></b></div><div class="card"><h3></h3><b class="mono"></b></div></div><p class="quiet"> <code class="mono command">clewline demo</code> </p></div>`),O=m(`<i class="pulse"></i>`),k=m(`<button role="tab"></button>`);function A(){let a=()=>S.find(e=>e.id===_(`with`))??S[0],m=u(()=>y(c()?.listeners??[],location)),b=()=>d(c()?.received),x=e=>{let t=e.key===`ArrowRight`?1:e.key===`ArrowLeft`?-1:0;if(!t)return;e.preventDefault();let n=S[(S.indexOf(a())+t+S.length)%S.length];v({with:n.id},!0),e.currentTarget.querySelector(`#tab-${n.id}`)?.focus()};return(()=>{var c=D(),u=c.firstChild,d=u.nextSibling,_=d.nextSibling,y=_.nextSibling,A=y.nextSibling,j=A.firstChild,M=j.nextSibling,N=A.nextSibling,P=N.firstChild,F=P.firstChild.nextSibling,I=P.nextSibling,L=I.firstChild.nextSibling,R=I.nextSibling,z=R.firstChild,B=z.nextSibling,V=R.nextSibling.firstChild,H=V.nextSibling,U=N.nextSibling,W=U.firstChild;return W.nextSibling.nextSibling,n(u,()=>l(`first.title`)),n(d,()=>l(`first.lead`)),n(_,s(o,{get when(){return b()>0},get fallback(){return[O(),` `,(()=>{var e=w();return n(e,(()=>{var e=i(()=>f()===`down`);return()=>e()?l(`problem.unreachable`):l(`first.waiting`)})()),e})()]},get children(){return[C(),(()=>{var t=w();return n(t,()=>l(`first.received`,{n:e(b())})),t})(),T(),(()=>{var e=E();return n(e,()=>l(`first.look`)),p(()=>t(e,`href`,h(`/search`,{start:`all`}))),e})()]}})),y.$$keydown=x,n(y,s(r,{each:S,children:e=>(()=>{var r=k();return r.$$click=()=>v({with:e.id},!0),n(r,()=>e.name),p(n=>{var i=`tab-${e.id}`,o=a().id===e.id,s=a().id===e.id?0:-1,c=a().id===e.id;return i!==n.e&&t(r,`id`,n.e=i),o!==n.t&&t(r,`aria-selected`,n.t=o),s!==n.a&&t(r,`tabindex`,n.a=s),c!==n.o&&r.classList.toggle(`on`,n.o=c),n},{e:void 0,t:void 0,a:void 0,o:void 0}),r})()})),n(j,()=>a().file),n(A,s(g,{class:`small float`,text:()=>a().code(m())}),M),n(M,()=>a().code(m())),n(F,()=>m().otlpGrpc),n(L,()=>m().otlpHttp),n(z,()=>l(`first.json`)),n(B,()=>m().http),n(V,()=>l(`first.raw`)),n(H,()=>m().raw),n(U,()=>l(`first.demo`),W),n(U,s(g,{class:`tiny`,text:()=>`clewline demo`,icon:!0}),null),p(e=>{var n=b()>0,r=l(`first.title`),i=`tab-${a().id}`;return n!==e.e&&_.classList.toggle(`done`,e.e=n),r!==e.t&&t(y,`aria-label`,e.t=r),i!==e.a&&t(A,`aria-labelledby`,e.a=i),e},{e:void 0,t:void 0,a:void 0}),c})()}a([`keydown`,`click`]);export{A as default};