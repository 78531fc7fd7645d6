//! The limits of production.
//!
//! Source: Google's page of Datastore limits. The words are those of production.

use super::error::Error;

/// Largest request: 10 MiB.
pub(crate) const MAX_REQUEST_BYTES: usize = 10 << 20;
/// Largest sum of what a transaction writes: 10 MiB.
const MAX_TRANSACTION_BYTES: usize = 10 << 20;
/// Largest entity: 1 MiB − 4 bytes.
const MAX_ENTITY_BYTES: usize = (1 << 20) - 4;
/// Most mutations of a commit: Google's limit until 2023.
const MAX_MUTATIONS: usize = 500;
/// Most keys of a Lookup.
const MAX_LOOKUP_KEYS: usize = 1_000;
/// Most values of an IN filter, and most alternatives of a query once it is written out.
pub(crate) const MAX_ALTERNATIVES: usize = 30;

/// Checks the size of one entity, key and properties together.
pub(crate) fn check_entity(bytes: usize) -> Result<(), Error> {
    if bytes > MAX_ENTITY_BYTES {
        return Err(Error::invalid(format!(
            "The value of entity is too big: it has {bytes} bytes, the limit is {MAX_ENTITY_BYTES}."
        )));
    }
    Ok(())
}

/// Checks the size of all that a commit writes.
pub(crate) fn check_transaction(bytes: usize) -> Result<(), Error> {
    if bytes > MAX_TRANSACTION_BYTES {
        return Err(Error::invalid("Transaction too big. Decrease transaction size."));
    }
    Ok(())
}

/// Checks the number of keys of a Lookup.
pub(crate) fn check_lookup(keys: usize) -> Result<(), Error> {
    if keys > MAX_LOOKUP_KEYS {
        return Err(Error::invalid("cannot get more than 1000 keys in a single call"));
    }
    Ok(())
}

/// Checks the number of mutations of a commit.
pub(crate) fn check_mutations(mutations: usize) -> Result<(), Error> {
    if mutations > MAX_MUTATIONS {
        return Err(Error::invalid(
            "cannot write more than 500 entities in a single call",
        ));
    }
    Ok(())
}
