//! The gateway to devices: what it was told to do, and what it was handed.

use std::net::SocketAddr;
use std::path::PathBuf;

use campaign::{CampaignId, PushId};
use emulator::sink::Counts;
use emulator::sink::ledger::{Entry, Reader};
use serde_json::{Value, json};

/// The sink of one world.
#[derive(Clone, Debug)]
pub struct Gateway {
    http: reqwest::Client,
    address: SocketAddr,
    ledger: PathBuf,
}

impl Gateway {
    pub(crate) fn new(address: SocketAddr, ledger: PathBuf) -> Self {
        Self {
            http: reqwest::Client::new(),
            address,
            ledger,
        }
    }

    /// Makes trouble from now on, by [`emulator::sink::Script`] as JSON.
    ///
    /// # Panics
    /// If the script cannot be played.
    pub async fn play(&self, script: &Value) {
        let url = format!("http://{}/_sink/script", self.address);
        let answer = self.http.put(url).json(script).send().await;
        let status = answer.expect("the sink answers").status();
        assert!(status.is_success(), "{status}: {script}");
    }

    /// Makes no trouble any more.
    pub async fn behave(&self) {
        self.play(&json!({})).await;
    }

    /// A subscription to Web Push, as a browser gives it: `endpoint` and `keys`.
    ///
    /// # Panics
    /// If there cannot be one of that name.
    pub async fn subscribe(&self, name: &str) -> Value {
        let url = format!("http://{}/_sink/subscriptions", self.address);
        let answer = self.http.post(url).json(&json!({"name": name})).send().await;
        let given = answer.expect("the sink answers").json().await;
        given.expect("the sink gives a subscription")
    }

    /// What it has counted.
    pub async fn counts(&self) -> Counts {
        let url = format!("http://{}/_sink/stats", self.address);
        let answer = self.http.get(url).send().await.expect("the sink answers");
        answer.json().await.expect("the sink says counts")
    }

    /// Where it writes down what it accepted.
    pub fn ledger(&self) -> &PathBuf {
        &self.ledger
    }

    /// Everything that it accepted so far, in that order.
    pub fn accepted(&self) -> Vec<Entry> {
        let entries = Reader::open(&self.ledger).expect("the ledger is there while the sink is");
        entries
            .map(|entry| entry.expect("the ledger has no other lines"))
            .collect()
    }

    /// The instants at which it accepted `user`'s push of the campaign.
    pub fn accepted_for(&self, campaign: CampaignId, user: &str) -> Vec<Entry> {
        let push = PushId::of(campaign, user).to_string();
        let entries = self.accepted().into_iter();
        entries.filter(|entry| entry.push_id == push).collect()
    }
}
