//! What a message says to whom, and which templates are refused.

use std::sync::Arc;

use campaign::{Message, MessageError, Position, Reason, RenderError, RenderedMessage, Templates};
use serde_json::json;

fn message(title: &str, body: &str) -> Message {
    serde_json::from_value(json!({
        "default_locale": "en",
        "texts": {"en": {"title": title, "body": body}},
    }))
    .unwrap()
}

fn compile(body: &str) -> Result<Templates, MessageError> {
    let columns = ["name".to_owned(), "rank".to_owned(), "名前".to_owned()];
    Templates::compile(&message("t", body), Some(&columns))
}

/// Renders for u1, who is Hanako of rank 7 with an empty note.
fn render(templates: &Templates, locale: Option<&str>) -> Result<Arc<RenderedMessage>, RenderError> {
    templates.render("u1", locale, |name| match name {
        "name" | "名前" => Some("Hanako"),
        "rank" => Some("7"),
        _ => None,
    })
}

fn body_of(body: &str) -> String {
    render(&compile(body).unwrap(), None).unwrap().body.clone()
}

#[test]
fn expressions_filters_and_conditions_are_rendered() {
    assert_eq!(
        body_of("Hello {{ name }} <{{ user_id }}>"),
        "Hello Hanako <u1>",
        "nothing is escaped"
    );
    assert_eq!(body_of("{{ 名前 }}さん\n"), "Hanakoさん\n");
    assert_eq!(
        body_of("{% if rank|int >= 5 %}gold{% else %}member{% endif %}"),
        "gold"
    );
    assert_eq!(body_of("{{ name|upper|truncate(4) }}"), "HAN…");
    assert_eq!(body_of("{{ name[:2] ~ '-' ~ rank }}"), "Ha-7");
    assert_eq!(
        body_of("{{ 'gold' if rank in ['7', '8'] else 'member' }}"),
        "gold"
    );
    assert_eq!(body_of("a=1&n={{ 'a b&c'|urlencode }}"), "a=1&n=a%20b%26c");
    assert_eq!(body_of("{{ ''|default('you', true) }}"), "you");
    assert_eq!(
        body_of("{# unseen #}{% raw %}{{ name }}{% endraw %}"),
        "{{ name }}"
    );
}

#[test]
fn the_closest_locale_is_taken() {
    let message: Message = serde_json::from_value(json!({
        "default_locale": "en",
        "texts": {
            "en": {"title": "default", "body": "b"},
            "zh": {"title": "zh", "body": "b"},
            "zh-Hant": {"title": "zh-Hant", "body": "b"},
        },
    }))
    .unwrap();
    let templates = Templates::compile(&message, None).unwrap();
    let title = |locale| render(&templates, locale).unwrap().title.clone();

    assert_eq!(title(Some("zh-Hant-TW")), "zh-Hant");
    assert_eq!(title(Some("ZH-hant")), "zh-Hant");
    assert_eq!(title(Some("zh-Hans-CN")), "zh");
    assert_eq!(title(Some("ja-JP")), "default");
    assert_eq!(title(Some("z")), "default");
    assert_eq!(title(None), "default");
}

#[test]
fn a_message_without_variables_is_rendered_once() {
    let templates = compile("the same for all").unwrap();

    assert!(Arc::ptr_eq(
        &render(&templates, None).unwrap(),
        &render(&templates, Some("ja")).unwrap()
    ));
}

#[test]
fn compiled_templates_are_shared_between_threads() {
    let templates = compile("{{ name }}").unwrap();

    let bodies = std::thread::scope(|scope| {
        let render = || render(&templates, None).unwrap().body.clone();
        [scope.spawn(render), scope.spawn(render)].map(|thread| thread.join().unwrap())
    });

    assert_eq!(bodies, ["Hanako", "Hanako"]);
}

#[test]
fn an_empty_link_is_left_out_and_an_image_must_be_https() {
    let mut message = message("t", "b");
    let texts = message.texts.get_mut("en").unwrap();
    texts.deep_link = Some("{% if rank == '8' %}app://x{% endif %}".to_owned());
    texts.image = Some("{{ name }}".to_owned());
    let templates = Templates::compile(&message, None).unwrap();

    let image = |url: &'static str| templates.render("u1", None, |_| Some(url));

    assert_eq!(image("https://example.com/a.png").unwrap().deep_link, None);
    assert_eq!(image("").unwrap().image, None);
    assert_eq!(
        image("http://example.com").unwrap_err().reason(),
        Reason::RenderFailed
    );
}

#[test]
fn a_variable_that_a_recipient_lacks_fails_that_push_alone() {
    let templates = Templates::compile(&message("t", "{{ city }}"), None).unwrap();

    let error = render(&templates, None).unwrap_err();

    assert_eq!(error.reason(), Reason::RenderFailed);
    assert_eq!(
        error.to_string(),
        "texts.en.body cannot be rendered: undefined value"
    );
    assert_eq!(
        templates.render("u1", None, |_| Some("Kyoto")).unwrap().body,
        "Kyoto"
    );
}

#[test]
fn an_error_tells_nothing_of_the_recipient() {
    let templates = compile("{{ name|int }}").unwrap();

    let error = render(&templates, None).unwrap_err();

    assert!(!error.to_string().contains("Hanako"), "{error}");
}

#[test]
fn a_payload_over_the_gateways_limit_fails_that_push() {
    let templates = compile("{{ name }}").unwrap();
    let long = "あ".repeat(1_366);

    let fits = templates.render("u1", None, |_| Some(&long[..4_095]));
    let error = templates.render("u1", None, |_| Some(&long)).unwrap_err();

    assert!(fits.is_ok());
    assert_eq!(error, RenderError::PayloadTooLarge { bytes: 4_099 });
    assert_eq!(error.reason(), Reason::PayloadTooLarge);
}

fn refusal(body: &str) -> String {
    compile(body).unwrap_err().to_string()
}

#[test]
fn a_template_that_does_not_compile_is_refused_with_its_place() {
    let refused = refusal("Hello,\n  {{ name");
    assert!(refused.starts_with("texts.en.body, line 2, column "), "{refused}");

    let refused = refusal("こんにちは {{ name | }}");
    assert!(refused.starts_with("texts.en.body, line 1, column "), "{refused}");
}

#[test]
fn an_unknown_variable_is_refused_with_its_place_and_the_known_ones() {
    assert_eq!(
        refusal("こんにちは\n「{{ name }}」 {{ nmae }}"),
        "texts.en.body, line 2, column 17: unknown variable `nmae`; there are: name, rank, user_id, 名前"
    );
    let in_a_branch = compile("{% if name %}{{ 'nmae' }}{% else %}{{ nmae }}{% endif %}").unwrap_err();
    assert_eq!(
        in_a_branch.position,
        Some(Position { line: 1, column: 39 }),
        "and not in a string"
    );
}

#[test]
fn without_an_audience_any_variable_may_be_named() {
    assert!(Templates::compile(&message("t", "{{ whatever }}"), None).is_ok());
}

#[test]
fn an_unknown_filter_is_refused() {
    assert!(refusal("{{ name|shout }}").contains("column 9: unknown filter `shout`"));
    assert!(refusal("{{ name is odd }}").contains("unknown test `odd`"));
}

#[test]
fn what_could_run_for_ever_or_fill_the_memory_is_not_in_the_language() {
    for (template, what) in [
        ("{% for x in [1, 2] %}{{ x }}{% endfor %}", "`for`"),
        ("{% set x = name ~ name %}", "`set`"),
        ("{% set x %}{{ name }}{% endset %}", "`set`"),
        ("{% with x = name %}{% endwith %}", "`with`"),
        ("{{ 'x' * 100000000 }}", "`*`"),
        ("{{ 9 ** 9 ** 9 }}", "`**`"),
        ("{{ range(1000000) }}", "a call"),
        ("{{ name.upper }}", "an attribute"),
        ("{{ name['a'] }}", "a subscript"),
    ] {
        assert!(
            refusal(template).contains(&format!("{what} is not part of message templates")),
            "{template}"
        );
    }
}

#[test]
fn a_chain_of_replacements_is_bounded() {
    let tenfold = "|replace('x', 'xxxxxxxxxx')".repeat(9);
    let templates = compile(&format!("{{{{ name|replace('Hanako', 'x'){tenfold} }}}}")).unwrap();

    assert_eq!(
        render(&templates, None).unwrap_err().reason(),
        Reason::RenderFailed
    );
}

#[test]
fn a_text_that_fails_for_everybody_is_refused_at_once() {
    assert!(refusal("{{ 'seven'|int }}").starts_with("texts.en.body, line 1, column "));
    assert_eq!(
        refusal(&"x".repeat(5_000)),
        "texts.en: the payload has 5001 bytes, more than 4096"
    );
}

#[test]
fn what_is_the_same_for_all_is_refused_at_once_beside_what_is_not() {
    let mut message = message("{{ name }}", "b");
    let refusal = |message: &Message| Templates::compile(message, None).unwrap_err().to_string();

    message.texts.get_mut("en").unwrap().image = Some("http://example.com/a.png".to_owned());
    assert_eq!(refusal(&message), "texts.en.image: an image must be an https URL");

    message.texts.get_mut("en").unwrap().image = None;
    message.data.insert("terms".to_owned(), "x".repeat(4_096));
    assert_eq!(
        refusal(&message),
        "texts.en: the payload has 4102 bytes, more than 4096"
    );
}

#[test]
fn data_is_rendered_like_texts_and_named_like_them() {
    let mut message = message("t", "b");
    message.data.insert("rank".to_owned(), "{{ rank }}/10".to_owned());
    let templates = Templates::compile(&message, None).unwrap();
    assert_eq!(render(&templates, None).unwrap().data["rank"], "7/10");

    message.data.insert("rank".to_owned(), "{{ rank".to_owned());
    let error = Templates::compile(&message, None).unwrap_err();
    assert_eq!(error.field, "data.rank");
}
