//! Imports: what a file becomes, and what is left of one that is cut short.

mod crash;
mod end;
mod hostile;
mod lists;
mod refusal;
mod report;
mod turns;

use jobs::import::{self, Report};

use crate::world::World;

/// A world in which the memory of an import is small, so that it has many steps.
async fn small_world() -> World {
    World::with(|config| config.import.partition_bytes = 65_536.try_into().unwrap()).await
}

async fn pass(world: &World) -> Report {
    import::run(&world.backends).await.unwrap()
}

/// A file with rows for users `u000000` and on, in three time zones, each tenth row a duplicate.
fn file(rows: u32) -> Vec<u8> {
    let mut file = "user_id,time_zone,name\n".to_owned();
    for row in 0..rows {
        let zone = ["", "Asia/Tokyo", "Europe/Paris"][row as usize % 3];
        file.push_str(&format!(
            "{},{zone},名前{row}\n",
            user(row - u32::from(row % 10 == 9))
        ));
    }
    file.into_bytes()
}

fn user(row: u32) -> String {
    format!("u{row:06}")
}

/// The users whom [`file`] gives, by id.
fn users(rows: u32) -> Vec<String> {
    (0..rows).filter(|row| row % 10 != 9).map(user).collect()
}

/// Users by id; none may be a tombstone.
fn sorted(recipients: Vec<Option<String>>) -> Vec<String> {
    let mut users: Vec<_> = recipients.into_iter().map(Option::unwrap).collect();
    users.sort_unstable();
    users
}
