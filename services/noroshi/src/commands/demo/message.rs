//! What the demo sends: a message in two languages with a variable, a deep link and data.

use campaign::AudienceId;
use serde_json::{Value, json};

/// The variable by which recipients are addressed, in files that have it.
const NAME: &str = "name";

/// Whether the campaign brings a coupon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coupon {
    /// One for everybody.
    ForAll,
    /// None.
    None,
}

/// The campaign's plan, to an audience with those variables.
pub(super) fn plan(audience: AudienceId, variables: &[String], coupon: Coupon) -> Value {
    let mut plan = json!({
        "name": "Demo",
        "audience_id": audience,
        "message": message(variables),
    });
    if coupon == Coupon::ForAll {
        plan["coupon"] = json!({"name": "Demo: 500 off the next ride"});
    }
    plan
}

fn message(variables: &[String]) -> Value {
    let (dear_ja, dear_en) = if variables.iter().any(|variable| variable == NAME) {
        (
            "{% if name %}{{ name }}さん、{% endif %}",
            "{% if name %}{{ name }}, {% endif %}",
        )
    } else {
        ("", "")
    };
    json!({
        "default_locale": "ja",
        "texts": {
            "ja": {
                "title": format!("{dear_ja}500円クーポンをどうぞ"),
                "body": "次のご乗車でお使いいただけます。",
                "deep_link": "https://example.com/ja/coupons?user={{ user_id | urlencode }}",
            },
            "en": {
                "title": format!("{dear_en}500 off your next ride"),
                "body": "Your coupon is waiting in the app.",
                "deep_link": "https://example.com/en/coupons?user={{ user_id | urlencode }}",
            },
        },
        "data": {"kind": "coupon"},
        "channel": "coupons",
        "ttl_seconds": 86_400,
        "priority": "normal",
    })
}

#[cfg(test)]
mod tests {
    use campaign::{Message, Templates};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_message_fits_any_audience_and_greets_by_name_where_there_are_names() {
        let rendered = |variables: &[String], locale, value| {
            let message: Message = serde_json::from_value(message(variables)).unwrap();
            let templates = Templates::compile(&message, Some(variables)).unwrap();
            templates.render("a b", locale, |_| value).unwrap()
        };
        let names = [NAME.to_owned()];

        assert_eq!(
            rendered(&names, Some("en-GB"), Some("Alice")).title,
            "Alice, 500 off your next ride"
        );
        assert_eq!(rendered(&names, None, Some("")).title, "500円クーポンをどうぞ");
        assert_eq!(
            rendered(&[], Some("en"), None).deep_link.as_deref(),
            Some("https://example.com/en/coupons?user=a%20b")
        );
    }

    #[test]
    fn a_plan_has_a_coupon_unless_none_is_wanted() {
        let audience = AudienceId(Uuid::nil());

        assert!(plan(audience, &[], Coupon::ForAll)["coupon"]["name"].is_string());
        assert!(plan(audience, &[], Coupon::None).get("coupon").is_none());
    }
}
