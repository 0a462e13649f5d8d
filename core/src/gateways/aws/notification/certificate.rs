//! The certificate that a topic's posts are signed with. Where it came from vouches for it: AWS's own host, over TLS.

use tiffin_shared::time::SECOND_MS;
use tiffin_shared::time::UnixMs;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use x509_parser::time::ASN1Time;

/// The key of a certificate that is good now and is one of these names'; the first of a chain.
pub(super) fn key(pem: &[u8], names: &[String], now: UnixMs) -> Option<Vec<u8>> {
    let (_, pem) = parse_x509_pem(pem).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let now = ASN1Time::from_timestamp(i64::try_from(now.0 / SECOND_MS).ok()?).ok()?;
    if !certificate.validity().is_valid_at(now) || !is_named(&certificate, names) {
        return None;
    }
    Some(certificate.public_key().subject_public_key.data.to_vec())
}

/// By RFC 9525 the alternative names count, and the common name only where there are none.
fn is_named(certificate: &X509Certificate<'_>, names: &[String]) -> bool {
    let fits = |given: &str| names.iter().any(|name| name == given);
    match certificate.subject_alternative_name() {
        Ok(Some(alternative)) => alternative.value.general_names.iter().any(|name| match name {
            GeneralName::DNSName(name) => fits(name),
            _ => false,
        }),
        Ok(None) => certificate.subject().iter_common_name().any(|name| name.as_str().is_ok_and(fits)),
        Err(_) => false,
    }
}
