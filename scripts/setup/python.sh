#!/usr/bin/env bash
# Python's tools, each in a folder of its own: phonenumbers, the second opinion on the phone table; schemathesis, which
# makes requests from the API's description; aiosmtpd, a mail server whose answers tests script; smpp.twisted3, of which
# Jasmin is made, for an SMSC; and the libraries of providers, which check what we sign and sign what we check: botocore
# also describes what AWS takes. And opentelemetry-proto, OpenTelemetry's own classes, which read our traces.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# install NAME VERSION PIP-ARGUMENT…: from PyPI, unless this version is there. MODULE is what it is imported as.
install() {
    local name=$1 version=$2 into=$TOOLS/$1-$2
    shift 2
    ready() {
        [ "$("$into/bin/python" -c "from importlib.metadata import version; print(version('$name'))" 2>/dev/null)" = "$version" ] &&
            "$into/bin/python" -c "import ${MODULE:-$name}" 2>/dev/null
    }
    if ! ready; then
        python3 -c 'import ensurepip' 2>/dev/null || apt_install python3 python3-venv
        say "installing $name $version from PyPI"
        rm -rf "$into"
        quietly "python3 -m venv" python3 -m venv "$into"
        quietly "pip install $name" "$into/bin/pip" install --disable-pip-version-check --no-deps "$@"
        ready || die "pip did not install a working $name" "Remove $into and start again."
    fi
    done_ "$name $version (Python)"
}

install phonenumbers "$PHONENUMBERS_VERSION" "phonenumbers==$PHONENUMBERS_VERSION"
install aiosmtpd "$AIOSMTPD_VERSION" "aiosmtpd==$AIOSMTPD_VERSION" "atpublic==$ATPUBLIC_VERSION" "attrs==$ATTRS_VERSION"
install schemathesis "$SCHEMATHESIS_VERSION" --requirement "$ROOT/scripts/setup/schemathesis.txt"
MODULE=smpp.twisted.server install smpp.twisted3 "$SMPP_TWISTED_VERSION" --requirement "$ROOT/scripts/setup/smpp.txt"
install plivo "$PLIVO_VERSION" --requirement "$ROOT/scripts/setup/plivo.txt"
install twilio "$TWILIO_VERSION" --requirement "$ROOT/scripts/setup/twilio.txt"
MODULE=vonage_http_client install vonage-http-client "$VONAGE_HTTP_CLIENT_VERSION" --requirement "$ROOT/scripts/setup/vonage.txt"
install botocore "$BOTOCORE_VERSION" --requirement "$ROOT/scripts/setup/aws.txt"
MODULE=opentelemetry.proto install opentelemetry-proto "$OPENTELEMETRY_PROTO_VERSION" "opentelemetry-proto==$OPENTELEMETRY_PROTO_VERSION" "protobuf==$PROTOBUF_VERSION"
install standardwebhooks "$STANDARDWEBHOOKS_VERSION" "standardwebhooks==$STANDARDWEBHOOKS_VERSION"
