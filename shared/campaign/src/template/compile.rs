//! Compiles a message: every template once, every constant text rendered once.

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::{Environment, Value};

use super::builtins;
use super::language::{self, Fault};
use super::render::{RenderError, RenderedMessage};
use crate::message::{Part, Position, Source};
use crate::{Message, MessageError};

/// The variable that every recipient has, whatever the audience's columns.
pub(super) const USER_ID: &str = "user_id";

/// A message whose templates are compiled: made once a campaign, used for every push.
#[derive(Debug)]
pub struct Templates {
    pub(super) environment: Environment<'static>,
    locales: Vec<Locale>,
    default: usize,
    /// What all recipients get alike; its texts and data are empty.
    pub(super) frame: RenderedMessage,
}

/// The texts of one locale together with the data, which has none.
#[derive(Debug)]
pub(super) struct Locale {
    tag: String,
    pub(super) fields: Vec<Field>,
    /// The variables that the fields name, once each.
    pub(super) variables: Vec<Arc<str>>,
    /// The whole message, where no field names a variable.
    pub(super) constant: Option<Arc<RenderedMessage>>,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Its path in the message's JSON, and its template's name in the environment.
    pub(super) path: String,
    pub(super) part: Part,
    pub(super) text: Text,
    variables: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Text {
    Constant(String),
    Template,
}

impl Templates {
    /// Checks the message and compiles its templates.
    ///
    /// `columns` are the audience's variables; with them a template that names any other than
    /// those and `user_id` is refused. `None` is for an audience that is not known yet: a
    /// variable that a recipient does not have then fails that recipient's push.
    ///
    /// # Errors
    ///
    /// The first field that is wrong, with line and column where it is a template's fault.
    pub fn compile(message: &Message, columns: Option<&[String]>) -> Result<Self, MessageError> {
        message.validate()?;
        let known: Option<BTreeSet<&str>> =
            columns.map(|columns| columns.iter().map(String::as_str).chain([USER_ID]).collect());
        let mut environment = builtins::environment();
        let mut data = Vec::new();
        let mut texts: Vec<(&str, Field)> = Vec::new();
        for source in message.sources() {
            let locale = source.locale;
            let field = compile_field(&mut environment, source, known.as_ref())?;
            match locale {
                Some(locale) => texts.push((locale, field)),
                None => data.push(field),
            }
        }
        let mut templates = Self {
            environment,
            locales: Vec::with_capacity(message.texts.len()),
            default: 0,
            frame: RenderedMessage::frame_of(message),
        };
        for tag in message.texts.keys() {
            let own = texts
                .iter()
                .filter(|(locale, _)| locale == tag)
                .map(|(_, field)| field);
            let locale = templates.compile_locale(tag, own.chain(&data).cloned().collect())?;
            templates.locales.push(locale);
        }
        templates.default = templates
            .position(&message.default_locale)
            .expect("a valid message has texts in its default locale");
        Ok(templates)
    }

    /// The variables that the message names and an audience with these columns does not have, in
    /// the order of the alphabet.
    pub fn unknown_variables(&self, columns: &[String]) -> Vec<String> {
        let named = self.locales.iter().flat_map(|locale| &locale.variables);
        let unknown: BTreeSet<&str> = named
            .map(|name| &**name)
            .filter(|name| *name != USER_ID && !columns.iter().any(|column| column == name))
            .collect();
        unknown.into_iter().map(str::to_owned).collect()
    }

    /// The locale whose texts a recipient of `locale` gets: the same, or with subtags taken off
    /// from the end (RFC 4647 lookup: `zh-Hant-TW`, `zh-Hant`, `zh`), else the default one.
    pub(super) fn locale_for(&self, locale: Option<&str>) -> &Locale {
        let mut range = locale.unwrap_or_default();
        while !range.is_empty() {
            if let Some(position) = self.position(range) {
                return &self.locales[position];
            }
            range = range.rsplit_once('-').map_or("", |(shorter, _)| shorter);
        }
        &self.locales[self.default]
    }

    fn position(&self, tag: &str) -> Option<usize> {
        self.locales
            .iter()
            .position(|locale| locale.tag.eq_ignore_ascii_case(tag))
    }

    /// What is constant is put together at once: where it is too large, or not what it must be,
    /// every push of the locale would fail.
    fn compile_locale(&self, tag: &str, fields: Vec<Field>) -> Result<Locale, MessageError> {
        let variables: BTreeSet<&str> = fields
            .iter()
            .flat_map(|field| &field.variables)
            .map(String::as_str)
            .collect();
        let mut locale = Locale {
            tag: tag.to_owned(),
            variables: variables.into_iter().map(Arc::from).collect(),
            fields,
            constant: None,
        };
        let constant = self
            .fill(&locale, None)
            .map_err(|error| constant_error(tag, &error))?;
        if locale.variables.is_empty() {
            locale.constant = Some(Arc::new(constant));
        }
        Ok(locale)
    }
}

fn constant_error(tag: &str, error: &RenderError) -> MessageError {
    match error {
        RenderError::Template { field, message } => MessageError::of_field(field, message),
        RenderError::PayloadTooLarge { .. } => {
            MessageError::of_field(format!("texts.{tag}"), error.to_string())
        }
    }
}

fn compile_field(
    environment: &mut Environment<'static>,
    source: Source<'_>,
    known: Option<&BTreeSet<&str>>,
) -> Result<Field, MessageError> {
    let refuse = |fault: Fault| MessageError {
        field: source.field.clone(),
        position: Some(position_of(source.template, fault.offset)),
        reason: fault.message,
    };
    let variables = language::variables(source.template, known).map_err(refuse)?;
    environment
        .add_template_owned(source.field.clone(), source.template.to_owned())
        .map_err(|error| refuse(language::fault_of(&error)))?;
    let text = if variables.is_empty() {
        let rendered = environment
            .get_template(&source.field)
            .and_then(|template| template.render(Value::UNDEFINED))
            .map_err(|error| refuse(language::fault_of(&error)))?;
        Text::Constant(rendered)
    } else {
        Text::Template
    };
    Ok(Field {
        path: source.field,
        part: source.part,
        text,
        variables,
    })
}

fn position_of(template: &str, offset: usize) -> Position {
    let before = template.get(..offset).unwrap_or(template);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}
