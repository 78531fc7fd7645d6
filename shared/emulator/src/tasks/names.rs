//! Resource names: parsed once, refused with the format they should have.
//!
//! `projects/P/locations/L`, below it `/queues/Q`, below that `/tasks/T`; the alphabets and
//! lengths are those of the Cloud Tasks v2 reference.

use tonic::Status;

/// The longest id of a queue, in characters.
const QUEUE_ID: usize = 100;
/// The longest id of a task, in characters.
const TASK_ID: usize = 500;

/// A task's name in its two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TaskName<'a> {
    /// The whole name of its queue.
    pub(super) queue: &'a str,
    /// Its id within the queue.
    pub(super) id: &'a str,
}

/// Checks the name of a location, the parent of queues.
pub(super) fn check_location(name: &str) -> Result<(), Status> {
    let valid = match name.split('/').collect::<Vec<_>>()[..] {
        ["projects", project, "locations", location] => is_project(project) && is_location(location),
        _ => false,
    };
    valid
        .then_some(())
        .ok_or_else(|| malformed("parent", name, "projects/PROJECT_ID/locations/LOCATION_ID"))
}

/// Checks the name of a queue and returns its id.
pub(super) fn queue_id(name: &str) -> Result<&str, Status> {
    split_queue(name).ok_or_else(|| {
        malformed(
            "queue name",
            name,
            "projects/PROJECT_ID/locations/LOCATION_ID/queues/QUEUE_ID",
        )
    })
}

/// Splits the name of a task.
pub(super) fn task_name(name: &str) -> Result<TaskName<'_>, Status> {
    name.rsplit_once("/tasks/")
        .filter(|(queue, id)| split_queue(queue).is_some() && is_task_id(id))
        .map(|(queue, id)| TaskName { queue, id })
        .ok_or_else(|| {
            malformed(
                "task name",
                name,
                "projects/PROJECT_ID/locations/LOCATION_ID/queues/QUEUE_ID/tasks/TASK_ID",
            )
        })
}

fn split_queue(name: &str) -> Option<&str> {
    match name.split('/').collect::<Vec<_>>()[..] {
        ["projects", project, "locations", location, "queues", queue]
            if is_project(project) && is_location(location) && is_queue_id(queue) =>
        {
            Some(queue)
        }
        _ => None,
    }
}

fn is_project(id: &str) -> bool {
    !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-:.".contains(&byte))
}

fn is_location(id: &str) -> bool {
    !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_queue_id(id: &str) -> bool {
    is_location(id) && id.len() <= QUEUE_ID
}

fn is_task_id(id: &str) -> bool {
    (1..=TASK_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn malformed(what: &str, name: &str, format: &str) -> Status {
    Status::invalid_argument(format!("The {what} \"{name}\" is not of the form {format}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_name_splits_into_queue_and_id() {
        let name = task_name("projects/p/locations/l/queues/q/tasks/t_1").unwrap();

        assert_eq!(
            name,
            TaskName {
                queue: "projects/p/locations/l/queues/q",
                id: "t_1"
            }
        );
    }

    #[test]
    fn names_outside_the_alphabet_or_too_long_are_refused() {
        let long_queue = format!("projects/p/locations/l/queues/{}", "q".repeat(101));
        let long_task = format!("projects/p/locations/l/queues/q/tasks/{}", "t".repeat(501));

        assert!(queue_id(&long_queue).is_err());
        assert!(queue_id("projects/p/locations/l/queues/a_b").is_err());
        assert!(task_name(&long_task).is_err());
        assert!(task_name("projects/p/locations/l/queues/q/tasks/a.b").is_err());
        assert!(check_location("projects//locations/l").is_err());
    }
}
