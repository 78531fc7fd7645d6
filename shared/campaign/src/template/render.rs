//! What a compiled message says to one recipient.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use minijinja::Value;
use minijinja::value::Object;

use super::compile::{Field, Locale, Templates, Text, USER_ID};
use crate::message::Part;
use crate::{Message, Priority, Reason};

/// The most that a gateway takes, in bytes: FCM and APNs alike.
const MAX_PAYLOAD_BYTES: usize = 4_096;

/// What one recipient is to see, and how it is to be delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderedMessage {
    /// The headline.
    pub title: String,
    /// The text below it.
    pub body: String,
    /// The https URL of a picture.
    pub image: Option<String>,
    /// What the app opens.
    pub deep_link: Option<String>,
    /// Key and value pairs for the app.
    pub data: BTreeMap<String, String>,
    /// The sound's name in the app, or `default`; none is silent.
    pub sound: Option<Arc<str>>,
    /// The number on the app's icon.
    pub badge: Option<u32>,
    /// The id of the Android notification channel.
    pub channel: Option<Arc<str>>,
    /// How long a gateway keeps it; none is until the push expires.
    pub ttl: Option<Duration>,
    /// How much it may disturb a sleeping device.
    pub priority: Priority,
}

/// A message that cannot be rendered for one recipient. Nothing in it tells of the recipient.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A template failed with this recipient's variables.
    #[error("{field} cannot be rendered: {message}")]
    Template {
        /// Which template, as a path in the message's JSON.
        field: String,
        /// What kind of failure it was.
        message: String,
    },
    /// The rendered texts and data are larger than a gateway takes.
    #[error("the payload has {bytes} bytes, more than {MAX_PAYLOAD_BYTES}")]
    PayloadTooLarge {
        /// Texts, keys and values in UTF-8, without what the gateway's format adds.
        bytes: usize,
    },
}

impl RenderError {
    /// For what reason the push is failed.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Template { .. } => Reason::RenderFailed,
            Self::PayloadTooLarge { .. } => Reason::PayloadTooLarge,
        }
    }
}

impl Templates {
    /// The message for one recipient, in the texts of the closest locale.
    ///
    /// `variable` gives the recipient's value of an audience column, `None` where there is no
    /// such column. Messages without variables are rendered once and shared.
    ///
    /// # Errors
    ///
    /// The push to this recipient fails, for [`RenderError::reason`]; others may not.
    pub fn render<'v>(
        &self,
        user_id: &'v str,
        locale: Option<&str>,
        variable: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<Arc<RenderedMessage>, RenderError> {
        let locale = self.locale_for(locale);
        if let Some(constant) = &locale.constant {
            return Ok(Arc::clone(constant));
        }
        let value_of = |name: &Arc<str>| {
            let value = if &**name == USER_ID {
                Some(user_id)
            } else {
                variable(name)
            };
            Some((Arc::clone(name), Value::from(value?)))
        };
        let context = Context(locale.variables.iter().filter_map(value_of).collect());
        self.fill(locale, Some(&Value::from_object(context)))
            .map(Arc::new)
    }

    /// The message with the recipient's variables as `context`; without them, what of it is the
    /// same for all.
    pub(super) fn fill(
        &self,
        locale: &Locale,
        context: Option<&Value>,
    ) -> Result<RenderedMessage, RenderError> {
        let mut message = self.frame.clone();
        for Field { path, part, text, .. } in &locale.fields {
            let text = match (text, context) {
                (Text::Constant(text), _) => text.clone(),
                (Text::Template, Some(context)) => self.render_template(path, context)?,
                (Text::Template, None) => continue,
            };
            match part {
                Part::Title => message.title = text,
                Part::Body => message.body = text,
                Part::Image => message.image = https_url(path, text)?,
                Part::DeepLink => message.deep_link = Some(text).filter(|link| !link.is_empty()),
                Part::Data(key) => drop(message.data.insert(key.clone(), text)),
            }
        }
        match message.payload_bytes() {
            bytes if bytes > MAX_PAYLOAD_BYTES => Err(RenderError::PayloadTooLarge { bytes }),
            _ => Ok(message),
        }
    }

    fn render_template(&self, path: &str, context: &Value) -> Result<String, RenderError> {
        // Only the kind of the engine's error is told: its detail may quote a variable.
        let failed = |error: minijinja::Error| RenderError::Template {
            field: path.to_owned(),
            message: error.kind().to_string(),
        };
        let template = self.environment.get_template(path).map_err(failed)?;
        template.render(context.clone()).map_err(failed)
    }
}

impl RenderedMessage {
    /// What all recipients of a message get alike, without texts and data.
    pub(super) fn frame_of(message: &Message) -> Self {
        Self {
            sound: message.sound.as_deref().map(Arc::from),
            badge: message.badge,
            channel: message.channel.as_deref().map(Arc::from),
            ttl: message.ttl,
            priority: message.priority,
            ..Self::default()
        }
    }

    fn payload_bytes(&self) -> usize {
        let texts = self.title.len() + self.body.len();
        let links = [&self.image, &self.deep_link]
            .into_iter()
            .flatten()
            .map(String::len)
            .sum::<usize>();
        let data = self
            .data
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum::<usize>();
        texts + links + data
    }
}

fn https_url(path: &str, text: String) -> Result<Option<String>, RenderError> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.starts_with("https://") {
        return Ok(Some(text));
    }
    Err(RenderError::Template {
        field: path.to_owned(),
        message: "an image must be an https URL".to_owned(),
    })
}

/// One recipient's variables, as the engine asks for them: few enough to look through.
#[derive(Debug)]
struct Context(Vec<(Arc<str>, Value)>);

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        let found = self.0.iter().find(|(name, _)| &**name == key)?;
        Some(found.1.clone())
    }
}
