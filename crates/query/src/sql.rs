//! SQL: the text is parsed, the names in it are looked up, and each table is made with exactly the columns it needs.
//!
//! Any attribute can be named without declaring it: `http.method`, `"http.method"` and `l.http.method` (with a table
//! alias `l`) all mean the attribute. A name nobody has sent is absent everywhere (null), unless it looks like a
//! misspelt one: that is an error with a suggestion. Ids compare with hexadecimal text: `trace_id = '4bf9…'`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use clewline_model::signal::{SIGNALS, Signal};
use clewline_store::Snapshot;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectName, Query, SelectItem, Statement as SqlStatement, TableFactor, UnaryOperator,
    Value, ValueWithSpan, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Span, Token, Tokenizer};

use crate::answer::{Answer, QueryError};
use crate::engine::{Engine, names};
use crate::error::{nearest, of_engine};
use crate::filter::RowFilter;
use crate::limits::{FIELDS_MAX, SQL_BYTES_MAX, SQL_DEPTH_MAX, SQL_LITERAL_BYTES_MAX, SQL_TOKENS_MAX};
use crate::names::{Binding, Names, bind, standard};

impl Engine {
    /// Answers an SQL question over the tables `logs`, `spans` and `metrics` of a tenant.
    ///
    /// # Errors
    /// Bad SQL with its position, limits, or damaged data.
    pub async fn sql(self: &Arc<Self>, tenant: &str, text: &str) -> Result<Answer, QueryError> {
        let (engine, tenant, text) = (Arc::clone(self), tenant.to_owned(), text.to_owned());
        self.on_query_threads(async move { engine.answer_sql(&tenant, &text).await }).await
    }

    async fn answer_sql(&self, tenant: &str, text: &str) -> Result<Answer, QueryError> {
        let mut statement = parse(text)?;
        let mut used = Used::default();
        walk(&mut statement, &mut used)?;
        let running = self.start().await?;
        let session = self.session()?;
        let mut snapshots: Vec<(Signal, Arc<Snapshot>)> = Vec::new();
        for signal in SIGNALS {
            snapshots.push((signal, self.snapshot(tenant, signal)?));
        }
        let mut tables = Vec::new();
        for (signal, snapshot) in &snapshots {
            tables.push(names(*signal, snapshot)?);
        }
        let mut namer =
            Namer { text, used: &used, tables: &tables, wanted: vec![BTreeSet::new(); tables.len()], error: None };
        walk(&mut statement, &mut namer)?;
        if let Some(error) = namer.error {
            return Err(error);
        }
        for ((signal, snapshot), (names, wanted)) in snapshots.iter().zip(tables.iter().zip(namer.wanted)) {
            let mut columns: Vec<_> = standard(*signal).map(|name| names.column(name)).collect();
            columns.extend(wanted.iter().map(|name| names.column(name)));
            let table = Arc::new(self.table(Arc::clone(snapshot), *signal, columns, RowFilter::all(), &running));
            session.register_table(signal.name(), Arc::clone(&table) as _).map_err(|error| of_engine(&error))?;
            if *signal == Signal::Spans {
                session.register_table("traces", table).map_err(|error| of_engine(&error))?;
            }
        }
        drop(tables);
        let plan = session.state().statement_to_plan(statement).await.map_err(|error| of_engine(&error))?;
        let frame = session.execute_logical_plan(plan).await.map_err(|error| of_engine(&error))?;
        self.stream(running, frame).await
    }
}

/// One reading statement.
fn parse(text: &str) -> Result<Statement, QueryError> {
    if text.len() > SQL_BYTES_MAX {
        return Err(QueryError::bad_query(format!("the SQL text is longer than {SQL_BYTES_MAX} bytes")));
    }
    let dialect = GenericDialect {};
    check_tokens(text, &dialect)?;
    let parsed = DFParserBuilder::new(text)
        .with_dialect(&dialect)
        .with_recursion_limit(SQL_DEPTH_MAX)
        .build()
        .and_then(|mut parser| parser.parse_statements());
    let mut statements = parsed.map_err(|error| with_position(of_engine(&error), text))?;
    let statement = statements.pop_front();
    if !statements.is_empty() {
        return Err(QueryError::bad_query("more than one statement").with_hint("send them one by one"));
    }
    match statement {
        Some(Statement::Statement(inner)) if reads_only(&inner) => Ok(Statement::Statement(inner)),
        Some(Statement::Explain(explain)) if matches!(&*explain.statement, Statement::Statement(s) if reads_only(s)) => {
            Ok(Statement::Explain(explain))
        }
        Some(_) => Err(QueryError::bad_query("only questions are answered: SELECT, WITH, EXPLAIN, SHOW and DESCRIBE")
            .with_hint("data comes in through the ingest endpoints")),
        None => Err(QueryError::bad_query("the SQL text is empty").with_hint("for example: SELECT count(*) FROM logs")),
    }
}

/// Bounds what planning would recurse over and what functions would multiply.
fn check_tokens(text: &str, dialect: &GenericDialect) -> Result<(), QueryError> {
    // What is no SQL at all is better explained by the parser.
    let Ok(tokens) = Tokenizer::new(dialect, text).tokenize() else { return Ok(()) };
    let count = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).count();
    if count > SQL_TOKENS_MAX {
        return Err(QueryError::bad_query(format!(
            "the SQL text has {count} words and signs; {SQL_TOKENS_MAX} are allowed"
        ))
        .with_hint("use IN (…) instead of a chain of OR, or split the question"));
    }
    let literal = tokens.iter().find_map(|token| match token {
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) if text.len() > SQL_LITERAL_BYTES_MAX => {
            Some(text.len())
        }
        _ => None,
    });
    match literal {
        Some(bytes) => {
            Err(QueryError::bad_query(format!("a text of {bytes} bytes is longer than {SQL_LITERAL_BYTES_MAX}")))
        }
        None => Ok(()),
    }
}

fn reads_only(statement: &SqlStatement) -> bool {
    match statement {
        SqlStatement::Query(query) => matches!(
            *query.body,
            datafusion::sql::sqlparser::ast::SetExpr::Select(_)
                | datafusion::sql::sqlparser::ast::SetExpr::Query(_)
                | datafusion::sql::sqlparser::ast::SetExpr::SetOperation { .. }
                | datafusion::sql::sqlparser::ast::SetExpr::Values(_)
        ),
        SqlStatement::ExplainTable { .. } | SqlStatement::ShowTables { .. } | SqlStatement::ShowColumns { .. } => true,
        SqlStatement::Explain { statement, .. } => reads_only(statement),
        _ => false,
    }
}

/// Reads the `Line: 1, Column: 8` the parser writes into its message.
fn with_position(mut error: QueryError, text: &str) -> QueryError {
    let number = |label: &str| -> Option<usize> {
        let digits = error.message.split(label).nth(1)?;
        digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
    };
    if let (Some(line), Some(column)) = (number("Line: "), number("Column: ")) {
        error.position = Some((offset_of(text, line, column), column));
    }
    error
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let within = text[before..].char_indices().nth(column.saturating_sub(1)).map_or(text.len() - before, |(at, _)| at);
    before + within
}

fn walk<V: VisitorMut<Break = ()>>(statement: &mut Statement, visitor: &mut V) -> Result<(), QueryError> {
    let flow = match statement {
        Statement::Statement(inner) => inner.visit(visitor),
        Statement::Explain(explain) => match &mut *explain.statement {
            Statement::Statement(inner) => inner.visit(visitor),
            _ => ControlFlow::Continue(()),
        },
        _ => ControlFlow::Continue(()),
    };
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Ok(()),
    }
}

/// First walk: which tables, under which names, and which names the query defines itself.
#[derive(Default)]
struct Used {
    tables: Vec<Signal>,
    /// Table names, aliases and subquery names, and the signal where it is a table of ours.
    qualifiers: Vec<(String, Option<Signal>)>,
    /// Names given with AS.
    defined: BTreeSet<String>,
    /// A NOT stands somewhere.
    negates: bool,
}

impl VisitorMut for Used {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.negates |= matches!(expr, Expr::UnaryOp { op: UnaryOperator::Not, .. });
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.qualifiers.push((table.alias.name.value.clone(), None));
            self.defined.extend(table.alias.columns.iter().map(|column| column.name.value.clone()));
        }
        if let Some(select) = query.body.as_select() {
            for item in &select.projection {
                if let SelectItem::ExprWithAlias { expr, alias } = item
                    && !mentions(expr, &alias.value)
                {
                    self.defined.insert(alias.value.clone());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, alias, .. } => {
                let signal = signal_of(name);
                self.tables.extend(signal);
                self.qualifiers.push((name.to_string(), signal));
                self.qualifiers.extend(alias.iter().map(|alias| (alias.name.value.clone(), signal)));
            }
            TableFactor::Derived { alias: Some(alias), .. } => self.qualifiers.push((alias.name.value.clone(), None)),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// True when the expression reads a column of this name itself, as in `upper(region) AS region`.
fn mentions(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Identifier(ident) => ident.value == name,
        other => {
            other.to_string().split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.')).any(|word| word == name)
        }
    }
}

fn signal_of(name: &ObjectName) -> Option<Signal> {
    let [part] = name.0.as_slice() else { return None };
    Signal::from_name(&part.as_ident()?.value.to_lowercase())
}

/// Second walk: attribute names become exact column names, and each table learns which it must offer.
struct Namer<'a> {
    text: &'a str,
    used: &'a Used,
    tables: &'a [Names<'a>],
    wanted: Vec<BTreeSet<String>>,
    error: Option<QueryError>,
}

impl VisitorMut for Namer<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => {
                if let Some(exact) = self.name(&ident.value, ident.quote_style.is_some(), None, ident) {
                    *ident = exact;
                }
            }
            Expr::CompoundIdentifier(parts) => {
                if let Some(replaced) = self.compound(parts) {
                    *expr = replaced;
                }
            }
            Expr::BinaryOp { left, right, .. } => {
                hex_literal(left, right);
                hex_literal(right, left);
            }
            Expr::InList { expr: left, list, .. } => {
                for item in list {
                    hex_literal(left, item);
                }
            }
            _ => {}
        }
        if self.error.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::InList { expr: tested, negated, list } = expr
            && !list.is_empty()
            && (*negated || self.used.negates)
        {
            let guard = unknown_where_null(tested);
            let listed =
                std::mem::replace(expr, Expr::Value(ValueWithSpan { value: Value::Null, span: Span::empty() }));
            *expr = nested(Expr::BinaryOp { left: Box::new(listed), op: BinaryOperator::And, right: Box::new(guard) });
        }
        ControlFlow::Continue(())
    }
}

fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

/// `x IS NOT NULL OR NULL`: true, but unknown where x is null. The engine joins `x NOT IN (1) OR x NOT IN (2)` to what is
/// always true, also for a null x (DataFusion 55.2, `inlist_intersection`); with this beside it the null stays one.
fn unknown_where_null(tested: &Expr) -> Expr {
    let null = Expr::Value(ValueWithSpan { value: Value::Null, span: Span::empty() });
    let present = Expr::IsNotNull(Box::new(tested.clone()));
    nested(Expr::BinaryOp { left: Box::new(present), op: BinaryOperator::Or, right: Box::new(null) })
}

impl Namer<'_> {
    /// The exact name of an unqualified column, when it must be written differently from how it is.
    fn name(&mut self, name: &str, quoted: bool, qualifier: Option<Signal>, at: &Ident) -> Option<Ident> {
        let lower = name.to_lowercase();
        let is_standard =
            |names: &Names<'_>| standard(names.signal).any(|column| column == if quoted { name } else { &lower });
        let candidates: Vec<usize> = (0..self.tables.len())
            .filter(|&i| {
                qualifier.map_or(self.used.tables.contains(&self.tables[i].signal), |q| q == self.tables[i].signal)
            })
            .collect();
        if candidates.is_empty()
            || candidates.iter().any(|&i| is_standard(&self.tables[i]))
            || self.used.defined.contains(name)
        {
            return None;
        }
        let knowing: Vec<usize> = candidates.iter().copied().filter(|&i| self.tables[i].knows(name)).collect();
        if knowing.is_empty() {
            if let Some(suggestion) = self.suggestion(name, &candidates) {
                let position = location(at, self.text);
                let error = QueryError::bad_query(format!("there is no column `{name}`"));
                self.error = Some(QueryError { position, ..error.with_hint(format!("did you mean `{suggestion}`?")) });
                return None;
            }
            self.wanted[candidates[0]].insert(name.to_owned());
        }
        for i in knowing {
            self.wanted[i].insert(name.to_owned());
        }
        Some(Ident::with_quote('"', name))
    }

    /// `alias.http.method` and `http.method` as one column name.
    fn compound(&mut self, parts: &[Ident]) -> Option<Expr> {
        let join = |parts: &[Ident]| parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
        let first = parts.first()?;
        let qualifier = self.used.qualifiers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&first.value));
        match qualifier {
            Some((_, Some(signal))) => {
                let name = join(&parts[1..]);
                let quoted = parts[1..].iter().any(|part| part.quote_style.is_some());
                let exact = self.name(&name, quoted, Some(*signal), first)?;
                Some(Expr::CompoundIdentifier(vec![first.clone(), exact]))
            }
            Some((_, None)) => None,
            None => {
                let name = join(parts);
                Some(Expr::Identifier(
                    self.name(&name, true, None, first).unwrap_or_else(|| Ident::with_quote('"', name)),
                ))
            }
        }
    }

    /// A known column that `name` is probably a misspelling of.
    fn suggestion(&self, name: &str, tables: &[usize]) -> Option<String> {
        let mut known: Vec<String> = Vec::new();
        for &table in tables {
            known.extend(standard(self.tables[table].signal).map(str::to_owned));
            known.extend(self.tables[table].all().into_iter().map(|(name, ..)| name).take(FIELDS_MAX));
        }
        nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
    }
}

fn location(ident: &Ident, text: &str) -> Option<(usize, usize)> {
    let start = ident.span.start;
    let (line, column) = (usize::try_from(start.line).ok()?, usize::try_from(start.column).ok()?);
    (line > 0).then(|| (offset_of(text, line, column), column))
}

/// `trace_id = 'abc…'`: the text becomes the bytes it stands for.
fn hex_literal(column: &Expr, literal: &mut Expr) {
    let name = match column {
        Expr::Identifier(ident) => &ident.value,
        Expr::CompoundIdentifier(parts) => match parts.last() {
            Some(ident) => &ident.value,
            None => return,
        },
        _ => return,
    };
    let digits = match SIGNALS.iter().find_map(|&signal| match bind(signal, name) {
        Binding::Fixed(index) => match signal.columns()[index].kind {
            clewline_model::signal::ColumnType::Id16 => Some(32),
            clewline_model::signal::ColumnType::Id8 => Some(16),
            _ => None,
        },
        _ => None,
    }) {
        Some(digits) => digits,
        None => return,
    };
    if let Expr::Value(ValueWithSpan { value, .. }) = literal
        && let Value::SingleQuotedString(text) = value
        && text.len() == digits
        && text.bytes().all(|b| b.is_ascii_hexdigit())
    {
        *value = Value::HexStringLiteral(text.clone());
    }
}
