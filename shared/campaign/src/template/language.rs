//! The language of message templates: which part of Jinja's is theirs.
//!
//! Text, `{{ expressions }}`, `{% if %}`, `{% raw %}` and comments; the filters and tests of
//! [`builtins`]. No loop, assignment, call, repetition or power: with them a short template could
//! run for ever or fill the memory, and a recipient's variables are flat strings that give
//! nothing to loop over.

use std::collections::BTreeSet;

use minijinja::Error;
use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt};
use minijinja::machinery::{Span, parse};
use minijinja::syntax::SyntaxConfig;

use super::builtins;

/// What is wrong in a template, and the byte at which it starts.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) message: String,
}

/// The variables that a template names, once each; or what in it is not of this language, or
/// not among `known`.
pub(super) fn variables(source: &str, known: Option<&BTreeSet<&str>>) -> Result<BTreeSet<String>, Fault> {
    let template = parse(source, "template", syntax()).map_err(|error| fault_of(&error))?;
    let mut reader = Reader {
        known,
        named: BTreeSet::new(),
    };
    reader.statement(&template)?;
    Ok(reader.named)
}

/// What the engine found wrong, in our terms.
pub(super) fn fault_of(error: &Error) -> Fault {
    let message = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    Fault {
        offset: error.range().map_or(0, |range| range.start),
        message,
    }
}

pub(super) fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .build()
        .expect("the delimiters are the default ones")
}

/// Walks through a template, refuses what is not of the language and collects variables.
struct Reader<'k> {
    known: Option<&'k BTreeSet<&'k str>>,
    named: BTreeSet<String>,
}

impl Reader<'_> {
    fn statements(&mut self, statements: &[Stmt<'_>]) -> Result<(), Fault> {
        statements
            .iter()
            .try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> Result<(), Fault> {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitRaw(_) => Ok(()),
            Stmt::EmitExpr(emit) => self.expression(&emit.expr),
            Stmt::IfCond(condition) => {
                self.expression(&condition.expr)?;
                self.statements(&condition.true_body)?;
                self.statements(&condition.false_body)
            }
            Stmt::ForLoop(node) => Err(foreign(node.span(), "`for`")),
            Stmt::WithBlock(node) => Err(foreign(node.span(), "`with`")),
            Stmt::Set(node) => Err(foreign(node.span(), "`set`")),
            Stmt::SetBlock(node) => Err(foreign(node.span(), "`set`")),
            Stmt::AutoEscape(node) => Err(foreign(node.span(), "`autoescape`")),
            Stmt::FilterBlock(node) => Err(foreign(node.span(), "`filter`")),
            Stmt::Do(node) => Err(foreign(node.span(), "`do`")),
        }
    }

    fn expressions(&mut self, expressions: &[Expr<'_>]) -> Result<(), Fault> {
        expressions
            .iter()
            .try_for_each(|expression| self.expression(expression))
    }

    fn optional(&mut self, expression: Option<&Expr<'_>>) -> Result<(), Fault> {
        expression.map_or(Ok(()), |expression| self.expression(expression))
    }

    fn expression(&mut self, expression: &Expr<'_>) -> Result<(), Fault> {
        match expression {
            Expr::Var(variable) => self.variable(variable.id, variable.span()),
            Expr::Const(_) => Ok(()),
            Expr::Slice(slice) => {
                self.expression(&slice.expr)?;
                self.optional(slice.start.as_ref())?;
                self.optional(slice.stop.as_ref())?;
                self.optional(slice.step.as_ref())
            }
            Expr::UnaryOp(operation) => self.expression(&operation.expr),
            Expr::BinOp(operation) => match operation.op {
                BinOpKind::Mul => Err(foreign(operation.span(), "`*`")),
                BinOpKind::Pow => Err(foreign(operation.span(), "`**`")),
                BinOpKind::Eq
                | BinOpKind::Ne
                | BinOpKind::Lt
                | BinOpKind::Lte
                | BinOpKind::Gt
                | BinOpKind::Gte
                | BinOpKind::ScAnd
                | BinOpKind::ScOr
                | BinOpKind::Add
                | BinOpKind::Sub
                | BinOpKind::Div
                | BinOpKind::FloorDiv
                | BinOpKind::Rem
                | BinOpKind::Concat
                | BinOpKind::In => {
                    self.expression(&operation.left)?;
                    self.expression(&operation.right)
                }
            },
            Expr::Compare(comparison) => {
                self.expression(&comparison.expr)?;
                comparison
                    .ops
                    .iter()
                    .try_for_each(|operation| self.expression(&operation.expr))
            }
            Expr::IfExpr(condition) => {
                self.expression(&condition.test_expr)?;
                self.expression(&condition.true_expr)?;
                self.optional(condition.false_expr.as_ref())
            }
            Expr::Filter(filter) => {
                known_name("filter", filter.name, builtins::filters(), filter.span())?;
                self.optional(filter.expr.as_ref())?;
                self.arguments(&filter.args)
            }
            Expr::Test(test) => {
                known_name("test", test.name, builtins::tests(), test.span())?;
                self.expression(&test.expr)?;
                self.arguments(&test.args)
            }
            Expr::List(list) => self.expressions(&list.items),
            Expr::Tuple(tuple) => self.expressions(&tuple.items),
            Expr::GetAttr(node) => Err(foreign(node.span(), "an attribute")),
            Expr::GetItem(node) => Err(foreign(node.span(), "a subscript")),
            Expr::Call(node) => Err(foreign(node.span(), "a call")),
            Expr::Map(node) => Err(foreign(node.span(), "a map")),
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) -> Result<(), Fault> {
        arguments.iter().try_for_each(|argument| match argument {
            CallArg::Pos(expression)
            | CallArg::Kwarg(_, expression)
            | CallArg::PosSplat(expression)
            | CallArg::KwargSplat(expression) => self.expression(expression),
        })
    }

    fn variable(&mut self, name: &str, span: Span) -> Result<(), Fault> {
        if let Some(known) = self.known.filter(|known| !known.contains(name)) {
            let known: Vec<&str> = known.iter().copied().collect();
            return Err(Fault {
                offset: span.start_offset as usize,
                message: format!("unknown variable `{name}`; there are: {}", known.join(", ")),
            });
        }
        self.named.insert(name.to_owned());
        Ok(())
    }
}

fn foreign(span: Span, what: &str) -> Fault {
    Fault {
        offset: span.start_offset as usize,
        message: format!("{what} is not part of message templates: they have expressions, filters and `if`"),
    }
}

fn known_name<'n>(
    kind: &str,
    name: &str,
    mut known: impl Iterator<Item = &'n str> + Clone,
    span: Span,
) -> Result<(), Fault> {
    let all = known.clone();
    if known.any(|known| known == name) {
        return Ok(());
    }
    let all: Vec<&str> = all.collect();
    Err(Fault {
        offset: span.start_offset as usize,
        message: format!("unknown {kind} `{name}`; there are: {}", all.join(", ")),
    })
}
