//! `noroshi quotas`: what a running installation may send in a minute, and who sends it.

use std::fmt;

use clap::Args;
use runtime::{Config, ExitCode};
use serde::Deserialize;

use super::on_api::{self, show};
use crate::api::ApiArguments;
use crate::table::Table;

/// Where to ask, and how to tell.
#[derive(Clone, Debug, Args)]
pub struct QuotasArguments {
    /// Print the API's answer as one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: ApiArguments,
}

/// What the API answers.
#[derive(Debug, Deserialize)]
struct Quotas {
    items: Vec<Quota>,
}

#[derive(Debug, Deserialize)]
struct Quota {
    name: String,
    per_minute: u64,
    allowed_per_minute: u64,
    held_until: Option<String>,
    shares: Vec<Share>,
}

#[derive(Debug, Deserialize)]
struct Share {
    holder: String,
    per_minute: u64,
    fast_demand: u64,
    bulk_demand: u64,
}

/// Asks for them, of the API that the arguments or the configuration name.
pub fn run(arguments: QuotasArguments, config: Config) -> ExitCode {
    let QuotasArguments { json, api } = arguments;
    on_api::run(api, config, async |api, _| {
        let request = api.get("/quotas?limit=500");
        let quotas = api.document("the question for quotas", request).await?;
        show(&quotas, json, |quotas: &Quotas| quotas.to_string())
    })
}

impl fmt::Display for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.items.is_empty() {
            return f.write_str("There is no quota: no sender has run, or [provider.fcm] has none.");
        }
        let mut table =
            Table::with_header(["messages a minute", "may be", "used by", "fast lane", "bulk lane"]);
        for quota in &self.items {
            let allowed = quota.held_until.as_ref().map_or_else(
                || quota.allowed_per_minute.to_string(),
                |until| format!("{} until {until}", quota.allowed_per_minute),
            );
            let name = format!("{}: {}", quota.name, quota.per_minute);
            table.row([&name, &allowed]);
            for share in &quota.shares {
                let holder = format!("  {}", share.holder);
                table.row([
                    &holder,
                    &"",
                    &share.per_minute,
                    &share.fast_demand,
                    &share.bulk_demand,
                ]);
            }
        }
        write!(f, "{table}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quota_is_told_with_who_sends_how_much_of_it() {
        let quotas = serde_json::json!({"items": [
            {
                "name": "fcm/my-project", "per_minute": 600_000, "allowed_per_minute": 300_000,
                "held_until": "2026-07-01T12:00:30Z",
                "shares": [{
                    "holder": "01890000-0000-7000-8000-000000000001",
                    "per_minute": 200_000, "fast_demand": 1_200, "bulk_demand": 900_000,
                }],
            },
        ], "next_cursor": null});

        let told = serde_json::from_value::<Quotas>(quotas).unwrap().to_string();

        assert_eq!(
            told,
            "\
messages a minute                       may be                             used by  fast lane  bulk lane
fcm/my-project: 600000                  300000 until 2026-07-01T12:00:30Z
  01890000-0000-7000-8000-000000000001                                      200000       1200     900000"
        );
    }
}
