"""Signs posts of a topic as AWS describes it, with a key and a certificate of its own.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
"""

import base64
import datetime
import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}
SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    "UnsubscribeConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
}


def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1)
    builder = builder.not_valid_before(datetime.datetime(2026, 1, 1)).not_valid_after(datetime.datetime(2027, 1, 1))
    names = x509.SubjectAlternativeName([x509.DNSName("sns.amazonaws.com")])
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def signed(key, post, version):
    lines = "".join(f"{name}\n{post[name]}\n" for name in SIGNED[post["Type"]] if name in post)
    signature = key.sign(lines.encode(), padding.PKCS1v15(), HASHES[version]())
    return post | {"SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}


given = json.load(sys.stdin)
key, other = (rsa.generate_private_key(65537, 2048) for _ in range(2))
event = {"eventType": "TEXT_DELIVERED", "isFinal": True, "messageId": "m1", "context": {"attempt": given["attempt"]}}
common = {
    "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    "TopicArn": given["topic"],
    "Timestamp": "2026-11-19T10:00:00.000Z",
    "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem",
}
confirmation = {
    "Token": "2336412f37",
    "Message": "You have chosen to subscribe to the topic.\nTo confirm, visit the SubscribeURL: \u00fc.",
    "SubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn="
    + given["topic"] + "&Token=2336412f37",
}
posts = [
    {"Type": "Notification", "Message": json.dumps(event)},
    {"Type": "Notification", "Message": json.dumps(event, indent=2), "Subject": "An event: \u00fc"},
    {"Type": "SubscriptionConfirmation"} | confirmation,
    {"Type": "UnsubscribeConfirmation"} | confirmation,
]
made = [signed(key, common | post, version) for post in posts[:2] for version in HASHES]
made += [signed(key, common | post, "2") for post in posts[2:]]
json.dump({"posts": made, "pem": certificate(key), "other_pem": certificate(other)}, sys.stdout)
