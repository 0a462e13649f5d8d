//! Published vectors of what signs, derives and seals: with the same crates, and through our own types where they take
//! any input.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use chacha20poly1305::KeyInit;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::Aead;
use chacha20poly1305::aead::Payload;
use hkdf::Hkdf;
use hpke::Deserializable;
use hpke::Kem;
use hpke::OpModeR;
use hpke::Serializable;
use hpke::aead::ExportOnlyAead;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use sha2::Sha256;
use tiffin_shared::bytes::hmac_sha256;
use tiffin_shared::bytes::prefixed;
use tiffin_shared::entropy::Entropy;
use tiffin_shared::id::KeyId;
use tiffin_shared::keys::Signing;
use tiffin_shared::keys::Verifying;
use tiffin_shared::seal::PrivateKey;

#[test]
fn ed25519_signs_and_verifies_the_vectors_of_rfc_8032() {
    // Section 7.1, tests 1 to 3.
    let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (seed, public, message, signature) in vectors {
        let (message, signature): (_, [u8; 64]) = (unhex(message), unhex(signature).try_into().unwrap());
        let key = Signing::new(&KeyId::parse("k").unwrap(), unhex(seed).try_into().unwrap());
        assert_eq!(hex(&key.public()), public);
        assert_eq!(key.sign(&message), signature);
        let verifying = Verifying::new(unhex(public).try_into().unwrap()).unwrap();
        assert!(verifying.verify(&message, &signature));
        for bit in 0..512 {
            let mut altered = signature;
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(!verifying.verify(&message, &altered), "bit {bit}");
        }
    }
}

#[test]
fn a_key_of_small_order_verifies_nothing() {
    // The neutral element: without the strict check, R = A = identity and S = 0 would sign any message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let accepted = Verifying::new(neutral).is_ok_and(|key| key.verify(b"any", &signature));
    assert!(!accepted);
}

#[test]
fn hkdf_expands_the_vectors_of_rfc_5869() {
    // Appendices A.1 and A.3; the second without salt, as we use it.
    let (salt, info) = (unhex("000102030405060708090a0b0c"), unhex("f0f1f2f3f4f5f6f7f8f9"));
    let (mut one, mut three) = ([0; 42], [0; 42]);
    Hkdf::<Sha256>::new(Some(&salt), &[0x0b; 22]).expand(&info, &mut one).unwrap();
    Hkdf::<Sha256>::new(None, &[0x0b; 22]).expand(b"", &mut three).unwrap();
    assert_eq!(
        hex(&one),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    );
    assert_eq!(
        hex(&three),
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    );
    let mut derived = [0; 42];
    Hkdf::<Sha256>::new(None, &[1; 32]).expand(b"salt", &mut derived).unwrap();
    assert_eq!(Entropy::new([1; 32]).derive::<42>("salt"), derived);
}

#[test]
fn hpke_exports_the_vectors_of_rfc_9180() {
    // Appendix A.7.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, export only, base mode. The suite of our jobs.
    let private = "33d196c830a12f9ac65d6e565a590d80f04ee9b19c83c87f2c170d972a812848";
    let public = "194141ca6c3c3beb4792cd97ba0ea1faff09d98435012345766ee33aae2d7664";
    let encapsulated = "e5e8f9bfff6c2f29791fc351d2c25ce1299aa5eaca78a757c0b4fb4bcd830918";
    let exports = [
        ("", "7a36221bd56d50fb51ee65edfd98d06a23c4dc87085aa5866cb7087244bd2a36"),
        ("00", "d5535b87099c6c3ce80dc112a2671c6ec8e811a2f284f948cec6dd1708ee33f0"),
        ("54657374436f6e74657874", "ffaabc85a776136ca0c378e5d084c9140ab552b78f039d2e8775f26efff4c70e"),
    ];
    let key = Deserializable::from_bytes(&unhex(private)).unwrap();
    assert_eq!(hex(&X25519HkdfSha256::sk_to_pk(&key).to_bytes()), public);
    assert_eq!(hex(&PrivateKey::new(unhex(private).try_into().unwrap()).unwrap().public()), public);
    let context = hpke::setup_receiver::<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key,
        &Deserializable::from_bytes(&unhex(encapsulated)).unwrap(),
        b"Ode on a Grecian Urn",
    )
    .unwrap();
    for (label, expected) in exports {
        let mut exported = [0; 32];
        context.export(&unhex(label), &mut exported).unwrap();
        assert_eq!(hex(&exported), expected);
    }
}

#[test]
fn xchacha20_poly1305_opens_the_vector_of_its_draft() {
    // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    let text: &[u8] =
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
sunscreen would be it.";
    let key: [u8; 32] = std::array::from_fn(|at| 0x80 + u8::try_from(at).unwrap());
    let nonce: [u8; 24] = std::array::from_fn(|at| 0x40 + u8::try_from(at).unwrap());
    let aad = unhex("50515253c0c1c2c3c4c5c6c7");
    let cipher = XChaCha20Poly1305::new(&key.into());
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: text, aad: &aad }).unwrap();
    assert_eq!(hex(&sealed[..16]), "bd6d179d3e83d43b9576579493c0e939");
    assert_eq!(hex(&sealed[text.len()..]), "c0875924c1c7987947deafd8780acf49");
    let opened = cipher.decrypt(&XNonce::from(nonce), Payload { msg: &sealed, aad: &aad });
    assert_eq!(opened.unwrap(), text);
}

#[test]
fn hmac_covers_the_length_prefixed_fields() {
    assert_eq!(prefixed(&[b"ab", b"", b"c"]), b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c");
    let mac = |fields: &[&[u8]]| hmac_sha256(&[1; 32], fields);
    assert_ne!(mac(&[b"ab", b"c"]), mac(&[b"a", b"bc"]));
    assert_ne!(mac(&[b"ab"]), mac(&[b"ab", b""]));
    assert_eq!(
        hex(&mac(&[b"ab", b"", b"c"])),
        "8c6e9bf3bcc433bedc864d067ee610221697ed76c03ae61afc1d8bc7a40b5ee1"
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
