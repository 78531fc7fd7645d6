//! Message encryption for Web Push (RFC 8291): one aes128gcm record (RFC 8188), for one
//! subscription, under a key that is made for the one message.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{self, HKDF_SHA256, Prk, Salt};
use aws_lc_rs::rand;

use super::subscription::Keys;

/// A push service takes 4,096 bytes; of those, this is left.
pub(super) const MAX_PLAINTEXT: usize = RECORD - HEADER - TAG - DELIMITER.len();

const RECORD: usize = 4_096;
/// Salt, record size, and a key of 65 bytes behind its length.
const HEADER: usize = 16 + 4 + 1 + 65;
const TAG: usize = 16;
/// Says that this record is the last.
const DELIMITER: [u8; 1] = [2];

/// The body for a message of at most [`MAX_PLAINTEXT`]; `None` if the keys are not usable.
pub(super) fn encrypt(plaintext: &[u8], keys: &Keys) -> Option<Vec<u8>> {
    let ours = PrivateKey::generate(&ECDH_P256).ok()?;
    let mut salt = [0; 16];
    rand::fill(&mut salt).ok()?;
    encrypt_with(&ours, salt, plaintext, keys).ok()
}

fn encrypt_with(
    ours: &PrivateKey,
    salt: [u8; 16],
    plaintext: &[u8],
    keys: &Keys,
) -> Result<Vec<u8>, Unspecified> {
    let our_key = ours.compute_public_key()?;
    let theirs = UnparsedPublicKey::new(&ECDH_P256, keys.p256dh);
    let shared = agree(ours, theirs, Unspecified, |secret| {
        let extracted = Salt::new(HKDF_SHA256, &keys.auth).extract(secret);
        let info = [b"WebPush: info\0", &keys.p256dh[..], our_key.as_ref()];
        expand::<32>(&extracted, &info)
    })?;
    let extracted = Salt::new(HKDF_SHA256, &salt).extract(&shared);
    let key = expand::<16>(&extracted, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce = expand::<12>(&extracted, &[b"Content-Encoding: nonce\0"])?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);

    let mut body = Vec::with_capacity(HEADER + plaintext.len() + DELIMITER.len() + TAG);
    body.extend_from_slice(&salt);
    body.extend_from_slice(&4_096_u32.to_be_bytes());
    body.push(65);
    body.extend_from_slice(our_key.as_ref());
    body.extend_from_slice(plaintext);
    body.extend_from_slice(&DELIMITER);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut body[HEADER..])?;
    body.extend_from_slice(tag.as_ref());
    Ok(body)
}

/// So many bytes of a key, for that purpose.
fn expand<const N: usize>(from: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    struct Length(usize);

    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }

    let mut bytes = [0; N];
    from.expand(info, Length(N))?.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn the_example_of_the_specification_is_encrypted_as_it_says() {
        let keys = Keys {
            p256dh: bytes(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            ),
            auth: bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        };
        let ours: [u8; 32] = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let ours = PrivateKey::from_private_key(&ECDH_P256, &ours).unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw");

        let body = encrypt_with(&ours, salt, b"When I grow up, I want to be a watermelon", &keys).unwrap();

        assert_eq!(
            URL_SAFE_NO_PAD.encode(body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz\
             AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn the_longest_message_fills_what_a_push_service_takes() {
        let theirs = PrivateKey::generate(&ECDH_P256)
            .unwrap()
            .compute_public_key()
            .unwrap();
        let keys = Keys {
            p256dh: theirs.as_ref().try_into().unwrap(),
            auth: [7; 16],
        };

        let body = encrypt(&[b'x'; MAX_PLAINTEXT], &keys).unwrap();

        assert_eq!((MAX_PLAINTEXT, body.len()), (3_993, 4_096));
    }
}
