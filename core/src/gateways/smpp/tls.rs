//! Which SMSCs are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::gateways::call::install_tls;

/// No certificate to trust anyone by.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or is none.
    #[error("{0} is not a PEM file with certificates")]
    File(String),
    /// The system has none.
    #[error("the system has no trusted certificates")]
    System,
}

/// Trusts the authorities of a PEM file, or those of the system.
pub fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    install_tls();
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let wrong = || TlsError::File(path.display().to_string());
            let certificates = CertificateDer::pem_file_iter(path).map_err(|_| wrong())?;
            for certificate in certificates {
                let certificate = certificate.map_err(|_| wrong())?;
                roots.add(certificate).map_err(|_| wrong())?;
            }
            if roots.is_empty() {
                return Err(wrong());
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(TlsError::System);
            }
        }
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}
