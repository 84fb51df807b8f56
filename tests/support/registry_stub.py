#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A schema registry for tests: the part of Confluent's REST interface that Segue uses, and faults on demand.

usage: registry_stub.py [--port PORT] [--base /apis/ccompat/v7] [--user U:P] [--token T] [--register FOLDER] [--keep]

Prints "listening on PORT" once it serves. Ends when its standard input ends (so it cannot outlive a test
that holds the pipe), unless --keep. --register FOLDER registers schemas/<record>/<n>.avsc files at start under
<record>-value.

Faults, for the next COUNT requests whose path contains MATCH (default: all):
  POST /stub/fault?kind=status&status=500&count=2&match=/schemas/ids
  kind: status (status=..), slow (ms=..), hang (until the client gives up), hold (until /stub/release, then reset),
        garbage, huge (bytes=..), reset, empty
  POST /stub/held         answers when a request is held, 500 when none is within half a minute
  POST /stub/release      for good: what is held later ends at once
  POST /stub/clear        forget faults
  GET  /stub/requests     the paths asked so far, as JSON
"""
import argparse
import base64
import hashlib
import http.server
import json
import pathlib
import socket
import struct
import sys
import threading
import time
import urllib.parse
import uuid


class Registry:
    """Ids by the schema's text (with its references), versions by subject."""

    def __init__(self):
        self.lock = threading.Lock()
        self.schemas = {}   # id -> {"schema", "references", "guid"}
        self.subjects = {}  # subject -> [id of version 1, ..]
        self.faults = []
        self.requests = []
        self.held = threading.Event()
        self.released = threading.Event()

    @staticmethod
    def canonical(schema):
        return json.dumps(json.loads(schema), separators=(',', ':'))

    def find(self, schema, references):
        wanted = (self.canonical(schema), json.dumps(references))
        for number, known in self.schemas.items():
            if (self.canonical(known['schema']), json.dumps(known['references'])) == wanted:
                return number
        return None

    def register(self, subject, schema, references):
        number = self.find(schema, references)
        if number is None:
            number = len(self.schemas) + 1
            digest = hashlib.sha256((schema + json.dumps(references)).encode()).digest()
            self.schemas[number] = {'schema': schema, 'references': references,
                                    'guid': str(uuid.UUID(bytes=digest[:16]))}
        versions = self.subjects.setdefault(subject, [])
        if number not in versions:
            versions.append(number)
        return number

    def version(self, subject, version):
        versions = self.subjects[subject]
        number = versions[version - 1]
        known = self.schemas[number]
        answer = {'subject': subject, 'version': version, 'id': number, 'schema': known['schema']}
        if known['references']:
            answer['references'] = known['references']
        return answer


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def missing(code, what):
    return Refused(404, code, f'{what} not found')


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    registry = None
    options = None

    def log_message(self, *arguments):
        pass

    def send(self, status, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/vnd.schemaregistry.v1+json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get('Content-Length') or 0))

    # --- faults

    def stub(self, url):
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == '/stub/held' and not self.registry.held.wait(30):
            self.send(500, {})
            return
        if url.path == '/stub/release':
            self.registry.released.set()
        with self.registry.lock:
            if url.path == '/stub/fault':
                self.registry.faults.append({**query, 'left': int(query.get('count', 1))})
            elif url.path == '/stub/clear':
                self.registry.faults.clear()
            answer = self.registry.requests if url.path == '/stub/requests' else {}
        self.send(200, answer)

    def fault(self):
        with self.registry.lock:
            for fault in self.registry.faults:
                if fault['left'] > 0 and fault.get('match', '') in self.path:
                    fault['left'] -= 1
                    return fault
        return None

    def play(self, fault):
        """True: the request is answered (or never will be)."""
        kind = fault['kind']
        if kind == 'slow':
            time.sleep(int(fault['ms']) / 1000)
            return False
        if kind == 'hang':
            self.connection.settimeout(60)
            try:
                self.connection.recv(1)
            except OSError:
                pass
        elif kind == 'status':
            status = int(fault['status'])
            self.send(status, {'error_code': status * 100 + 1 if status >= 500 else status, 'message': 'a fault'})
            return True
        elif kind == 'garbage':
            self.send(200, b'<html>not a registry</html>')
            return True
        elif kind == 'huge':
            self.send(200, b'{"schema":"' + b'x' * int(fault.get('bytes', 64 << 20)) + b'"}')
            return True
        elif kind == 'hold':
            self.registry.held.set()
            self.registry.released.wait(60)
        if kind in ('hold', 'reset'):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.close_connection = True
        return True

    # --- the interface

    def allowed(self):
        given = self.headers.get('Authorization', '')
        if self.options.user:
            return given == 'Basic ' + base64.b64encode(self.options.user.encode()).decode()
        return not self.options.token or given == 'Bearer ' + self.options.token

    def read_schema(self, body):
        try:
            wanted = json.loads(body)
            json.loads(wanted['schema'])
            return wanted['schema'], wanted.get('references') or []
        except (ValueError, KeyError, TypeError):
            raise Refused(422, 42201, 'Invalid schema') from None

    def get(self, parts):
        registry = self.registry
        if parts == ['schemas', 'types']:
            return ['AVRO']
        if parts == ['subjects']:
            return sorted(registry.subjects)
        if parts[:2] == ['schemas', 'ids'] and len(parts) == 3:
            if int(parts[2]) not in registry.schemas:
                raise missing(40403, 'Schema')
            known = registry.schemas[int(parts[2])]
        elif parts[:2] == ['schemas', 'guids'] and len(parts) == 3:
            known = next((s for s in registry.schemas.values() if s['guid'] == parts[2].lower()), None)
            if known is None:
                raise missing(40403, 'Schema')
        elif parts[0] == 'subjects' and parts[1] not in registry.subjects:
            raise missing(40401, f"Subject '{parts[1]}'")
        elif parts[0] == 'subjects' and parts[2:] == ['versions']:
            return list(range(1, len(registry.subjects[parts[1]]) + 1))
        elif parts[0] == 'subjects' and parts[2:3] == ['versions'] and len(parts) == 4:
            count = len(registry.subjects[parts[1]])
            version = count if parts[3] == 'latest' else int(parts[3])
            if not 1 <= version <= count:
                raise missing(40402, 'Version')
            return registry.version(parts[1], version)
        else:
            raise Refused(404, 404, 'HTTP 404 Not Found')
        answer = {'schema': known['schema']}
        if known['references']:
            answer['references'] = known['references']
        return answer

    def post(self, parts, body):
        registry = self.registry
        if parts[0] == 'compatibility':
            return {'is_compatible': True}
        if parts[0] != 'subjects' or parts[2:] not in ([], ['versions']):
            raise Refused(404, 404, 'HTTP 404 Not Found')
        schema, references = self.read_schema(body)
        if parts[2:] == ['versions']:
            return {'id': registry.register(parts[1], schema, references)}
        if parts[1] not in registry.subjects:
            raise missing(40401, f"Subject '{parts[1]}'")
        number = registry.find(schema, references)
        if number not in registry.subjects[parts[1]]:
            raise missing(40403, 'Schema')
        return registry.version(parts[1], registry.subjects[parts[1]].index(number) + 1)

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        body = self.body()
        if url.path.startswith('/stub/'):
            self.stub(url)
            return
        fault = self.fault()
        if fault and self.play(fault):
            return
        try:
            if not self.allowed():
                raise Refused(401, 40101, 'Unauthorized')
            if not url.path.startswith(self.options.base + '/'):
                self.send(404, b'<html>no such page</html>')
                return
            parts = [urllib.parse.unquote(p) for p in url.path[len(self.options.base) + 1:].split('/')]
            with self.registry.lock:
                self.registry.requests.append(url.path)
                value = self.get(parts) if self.command == 'GET' else self.post(parts, body)
            self.send(200, value)
        except Refused as refused:
            self.send(refused.status, {'error_code': refused.code, 'message': refused.message})
        except (ValueError, IndexError):
            self.send(400, {'error_code': 400, 'message': 'not a request that the stub knows'})

    do_GET = do_POST = answer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the tests."""


def register_folder(registry, folder):
    for path in sorted(pathlib.Path(folder).glob('*/*.avsc'), key=lambda p: (p.parent.name, int(p.stem))):
        registry.register(path.parent.name + '-value', path.read_text(), [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--base', default='')
    parser.add_argument('--user', default='')
    parser.add_argument('--token', default='')
    parser.add_argument('--register', default='')
    parser.add_argument('--keep', action='store_true')
    Handler.options = parser.parse_args()
    Handler.registry = Registry()
    if Handler.options.register:
        register_folder(Handler.registry, Handler.options.register)
    server = Server(('127.0.0.1', Handler.options.port), Handler)
    print(f'listening on {server.server_address[1]}', flush=True)
    if not Handler.options.keep:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
    else:
        server.serve_forever()


main()
