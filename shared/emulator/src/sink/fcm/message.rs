//! The request as FCM's reference defines it, parsed in place.
//!
//! Names that the reference does not have are refused. As in every JSON of Google's, a field may
//! be written in snake case or in camel case, and `null` means that it is not there.

#![expect(
    dead_code,
    reason = "most fields are parsed only so that a wrong one is refused"
)]

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

/// Text that points into the request where it has no escapes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A map from strings to strings, in the order of the request.
#[derive(Debug, Default)]
pub(super) struct Pairs<'a>(pub(super) Vec<(Text<'a>, Text<'a>)>);

/// A JSON object whose contents are another platform's matter.
#[derive(Debug)]
pub(super) struct Object<'a>(pub(super) &'a str);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SendRequest<'a> {
    #[serde(borrow)]
    pub(super) message: Message<'a>,
    #[serde(default, alias = "validateOnly")]
    pub(super) validate_only: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) notification: Option<Notification<'a>>,
    #[serde(borrow)]
    pub(super) android: Option<Android<'a>>,
    #[serde(borrow)]
    pub(super) webpush: Option<Webpush<'a>>,
    #[serde(borrow)]
    pub(super) apns: Option<Apns<'a>>,
    #[serde(borrow, alias = "fcmOptions")]
    pub(super) fcm_options: Option<FcmOptions<'a>>,
    #[serde(borrow)]
    pub(super) fid: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) token: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) topic: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) condition: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notification<'a> {
    #[serde(borrow)]
    pub(super) title: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) body: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) image: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FcmOptions<'a> {
    #[serde(borrow, alias = "analyticsLabel")]
    pub(super) analytics_label: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Android<'a> {
    #[serde(borrow, alias = "collapseKey")]
    pub(super) collapse_key: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) priority: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ttl: Option<Text<'a>>,
    #[serde(borrow, alias = "restrictedPackageName")]
    pub(super) restricted_package_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) notification: Option<AndroidNotification<'a>>,
    #[serde(borrow, alias = "fcmOptions")]
    pub(super) fcm_options: Option<FcmOptions<'a>>,
    #[serde(alias = "directBootOk")]
    pub(super) direct_boot_ok: Option<bool>,
    #[serde(alias = "bandwidthConstrainedOk")]
    pub(super) bandwidth_constrained_ok: Option<bool>,
    #[serde(alias = "restrictedSatelliteOk")]
    pub(super) restricted_satellite_ok: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AndroidNotification<'a> {
    #[serde(borrow)]
    pub(super) title: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) body: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) tag: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) icon: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) color: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) sound: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) image: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ticker: Option<Text<'a>>,
    #[serde(borrow, alias = "clickAction")]
    pub(super) click_action: Option<Text<'a>>,
    #[serde(borrow, alias = "bodyLocKey")]
    pub(super) body_loc_key: Option<Text<'a>>,
    #[serde(borrow, alias = "bodyLocArgs")]
    pub(super) body_loc_args: Option<Vec<Text<'a>>>,
    #[serde(borrow, alias = "titleLocKey")]
    pub(super) title_loc_key: Option<Text<'a>>,
    #[serde(borrow, alias = "titleLocArgs")]
    pub(super) title_loc_args: Option<Vec<Text<'a>>>,
    #[serde(borrow, alias = "channelId")]
    pub(super) channel_id: Option<Text<'a>>,
    pub(super) sticky: Option<bool>,
    #[serde(borrow, alias = "eventTime")]
    pub(super) event_time: Option<Text<'a>>,
    #[serde(alias = "localOnly")]
    pub(super) local_only: Option<bool>,
    #[serde(borrow, alias = "notificationPriority")]
    pub(super) notification_priority: Option<Text<'a>>,
    #[serde(alias = "defaultSound")]
    pub(super) default_sound: Option<bool>,
    #[serde(alias = "defaultVibrateTimings")]
    pub(super) default_vibrate_timings: Option<bool>,
    #[serde(alias = "defaultLightSettings")]
    pub(super) default_light_settings: Option<bool>,
    #[serde(borrow, alias = "vibrateTimings")]
    pub(super) vibrate_timings: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub(super) visibility: Option<Text<'a>>,
    #[serde(alias = "notificationCount")]
    pub(super) notification_count: Option<i32>,
    #[serde(borrow, alias = "lightSettings")]
    pub(super) light_settings: Option<Object<'a>>,
    #[serde(alias = "bypassProxyNotification")]
    pub(super) bypass_proxy_notification: Option<bool>,
    #[serde(borrow)]
    pub(super) proxy: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webpush<'a> {
    #[serde(borrow)]
    pub(super) headers: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) notification: Option<Object<'a>>,
    #[serde(borrow, alias = "fcmOptions")]
    pub(super) fcm_options: Option<WebpushOptions<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebpushOptions<'a> {
    #[serde(borrow)]
    pub(super) link: Option<Text<'a>>,
    #[serde(borrow, alias = "analyticsLabel")]
    pub(super) analytics_label: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Apns<'a> {
    #[serde(borrow)]
    pub(super) headers: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) payload: Option<Object<'a>>,
    #[serde(borrow, alias = "fcmOptions")]
    pub(super) fcm_options: Option<ApnsOptions<'a>>,
    #[serde(borrow, alias = "liveActivityToken")]
    pub(super) live_activity_token: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApnsOptions<'a> {
    #[serde(borrow, alias = "analyticsLabel")]
    pub(super) analytics_label: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) image: Option<Text<'a>>,
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strings;

        impl<'de> Visitor<'de> for Strings {
            type Value = Pairs<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object whose values are strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(8);
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Strings)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw.starts_with('{') {
            Ok(Self(raw))
        } else {
            Err(D::Error::invalid_type(
                Unexpected::Other("a value that is no object"),
                &"an object",
            ))
        }
    }
}
