//! A user whom the SQL server itself refuses to grant a coupon, and everybody, by a rule that no
//! program of ours knows of: as a constraint would that somebody has added by hand.

/// The user, one of those that [`crate::world::users`] makes.
pub const USER: &str = "user-00017";

/// The rule on MySQL and MariaDB.
pub const ON_MYSQL: &str =
    "ALTER TABLE coupon_grant ADD CONSTRAINT refused_user CHECK (user_id <> 'user-00017')";

/// The rule on SQLite, which adds no constraint to a table that is there.
pub const ON_SQLITE: &str = "CREATE TRIGGER refused_user BEFORE INSERT ON coupon_grant \
     WHEN NEW.user_id = 'user-00017' BEGIN SELECT RAISE(ABORT, 'refused by hand: user-00017'); END";

/// The rule for everybody on MySQL and MariaDB, and its end.
pub const EVERYBODY_ON_MYSQL: [&str; 2] = [
    "ALTER TABLE coupon_grant ADD CONSTRAINT refused_everybody CHECK (chunk_no < 0)",
    "ALTER TABLE coupon_grant DROP CONSTRAINT refused_everybody",
];

/// The same on SQLite.
pub const EVERYBODY_ON_SQLITE: [&str; 2] = [
    "CREATE TRIGGER refused_everybody BEFORE INSERT ON coupon_grant \
     BEGIN SELECT RAISE(ABORT, 'refused by hand'); END",
    "DROP TRIGGER refused_everybody",
];
