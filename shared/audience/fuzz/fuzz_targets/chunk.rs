//! Packed chunks: bytes that are none are refused, and what opens can be read to its end.

#![no_main]

use audience::Unpacked;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(chunk) = Unpacked::open(data) else { return };
    let users: Vec<_> = chunk.iter().flatten().map(|recipient| recipient.user_id.to_owned()).collect();
    for user in users {
        let erased = audience::erase(data, &user).expect("it opened").expect("the user is in it");
        let left = Unpacked::open(&erased).expect("what was packed opens");
        assert_eq!(left.size(), chunk.size());
        assert!(left.iter().flatten().all(|recipient| recipient.user_id != user));
    }
});
