//! What the sandbox signs with, as SNS would: known to everyone, good for nothing else.
//!
//! Only an account whose `base_url` is the sandbox takes its certificate, which names sns.amazonaws.com for a hundred years. An
//! RSA key is not made at each start, since that takes a debug build a second. Base64 of DER: a key as in PKCS #8, a certificate
//! as in X.509.

pub(crate) const KEY: &str = "\
    MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDn/bSygvuhHCA5q6DmH91Mz88CxKSAw9l1CWAekLF2XoLmypDG\
    qAZUjmkqrpeT4QDW2nuzRbPtti9AV471oSdJlCLWHpb/jVm84svS0oTWozKVNTRtKMfzwQtRYctT3p/atNhRu5heYZex3dqlpgap\
    THO8C1ZNq64LwiuUMRTEfBroOv5RN7hZ20ZrFI5MSIWgkBRqSYNmSdSVC2j/g7RsuYxu+ZkV1lK+zqs3/wav91R5znscws5AnaLq\
    Cwkk7SgzrB0TM84RGXapjDWF9NrJ+JY+t4/0s9GPVBqjn5pVKT2vwc8nfUsHrVgR5DwUhLeThPIabkDMVPz9cA1pF99bAgMBAAEC\
    ggEABWlPSgV9ioKfvjVvXkU3aF+SjX1G9XMo3K64Zye3emWpYDb9miMSOFSBrH6zeqR6QtWIb1di/PQ0DvUPGLitGqDFEHSMAu/Q\
    b43LJ+93X/nt9KAJYu1BslrG5+hdkbPBy8+BgKQp4WdQxNPb3uN/O65UwGBAhgHirSCKDrD3mIuqXoXjLO6pbdTpd5rwPKueGIWa\
    eFQkaowywz08Vd1Psqtu3Z5toZNLszXONoPTwZ16hzSZOMQp19H/q6RmuFXW1OHh0dhcuM0av3sDeWN9mwiO6nK8PxJErx1HngX+\
    +bAKCtyHoxCKanhO486/bNbHdn01qWl6hxGQ6VYlPdzpKQKBgQD83m5Qr0/wpMVbCEusmA+bQ4RJTu7iyi6BiVp/hUcm1r2mtrye\
    LFDU+1+23qIFPb2auFBJnIUnVffhSpKhaYgaMx3IZAHIyCVhRxfxvPkWVSa8eBaCRmSSrY+/q9Pt4Q8N7YnIJOJF7iKnQjP9dnqN\
    Wa7hWArISsQYY/l5QRLfMwKBgQDq3RgjGqgImaX82W5T3JrrlE8Qf3pSDgdx4tBQxLMFugiRfns7/M8C7bvITZE1YtAmZDY66xFS\
    uBms6u8GdrESTWb6DI8NNkswdz4huQwDIi7Z5FylWcFYZ/X4HUE3P80hyswuiELaqbkVo0mvX0Hc2MeOAD4R1/pMF0Stta8fOQKB\
    gBKAR7v5h7TIqXPmoHrJSWMHxpcCgnHvbwWlQgzQeIs77PZUqmo8PdHHbpJXqa0Ofl/immU4YXmmTZObPC05Jm8cTFKMFqFVG38J\
    j5PtSqA6rLHfa24urk8ZCcpxTPk7nTlcptcQ88lACiMIsfsafw72f9gW8/sBlWVfczJO842HAoGAVfcfQpobLyquKuKbE28H9XqP\
    hgZjC22/I9xVS3rz3AC/6iFVkhty2iuSNDrQD65fae38O4yXBqQEIdrMKp1/KqfSLWwzYC6jTtYWk9lboDn+1BpWHt+/eVB0I6Dx\
    oftkZh4Ipm+RqN++s0DVU6+WN/PQ9xT3oyheoUNTDBIYS2ECgYEAoZ69eCcl4oppqyy0fnrANk6/RhnDsrlHeYov1PD86T9Fmwbi\
    YvdYCCWxRxgoINPTNv+5vnIvgNfaQH+mBzutT+wxCf0IGYjrk0+5zA/fXT+eJY/GxDlvc8lbm2ly1zxtiX4yx76J50/lXsjlKIgL\
    R2ZP4IiHKSFHq//DxPjioZI=";

pub(crate) const CERTIFICATE: &str = "\
    MIIC1TCCAb2gAwIBAgIBATANBgkqhkiG9w0BAQsFADAcMRowGAYDVQQDDBFzbnMuYW1hem9uYXdzLmNvbTAgFw0yMDAxMDEwMDAw\
    MDBaGA8yMTIwMDEwMTAwMDAwMFowHDEaMBgGA1UEAwwRc25zLmFtYXpvbmF3cy5jb20wggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAw\
    ggEKAoIBAQDn/bSygvuhHCA5q6DmH91Mz88CxKSAw9l1CWAekLF2XoLmypDGqAZUjmkqrpeT4QDW2nuzRbPtti9AV471oSdJlCLW\
    Hpb/jVm84svS0oTWozKVNTRtKMfzwQtRYctT3p/atNhRu5heYZex3dqlpgapTHO8C1ZNq64LwiuUMRTEfBroOv5RN7hZ20ZrFI5M\
    SIWgkBRqSYNmSdSVC2j/g7RsuYxu+ZkV1lK+zqs3/wav91R5znscws5AnaLqCwkk7SgzrB0TM84RGXapjDWF9NrJ+JY+t4/0s9GP\
    VBqjn5pVKT2vwc8nfUsHrVgR5DwUhLeThPIabkDMVPz9cA1pF99bAgMBAAGjIDAeMBwGA1UdEQQVMBOCEXNucy5hbWF6b25hd3Mu\
    Y29tMA0GCSqGSIb3DQEBCwUAA4IBAQCLFDFGYPBoiuw3sunCIUb3gLNX27hhOkZpI333byOaWPKfDLyigrr8iu3tZiwwZZcWHt0l\
    4B7A3LTtueEpKZo9CWjRUd9eWlKPX6lQDRhkluOQ9cRzUFwHeboFEvGjKuunfMk+YJg1e88rLP69+YTIYMB/bsHIiB86xpLuk3ua\
    PVwkLaVT4K8wrucWnLsH0/sKHLDr+oC25PO5wP6k8yjCFiLccP2aKmJ1sHKj76xZuEmI6dbG+XHxBCinIo+hr4sz+ixSJyqKLRfa\
    ZjsbkkKlX98fkpAQ+NfRerw/rVGgM4N+KEo1ItS8Bo/usfpm04hMT/Awxl8C8/oyna8rITQm";
