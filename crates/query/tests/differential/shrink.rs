//! A failing case made smaller: parts of the question dropped, then records, as long as it still fails.

use clewline_lang::{Filter, Pipe, Query};

use crate::check::{Question, Tamper, check, expect};
use crate::generate::DataSet;
use crate::oracle::fields::Schema;
use crate::records::Record;
use crate::sql::{Condition, Sql};
use crate::world::{State, World};

/// Attempts before giving up; each builds a store.
const ATTEMPTS_MAX: usize = 150;

/// A failing case.
pub(crate) struct Case {
    pub(crate) records: Vec<Record>,
    pub(crate) question: Question,
    pub(crate) difference: String,
}

/// The smallest failing case found; `None` when the case does not fail again.
pub(crate) async fn shrink(data: &DataSet, question: &Question, state: State, tamper: Tamper) -> Option<Case> {
    let mut case = Case { records: data.records.clone(), question: question.clone(), difference: String::new() };
    case.difference = fails(data, &case.records, question, state, tamper).await?;
    let mut attempts = 0;
    'question: loop {
        for simpler in simpler(&case.question) {
            attempts += 1;
            if attempts > ATTEMPTS_MAX {
                return Some(case);
            }
            if let Some(difference) = fails(data, &case.records, &simpler, state, tamper).await {
                case = Case { question: simpler, difference, ..case };
                continue 'question;
            }
        }
        break;
    }
    let mut chunk = case.records.len().div_ceil(2);
    while chunk > 0 && case.records.len() > 1 {
        let mut at = 0;
        while at < case.records.len() && attempts < ATTEMPTS_MAX {
            attempts += 1;
            let mut fewer = case.records.clone();
            fewer.drain(at..(at + chunk).min(fewer.len()));
            match fails(data, &fewer, &case.question, state, tamper).await {
                Some(difference) if !fewer.is_empty() => case = Case { records: fewer, difference, ..case },
                _ => at += chunk,
            }
        }
        chunk /= 2;
    }
    Some(case)
}

async fn fails(
    data: &DataSet,
    records: &[Record],
    question: &Question,
    state: State,
    tamper: Tamper,
) -> Option<String> {
    if records.is_empty() {
        return None;
    }
    let data = DataSet { signal: data.signal, records: records.to_vec(), batches: data.batches };
    let expected = expect(question, &Schema::of(data.signal, records), records, tamper)?;
    let world = World::in_state(&data, state).await?;
    check(&world, data.signal, question, &expected, tamper).await.err()
}

fn simpler(question: &Question) -> Vec<Question> {
    match question {
        Question::Search(query) => simpler_queries(query).into_iter().map(Question::Search).collect(),
        Question::Pages { query, limit, ascending } => std::iter::once(Question::Search(query.clone()))
            .chain(simpler_filters(&query.filter).into_iter().map(|filter| Question::Pages {
                query: Query { filter, pipes: Vec::new() },
                limit: *limit,
                ascending: *ascending,
            }))
            .collect(),
        Question::Sql(sql) => simpler_sql(sql).into_iter().map(Question::Sql).collect(),
    }
}

fn simpler_queries(query: &Query) -> Vec<Query> {
    let mut list = Vec::new();
    for at in 0..query.pipes.len() {
        let mut pipes = query.pipes.clone();
        pipes.remove(at);
        list.push(Query { filter: query.filter.clone(), pipes });
    }
    for filter in simpler_filters(&query.filter) {
        list.push(Query { filter, pipes: query.pipes.clone() });
    }
    for (at, pipe) in query.pipes.iter().enumerate() {
        let mut put = |pipe: Pipe| {
            let mut pipes = query.pipes.clone();
            pipes[at] = pipe;
            list.push(Query { filter: query.filter.clone(), pipes });
        };
        match pipe {
            Pipe::Stats(stats) => {
                for drop in 0..stats.by.len() {
                    let mut fewer = stats.clone();
                    fewer.by.remove(drop);
                    put(Pipe::Stats(fewer));
                }
                for drop in 0..stats.aggregates.len() {
                    let mut fewer = stats.clone();
                    fewer.aggregates.remove(drop);
                    if !fewer.aggregates.is_empty() {
                        put(Pipe::Stats(fewer));
                    }
                }
            }
            Pipe::Where(filter) => simpler_filters(filter).into_iter().for_each(|filter| put(Pipe::Where(filter))),
            _ => {}
        }
    }
    list
}

fn simpler_filters(filter: &Filter) -> Vec<Filter> {
    match filter {
        Filter::All => Vec::new(),
        Filter::And(children) | Filter::Or(children) => {
            let mut list = children.clone();
            for at in 0..children.len() {
                let mut fewer = children.clone();
                fewer.remove(at);
                let is_and = matches!(filter, Filter::And(_));
                list.push(if is_and { Filter::and(fewer) } else { Filter::or(fewer) });
            }
            list
        }
        Filter::Not(child) => {
            let inside = simpler_filters(child).into_iter().map(|filter| Filter::Not(Box::new(filter)));
            std::iter::once((**child).clone()).chain(inside).collect()
        }
        _ => vec![Filter::All],
    }
}

fn simpler_sql(sql: &Sql) -> Vec<Sql> {
    let with = |condition: Condition| Sql { condition, ..sql.clone() };
    sql.condition.simpler().into_iter().map(with).collect()
}
