// The shapes of the HTTP API, as the page reads them. Members the server leaves out are undefined.
export type Signal = "logs" | "spans" | "metrics";
export type Attributes = Record<string, unknown>;

/** A row of any signal or of a pipe. Which members are present depends on the signal. */
export interface Row {
  time?: string;
  service?: string;
  level?: string;
  body?: string;
  node?: string;
  trace_id?: string;
  span_id?: string;
  name?: string;
  kind?: string;
  status?: string;
  status_message?: string;
  duration_ns?: number;
  unit?: string;
  value?: number;
  value_int?: number | bigint;
  count?: number;
  sum?: number;
  attributes?: Attributes;
  resource?: Attributes;
  events?: SpanEvent[];
  links?: SpanLink[];
  [member: string]: unknown;
}

export interface SpanEvent {
  time?: string;
  offset_ns?: number;
  name?: string;
  attributes?: Attributes;
}

export interface SpanLink {
  trace_id?: string;
  span_id?: string;
  attributes?: Attributes;
}

export interface SearchStats {
  rows?: number;
  rows_scanned?: number;
  segments?: number;
  took_ms?: number;
  complete?: boolean;
}

export interface SearchAnswer {
  rows: Row[];
  cursor: string | null;
  stats: SearchStats;
}

export interface Hits {
  start: string;
  step_ns: number;
  buckets: number;
  total: number;
  groups: { value: string; total: number; counts: number[] }[];
}

export interface Field {
  name: string;
  scope: "record" | "attribute" | "resource" | "scope";
  types: string[];
}

export interface FieldValue {
  value: string;
  count: number;
}

export interface TraceSpan {
  span_id: string;
  parent_span_id?: string;
  depth: number;
  service?: string;
  name?: string;
  kind?: string;
  status?: string;
  status_message?: string;
  time: string;
  start_offset_ns: number;
  duration_ns: number;
  self_time_ns?: number;
  missing_parent?: boolean;
  attributes?: Attributes;
  resource?: Attributes;
  scope_name?: string;
  events?: SpanEvent[];
  links?: SpanLink[];
}

export interface Trace {
  trace_id: string;
  start: string;
  duration_ns: number;
  span_count: number;
  error_count: number;
  services: { service: string; spans: number; self_time_ns: number }[];
  problems?: string[];
  spans: TraceSpan[];
  logs?: Row[];
}

export interface Service {
  service: string;
  spans: number;
  errors: number;
  rate_per_second: number;
  error_share: number;
  p50_ms?: number | null;
  p95_ms?: number | null;
  p99_ms?: number | null;
  logs: number;
  log_errors: number;
  sparkline?: { step_ns: number; spans: number[]; errors: number[] };
}

export type PerSignal = Partial<Record<Signal, number>>;

export interface Status {
  version: string;
  started: string;
  ready: boolean;
  listeners: { name: string; address: string; setting?: string }[];
  received: PerSignal;
  stored: PerSignal;
  duplicate: PerSignal;
  rejected: PerSignal;
  last_received: string | null;
  storage: { segments: number; bytes: number; rows: PerSignal };
}

export interface Extent {
  segments: number;
  rows: number;
  bytes: number;
  index_bytes: number;
  oldest: string | null;
  newest: string | null;
}

export interface StoragePartition extends Extent {
  /** UTC day, or `future`. */
  day: string;
  levels: number[];
}

export interface StorageTable extends Extent {
  tenant: string;
  signal: Signal;
  memory_rows: number;
  memory_bytes: number;
  pending: number;
  retention: { age_s: number | null; bytes_max: number | null };
  partitions: StoragePartition[];
  partitions_left_out: number;
}

export interface DeleteJob {
  id: number;
  tenant: string;
  signal: Signal;
  query: string;
  state: "running" | "failing" | "done";
  matched: number;
  deleted: number;
  segments_left: number;
  error: string | null;
}

export interface Storage {
  compaction: { state: "running" | "paused"; pending: number; done: number; failed: number };
  written: { flushed_bytes: number; merged_bytes: number; erased_bytes: number; amplification: number };
  deleted: { segments_expired: number; records_expired: number; records_deleted: number };
  retention_suspended: boolean;
  tables: StorageTable[];
  tables_left_out: number;
  delete_jobs: DeleteJob[];
}

export interface ColumnBytes {
  name: string;
  raw_bytes: number;
  encoded_bytes: number;
  stored_bytes: number;
  floor_bytes: number | null;
  efficiency: number | null;
}

export interface SignalBytes {
  signal: Signal;
  rows: number;
  raw_bytes: number;
  stored_bytes: number;
  overhead_bytes: number;
  index_bytes: number;
  columns: ColumnBytes[];
  attributes: { name: string; column: boolean; raw_bytes: number; stored_bytes: number }[];
  templates: { template_id: string; text: string; rows: number; body_bytes: number; share: number }[];
}

export interface Bytes {
  tenant: string;
  wal_bytes: number;
  signals: SignalBytes[];
}
