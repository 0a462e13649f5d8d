# Every pinned tool version, in one place. Crate and npm versions live in their lock files.
# WASM_BINDGEN_VERSION must equal wasm-bindgen's version in Cargo.lock: the two speak a versioned schema.
WORKER_BUILD_VERSION=0.8.7
WASM_BINDGEN_VERSION=0.2.129
NEXTEST_VERSION=0.9.143
# The metadata of libphonenumber inside must be that of the crate rlibphonenumber in Cargo.lock: they are compared.
PHONENUMBERS_VERSION=9.0.42
CARGO_FUZZ_VERSION=0.13.2
# With scripts/setup/schemathesis.txt, the versions of all it stands on.
SCHEMATHESIS_VERSION=4.32.5
# With the two packages that it stands on.
AIOSMTPD_VERSION=1.4.6
ATPUBLIC_VERSION=9.0.0
ATTRS_VERSION=26.1.0
# With scripts/setup/smpp.txt, the versions of all it stands on.
SMPP_TWISTED_VERSION=0.8
# With scripts/setup/plivo.txt, twilio.txt and vonage.txt, the versions of all they stand on.
PLIVO_VERSION=4.63.0
TWILIO_VERSION=9.13.0
VONAGE_HTTP_CLIENT_VERSION=1.5.2
# What tenants verify our webhooks with.
STANDARDWEBHOOKS_VERSION=1.1.0
# What reads the traces that we export, and what it stands on.
OPENTELEMETRY_PROTO_VERSION=1.45.2
PROTOBUF_VERSION=7.36.2
# With scripts/setup/aws.txt, the versions of all it stands on.
BOTOCORE_VERSION=1.44.5
