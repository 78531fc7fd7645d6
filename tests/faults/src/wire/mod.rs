//! The wire that lies: proxies that lose, delay and cut.
