//! The templates of a message, each with its place.

use super::Message;

/// One template of a message and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// The locale of a text; `None` for data.
    pub(crate) locale: Option<&'a str>,
    pub(crate) part: Part<'a>,
    pub(crate) template: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Title,
    Body,
    Image,
    DeepLink,
    Data(&'a str),
}

impl Source<'_> {
    /// Its path in the message's JSON.
    pub(crate) fn field(&self) -> String {
        let name = match self.part {
            Part::Title => "title",
            Part::Body => "body",
            Part::Image => "image",
            Part::DeepLink => "deep_link",
            Part::Data(key) => return format!("data.{key}"),
        };
        match self.locale {
            Some(locale) => format!("texts.{locale}.{name}"),
            None => name.to_owned(),
        }
    }
}

impl Message {
    /// Every template of the message, with its place.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let texts = self.texts.iter().flat_map(|(locale, texts)| {
            [
                (Part::Title, Some(&texts.title)),
                (Part::Body, Some(&texts.body)),
                (Part::Image, texts.image.as_ref()),
                (Part::DeepLink, texts.deep_link.as_ref()),
            ]
            .into_iter()
            .filter_map(move |(part, template)| {
                Some(Source {
                    locale: Some(locale),
                    part,
                    template: template?,
                })
            })
        });
        let data = self.data.iter().map(|(key, template)| Source {
            locale: None,
            part: Part::Data(key),
            template,
        });
        texts.chain(data)
    }
}
