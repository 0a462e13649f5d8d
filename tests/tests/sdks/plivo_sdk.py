"""Plivo's own library, asked about many cases at once: JSON in, JSON out."""

import json
import sys

import plivo
from plivo.rest import client as rest
from plivo.utils.signature_v3 import construct_post_url, get_signature_v3, validate_v3_signature


def signature(case):
    def validate(url, params):
        return validate_v3_signature('POST', url, case['nonce'], case['token'], case['sig'], dict(params))

    signed = construct_post_url(case['url'], dict(case['params'])).decode()
    return {
        'theirs': get_signature_v3(case['token'], signed, case['nonce']).decode(),
        'accepts': validate(case['url'], case['params']),
        'accepts_altered': validate(case['url'], {**case['params'], 'Status': 'altered'})
        or validate(case['url'] + 'x', case['params']),
    }


def client(case):
    return plivo.RestClient(case['auth_id'], 'an auth token')


def body(case):
    """A request as their client writes it."""
    written = []
    asked = client(case)
    asked.request = lambda method, path, data: written.append(data)
    ours = dict(case['body'])
    ours['type_'] = ours.pop('type')
    asked.messages.create(**ours)
    return {'theirs': written[0]}


def send(case):
    """A message of their client's to the sandbox, and the account as it reads it."""
    rest.PLIVO_API_BASE_URI = case['base'] + '/v1/Account'
    asked = client(case)
    sent = asked.messages.create(src='15005550006', dst=case['to'], text=case['text'], url=case['url'])
    return {'message_uuid': sent.message_uuid[0], 'cash_credits': asked.account.get().cash_credits}


KINDS = {'signature': signature, 'body': body, 'send': send}
json.dump([KINDS[case['kind']](case) for case in json.load(sys.stdin)], sys.stdout)
