//! A campaign's message, as the API's document describes it.
#![expect(dead_code, reason = "only their schemas are used")]

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

/// What recipients see. Texts, data values, image and deep link are templates over the audience's
/// variables and `user_id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "default_locale": "ja",
    "texts": {
        "ja": {"title": "{{ name }}さんへ", "body": "クーポンをどうぞ"},
        "en": {"title": "For {{ name }}", "body": "A coupon for you"}
    }
}))]
pub(crate) struct Message {
    /// The locale of recipients who name none, or one that no text fits. A key of `texts`.
    default_locale: String,
    /// The texts by locale, a well-formed BCP 47 tag.
    texts: BTreeMap<String, Texts>,
    /// Key and value template pairs for the app.
    #[serde(default)]
    data: BTreeMap<String, String>,
    /// The sound's name in the app, or `default`; none is silent.
    sound: Option<String>,
    /// The number on the app's icon; none leaves it as it is.
    badge: Option<u32>,
    /// The id of the Android notification channel.
    channel: Option<String>,
    /// How long a gateway keeps it for a device that cannot be reached; none is until it expires.
    #[schema(maximum = 2_419_200)]
    ttl_seconds: Option<u64>,
    /// How much it may disturb a sleeping device; by default `high`.
    #[serde(default)]
    priority: Priority,
}

/// The texts of one locale.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    /// The headline.
    title: String,
    /// The text below it.
    body: String,
    /// The https URL of a picture. Left out where it renders empty.
    image: Option<String>,
    /// What the app opens. Left out where it renders empty.
    deep_link: Option<String>,
}

/// How much a push may disturb a sleeping device.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Priority {
    /// Shown at once.
    #[default]
    High,
    /// Shown when the device is awake.
    Normal,
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, to_value};

    use super::*;

    #[test]
    fn everything_that_a_message_can_have_is_described() {
        let texts = campaign::Texts {
            title: "t".to_owned(),
            body: "b".to_owned(),
            image: Some("https://i".to_owned()),
            deep_link: Some("app://l".to_owned()),
        };
        let full = campaign::Message {
            default_locale: "en".to_owned(),
            texts: [("en".to_owned(), texts)].into(),
            data: [("k".to_owned(), "v".to_owned())].into(),
            sound: Some("default".to_owned()),
            badge: Some(1),
            channel: Some("c".to_owned()),
            ttl: Some(std::time::Duration::from_secs(60)),
            priority: campaign::Priority::Normal,
        };

        let json = to_value(&full).unwrap();

        assert_eq!(json.as_object().unwrap().len(), 8);
        from_value::<Message>(json).unwrap();
    }
}
