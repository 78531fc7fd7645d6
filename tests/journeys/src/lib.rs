//! What the suite needs to act like a user: the engines to run on, the binaries as an operator
//! starts them, SQL servers and proxies of their own, the world around them or several of them as a cluster,
//! and a wire between them that lies.

pub mod binaries;
pub mod cluster;
pub mod engines;
pub mod mariadb;
pub mod nginx;
pub mod ports;
pub mod processes;
pub mod refusal;
pub mod wire;
pub mod world;
