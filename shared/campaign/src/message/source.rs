//! The templates of a message, each with its place.

use super::Message;

/// One template of a message and its place.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    /// Its path in the message's JSON.
    pub(crate) field: String,
    /// The locale of a text; `None` for data.
    pub(crate) locale: Option<&'a str>,
    pub(crate) part: Part,
    pub(crate) template: &'a str,
}

/// What of a rendered message a template gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Title,
    Body,
    Image,
    DeepLink,
    /// The value under this key.
    Data(String),
}

impl Message {
    /// Every template of the message, with its place.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let texts = self.texts.iter().flat_map(|(locale, texts)| {
            [
                ("title", Part::Title, Some(&texts.title)),
                ("body", Part::Body, Some(&texts.body)),
                ("image", Part::Image, texts.image.as_ref()),
                ("deep_link", Part::DeepLink, texts.deep_link.as_ref()),
            ]
            .into_iter()
            .filter_map(move |(name, part, template)| {
                Some(Source {
                    field: format!("texts.{locale}.{name}"),
                    locale: Some(locale),
                    part,
                    template: template?,
                })
            })
        });
        let data = self.data.iter().map(|(key, template)| Source {
            field: format!("data.{key}"),
            locale: None,
            part: Part::Data(key.clone()),
            template,
        });
        texts.chain(data)
    }
}
