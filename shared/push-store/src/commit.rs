//! A Commit, from its changes to the call.
//!
//! Commits are most of what a process that expands or delivers has to encode, so they are written
//! as they go over the wire, once. The numbers of fields are those of Datastore's messages
//! `CommitRequest` and `Mutation`.

use gcloud_sdk::GoogleAuthMiddleware;
use gcloud_sdk::google::datastore::v1::commit_request::Mode;
use gcloud_sdk::google::datastore::v1::{Key, PartitionId};
use gcloud_sdk::prost::Message;
use gcloud_sdk::prost::bytes::{Buf, BufMut};
use gcloud_sdk::tonic::client::Grpc;
use gcloud_sdk::tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use gcloud_sdk::tonic::codegen::http::uri::PathAndQuery;
use gcloud_sdk::tonic::{Request, Status};

use crate::client::TransactionId;
use crate::fields::Fields;

const METHOD: &str = "/google.datastore.v1.Datastore/Commit";

/// In which transaction changes are committed.
#[derive(Debug)]
pub(crate) enum Within {
    /// One that was begun.
    Transaction(TransactionId),
    /// One that is begun and committed by this call: enough where nothing is read.
    Itself,
}

/// What is to be changed, in this order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes(Fields);

impl Changes {
    /// An entity that must not be there yet.
    pub(crate) fn insert(&mut self, write: impl FnOnce(&mut Fields)) {
        self.0.message(6, |mutation| mutation.message(4, write));
    }

    /// An entity that must be there.
    pub(crate) fn update(&mut self, write: impl FnOnce(&mut Fields)) {
        self.0.message(6, |mutation| mutation.message(5, write));
    }

    /// An entity that is not to be there any more.
    pub(crate) fn delete(&mut self, key: &Key) {
        self.0
            .message(6, |mutation| mutation.bytes(7, &key.encode_to_vec()));
    }

    /// The request that commits them.
    fn into_request(self, partition: &PartitionId, within: &Within) -> Vec<u8> {
        let Self(mut request) = self;
        request.text(8, &partition.project_id);
        request.text(9, &partition.database_id);
        request.number(5, Mode::Transactional as i64);
        match within {
            Within::Transaction(transaction) => request.bytes(1, transaction),
            // Of its options one is set: that it may write.
            Within::Itself => request.message(10, |options| options.message(1, |_| {})),
        }
        request.into_bytes()
    }
}

/// Sends the changes, once.
pub(crate) async fn send(
    service: GoogleAuthMiddleware,
    partition: &PartitionId,
    within: &Within,
    changes: Changes,
) -> Result<(), Status> {
    let mut datastore = Grpc::new(service);
    datastore
        .ready()
        .await
        .map_err(|error| Status::unknown(format!("the connection is not ready: {error}")))?;
    let request = Request::new(changes.into_request(partition, within));
    datastore
        .unary(request, PathAndQuery::from_static(METHOD), Raw)
        .await?;
    Ok(())
}

/// Sends bytes as they are. What a commit is answered beside its status is not read: versions
/// that nobody asks for.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        from.advance(from.remaining());
        Ok(Some(()))
    }
}

#[cfg(test)]
mod tests;
