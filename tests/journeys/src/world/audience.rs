//! Audiences, made as a user makes them: a file, uploaded, imported.

use campaign::AudienceId;

use super::World;
use super::view::AudienceView;

/// An audience in the making.
#[derive(Debug)]
pub struct AudienceBuilder<'w> {
    world: &'w World,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The ids of `count` users, alike in nothing but their form.
pub fn users(count: usize) -> Vec<String> {
    (0..count).map(|no| format!("user-{no:05}")).collect()
}

impl<'w> AudienceBuilder<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        Self {
            world,
            columns: vec!["user_id".to_owned()],
            rows: Vec::new(),
        }
    }

    /// Of these users.
    #[must_use]
    pub fn of(mut self, users: &[String]) -> Self {
        self.rows = users.iter().map(|user| vec![user.clone()]).collect();
        self
    }

    /// With one more column, filled by the user's position.
    #[must_use]
    pub fn column(mut self, name: &str, value: impl Fn(usize) -> String) -> Self {
        self.columns.push(name.to_owned());
        for (position, row) in self.rows.iter_mut().enumerate() {
            row.push(value(position));
        }
        self
    }

    /// Uploads it and waits until it is ready.
    pub async fn import(self) -> AudienceId {
        let api = self.world.api();
        let audience = self.upload().await;
        api.until_ready(audience).await;
        audience
    }

    /// Uploads it.
    pub async fn upload(self) -> AudienceId {
        let rows = std::iter::once(&self.columns).chain(&self.rows);
        let file = rows.map(|row| row.join(",") + "\n").collect::<String>();
        let api = self.world.api();
        let uploaded: AudienceView = api.upload("/v1/audiences?name=audience", "text/csv", file).await;
        uploaded.id
    }
}
