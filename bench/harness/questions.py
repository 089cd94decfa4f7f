"""What is asked of every system: the classes of docs/benchmark.md, what an answer looks like, and the goals of the product.

The texts in each system's language are in `systems`. Values ($names) come with the data; a question whose values a data set
does not have is not asked of it.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Question:
    """`columns` is what every system's answer has, in this order. `quantiles` names the columns that are estimates.

    `goal_ms` is Clewline's goal for 2,000,000 log records and 1,000,000 spans, warm, on 2 cores; `peer` the best peer's
    time when the goal was set. `growth_max` bounds the growth of the time when the data grows tenfold.
    """

    id: str
    data: str
    title: str
    columns: tuple
    needs: tuple = ()
    goal_ms: float | None = None
    quantiles: tuple = ()
    growth_max: float | None = None


def _logs(*arguments, **more) -> Question:
    return Question(arguments[0], "logs", *arguments[1:], **more)


def _spans(*arguments, **more) -> Question:
    return Question(arguments[0], "spans", *arguments[1:], **more)


ALL = [
    _logs("rare_word", "rare word, rows", ("time", "service", "body"), ("rare_word",), 5.0),
    _logs("phrase", "phrase, count", ("n",), ("phrase",)),
    _logs("substring", "substring anywhere, count", ("n",), ("substring",), 30.0),
    _logs("regex", "regex, count", ("n",), ("regex",), 120.0),
    _logs("absent_word", "absent word", ("time", "service", "body"), ("absent_word",)),
    _logs("needle_id", "needle: one trace id in the logs", ("time", "service", "body"), ("needle_trace_id",), 4.0, growth_max=1.5),
    _logs("frequent_word", "frequent word, count", ("n",), ("frequent_word",), 5.0),
    _logs("level_per_minute", "count by level per minute", ("level", "time", "n"), (), 20.0),
    _logs("top_services", "top-10 services", ("service", "n"), (), 1.4),
    _logs("errors_by_service", "errors by service", ("service", "n"), (), 4.0),
    _logs("last_100", "last 100 lines of one service", ("time", "body"), ("busy_service",), 4.0),
    _logs("number_quantiles", "p50/p99 of a number inside the text", ("p50", "p99"), ("has_numbers",), 40.0, quantiles=("p50", "p99")),
    _logs("distinct_traces", "distinct trace ids", ("n",), ("needle_trace_id",), 12.0),
    _logs("unforeseen_logs", "warnings of one region by thread", ("thread", "n"), ("has_attributes",)),
    _spans(
        "trace_by_id", "trace by id", ("span_id", "parent_span_id", "service", "name", "time", "duration"), ("trace_id",), 3.0, growth_max=1.5
    ),
    _spans("attribute_duration", "attribute + duration search", ("time", "span_id"), ("has_attributes",), 2.5),
    _spans("structural", "errors below one service (parent and child)", ("n",), ("busy_service",)),
    _spans("quantiles_by_service", "p50/p99 duration by service", ("service", "p50", "p99"), (), 15.0, quantiles=("p50", "p99")),
    _spans("span_errors_by_service", "errors by service", ("service", "n"), (), 3.0),
    _spans("top_services_spans", "top-10 services by spans", ("service", "n"), (), 2.0),
    _spans("status_per_minute", "spans per minute by status", ("status", "time", "n"), (), 8.0),
    _spans("rare_attribute", "rare attribute value", ("trace_id", "span_id"), ("rare_tier",), 4.0),
    _spans("query_text_substring", "substring in db.query.text", ("n",), ("query_text",), 8.0),
    _spans("p99_per_minute", "p99 duration per minute of one service", ("time", "p99"), ("busy_service",), 6.0, quantiles=("p99",)),
    _spans("unforeseen_spans", "slow requests of one service by route", ("route", "n"), ("has_attributes", "busy_service")),
]

# Asked of generated data besides what its manifest names.
GENERATED = {
    "absent_word": "xylographer",
    "phrase": "connection reset by peer",
    "substring": "nsufficient fu",
    "regex": "exhausted after [0-9]{2,} ms: [0-9]+ in use",
    "frequent_word": "ms",
    "has_numbers": "yes",
    "has_attributes": "yes",
    "query_text": "rder_lin",
}


def fit(question: Question, signals: set, values: dict) -> bool:
    """Whether a data set has what a question needs."""
    return question.data in signals and all(values.get(name) for name in question.needs)
