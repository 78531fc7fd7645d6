//! The servers as their users meet them: through their ports, their files and their deaths.

mod sink;
mod tasks_durability;
