//! From the errors of the crates below to answers a person can act on.

use clewline_lang::ParseError;
use clewline_segment::SegmentError;
use clewline_store::StoreError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;

use crate::answer::{QueryError, QueryErrorKind};

/// A search that does not parse.
pub(crate) fn of_parse(error: ParseError) -> QueryError {
    QueryError {
        kind: QueryErrorKind::BadQuery,
        message: error.message,
        hint: error.hint,
        position: Some((error.offset, error.column)),
    }
}

/// A snapshot the store could not give.
pub(crate) fn of_store(error: &StoreError) -> QueryError {
    match error {
        StoreError::NotReady { .. } => {
            QueryError::new(QueryErrorKind::NotReady, "the store is still replaying its log")
                .with_hint("try again in a few seconds; /ready shows the progress")
        }
        other => QueryError::new(QueryErrorKind::Internal, other.to_string()),
    }
}

/// A segment that could not be read.
pub(crate) fn of_segment(error: &SegmentError) -> QueryError {
    tracing::error!(%error, "a query could not read a segment");
    QueryError::new(QueryErrorKind::Internal, error.to_string())
}

impl From<SegmentError> for QueryError {
    fn from(error: SegmentError) -> QueryError {
        of_segment(&error)
    }
}

impl From<arrow::error::ArrowError> for QueryError {
    fn from(error: arrow::error::ArrowError) -> QueryError {
        QueryError::new(QueryErrorKind::Internal, error.to_string())
    }
}

/// What the engine said.
pub(crate) fn of_engine(error: &DataFusionError) -> QueryError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(message) => QueryError::new(
            QueryErrorKind::LimitExceeded,
            format!("the query needs more memory than allowed: {message}"),
        )
        .with_hint("narrow the time range, group by fewer fields, or raise query.memory_bytes_max"),
        DataFusionError::SchemaError(error, _) => of_schema(error),
        DataFusionError::SQL(error, _) => {
            let message = error.to_string();
            QueryError::bad_query(message.trim_start_matches("sql parser error: "))
        }
        DataFusionError::Plan(message)
        | DataFusionError::NotImplemented(message)
        | DataFusionError::Configuration(message)
        | DataFusionError::Execution(message) => QueryError::bad_query(message.clone()),
        DataFusionError::ArrowError(error, _) => QueryError::bad_query(error.to_string()),
        DataFusionError::External(error) => match error.downcast_ref::<SegmentError>() {
            Some(error) => of_segment(error),
            None => QueryError::new(QueryErrorKind::Internal, error.to_string()),
        },
        DataFusionError::Diagnostic(_, inner) => of_engine(inner),
        other => {
            tracing::error!(error = %other, "a query failed");
            QueryError::new(QueryErrorKind::Internal, other.to_string())
        }
    }
}

fn of_schema(error: &SchemaError) -> QueryError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names: Vec<&str> = valid_fields.iter().map(|column| column.name.as_str()).collect();
            let error = QueryError::bad_query(format!("there is no column `{}`", field.name));
            match nearest(&field.name, names.iter().copied()) {
                Some(name) => error.with_hint(format!("did you mean `{name}`?")),
                None => error,
            }
        }
        other => QueryError::bad_query(other.to_string()),
    }
}

/// The name most like `wanted`, when one is close: at most a third of it differs, two letters at least.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wanted.chars().count() / 3).clamp(1, 3);
    names.map(|name| (distance(wanted, name), name)).filter(|(d, _)| *d <= limit).min().map(|(_, name)| name)
}

/// Levenshtein distance, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested() {
        let names = ["body", "service", "time"];
        assert_eq!(nearest("bodyy", names.into_iter()), Some("body"));
        assert_eq!(nearest("servcie", names.into_iter()), Some("service"));
        assert_eq!(nearest("tm", names.into_iter()), None);
        assert_eq!(nearest("http.method", names.into_iter()), None);
    }
}
