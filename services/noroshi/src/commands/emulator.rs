//! `noroshi emulator`: each embedded part alone, in the place of Google's.
//!
//! For programs that speak to Datastore, Cloud Tasks or a gateway to devices, Noroshi's own
//! among them. What is said on standard output is how to point such a program here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use emulator::{datastore, sink, tasks};
use runtime::{Config, ExitCode, Process, process};

use crate::output;

/// Which part.
#[derive(Clone, Debug, Subcommand)]
pub enum EmulatorCommand {
    /// Datastore v1 over gRPC: Firestore in Datastore mode, as production has it
    ///
    /// Stricter than Google's emulator where production is: commits over the limits and queries
    /// without a declared composite index are refused, and conflicting transactions are told.
    /// Clients find it by DATASTORE_EMULATOR_HOST. POST /reset empties it, GET / answers Ok.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Without --file everything is in memory and gone at the end. With it, what was acknowledged
survives a kill, and the next start goes on at once.

  noroshi emulator datastore --file datastore.db --index 'Task:done,-priority'
  export DATASTORE_EMULATOR_HOST=127.0.0.1:8085

Noroshi itself uses it with this configuration:

  [datastore]
  endpoint = \"http://127.0.0.1:8085\"
  project = \"any\""
    )]
    Datastore(DatastoreArguments),
    /// Cloud Tasks v2 over gRPC, which calls HTTP targets with signed OIDC tokens
    ///
    /// Queues and tasks, names that are not used twice, schedules, retries with back-off, rates
    /// and concurrency, deadlines, and every X-CloudTasks-* header. GET /certs has the keys that
    /// verify its tokens; their issuer is its own address.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Without --file queues and tasks are in memory and gone at the end. With it, a task that was
being dispatched when the process died is dispatched again.

  noroshi emulator tasks --file tasks.db

Noroshi itself uses it with this configuration, and makes its queues there:

  [queue]
  endpoint = \"http://127.0.0.1:8123\"
  project = \"any\"
  location = \"any\"
  handler = \"http://127.0.0.1:8081/tasks/deliver\"
  service_account = \"anyone@example.com\""
    )]
    Tasks(TasksArguments),
    /// A gateway that writes down what it accepts: FCM (HTTP v1), APNs and Web Push
    ///
    /// Requests are checked as strictly as the public references; Web Push messages are decrypted.
    /// Every accepted message is one line of the ledger before it is answered: push id, address,
    /// collapse id, attempt, time.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Trouble is made by a script: errors by share, dead addresses, delays, lost answers. It is given
at the start or while it runs, and counted:

  noroshi emulator sink --ledger sink.ledger
  curl -X PUT http://127.0.0.1:8086/_sink/script \\
    -d '{\"faults\":[{\"outcome\":\"unavailable\",\"share\":0.05,\"first\":2}]}'
  curl http://127.0.0.1:8086/_sink/stats

A subscription to Web Push, as a browser gives it, messages to which are decrypted:

  curl -X POST http://127.0.0.1:8086/_sink/subscriptions -d '{\"name\":\"browser-1\"}'

Noroshi itself uses it with this configuration:

  [provider.fcm]
  endpoint = \"http://127.0.0.1:8086\"
  project = \"any\"
  [provider.apns]
  endpoint = \"http://127.0.0.1:8086\"
  [provider.web_push]
  stand_in = \"http://127.0.0.1:8086\""
    )]
    Sink(SinkArguments),
}

/// How the Datastore is to be.
#[derive(Clone, Debug, Args)]
pub struct DatastoreArguments {
    /// Where to listen; port 0 is any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8085")]
    listen: SocketAddr,
    /// Keep entities in this SQLite file, made if it is missing [default: in memory].
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What happens to transactions on the same entities.
    #[arg(long, value_enum, default_value_t = Concurrency::Optimistic)]
    concurrency: Concurrency,
    /// Declare a composite index, as KIND:PROPERTY,-PROPERTY; a minus sign means descending, and
    /// an ancestor index begins with ^. May be given more than once
    #[arg(long = "index", verbatim_doc_comment, value_name = "INDEX", value_parser = parse_index)]
    indexes: Vec<datastore::CompositeIndex>,
}

/// What happens to transactions on the same entities.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Concurrency {
    /// The later one is refused when it commits.
    Optimistic,
    /// The later one waits for the earlier one's locks.
    Pessimistic,
}

/// How the task queue is to be.
#[derive(Clone, Debug, Args)]
pub struct TasksArguments {
    /// Where to listen; port 0 is any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8123")]
    listen: SocketAddr,
    /// Keep queues and tasks in this SQLite file, made if it is missing [default: in memory].
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// In whose name tokens are signed [default: its own address, as http://ADDRESS].
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
}

/// How the gateway is to be.
#[derive(Clone, Debug, Args)]
pub struct SinkArguments {
    /// Where to listen; port 0 is any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8086")]
    listen: SocketAddr,
    /// Write accepted messages to this file; one that is there is appended to.
    #[arg(long, value_name = "FILE")]
    ledger: PathBuf,
    /// Begin with this script, as JSON.
    #[arg(long, value_name = "JSON", value_parser = parse_script)]
    script: Option<sink::Script>,
    /// Of FCM's bearer tokens, take this one only [default: any].
    #[arg(long, value_name = "TOKEN")]
    bearer: Option<String>,
}

/// Runs it until Ctrl-C.
pub fn run(command: EmulatorCommand, config: Config) -> ExitCode {
    process::run(config, |process| async move {
        match command {
            EmulatorCommand::Datastore(arguments) => datastore(arguments, &process).await,
            EmulatorCommand::Tasks(arguments) => tasks(arguments, &process).await,
            EmulatorCommand::Sink(arguments) => sink(arguments, &process).await,
        }
    })
}

async fn datastore(arguments: DatastoreArguments, process: &Process) -> ExitCode {
    let DatastoreArguments {
        listen,
        file,
        concurrency,
        indexes,
    } = arguments;
    let config = datastore::Config {
        storage: file.map_or(datastore::Storage::Memory, datastore::Storage::File),
        concurrency: match concurrency {
            Concurrency::Optimistic => datastore::Concurrency::Optimistic,
            Concurrency::Pessimistic => datastore::Concurrency::PESSIMISTIC,
        },
        indexes,
        ..datastore::Config::default()
    };
    let server = match datastore::Server::start(config, listen).await {
        Ok(server) => server,
        Err(error) => return refused(&error),
    };
    output::line(format_args!("DATASTORE_EMULATOR_HOST={}", server.address()));
    process.stop.requested().await;
    server.stop().await;
    ExitCode::Done
}

async fn tasks(arguments: TasksArguments, process: &Process) -> ExitCode {
    let storage = arguments
        .file
        .map_or(tasks::Storage::Memory, tasks::Storage::File);
    let config = tasks::Config {
        issuer: arguments.issuer,
        ..tasks::Config::new(storage)
    };
    let server = match tasks::Server::start(config, arguments.listen).await {
        Ok(server) => server,
        Err(error) => return refused(&error),
    };
    output::line(format_args!(
        "NOROSHI__QUEUE__ENDPOINT=http://{}",
        server.address()
    ));
    process.stop.requested().await;
    server.stop().await;
    ExitCode::Done
}

async fn sink(arguments: SinkArguments, process: &Process) -> ExitCode {
    let config = sink::Config {
        script: arguments.script.unwrap_or_default(),
        bearer: arguments.bearer,
        ..sink::Config::new(arguments.ledger)
    };
    let server = match sink::Server::start(config, arguments.listen).await {
        Ok(server) => server,
        Err(error) => return refused(&error),
    };
    output::line(format_args!(
        "NOROSHI__PROVIDER__FCM__ENDPOINT=http://{}",
        server.address()
    ));
    process.stop.requested().await;
    server.stop().await;
    ExitCode::Done
}

/// An address, a file or a script that cannot be used is for the user to change.
fn refused(error: &dyn std::error::Error) -> ExitCode {
    output::fault(error);
    ExitCode::Usage
}

fn parse_script(json: &str) -> Result<sink::Script, String> {
    let script: sink::Script = serde_json::from_str(json).map_err(|error| error.to_string())?;
    script.check().map_err(|error| error.to_string())?;
    Ok(script)
}

fn parse_index(text: &str) -> Result<datastore::CompositeIndex, String> {
    let (ancestor, rest) = match text.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (kind, properties) = rest
        .split_once(':')
        .filter(|(kind, _)| !kind.is_empty())
        .ok_or("must be a kind, a colon, and properties, as in Task:done,-priority")?;
    let property = |text: &str| match text.strip_prefix('-') {
        Some(name) => (name.to_owned(), datastore::Direction::Descending),
        None => (text.to_owned(), datastore::Direction::Ascending),
    };
    let properties: Vec<_> = properties.split(',').map(property).collect();
    if properties.iter().any(|(name, _)| name.is_empty()) {
        return Err("must not have a property without a name".to_owned());
    }
    Ok(datastore::CompositeIndex {
        kind: kind.to_owned(),
        ancestor,
        properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_as_it_is_written() {
        let index = parse_index("^Task:done,-priority").unwrap();

        assert_eq!(
            index.to_string(),
            "- kind: Task\n  ancestor: yes\n  properties:\n  - name: done\n  - name: priority\n    direction: desc\n"
        );
        for wrong in ["", "Task", ":done", "Task:", "Task:done,,priority", "Task:-"] {
            assert!(parse_index(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_script_is_checked_before_anything_starts() {
        assert!(parse_script(r#"{"faults":[{"outcome":"unavailable","share":0.05}]}"#).is_ok());
        assert!(parse_script(r#"{"faults":[{"outcome":"unavailable","share":5.0}]}"#).is_err());
        assert!(parse_script("{").is_err());
    }
}
