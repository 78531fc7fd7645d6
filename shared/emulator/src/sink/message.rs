//! The request as FCM's reference defines it, parsed in place.
//!
//! Names that the reference does not have are refused. As in every JSON of Google's, a field may
//! be written in snake case or in camel case, and `null` means that it is not there.

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
    #[serde(borrow, rename = "name")]
    pub(super) _name: Option<Text<'a>>,
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
    #[serde(borrow, rename = "fcm_options", alias = "fcmOptions")]
    pub(super) _fcm_options: Option<FcmOptions<'a>>,
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
    #[serde(borrow, rename = "analytics_label", alias = "analyticsLabel")]
    pub(super) _analytics_label: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Android<'a> {
    #[serde(borrow, rename = "collapse_key", alias = "collapseKey")]
    pub(super) _collapse_key: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) priority: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ttl: Option<Text<'a>>,
    #[serde(borrow, rename = "restricted_package_name", alias = "restrictedPackageName")]
    pub(super) _restricted_package_name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) notification: Option<AndroidNotification<'a>>,
    #[serde(borrow, rename = "fcm_options", alias = "fcmOptions")]
    pub(super) _fcm_options: Option<FcmOptions<'a>>,
    #[serde(rename = "direct_boot_ok", alias = "directBootOk")]
    pub(super) _direct_boot_ok: Option<bool>,
    #[serde(rename = "bandwidth_constrained_ok", alias = "bandwidthConstrainedOk")]
    pub(super) _bandwidth_constrained_ok: Option<bool>,
    #[serde(rename = "restricted_satellite_ok", alias = "restrictedSatelliteOk")]
    pub(super) _restricted_satellite_ok: Option<bool>,
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
    #[serde(borrow, rename = "icon")]
    pub(super) _icon: Option<Text<'a>>,
    #[serde(borrow, rename = "color")]
    pub(super) _color: Option<Text<'a>>,
    #[serde(borrow, rename = "sound")]
    pub(super) _sound: Option<Text<'a>>,
    #[serde(borrow, rename = "image")]
    pub(super) _image: Option<Text<'a>>,
    #[serde(borrow, rename = "ticker")]
    pub(super) _ticker: Option<Text<'a>>,
    #[serde(borrow, rename = "click_action", alias = "clickAction")]
    pub(super) _click_action: Option<Text<'a>>,
    #[serde(borrow, rename = "body_loc_key", alias = "bodyLocKey")]
    pub(super) _body_loc_key: Option<Text<'a>>,
    #[serde(borrow, rename = "body_loc_args", alias = "bodyLocArgs")]
    pub(super) _body_loc_args: Option<Vec<Text<'a>>>,
    #[serde(borrow, rename = "title_loc_key", alias = "titleLocKey")]
    pub(super) _title_loc_key: Option<Text<'a>>,
    #[serde(borrow, rename = "title_loc_args", alias = "titleLocArgs")]
    pub(super) _title_loc_args: Option<Vec<Text<'a>>>,
    #[serde(borrow, rename = "channel_id", alias = "channelId")]
    pub(super) _channel_id: Option<Text<'a>>,
    #[serde(rename = "sticky")]
    pub(super) _sticky: Option<bool>,
    #[serde(borrow, rename = "event_time", alias = "eventTime")]
    pub(super) _event_time: Option<Text<'a>>,
    #[serde(rename = "local_only", alias = "localOnly")]
    pub(super) _local_only: Option<bool>,
    #[serde(borrow, alias = "notificationPriority")]
    pub(super) notification_priority: Option<Text<'a>>,
    #[serde(rename = "default_sound", alias = "defaultSound")]
    pub(super) _default_sound: Option<bool>,
    #[serde(rename = "default_vibrate_timings", alias = "defaultVibrateTimings")]
    pub(super) _default_vibrate_timings: Option<bool>,
    #[serde(rename = "default_light_settings", alias = "defaultLightSettings")]
    pub(super) _default_light_settings: Option<bool>,
    #[serde(borrow, rename = "vibrate_timings", alias = "vibrateTimings")]
    pub(super) _vibrate_timings: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub(super) visibility: Option<Text<'a>>,
    #[serde(rename = "notification_count", alias = "notificationCount")]
    pub(super) _notification_count: Option<i32>,
    #[serde(borrow, rename = "light_settings", alias = "lightSettings")]
    pub(super) _light_settings: Option<Object<'a>>,
    #[serde(rename = "bypass_proxy_notification", alias = "bypassProxyNotification")]
    pub(super) _bypass_proxy_notification: Option<bool>,
    #[serde(borrow)]
    pub(super) proxy: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webpush<'a> {
    #[serde(borrow, rename = "headers")]
    pub(super) _headers: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) data: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) notification: Option<Object<'a>>,
    #[serde(borrow, rename = "fcm_options", alias = "fcmOptions")]
    pub(super) _fcm_options: Option<WebpushOptions<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebpushOptions<'a> {
    #[serde(borrow, rename = "link")]
    pub(super) _link: Option<Text<'a>>,
    #[serde(borrow, rename = "analytics_label", alias = "analyticsLabel")]
    pub(super) _analytics_label: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Apns<'a> {
    #[serde(borrow, rename = "headers")]
    pub(super) _headers: Option<Pairs<'a>>,
    #[serde(borrow)]
    pub(super) payload: Option<Object<'a>>,
    #[serde(borrow, rename = "fcm_options", alias = "fcmOptions")]
    pub(super) _fcm_options: Option<ApnsOptions<'a>>,
    #[serde(borrow, rename = "live_activity_token", alias = "liveActivityToken")]
    pub(super) _live_activity_token: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApnsOptions<'a> {
    #[serde(borrow, rename = "analytics_label", alias = "analyticsLabel")]
    pub(super) _analytics_label: Option<Text<'a>>,
    #[serde(borrow, rename = "image")]
    pub(super) _image: Option<Text<'a>>,
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
