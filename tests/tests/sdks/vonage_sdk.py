"""Vonage's own libraries, asked about many cases at once: JSON in, JSON out."""

import json
import sys
import warnings

import jwt
from requests.adapters import HTTPAdapter
from vonage_http_client import Auth, HttpClient, HttpClientOptions
from vonage_jwt import verify_signature
from vonage_messages import Messages, Sms
from vonage_sms import SmsMessage

# Secrets of any length are tried.
warnings.simplefilter('ignore')


class Plain(HTTPAdapter):
    """The sandbox speaks no TLS."""

    def send(self, request, **kwargs):
        request.url = request.url.replace('https://', 'http://', 1)
        return super().send(request, **kwargs)


def signature(case):
    auth = Auth(api_key='abcd1234', signature_secret=case['secret'], signature_method=case['method'])
    given = {**case['params'], 'sig': case['sig']}
    return {
        'theirs': auth.sign_params(dict(case['params'])),
        'accepts': auth.check_signature(dict(given)),
        'accepts_altered': auth.check_signature({**given, 'status': 'altered'}),
    }


def token(case):
    return {
        'theirs': jwt.encode(case['claims'], case['secret'], algorithm='HS256'),
        'accepts': verify_signature(case['token'], case['secret']),
        'accepts_altered': verify_signature(case['token'], case['secret'] + 'x'),
    }


def form(case):
    """A request of the SMS API as their model writes it, and whether they take its signature."""
    auth = Auth(api_key='abcd1234', signature_secret=case['secret'], signature_method='sha256')
    ours = dict(case['form'])
    accepts = auth.check_signature(dict(ours))
    for name in ('api_key', 'sig', 'timestamp'):
        ours.pop(name)
    named = {name.replace('-', '_').replace('from', 'from_'): value for name, value in ours.items()}
    theirs = SmsMessage(**named).model_dump(by_alias=True, exclude_none=True)
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in theirs.items()}
    return {'accepts': accepts, 'theirs': texts}


def body(case):
    """A request of the Messages API as their model writes it."""
    ours = dict(case['body'])
    ours['from_'] = ours.pop('from')
    return {'theirs': Sms(**ours).model_dump(by_alias=True, exclude_none=True)}


def send(case):
    """A message of their client's to the sandbox."""
    auth = Auth(api_key=case['api_key'], api_secret=case['api_secret'])
    http = HttpClient(auth, HttpClientOptions(api_host=case['host']))
    http._session.mount('https://', Plain())
    message = Sms(to=case['to'], from_='AcmeInc', text=case['text'], webhook_url=case['webhook_url'], client_ref='a')
    return {'message_uuid': Messages(http).send(message).message_uuid}


KINDS = {'signature': signature, 'token': token, 'form': form, 'body': body, 'send': send}
json.dump([KINDS[case['kind']](case) for case in json.load(sys.stdin)], sys.stdout)
